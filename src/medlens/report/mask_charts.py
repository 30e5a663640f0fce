"""Drawings where voxels are labelled: Dice of single cases, and sizes."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from medlens.evaluate import MaskTable
from medlens.report import svg
from medlens.report.figure import Figure, Legend, Table
from medlens.report.mask_answer import leading_masks
from medlens.report.mask_quantity import (
    agreement_of,
    size_text,
    size_unit,
    size_word,
)
from medlens.report.quantity import Quantity
from medlens.report.subject import Subject
from medlens.report.values import clean_text, count_of

Floats = NDArray[np.float64]
LABELS = 12
"""Labels with a row in the drawing of Dice."""
SIZED = 3
"""Labels whose sizes are drawn."""
DOTS = 600
"""Dots of one row or drawing; more would be a blot."""
_ROW = 62.0


def draw_dice(subject: Subject, table: MaskTable | None) -> Figure | None:
    """A dot for every case, with quartiles, label by label."""
    part = leading_masks(subject, table)
    rows = [] if part is None else _dice_rows(part)
    if not rows:
        return None
    bottom = 12.0 + _ROW * len(rows)
    low = min(float(values.min()) for _, values in rows)
    frame = svg.Frame(
        svg.fit_axis("Dice of a case", [min(low, 0.8), 1.0], count=4),
        svg.Axis("", 0, 1, ()),
        left=20.0,
        right=340.0,
        bottom=bottom,
    )
    parts = [svg.draw_axes(frame)]
    for index, (label, values) in enumerate(rows):
        parts += _dice_row(frame, index, label, values)
    said = "; ".join(f"{name}: {_quartile_words(v)}" for name, v in rows)
    return Figure(
        "dice",
        "Dice of every case",
        svg.to_svg(
            parts,
            name="dice",
            title="Dice of every case",
            description=f"{said}.",
            height=bottom + 38,
        ),
        "Each dot is a case in which reference or answer has the label. The box holds "
        "the middle half of them, its line is the median; dots are spread in height "
        "only to be told apart.",
        (),
        Table(
            "Dice of single cases by label",
            ("Label", "Cases", "Worst", "Lower quartile", "Median", "Upper quartile"),
            tuple(
                (
                    clean_text(label, limit=60),
                    f"{len(values):,}",
                    *(f"{q:.3f}" for q in np.quantile(values, [0, 0.25, 0.5, 0.75])),
                )
                for label, values in rows
            ),
        ),
    )


def _dice_rows(part: MaskTable) -> list[tuple[str, Floats]]:
    """Label and the Dice of its cases; those with none left out."""
    rows = []
    for index, label in enumerate(part.labels[:LABELS]):
        values = np.asarray(part.dice[:, index], dtype=np.float64)
        values = values[np.isfinite(values)]
        if len(values):
            rows.append((label, values))
    return rows


def _dice_row(frame: svg.Frame, index: int, label: str, values: Floats) -> list[Markup]:
    top = frame.top + _ROW * index
    centre = top + 40.0
    first, middle, third = np.quantile(values, [0.25, 0.5, 0.75])
    left, right = frame.across(float(first)), frame.across(float(third))
    parts = [
        svg.draw_text(
            frame.left + 3, top + 15, svg.cut_label(label, room=24), kind="row"
        ),
        svg.draw_text(
            frame.right,
            top + 15,
            f"median {middle:.2f}",
            anchor="end",
            kind="row value",
        ),
        svg.draw_box(left, centre - 13, max(right - left, 1.5), 26, kind="shade"),
    ]
    for value, shift in zip(*_spread(values), strict=True):
        x = frame.across(float(value))
        parts.append(svg.draw_marker(x, centre + shift, series=0, radius=2.5))
    x = frame.across(float(middle))
    parts.append(svg.draw_box(x - 1.25, centre - 15, 2.5, 30, kind="spot"))
    return parts


def _spread(values: Floats) -> tuple[Floats, Floats]:
    """Values, thinned to DOTS with both ends kept, and their place in height.

    The golden ratio's multiples fill a strip evenly in any order (low discrepancy),
    so that no two neighbours lie on one another and the page is always the same.
    """
    ordered = np.sort(values)
    if len(ordered) > DOTS:
        ordered = ordered[np.linspace(0, len(ordered) - 1, DOTS).round().astype(int)]
    golden = (np.arange(len(ordered)) * 0.6180339887) % 1.0
    return ordered, np.asarray((golden - 0.5) * 20.0)


def _quartile_words(values: Floats) -> str:
    first, middle, third = np.quantile(values, [0.25, 0.5, 0.75])
    return (
        f"{count_of(len(values), 'case')}, median {middle:.2f}, middle half "
        f"{first:.2f} to {third:.2f}, worst {values.min():.2f}"
    )


def draw_sizes(subject: Subject, table: MaskTable | None) -> tuple[Figure, ...]:
    """Answer against reference, and their difference against their mean."""
    part = leading_masks(subject, table)
    if part is None:
        return ()
    figures: list[Figure] = []
    for index, label in enumerate(part.labels[:SIZED]):
        answer, reference = (
            np.asarray(array[:, index], dtype=np.float64)
            for array in (part.volume, part.reference_volume)
        )
        used = np.isfinite(answer) & np.isfinite(reference) & (answer + reference > 0)
        if used.sum() < 3:
            continue
        pair = _thinned(answer[used], reference[used])
        figures.append(_draw_scatter(subject, index, label, *pair))
        figures.append(_draw_difference(subject, index, label, *pair))
    return tuple(figures)


def _thinned(answer: Floats, reference: Floats) -> tuple[Floats, Floats]:
    """At most DOTS pairs, evenly along the reference."""
    if len(answer) <= DOTS:
        return answer, reference
    order = np.argsort(reference, kind="stable")
    kept = order[np.linspace(0, len(order) - 1, DOTS).round().astype(int)]
    return answer[kept], reference[kept]


def _draw_scatter(
    subject: Subject, index: int, label: str, answer: Floats, reference: Floats
) -> Figure:
    unit, word = size_unit(subject), size_word(subject)
    both = [*answer.tolist(), *reference.tolist()]
    frame = _frame(
        svg.fit_axis(f"Reference {word} ({unit})", both),
        svg.fit_axis(f"Answer ({unit})", both),
    )
    start, end = frame.x.low, frame.x.high
    parts = [
        svg.draw_axes(frame),
        svg.draw_rule(frame, (start, start), (end, end), kind="chance"),
        *_dots(frame, reference, answer),
    ]
    name, shown = f"sizes-{index}", clean_text(label, limit=40)
    correlation = agreement_of(subject, label)["correlation"]
    note = f" Correlation {correlation.value:.3f}." if correlation.value else ""
    title = f"{word.capitalize()} of “{shown}”: answer against reference"
    return Figure(
        name,
        title,
        svg.to_svg(
            parts,
            name=name,
            title=title,
            description=f"{count_of(len(answer), 'case')}, reference "
            f"{size_text(float(reference.min()), unit)} to "
            f"{size_text(float(reference.max()), unit)}.{note}",
            height=354,
        ),
        f"Each dot is a case; on the dotted line both agree.{note}",
    )


def _draw_difference(
    subject: Subject, index: int, label: str, answer: Floats, reference: Floats
) -> Figure:
    """The plot of Bland and Altman (1986)."""
    unit, word = size_unit(subject), size_word(subject)
    found = agreement_of(subject, label)
    mean, gap = (answer + reference) / 2, answer - reference
    ends = [q.value for q in found.values() if q is not found["correlation"]]
    seen = [value for value in ends if value is not None]
    frame = _frame(
        svg.fit_axis(f"Mean of both ({unit})", mean.tolist()),
        svg.fit_axis(f"Answer − reference ({unit})", [*gap.tolist(), 0.0, *seen]),
    )
    parts = [svg.draw_axes(frame)]
    for which, series in (("lower", 1), ("bias", 0), ("upper", 1)):
        parts += _level(frame, found[which], series=series)
    parts += _dots(frame, mean, gap)
    name, shown = f"difference-{index}", clean_text(label, limit=40)
    words = _limit_words(found, unit)
    title = f"{word.capitalize()} of “{shown}”: how far single cases are off"
    return Figure(
        name,
        title,
        svg.to_svg(parts, name=name, title=title, description=f"{words}.", height=354),
        "Above 0 the answer is too large. Bands are 95% intervals of the lines.",
        (
            Legend(
                svg.draw_sample(0, marked=False), f"Bias {_of(found, 'bias', unit)}"
            ),
            Legend(
                svg.draw_sample(1, marked=False),
                f"95% limits {_of(found, 'lower', unit)} and "
                f"{_of(found, 'upper', unit)}",
            ),
        ),
    )


def _frame(x: svg.Axis, y: svg.Axis) -> svg.Frame:
    """A frame with room for the words of its ticks: "12,000" is wide."""
    wide, high = (max(len(text) for _, text in axis.ticks) for axis in (x, y))
    return svg.Frame(
        x, y, left=48.0 + 6.5 * max(0, high - 4), right=348.0 - 3.3 * max(0, wide - 3)
    )


def _level(frame: svg.Frame, quantity: Quantity, *, series: int) -> list[Markup]:
    """A level line through the drawing with the band of its interval."""
    if quantity.value is None:
        return []
    xs = [frame.x.low, frame.x.high]
    parts = []
    if quantity.low is not None and quantity.high is not None:
        lows, highs = [quantity.low] * 2, [quantity.high] * 2
        parts.append(svg.draw_band(frame, xs, lows, highs, series=series))
    return [*parts, svg.draw_line(frame, xs, [quantity.value] * 2, series=series)]


def _dots(frame: svg.Frame, xs: Floats, ys: Floats) -> list[Markup]:
    return [
        svg.draw_marker(frame.across(x), frame.down(y), series=0, radius=2.5)
        for x, y in zip(xs.tolist(), ys.tolist(), strict=True)
    ]


def _of(found: dict[str, Quantity], name: str, unit: str) -> str:
    return size_text(found[name].value, unit, sign=True)


def _limit_words(found: dict[str, Quantity], unit: str) -> str:
    return (
        f"Bias {_of(found, 'bias', unit)}, 95% limits of agreement "
        f"{_of(found, 'lower', unit)} to {_of(found, 'upper', unit)}"
    )
