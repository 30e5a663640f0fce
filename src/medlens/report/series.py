"""The section on series: their figures, whether order helped, curves over slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from markupsafe import Markup

from medlens.report import svg
from medlens.report.charts import draw_forest
from medlens.report.figure import Figure, Legend, Table
from medlens.report.performance import Confusion, confusion, metric_table
from medlens.report.quantity import (
    chance_text,
    interval_text,
    measure_of,
    p_text,
    signed_text,
    stacked_text,
    to_quantity,
)
from medlens.report.series_example import SeriesExample
from medlens.report.subject import Subject
from medlens.report.values import (
    Json,
    as_mapping,
    clean_count,
    clean_number,
    clean_text,
    count_of,
    units_of,
)

CURVES = 8
"""Series with a curve on the page; wrong ones come first."""


@dataclass(frozen=True)
class Series:
    """The section; any part may be empty.

    Attributes:
        sentence: over what the figures are.
        metrics, confusion: of whole series.
        verdict: whether reading in order helped, in words.
        readers, comparison: both networks side by side.
        curves: one figure a series.
        has_wrong: whether some of these series were answered wrongly.
        left_out: how many curves are not shown.
    """

    sentence: str = ""
    metrics: Table | None = None
    confusion: Confusion | None = None
    verdict: str = ""
    readers: Table | None = None
    comparison: Figure | None = None
    curves: tuple[Figure, ...] = ()
    has_wrong: bool = False
    left_out: str = ""

    @property
    def is_empty(self) -> bool:
        """True when there is nothing to show."""
        return not (self.metrics or self.verdict or self.curves)


def describe_series(subject: Subject, examples: Sequence[SeriesExample]) -> Series:
    """Everything about series that metrics.json and the examples say."""
    whole = as_mapping(subject.leading.get("series"))
    readers = as_mapping(subject.leading.get("readers"))
    chosen = sorted(examples, key=lambda example: example.is_right)[:CURVES]
    left = len(examples) - len(chosen)
    below = replace(
        subject,
        leading=whole,
        splits={
            name: as_mapping(split.get("series"))
            for name, split in subject.splits.items()
            if as_mapping(split.get("series"))
        },
    )
    metrics = metric_table(below) if whole else None
    return Series(
        sentence=_sentence(whole),
        metrics=metrics and replace(metrics, title=f"Series: {metrics.title}"),
        confusion=confusion(below) if whole else None,
        verdict=clean_text(readers.get("verdict"), limit=400),
        readers=_reader_table(readers, subject.noun),
        comparison=_reader_figure(readers),
        has_wrong=any(not example.is_right for example in chosen),
        curves=tuple(draw_slices(e, number=k) for k, e in enumerate(chosen, 1)),
        left_out=f"{left} more were handed over and left out." if left else "",
    )


def _sentence(whole: Json) -> str:
    cases = clean_count(whole.get("n_cases"))
    if cases is None:
        return ""
    return (
        "The answer for a whole series is drawn from all its slices. These figures "
        f"are over {cases} series of {units_of(whole)}; those under Results are over "
        "slices."
    )


def _reader_table(readers: Json, noun: str) -> Table | None:
    metrics = as_mapping(readers.get("metrics"))
    rows = []
    for name in ("auroc", "average_precision"):
        held = as_mapping(metrics.get(name))
        plain, read = to_quantity(held.get("plain")), to_quantity(held.get("read"))
        if plain.value is not None and read.value is not None:
            cells = (stacked_text(plain), stacked_text(read))
            rows.append((measure_of(name).name, *cells))
    if not rows:
        return None
    raw = as_mapping(readers.get("auroc_difference"))
    gap = to_quantity(raw)
    doubt = ", ".join(
        text
        for text in (interval_text(gap), p_text(clean_number(raw.get("p_value"))))
        if text
    )
    cases = clean_count(readers.get("n_cases")) or 0
    difference = f"Difference of AUROC {signed_text(gap.value)}"
    difference += f" ({doubt}; {gap.method})" if doubt else ""
    return Table(
        "Each slice alone against slices read in order, with 95% intervals",
        ("Figure", "CNN alone", "CNN and reader"),
        tuple(rows),
        note=f"{difference}, on the same {cases:,} {noun} of {units_of(readers)}.",
    )


def _reader_figure(readers: Json) -> Figure | None:
    held = as_mapping(as_mapping(readers.get("metrics")).get("auroc"))
    return draw_forest(
        [
            ("CNN alone", to_quantity(held.get("plain"))),
            ("CNN and reader", to_quantity(held.get("read"))),
        ],
        name="readers",
        title="AUROC without and with the reader",
        measure="AUROC",
        caption="The same cases for both. The paired test, not the overlap of these "
        "intervals, decides whether the difference is more than chance.",
    )


def draw_slices(example: SeriesExample, *, number: int) -> Figure:
    """Probability per slice over its reference, with the attention below."""
    p, plain, attention = (
        np.asarray(values, dtype=np.float64)
        for values in (example.probabilities, example.plain, example.attention)
    )
    reference = np.asarray(example.reference, dtype=np.int64)
    count = max(len(p), len(attention))
    across = svg.fit_axis("Slice", [1.0, float(max(count, 2))])
    across = svg.Axis(
        "Slice", 0.5, count + 0.5, tuple(t for t in across.ticks if 1 <= t[0] <= count)
    )
    parts, legend, bottom = [], [], 12.0
    name = f"series-{number}"
    if len(p):
        bottom = 190.0
        frame = svg.Frame(across, svg.unit_axis("Probability"), bottom=bottom)
        parts += _shade(frame, reference)
        parts.append(
            svg.draw_axes(replace(frame, x=_bare(across, len(attention) == 0)))
        )
        parts += _lines(frame, p, plain)
        legend += _legend(reference, plain)
        if example.threshold is not None and np.isfinite(example.threshold):
            level = float(example.threshold)
            ends = (across.low, level), (across.high, level)
            parts.append(svg.draw_rule(frame, *ends, kind="chance"))
            legend.append(Legend(_dotted(), f"Threshold {level:.2f}"))
    if len(attention):
        top = bottom + (14.0 if len(p) else 0.0)
        bottom = top + 58.0
        parts += _bars(across, attention, top=top, bottom=bottom)
    return Figure(
        name,
        _title(example),
        svg.to_svg(
            parts,
            name=name,
            title=f"Series {number}, “{clean_text(example.label, limit=40)}” by slice",
            description=_description(p, reference, attention),
            height=bottom + 40,
        ),
        _caption(example),
        tuple(legend),
        _table(number, p, reference, plain, attention),
    )


def _bare(axis: svg.Axis, is_last: bool) -> svg.Axis:
    """The axis without words where another drawing stands below."""
    return axis if is_last else svg.Axis("", axis.low, axis.high, ())


def _shade(frame: svg.Frame, reference: np.ndarray) -> list[Markup]:
    """A band over every run of slices whose reference has the label."""
    parts = []
    for start, end in _runs(reference):
        left, right = frame.across(start + 0.5), frame.across(end + 0.5)
        height = frame.bottom - frame.top
        parts.append(svg.draw_box(left, frame.top, right - left, height, kind="shade"))
    return parts


def _runs(reference: np.ndarray) -> list[tuple[int, int]]:
    """[start, end) of every run of 1."""
    padded = np.concatenate([[0], (reference == 1).astype(np.int8), [0]])
    edges = np.flatnonzero(np.diff(padded))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _lines(frame: svg.Frame, p: np.ndarray, plain: np.ndarray) -> list[Markup]:
    parts = []
    for values, series in ((plain, 1), (p, 0)):
        xs = [float(k + 1) for k in range(len(values))]
        if len(xs):
            parts.append(svg.draw_line(frame, xs, values.tolist(), series=series))
        if len(xs) <= 60 and series == 0:
            parts += [
                svg.draw_marker(frame.across(x), frame.down(y), series=0, radius=2.5)
                for x, y in zip(xs, values.tolist(), strict=True)
            ]
    return parts


def _bars(
    across: svg.Axis, attention: np.ndarray, *, top: float, bottom: float
) -> list[Markup]:
    most = float(attention.max()) or 1.0
    frame = svg.Frame(
        across, svg.Axis("Attention", 0.0, most, ()), top=top, bottom=bottom
    )
    step = (frame.right - frame.left) / len(attention)
    parts = [svg.draw_axes(frame, grid=False)]
    for k, weight in enumerate(attention.tolist()):
        height = (bottom - top) * weight / most
        left = frame.left + k * step
        parts.append(
            svg.draw_box(left + 0.1 * step, bottom - height, 0.8 * step, height)
        )
    return parts


def _dotted() -> Markup:
    return Markup(
        '<svg class="sample" viewBox="0 0 36 14" aria-hidden="true">'
        '<path class="chance" d="M1 7H35"/></svg>'
    )


def _legend(reference: np.ndarray, plain: np.ndarray) -> list[Legend]:
    entries = [Legend(svg.draw_sample(0), "CNN and reader")]
    if len(plain):
        entries.append(Legend(svg.draw_sample(1, marked=False), "CNN alone"))
    if (reference == 1).any():
        box = svg.draw_box(1, 1, 34, 12, kind="shade")
        sample = Markup(
            '<svg class="sample" viewBox="0 0 36 14" aria-hidden="true">{}</svg>'
        ).format(box)
        entries.append(Legend(sample, "Slices with the label in the reference"))
    return entries


def _title(example: SeriesExample) -> str:
    word = "Right" if example.is_right else "Wrong"
    label = clean_text(example.label, limit=40)
    return f"{word}: {chance_text(float(example.probability))} for “{label}”"


def _caption(example: SeriesExample) -> str:
    reference = clean_text(example.series_reference, limit=80) or "none"
    note = clean_text(example.note)
    said = f"Series {clean_text(example.case, limit=120)}, reference: {reference}."
    return f"{said} {note}." if note else said


def _description(p: np.ndarray, reference: np.ndarray, attention: np.ndarray) -> str:
    said = [count_of(max(len(p), len(attention)), "slice")]
    if len(p):
        said.append(f"highest probability {p.max():.2f} at slice {int(p.argmax()) + 1}")
    if runs := _runs(reference):
        where = ", ".join(f"{a + 1} to {b}" for a, b in runs[:8])
        said.append(f"label in slices {where}")
    if len(attention):
        said.append(f"most attention at slice {int(attention.argmax()) + 1}")
    return "; ".join(said) + "."


def _table(
    number: int,
    p: np.ndarray,
    reference: np.ndarray,
    plain: np.ndarray,
    attention: np.ndarray,
) -> Table:
    heads = ["Slice"]
    columns: list[list[str]] = []
    for head, values in (
        ("CNN and reader", [f"{v:.3f}" for v in p]),
        ("CNN alone", [f"{v:.3f}" for v in plain]),
        (
            "Reference",
            [{1: "present", 0: "absent"}.get(int(r), "–") for r in reference],
        ),
        ("Attention", [f"{v:.3f}" for v in attention]),
    ):
        if values:
            heads.append(head)
            columns.append(values)
    rows = list(zip(*columns, strict=True))
    stride = max(1, -(-len(rows) // 60))
    shown = [(str(k + 1), *rows[k]) for k in range(0, len(rows), stride)]
    return Table(f"Series {number}, slice by slice", tuple(heads), tuple(shown))
