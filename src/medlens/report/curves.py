"""ROC, precision–recall and reliability, with their doubt."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from medlens.metrics import wilson
from medlens.report import svg
from medlens.report.doubt import GRID, Band, bootstrap_bands, find_scores
from medlens.report.figure import Figure, Legend, Table
from medlens.report.load import RunFolder
from medlens.report.quantity import Quantity, both_text
from medlens.report.subject import Subject, chosen_point, metric, point_name
from medlens.report.values import (
    as_list,
    as_mapping,
    clean_count,
    clean_number,
    clean_numbers,
    clean_text,
)

_POINT_LIMIT = 4000
_SCOPES = {
    "multiclass": "The probability is that of the most probable label.",
    "multilabel": "All labels are pooled.",
}
Line = tuple[list[float], list[float]]


def draw_curves(subject: Subject, run: RunFolder) -> tuple[Figure, ...]:
    """The ROC and the precision–recall figure; none without curves."""
    bands: tuple[Band, Band] | None = None
    shown = _worst_first(subject)
    if len(shown) == 1:
        scores = find_scores(run, shown[0], split=subject.split)
        bands = bootstrap_bands(scores) if scores else None
    figures = (
        _roc(subject, shown, bands[0] if bands else None),
        _precision_recall(subject, shown, bands[1] if bands else None),
    )
    return tuple(figure for figure in figures if figure)


def _worst_first(subject: Subject) -> list[str]:
    """Labels with a curve; of many, those that rank worst are worth a look."""
    curves = as_mapping(subject.leading.get("curves"))
    labels = [label for label in subject.focus if label in curves]
    if len(labels) <= svg.SERIES:
        return labels

    def rank(label: str) -> float:
        value = _label_quantity(subject, label, "auroc").value
        return 2.0 if value is None else value

    return sorted(labels, key=rank)[: svg.SERIES]


def _label_quantity(subject: Subject, label: str, name: str) -> Quantity:
    per_label = as_mapping(subject.leading.get("per_label"))
    found = metric(per_label.get(label), name)
    return subject.quantity(name) if found.value is None and subject.positive else found


def _line(subject: Subject, label: str, kind: str, x: str, y: str) -> Line | None:
    curve = as_mapping(as_mapping(subject.leading.get("curves")).get(label))
    points = as_mapping(curve.get(kind))
    xs, ys = clean_numbers(points.get(x)), clean_numbers(points.get(y))
    if len(xs) != len(ys) or len(xs) < 2:
        return None
    stride = -(-len(xs) // _POINT_LIMIT)
    return [*xs[::stride], xs[-1]], [*ys[::stride], ys[-1]]


def _lines(
    subject: Subject, labels: list[str], kind: str, x: str, y: str
) -> dict[str, Line]:
    found = {label: _line(subject, label, kind, x, y) for label in labels}
    return {label: line for label, line in found.items() if line}


def _roc(subject: Subject, labels: list[str], band: Band | None) -> Figure | None:
    lines = _lines(subject, labels, "roc", "fpr", "tpr")
    if not lines:
        return None
    frame = svg.Frame(svg.unit_axis("1 − specificity"), svg.unit_axis("Sensitivity"))
    parts = [svg.draw_axes(frame)]
    parts.append(svg.draw_rule(frame, (0, 0), (1, 1), kind="chance"))
    parts += _drawn(frame, lines, band)
    point = _operating_point(subject, frame)
    parts += point[0]
    legend = _legend(subject, lines, "auroc", "AUROC")
    legend += (*point[1], _chance("Chance"))
    caption = "Up and to the left is better. " + _band_words(subject, band, lines)
    return Figure(
        "roc",
        "ROC curve" + ("s, one label against the rest" if len(lines) > 1 else ""),
        svg.to_svg(
            parts,
            name="roc",
            title="ROC curve",
            description=_describe(subject, lines, "auroc", "AUROC"),
            height=352,
        ),
        caption,
        legend,
        _curve_table(lines, "1 − specificity", "sensitivity", band),
    )


def _precision_recall(
    subject: Subject, labels: list[str], band: Band | None
) -> Figure | None:
    lines = _lines(subject, labels, "pr", "recall", "precision")
    if not lines:
        return None
    frame = svg.Frame(
        svg.unit_axis("Recall (sensitivity)"), svg.unit_axis("Precision (PPV)")
    )
    parts = [svg.draw_axes(frame)]
    legend = _legend(subject, lines, "average_precision", "average precision")
    caption = "Up and to the right is better. " + _band_words(subject, band, lines)
    share = _prevalence(subject, next(iter(lines)))
    if len(lines) == 1 and share is not None:
        parts.append(svg.draw_rule(frame, (0, share), (1, share), kind="chance"))
        legend += (_chance(f"Chance: the prevalence, {100 * share:.1f}%"),)
    parts += _drawn(frame, lines, band)
    return Figure(
        "pr",
        "Precision–recall curve" + ("s" if len(lines) > 1 else ""),
        svg.to_svg(
            parts,
            name="pr",
            title="Precision–recall curve",
            description=_describe(
                subject, lines, "average_precision", "average precision"
            ),
            height=352,
        ),
        caption,
        legend,
        _curve_table(lines, "recall", "precision", band),
    )


def _prevalence(subject: Subject, label: str) -> float | None:
    per_label = as_mapping(subject.leading.get("per_label"))
    count = clean_count(as_mapping(per_label.get(label)).get("n_cases"))
    total = subject.n_cases
    return count / total if count is not None and total and count <= total else None


def _drawn(frame: svg.Frame, lines: dict[str, Line], band: Band | None) -> list[Markup]:
    parts = []
    if band is not None:
        parts.append(
            svg.draw_band(frame, list(GRID), list(band.low), list(band.high), series=0)
        )
    for series, (xs, ys) in enumerate(lines.values()):
        parts.append(svg.draw_line(frame, xs, ys, series=series))
        if len(lines) > 1:
            # Markers sit at different places so that equal curves stay apart.
            place = len(xs) * (series + 1) // (len(lines) + 1)
            x, y = frame.across(xs[place]), frame.down(ys[place])
            parts.append(svg.draw_marker(x, y, series=series))
    return parts


def _operating_point(
    subject: Subject, frame: svg.Frame
) -> tuple[list[Markup], tuple[Legend, ...]]:
    point = chosen_point(subject)
    found, cleared = metric(point, "sensitivity"), metric(point, "specificity")
    if not subject.positive or found.value is None or cleared.value is None:
        return [], ()
    x, y = frame.across(1 - cleared.value), frame.down(found.value)
    parts = []
    if found.low is not None and found.high is not None:
        ends = frame.down(found.low), frame.down(found.high)
        parts.append(svg.draw_whisker((x, ends[0]), (x, ends[1]), series=1))
    if cleared.low is not None and cleared.high is not None:
        sides = frame.across(1 - cleared.high), frame.across(1 - cleared.low)
        parts.append(svg.draw_whisker((sides[0], y), (sides[1], y), series=1))
    parts.append(svg.draw_marker(x, y, series=1))
    sample = Markup(
        '<svg class="sample" viewBox="0 0 36 14" aria-hidden="true">{}</svg>'
    ).format(svg.draw_marker(18, 7, series=1))
    name = point_name(point)
    return parts, (Legend(sample, f"Operating point “{name}” with 95% intervals"),)


def _legend(
    subject: Subject, lines: dict[str, Line], name: str, word: str
) -> tuple[Legend, ...]:
    return tuple(
        Legend(
            svg.draw_sample(series, marked=len(lines) > 1),
            f"{svg.cut_label(label, room=32)}: {word} "
            f"{both_text(_label_quantity(subject, label, name))}",
        )
        for series, label in enumerate(lines)
    )


def _chance(text: str) -> Legend:
    sample = Markup(
        '<svg class="sample" viewBox="0 0 36 14" aria-hidden="true">'
        '<path class="chance" d="M1 7H35"/></svg>'
    )
    return Legend(sample, text)


def _band_words(subject: Subject, band: Band | None, lines: dict[str, Line]) -> str:
    if band is not None:
        return (
            "The band is the pointwise 95% interval of a bootstrap that draws "
            f"{subject.unit}s."
        )
    hidden = len(subject.focus) - len(lines)
    few = f" {hidden} more labels stand in the table per label." if hidden > 0 else ""
    return "Intervals of the area under each curve stand in the legend." + few


def _describe(subject: Subject, lines: dict[str, Line], name: str, word: str) -> str:
    said = [
        f"{clean_text(label, limit=60)}: {word} "
        f"{both_text(_label_quantity(subject, label, name))}"
        for label in lines
    ]
    return "; ".join(said) + ". The table below the figure gives points of the curve."


def _curve_table(
    lines: dict[str, Line], x: str, y: str, band: Band | None
) -> Table | None:
    grid = np.linspace(0, 1, 11)
    columns = [x, *(f"{y}, {svg.cut_label(label, room=24)}" for label in lines)]
    body = [[f"{value:.1f}" for value in grid]]
    for xs, ys in lines.values():
        order = np.argsort(xs, kind="stable")
        values = np.interp(grid, np.array(xs)[order], np.array(ys)[order])
        body.append([f"{value:.3f}" for value in values])
    if band is not None:
        columns.append("95% band")
        places = (grid * (len(GRID) - 1)).round().astype(int)
        body.append([f"{band.low[i]:.3f} to {band.high[i]:.3f}" for i in places])
    rows = tuple(zip(*body, strict=True))
    return Table(f"Points of the curve: {y} over {x}", tuple(columns), rows)


def draw_reliability(subject: Subject) -> Figure | None:
    """Stated probability against observed share, with the cases per bin."""
    bins = [as_mapping(item) for item in as_list(subject.leading.get("reliability"))]
    rows = []
    for item in bins[:100]:
        stated = clean_number(item.get("mean_probability"))
        observed = clean_number(item.get("observed"))
        count = clean_count(item.get("n"))
        if stated is not None and observed is not None and 0 <= observed <= 1 and count:
            rows.append((stated, observed, count, *wilson(observed * count, count)))
    if not rows:
        return None
    frame = svg.Frame(
        svg.unit_axis("Stated probability"),
        svg.unit_axis("Observed share"),
        bottom=250.0,
    )
    parts = [svg.draw_axes(frame)]
    parts.append(svg.draw_rule(frame, (0, 0), (1, 1), kind="chance"))
    most = max(row[2] for row in rows)
    for stated, observed, count, low, high in rows:
        x = frame.across(stated)
        ends = (x, frame.down(low)), (x, frame.down(high))
        parts.append(svg.draw_whisker(*ends, series=0))
        parts.append(svg.draw_marker(x, frame.down(observed), series=0))
        tall = 44.0 * count / most
        parts.append(svg.draw_box(x - 5, 344 - tall, 10, tall))
    stated_all, observed_all = [row[0] for row in rows], [row[1] for row in rows]
    parts.append(svg.draw_line(frame, stated_all, observed_all, series=0))
    parts.append(svg.draw_text(frame.left - 6, 344, "0", anchor="end"))
    parts.append(svg.draw_text(frame.left - 6, 308, f"{most:,}", anchor="end"))
    parts.append(
        svg.draw_text(197, 360, "Cases in each bin", anchor="middle", kind="at")
    )
    error = both_text(subject.quantity("ece"))
    scope = _SCOPES.get(subject.kind, "")
    return Figure(
        "reliability",
        "Do the probabilities hold?",
        svg.to_svg(
            parts,
            name="reliability",
            title="Reliability diagram",
            description=f"Calibration error {error}. Points on the diagonal mean that "
            "a stated 70 % comes true 7 times of 10. The table below gives each bin.",
            height=366,
        ),
        "On the diagonal, a stated 70% comes true 7 times of 10; below it the model "
        "is too sure, above it too shy. Whiskers: 95% Wilson intervals, each case "
        f"counted as independent. {scope}".rstrip(),
        (
            Legend(svg.draw_sample(0), f"Model: calibration error {error}"),
            _chance("Perfect calibration"),
        ),
        Table(
            "Bins of the reliability diagram",
            ("Stated, mean", "Observed", "95% interval", "Cases"),
            tuple(
                (f"{s:.3f}", f"{o:.3f}", f"{low:.3f} to {high:.3f}", f"{n:,}")
                for s, o, n, low, high in rows
            ),
        ),
    )
