"""Tables of what was measured: metrics, confusion, labels, points, subgroups."""

from __future__ import annotations

from dataclasses import dataclass

from medlens.report.charts import draw_forest
from medlens.report.figure import Figure, Row, Table
from medlens.report.quantity import (
    Quantity,
    interval_text,
    measure_of,
    stacked_text,
    value_text,
)
from medlens.report.subject import Subject, known_metrics, metric
from medlens.report.values import (
    as_list,
    as_mapping,
    clean_count,
    clean_number,
    clean_text,
)

MATRIX_LIMIT = 20
"""Labels up to which a confusion matrix is shown."""
ROWS = 60
_HEAT_STEPS = 10
_LABEL_METRICS = ("auroc", "average_precision", "sensitivity", "specificity", "ppv")
_GROUP_METRICS = ("auroc", "accuracy", "sensitivity", "specificity")


@dataclass(frozen=True)
class Cell:
    """One cell of the confusion matrix.

    Attributes:
        count: cases.
        share: of its row, as text.
        heat: 0..10, the shade; the text carries the same.
        is_right: on the diagonal.
    """

    count: str
    share: str
    heat: int
    is_right: bool


@dataclass(frozen=True)
class Confusion:
    """The confusion matrix: a row per reference label, a column per answer."""

    labels: Row
    rows: tuple[tuple[str, tuple[Cell, ...], str], ...]


def metric_table(subject: Subject) -> Table | None:
    """All metrics of the leading split, beside those of the others."""
    names = known_metrics(*subject.splits.values())
    if not names:
        return None
    others = [name for name in subject.splits if name != subject.split][:3]
    heads = ("Metric", "Value", "95% interval", *(f"{o.capitalize()}" for o in others))
    rows = tuple(_metric_row(subject, name, others) for name in names)
    methods = {subject.quantity(name).method for name in names} - {""}
    note = f"Intervals: {'; '.join(sorted(methods))}." if methods else ""
    size = f", {subject.n_cases:,} cases" if subject.n_cases is not None else ""
    title = f"Metrics on {subject.split or 'all'}{size}"
    return Table(
        clean_text(title),
        (*map(clean_text, heads), "What it says"),
        rows,
        words=frozenset({len(heads)}),
        note=note,
    )


def _metric_row(subject: Subject, name: str, others: list[str]) -> Row:
    measure, quantity = measure_of(name), subject.quantity(name)
    beside = (
        value_text(metric(subject.splits[o], name), is_share=measure.is_share)
        for o in others
    )
    meaning = quantity.reason or measure.meaning
    return (
        measure.name,
        value_text(quantity, is_share=measure.is_share),
        interval_text(quantity, is_share=measure.is_share) or "–",
        *beside,
        f"{meaning}; lower is better" if measure.falls else meaning,
    )


def confusion(subject: Subject) -> Confusion | None:
    """The confusion matrix; None when absent, ill-formed or too large to read."""
    rows = [as_list(row) for row in as_list(subject.leading.get("confusion_matrix"))]
    size = len(rows)
    labels = _matrix_labels(subject)
    if not 2 <= size <= MATRIX_LIMIT or size != len(labels):
        return None
    counts = [[clean_count(cell) for cell in row] for row in rows]
    whole = [[cell for cell in row if cell is not None] for row in counts]
    if any(len(row) != size for row in whole):
        return None
    return Confusion(
        labels,
        tuple(
            (labels[index], _cells(row, index), f"{sum(row):,}")
            for index, row in enumerate(whole)
        ),
    )


def _matrix_labels(subject: Subject) -> Row:
    own = as_list(subject.leading.get("labels"))
    return tuple(clean_text(label, limit=40) for label in own or subject.labels)


def _cells(row: list[int], right: int) -> tuple[Cell, ...]:
    total = sum(row)
    shares = [count / total if total else 0.0 for count in row]
    return tuple(
        Cell(
            f"{count:,}",
            f"{100 * share:.1f}%" if total else "–",
            round(_HEAT_STEPS * share),
            index == right,
        )
        for index, (count, share) in enumerate(zip(row, shares, strict=True))
    )


def counts_per_label(subject: Subject) -> Table | None:
    """Right and wrong answers per label of a multi-label task."""
    stacks = as_list(subject.leading.get("confusion_matrix"))
    if subject.kind != "multilabel" or len(stacks) != len(subject.labels):
        return None
    rows = []
    for label, stack in zip(subject.labels[:ROWS], stacks, strict=False):
        flat = [clean_count(cell) for row in as_list(stack) for cell in as_list(row)]
        if len(flat) != 4 or None in flat:
            return None
        cleared, false_alarms, missed, found = flat  # [[TN, FP], [FN, TP]]
        rows.append(
            (
                clean_text(label, limit=60),
                *(f"{n:,}" for n in (found, missed, false_alarms, cleared)),
            )
        )
    return Table(
        "Right and wrong answers per label",
        ("Label", "Found", "Missed", "False alarms", "Rightly cleared"),
        tuple(rows),
    )


def label_table(subject: Subject) -> tuple[Table | None, Figure | None]:
    """Metrics per label with an interval plot; nothing for a binary task."""
    per_label = as_mapping(subject.leading.get("per_label"))
    labels = [label for label in subject.labels if label in per_label][:ROWS]
    if subject.positive or not labels:
        return None, None
    holders = [as_mapping(per_label[label]) for label in labels]
    names = [n for n in _LABEL_METRICS if n in known_metrics(*holders)]
    rows = tuple(
        (
            clean_text(label, limit=60),
            _cases(holder.get("n_cases")),
            *(
                stacked_text(metric(holder, n), is_share=measure_of(n).is_share)
                for n in names
            ),
        )
        for label, holder in zip(labels, holders, strict=True)
    )
    table = Table(
        "Metrics per label, with 95% intervals",
        ("Label", "Cases", *(measure_of(name).name for name in names)),
        rows,
    )
    figure = draw_forest(
        [(lb, metric(h, "auroc")) for lb, h in zip(labels, holders, strict=True)],
        name="labels",
        title="AUROC per label",
        measure="AUROC, one label against the rest",
        caption="Point and 95% interval. Where intervals overlap, a difference "
        "between labels is not shown.",
    )
    return table, figure


def _cases(value: object) -> str:
    count = clean_count(value)
    return "–" if count is None else f"{count:,}"


def point_table(subject: Subject) -> Table | None:
    """Operating points with what they give; the chosen one is marked."""
    points = [as_mapping(p) for p in as_list(subject.leading.get("operating_points"))]
    points = points[:ROWS]
    names = ("sensitivity", "specificity", "ppv", "npv")
    given = [n for n in names if any(metric(p, n).value is not None for p in points)]
    if not points:
        return None
    has_labels = not subject.positive and any(point.get("label") for point in points)
    rows = tuple(_point_row(dict(point), given, has_labels) for point in points)
    marked = frozenset(i for i, p in enumerate(points) if p.get("chosen") is True)
    heads = ("Rule", *(("Label",) if has_labels else ()), "Threshold")
    columns = (*heads, *(measure_of(name).name for name in given), "Prevalence")
    return Table(
        "Operating points",
        columns,
        rows,
        marked=marked,
        note="Thresholds were set on the validation split and held fixed here. PPV and "
        "NPV are for the prevalence of each row; the chosen point is what decisions "
        "use.",
    )


def _point_row(point: dict[str, object], names: list[str], has_labels: bool) -> Row:
    threshold = clean_number(point.get("threshold"))
    prevalence = clean_number(point.get("prevalence"))
    chosen = " (chosen)" if point.get("chosen") is True else ""
    label = (clean_text(point.get("label"), limit=40),) if has_labels else ()
    return (
        (clean_text(point.get("name"), limit=60) or "–") + chosen,
        *label,
        "–" if threshold is None else f"{threshold:.3f}",
        *(
            stacked_text(metric(point, n), is_share=measure_of(n).is_share)
            for n in names
        ),
        "–" if prevalence is None else f"{100 * prevalence:.1f}%",
    )


def subgroup_tables(subject: Subject) -> tuple[Table | None, tuple[Figure, ...]]:
    """The subgroup table and an interval plot for its first metric."""
    groups = [as_mapping(g) for g in as_list(subject.leading.get("subgroups"))][:ROWS]
    names = [n for n in _GROUP_METRICS if n in known_metrics(*groups)]
    if not groups or not names:
        return None, ()
    rows = tuple(
        (
            _group_name(group),
            _cases(group.get("n_cases")),
            _cases(group.get("n_patients")),
            *(
                stacked_text(metric(group, n), is_share=measure_of(n).is_share)
                for n in names
            ),
        )
        for group in groups
    )
    table = Table(
        "Subgroups, with 95% intervals",
        ("Subgroup", "Cases", "Patients", *(measure_of(n).name for n in names)),
        rows,
    )
    lead = names[0]
    measure = measure_of(lead)
    whole: list[tuple[str, Quantity]] = [("All", subject.quantity(lead))]
    figure = draw_forest(
        whole + [(_group_name(group), metric(group, lead)) for group in groups[:24]],
        name="subgroups",
        title=f"{measure.name} per subgroup",
        measure=measure.name,
        caption="Point and 95% interval. A subgroup without a point has too few "
        "cases of one label; the table says so.",
        is_share=measure.is_share,
    )
    return table, (figure,) if figure else ()


def _group_name(group: object) -> str:
    held = as_mapping(group)
    column = clean_text(held.get("column"), limit=40)
    return f"{column} = {clean_text(held.get('value'), limit=40) or '(empty)'}"


def comparison_figure(subject: Subject) -> Figure | None:
    """Network, classical baseline and majority class on one axis."""
    baselines = as_mapping(subject.leading.get("baselines"))
    rows = [
        ("Network", subject.quantity("auroc")),
        ("Classical baseline", metric(baselines.get("classical"), "auroc")),
        ("Majority class", metric(baselines.get("majority"), "auroc")),
    ]
    return draw_forest(
        rows,
        name="comparison",
        title="Was deep learning worth it?",
        measure="AUROC",
        caption="The same cases for all. The paired test, not the overlap of these "
        "intervals, decides whether the difference is more than chance.",
    )


def comparison_table(subject: Subject) -> Table | None:
    """Network, classical baseline and majority class, metric by metric."""
    baselines = as_mapping(subject.leading.get("baselines"))
    holders = {
        "Network": subject.leading,
        "Classical baseline": as_mapping(baselines.get("classical")),
        "Majority class": as_mapping(baselines.get("majority")),
    }
    given = {name: holder for name, holder in holders.items() if holder}
    wanted = ("auroc", "accuracy", "balanced_accuracy", "average_precision", "brier")
    names = [n for n in wanted if n in known_metrics(*given.values())]
    if len(given) < 2 or not names:
        return None
    rows = tuple(
        (
            measure_of(n).name,
            *(
                stacked_text(metric(h, n), is_share=measure_of(n).is_share)
                for h in given.values()
            ),
        )
        for n in names
    )
    return Table("Network against baselines", ("Metric", *given), rows)
