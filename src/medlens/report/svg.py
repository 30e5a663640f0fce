"""A small drawing kit: axes, lines, bands, whiskers and markers as inline SVG.

Everything is drawn in the units of a 360-wide view box, which is the width of
a small phone, so that letters stay readable there without a second layout.
Colours, dashes and fonts come from classes in `report.css`; a series differs by
colour, dash pattern and marker at once, never by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from medlens.report.values import clean_text

SERIES = 6
"""Series that can be told apart in one figure."""

Ticks = tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Axis:
    """One axis: its title, its ends in data units, and its ticks."""

    title: str
    low: float
    high: float
    ticks: Ticks


@dataclass(frozen=True)
class Frame:
    """Where data lie on the page.

    Attributes:
        x, y: the axes.
        left, top, right, bottom: the plotting area in view-box units; y grows
            downwards as in SVG.
    """

    x: Axis
    y: Axis
    left: float = 48.0
    top: float = 12.0
    right: float = 348.0
    bottom: float = 314.0

    def across(self, value: float) -> float:
        """View-box x of a data value, held inside the frame."""
        span = (self.x.high - self.x.low) or 1.0
        share = (value - self.x.low) / span
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)

    def down(self, value: float) -> float:
        """View-box y of a data value, held inside the frame."""
        span = (self.y.high - self.y.low) or 1.0
        share = (value - self.y.low) / span
        return self.bottom - min(max(share, 0.0), 1.0) * (self.bottom - self.top)


def unit_axis(title: str) -> Axis:
    """An axis of shares from 0 to 1."""
    ticks = tuple((tick / 5, f"{tick / 5:.1f}") for tick in range(6))
    return Axis(title, 0.0, 1.0, ticks)


def fit_axis(title: str, values: Iterable[float], *, count: int = 5) -> Axis:
    """An axis with round ticks around the values.

    Steps are 1, 2 or 5 times a power of ten, as Heckbert proposed ("Nice
    numbers for graph labels", Graphics Gems, 1990).
    """
    seen = [value for value in values if math.isfinite(value)]
    low, high = (min(seen), max(seen)) if seen else (0.0, 1.0)
    if high - low < 1e-12 * max(1.0, abs(high)):
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / max(count - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * unit for unit in (1, 2, 5, 10) if power * unit >= rough)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    ticks = tuple(
        (mark * step, f"{mark * step:,.{digits}f}".replace("-", "−"))
        for mark in range(first, last + 1)
    )
    return Axis(title, first * step, last * step, ticks)


def draw_axes(frame: Frame, *, grid: bool = True) -> Markup:
    """Frame, ticks, grid lines and axis titles."""
    parts = []
    for value, label in frame.x.ticks:
        x = frame.across(value)
        if grid:
            parts.append(_rule("grid", x, frame.top, x, frame.bottom))
        parts.append(draw_text(x, frame.bottom + 15, label, anchor="middle"))
    for value, label in frame.y.ticks:
        y = frame.down(value)
        if grid:
            parts.append(_rule("grid", frame.left, y, frame.right, y))
        parts.append(draw_text(frame.left - 6, y + 4, label, anchor="end"))
    parts.append(_rule("axis", frame.left, frame.bottom, frame.right, frame.bottom))
    parts.append(_rule("axis", frame.left, frame.top, frame.left, frame.bottom))
    if frame.x.title:
        middle, below = (frame.left + frame.right) / 2, frame.bottom + 32
        parts.append(
            draw_text(middle, below, frame.x.title, anchor="middle", kind="at")
        )
    if not frame.y.title:
        return Markup("").join(parts)
    centre = (frame.top + frame.bottom) / 2
    parts.append(
        Markup(
            '<text class="at" text-anchor="middle" '
            'transform="translate(10 {:.1f}) rotate(-90)">{}</text>'
        ).format(centre, frame.y.title)
    )
    return Markup("").join(parts)


def draw_text(
    x: float, y: float, text: str, *, anchor: str = "start", kind: str = "tick"
) -> Markup:
    """One line of text; `kind` is a class of the style sheet."""
    return Markup(
        '<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>'
    ).format(kind, x, y, anchor, text)


def _rule(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup(
        '<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>'
    ).format(kind, x1, y1, x2, y2)


def draw_rule(
    frame: Frame, start: tuple[float, float], end: tuple[float, float], *, kind: str
) -> Markup:
    """A straight reference line between two data points."""
    return _rule(
        kind,
        frame.across(start[0]),
        frame.down(start[1]),
        frame.across(end[0]),
        frame.down(end[1]),
    )


def draw_line(
    frame: Frame, xs: Sequence[float], ys: Sequence[float], *, series: int
) -> Markup:
    """A line through the points; those that would not move it are left out."""
    points = _thin(
        [(frame.across(x), frame.down(y)) for x, y in zip(xs, ys, strict=True)]
    )
    if not points:
        return Markup("")
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return Markup('<path class="line s{}" d="{}"/>').format(series % SERIES, path)


def draw_band(
    frame: Frame,
    xs: Sequence[float],
    lows: Sequence[float],
    highs: Sequence[float],
    *,
    series: int,
) -> Markup:
    """The area between two lines."""
    above = [(frame.across(x), frame.down(y)) for x, y in zip(xs, highs, strict=True)]
    below = [(frame.across(x), frame.down(y)) for x, y in zip(xs, lows, strict=True)]
    outline = _thin(above) + _thin(below)[::-1]
    if not outline:
        return Markup("")
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in outline) + "Z"
    return Markup('<path class="band s{}" d="{}"/>').format(series % SERIES, path)


def draw_whisker(
    start: tuple[float, float], end: tuple[float, float], *, series: int
) -> Markup:
    """An interval with end caps, in view-box units."""
    (x1, y1), (x2, y2) = start, end
    # The caps stand across the whisker, which is level or upright.
    dx, dy = (0.0, 4.0) if y1 == y2 else (4.0, 0.0)
    path = (
        f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"
        f"M{x1 - dx:.1f} {y1 - dy:.1f}L{x1 + dx:.1f} {y1 + dy:.1f}"
        f"M{x2 - dx:.1f} {y2 - dy:.1f}L{x2 + dx:.1f} {y2 + dy:.1f}"
    )
    return Markup('<path class="whisker s{}" d="{}"/>').format(series % SERIES, path)


_MARKERS = (
    "M{w} 0A{r} {r} 0 1 1 {r} 0A{r} {r} 0 1 1 {w} 0Z",  # circle
    "M{w} {w}H{r}V{r}H{w}Z",  # square
    "M0 {w}L{r} {r}H{w}Z",  # triangle
    "M0 {w}L{r} 0L0 {r}L{w} 0Z",  # diamond
    "M{w} {w}L{r} {r}M{w} {r}L{r} {w}",  # cross
    "M0 {w}V{r}M{w} 0H{r}",  # plus
)


def draw_marker(x: float, y: float, *, series: int, radius: float = 4.0) -> Markup:
    """The series' marker at a place in view-box units."""
    kind = series % SERIES
    shape = _MARKERS[kind].format(r=f"{radius:g}", w=f"{-radius:g}")
    return Markup(
        '<path class="marker s{}" transform="translate({:.1f} {:.1f})" d="{}"/>'
    ).format(kind, x, y, shape)


def draw_box(
    x: float, y: float, width: float, height: float, *, kind: str = "bar"
) -> Markup:
    """A filled rectangle in view-box units."""
    return Markup(
        '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'
    ).format(kind, x, y, max(width, 0.0), max(height, 0.0))


def draw_sample(series: int, *, marked: bool = True) -> Markup:
    """A piece of line, with its marker where the drawing has one, for a legend."""
    line = Markup('<path class="line s{}" d="M1 7H35"/>').format(series % SERIES)
    marker = draw_marker(18, 7, series=series) if marked else Markup("")
    return Markup(
        '<svg class="sample" viewBox="0 0 36 14" aria-hidden="true">{}{}</svg>'
    ).format(line, marker)


def to_svg(
    parts: Iterable[Markup],
    *,
    name: str,
    title: str,
    description: str,
    height: float,
    width: float = 360.0,
) -> Markup:
    """The drawing with a name and a description for those who cannot see it."""
    return Markup(
        '<svg viewBox="0 0 {:g} {:g}" role="img" '
        'aria-labelledby="{}-t {}-d"><title id="{}-t">{}</title>'
        '<desc id="{}-d">{}</desc>{}</svg>'
    ).format(
        width,
        height,
        *(name, name, name, title, name, description),
        Markup("").join(parts),
    )


def cut_label(text: str, *, room: int) -> str:
    """A label cut in its middle, so that both telling ends stay."""
    text = clean_text(text)
    if len(text) <= room:
        return text
    tail = room // 3
    return f"{text[: room - tail - 1]}…{text[-tail:]}"


def _thin(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points without those within 0.2 units of the line of their neighbours.

    Douglas and Peucker's rule, done with a stack: a ROC curve of 30,000 cases
    comes down to a few hundred points and looks the same.
    """
    if len(points) < 3:
        return points
    kept = {0, len(points) - 1}
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        (x1, y1), (x2, y2) = points[first], points[last]
        length = math.hypot(x2 - x1, y2 - y1)
        worst, place = 0.2, -1
        for index in range(first + 1, last):
            x, y = points[index]
            if length > 0:
                away = abs((x2 - x1) * (y1 - y) - (x1 - x) * (y2 - y1)) / length
            else:
                away = math.hypot(x - x1, y - y1)
            if away > worst:
                worst, place = away, index
        if place >= 0:
            kept.add(place)
            spans += [(first, place), (place, last)]
    return [points[index] for index in sorted(kept)]
