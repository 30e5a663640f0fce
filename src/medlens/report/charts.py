"""Learning curves, interval plots and timing bars."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from medlens.report import svg
from medlens.report.figure import Figure, Legend, Table
from medlens.report.load import Columns
from medlens.report.quantity import Quantity, both_text, interval_text, value_text
from medlens.report.values import clean_number

_EPOCH_LIMIT = 2000


def _series(history: Columns, column: str) -> tuple[list[float], list[float]]:
    """Epochs and values of a column, rows without a value left out."""
    epochs = history.get("epoch") or history.get("step") or []
    xs, ys = [], []
    for epoch, text in zip(epochs, history.get(column, []), strict=False):
        x, y = clean_number(epoch), clean_number(text)
        if x is not None and y is not None:
            xs.append(x)
            ys.append(y)
    stride = max(1, -(-len(xs) // _EPOCH_LIMIT))
    return xs[::stride], ys[::stride]


def draw_learning(history: Columns) -> tuple[Figure, ...]:
    """Loss and validation AUROC or Dice over epochs; none without two epochs."""
    loss = _learning_figure(
        history,
        name="loss",
        title="Loss",
        measure="Loss",
        columns={"train_loss": "Training", "validation_loss": "Validation"},
    )
    auroc = _learning_figure(
        history,
        name="validation-auroc",
        title="AUROC on the validation split",
        measure="AUROC",
        columns={"validation_auroc": "Validation"},
    )
    dice = _learning_figure(
        history,
        name="validation-dice",
        title="Dice on the validation split",
        measure="Dice",
        columns={"validation_dice": "Validation"},
    )
    return tuple(figure for figure in (loss, auroc, dice) if figure)


def _learning_figure(
    history: Columns,
    *,
    name: str,
    title: str,
    measure: str,
    columns: dict[str, str],
) -> Figure | None:
    lines = {word: _series(history, column) for column, word in columns.items()}
    lines = {word: line for word, line in lines.items() if len(line[0]) > 1}
    if not lines:
        return None
    unit = "Epoch" if history.get("epoch") else "Step"
    epochs = [x for xs, _ in lines.values() for x in xs]
    values = [y for _, ys in lines.values() for y in ys]
    frame = svg.Frame(
        svg.fit_axis(unit, epochs), svg.fit_axis(measure, values), bottom=214.0
    )
    parts = [svg.draw_axes(frame)]
    for series, (xs, ys) in enumerate(lines.values()):
        parts.append(svg.draw_line(frame, xs, ys, series=series))
        if len(xs) <= 30:
            parts += [
                svg.draw_marker(frame.across(x), frame.down(y), series=series, radius=3)
                for x, y in zip(xs, ys, strict=True)
            ]
    ends = "; ".join(
        f"{word} from {ys[0]:.3f} to {ys[-1]:.3f}" for word, (_, ys) in lines.items()
    )
    legend = tuple(
        Legend(svg.draw_sample(series), f"{word}: ends at {ys[-1]:.3f}")
        for series, (word, (_, ys)) in enumerate(lines.items())
    )
    return Figure(
        name,
        title,
        svg.to_svg(
            parts,
            name=name,
            title=title,
            description=f"{ends}, over {len(set(epochs))} points.",
            height=252,
        ),
        _learning_caption(name, lines),
        legend,
        _learning_table(unit, title, lines),
    )


def _learning_caption(
    name: str, lines: dict[str, tuple[list[float], list[float]]]
) -> str:
    if "Validation" not in lines:
        return "No validation figures were recorded."
    xs, ys = lines["Validation"]
    best = ys.index(min(ys)) if name == "loss" else ys.index(max(ys))
    word = "Lowest validation loss" if name == "loss" else "Highest"
    return f"{word}: {ys[best]:.3f} at epoch {xs[best]:g}."


def _learning_table(
    unit: str, title: str, lines: dict[str, tuple[list[float], list[float]]]
) -> Table:
    found = {word: dict(zip(xs, ys, strict=True)) for word, (xs, ys) in lines.items()}
    epochs = sorted({x for xs, _ in lines.values() for x in xs})
    stride = max(1, -(-len(epochs) // 20))
    shown = sorted({*epochs[::stride], epochs[-1]})
    rows = tuple(
        (f"{x:g}", *(f"{v[x]:.4f}" if x in v else "–" for v in found.values()))
        for x in shown
    )
    return Table(f"{title} by {unit.lower()}", (unit, *found), rows)


def draw_forest(
    rows: Sequence[tuple[str, Quantity]],
    *,
    name: str,
    title: str,
    measure: str,
    caption: str,
    is_share: bool = False,
) -> Figure | None:
    """One interval per row, so that overlap and gaps are seen at a glance.

    Args:
        rows: label and quantity, top down; those without a value say why in
            the table and take no line in the drawing.
        name: id of the figure.
        title: what is compared.
        measure: title of the axis.
        caption: how to read it.
        is_share: write values as percentages.
    """
    shown = [
        (label, quantity) for label, quantity in rows if quantity.value is not None
    ]
    if len(shown) < 2:
        return None
    values = [v for _, q in shown for v in (q.value, q.low, q.high) if v is not None]
    bottom = 12.0 + 40.0 * len(shown)
    frame = svg.Frame(
        svg.fit_axis(measure, values, count=4),
        svg.Axis("", 0, 1, ()),
        left=20.0,
        right=340.0,
        bottom=bottom,
    )
    parts = [svg.draw_axes(frame)]
    for index, (label, quantity) in enumerate(shown):
        parts += _forest_row(frame, index, label, quantity, is_share=is_share)
    said = "; ".join(f"{k}: {both_text(q, is_share=is_share)}" for k, q in shown[:12])
    return Figure(
        name,
        title,
        svg.to_svg(
            parts, name=name, title=title, description=f"{said}.", height=bottom + 38
        ),
        caption,
        (),
        None,
    )


def _forest_row(
    frame: svg.Frame, index: int, label: str, quantity: Quantity, *, is_share: bool
) -> list[Markup]:
    top = frame.top + 40.0 * index
    middle = top + 28.0
    text = value_text(quantity, is_share=is_share)
    interval = interval_text(quantity, is_share=is_share)
    parts = [
        svg.draw_text(
            frame.left + 3, top + 15, svg.cut_label(label, room=24), kind="row"
        ),
        svg.draw_text(
            frame.right,
            top + 15,
            f"{text} ({interval})" if interval else text,
            anchor="end",
            kind="row value",
        ),
    ]
    if quantity.low is not None and quantity.high is not None:
        ends = frame.across(quantity.low), frame.across(quantity.high)
        parts.append(svg.draw_whisker((ends[0], middle), (ends[1], middle), series=0))
    if quantity.value is not None:
        parts.append(svg.draw_marker(frame.across(quantity.value), middle, series=0))
    return parts


def draw_interval(quantity: Quantity, *, low: float, high: float) -> Markup:
    """A small interval bar for a key figure; the text beside it says the same."""
    axis = svg.Axis("", low, high, ())
    frame = svg.Frame(axis, axis, left=2.0, right=118.0, top=0.0, bottom=14.0)
    middle = (low + high) / 2
    parts = [svg.draw_rule(frame, (low, middle), (high, middle), kind="axis")]
    if quantity.low is not None and quantity.high is not None:
        start, end = frame.across(quantity.low), frame.across(quantity.high)
        parts.append(svg.draw_box(start, 3, max(end - start, 2.0), 8, kind="span"))
    if quantity.value is not None:
        x = frame.across(quantity.value)
        parts.append(svg.draw_box(x - 1.5, 0, 3, 14, kind="spot"))
    parts.append(svg.draw_text(0, 25, f"{low:g}"))
    parts.append(svg.draw_text(120, 25, f"{high:g}", anchor="end"))
    return Markup(
        '<svg class="mini" viewBox="0 0 120 28" aria-hidden="true">{}</svg>'
    ).format(Markup("").join(parts))


def draw_bars(
    rows: Sequence[tuple[str, float, str]], *, name: str, title: str, caption: str
) -> Figure | None:
    """Horizontal bars of label, value of 0 or more, and the value as text."""
    if not rows:
        return None
    most = max(value for _, value, _ in rows) or 1.0
    parts = []
    for index, (label, value, text) in enumerate(rows):
        top = 34.0 * index
        parts.append(
            svg.draw_text(2, top + 14, svg.cut_label(label, room=34), kind="row")
        )
        parts.append(svg.draw_text(358, top + 14, text, anchor="end", kind="row value"))
        parts.append(svg.draw_box(2, top + 19, 356, 7, kind="rail"))
        parts.append(svg.draw_box(2, top + 19, max(356 * value / most, 1.5), 7))
    said = "; ".join(f"{label}: {text}" for label, _, text in rows[:12])
    drawing = svg.to_svg(
        parts,
        name=name,
        title=title,
        description=f"{said}.",
        height=34.0 * len(rows),
    )
    return Figure(name, title, drawing, caption)
