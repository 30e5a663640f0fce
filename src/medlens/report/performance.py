"""Tables of what was measured: metrics, confusion, labels, points, subgroups."""

from __future__ import annotations

import re
from dataclasses import dataclass

from medlens.report.charts import draw_forest
from medlens.report.figure import Figure, Row, Table
from medlens.report.quantity import (
    Quantity,
    meaning_of,
    measure_of,
    name_in_prose,
    stacked_text,
    to_quantity,
    value_text,
)
from medlens.report.subject import (
    Subject,
    chosen_point,
    known_metrics,
    mean_words,
    metric,
    point_name,
)
from medlens.report.values import (
    Json,
    as_list,
    as_mapping,
    clean_count,
    clean_number,
    clean_text,
    count_of,
    join_words,
)

MATRIX_LIMIT = 20
"""Labels up to which a confusion matrix is shown."""
ROWS = 60
_HEAT_STEPS = 10
_COUNTS = re.compile(r", \d+ (?!resamples)[^,;]*")
"""Numbers in the words of a method: ", 300 cases with the label, 37 patients"."""
_LABEL_METRICS = ("auroc", "average_precision", "sensitivity", "specificity", "ppv")
_GROUP_METRICS = ("dice", "auroc", "accuracy", "sensitivity", "specificity")


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
    heads = ("Metric", "Value", *(clean_text(name, limit=30) for name in others))
    rows = tuple(_metric_row(subject, name, others) for name in names)
    note = f"{mean_words(subject.kind)} {_method_words(subject, names)}".strip()
    size = f" ({size_words(subject.n_cases, subject.noun)})" if subject.n_cases else ""
    where = "all cases" if subject.split == "all" else f"the {subject.split} split"
    title = clean_text(f"Metrics on {where}{size}, with 95% intervals")
    return Table(title, tuple(head.capitalize() for head in heads), rows, note=note)


def size_words(count: int, noun: str) -> str:
    """ "612 cases", "1 slice", "16 series"."""
    return count_of(count, noun if noun == "series" else noun.removesuffix("s"), noun)


def _method_words(subject: Subject, names: tuple[str, ...]) -> str:
    """Each way to an interval once, with the metrics that it is used for."""
    found: dict[str, list[str]] = {}
    for name in names:
        # Counts stand in the tables; they would make every method look unlike.
        words = _COUNTS.sub("", subject.quantity(name).method).replace(";", ",")
        if words:
            found.setdefault(words, []).append(name_in_prose(measure_of(name)))
    if not found:
        return ""
    said = "; ".join(f"{words} ({join_words(of)})" for words, of in found.items())
    unit = subject.unit
    if unit != "patient":
        said = re.sub(r"\bpatients?\b", unit, said)
    return f"95% intervals by: {said}."


def _metric_row(subject: Subject, name: str, others: list[str]) -> Row:
    measure, quantity = measure_of(name), subject.quantity(name)
    beside = (
        value_text(metric(subject.splits[o], name), is_share=measure.is_share)
        for o in others
    )
    meaning = quantity.reason or meaning_of(name)
    value = (
        "–" if quantity.reason else stacked_text(quantity, is_share=measure.is_share)
    )
    return (f"{measure.name}\n{meaning}", value, *beside)


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
    if subject.kind != "multilabel":
        return None
    per_label = as_mapping(subject.leading.get("per_label"))
    rows = []
    for label in subject.labels[:ROWS]:
        stack = as_list(as_mapping(per_label.get(label)).get("confusion_matrix"))
        flat = [clean_count(cell) for row in stack for cell in as_list(row)]
        counts = [count for count in flat if count is not None]
        if len(counts) == len(flat) == 4:
            cleared, false_alarms, missed, found = counts  # [[TN, FP], [FN, TP]]
            ordered = (found, missed, false_alarms, cleared)
            rows.append((clean_text(label, limit=60), *(f"{n:,}" for n in ordered)))
    if not rows:
        return None
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
    chosen = [index for index, p in enumerate(points) if p.get("chosen") is True]
    is_choice = len(chosen) < len(points)
    rows = tuple(
        _point_row(point, given, has_labels, is_choice and index in chosen)
        for index, point in enumerate(points)
    )
    heads = ("Label", "Rule") if has_labels else ("Rule",)
    columns = (*heads, "Threshold", *(measure_of(name).name for name in given))
    return Table(
        "Operating points, with 95% intervals",
        (*columns, "Prevalence"),
        rows,
        marked=frozenset(chosen if is_choice else ()),
        note="Thresholds were set on the validation split and held fixed here. PPV and "
        "NPV are for the prevalence of these cases; decisions use the chosen point.",
    )


def _point_row(point: Json, names: list[str], has_labels: bool, is_marked: bool) -> Row:
    threshold = clean_number(point.get("threshold"))
    prevalence = clean_number(point.get("prevalence"))
    rule = point_name(point) + (" (chosen)" if is_marked else "")
    label = (clean_text(point.get("label"), limit=40),) if has_labels else ()
    return (
        *label,
        rule,
        "–" if threshold is None else f"{threshold:.3f}",
        *(
            stacked_text(metric(point, n), is_share=measure_of(n).is_share)
            for n in names
        ),
        "–" if prevalence is None else f"{100 * prevalence:.1f}%",
    )


def elsewhere_table(subject: Subject) -> Table | None:
    """PPV and NPV of the chosen point where the label is rarer or commoner."""
    if not subject.positive:
        return None
    entries = as_list(chosen_point(subject).get("predictive_values"))[:20]
    rows = []
    for item in entries:
        entry = as_mapping(item)
        prevalence = clean_number(entry.get("prevalence"))
        values = [to_quantity(entry.get(name)) for name in ("ppv", "npv")]
        if prevalence is None or any(value.value is None for value in values):
            continue
        cells = (stacked_text(value, is_share=True) for value in values)
        rows.append((f"{100 * prevalence:.3g}%", *cells))
    if not rows:
        return None
    return Table(
        "What an answer would be worth at other prevalences",
        ("Prevalence", "PPV", "NPV"),
        tuple(rows),
        note="From sensitivity and specificity of the chosen operating point, if they "
        "stay as they are.",
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
    names = [
        name
        for name in known_metrics(*given.values())
        if sum(metric(holder, name).value is not None for holder in given.values()) > 1
    ]
    if not names:
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
    return Table(
        "Network against baselines, with 95% intervals", ("Metric", *given), rows
    )
