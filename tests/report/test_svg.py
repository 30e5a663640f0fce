"""Laws of the drawing kit."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

from hypothesis import given
from hypothesis import strategies as st

from medlens.report import svg

VALUES = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(VALUES, min_size=1, max_size=20))
def test_fit_axis_holds_every_value_between_round_ticks(values: list[float]) -> None:
    axis = svg.fit_axis("x", values)
    room = 1e-6 * max(1.0, abs(axis.low), abs(axis.high))
    assert axis.low - room <= min(values)
    assert max(values) <= axis.high + room
    assert 2 <= len(axis.ticks) <= 12
    steps = {
        round(b[0] - a[0], 9) for a, b in zip(axis.ticks, axis.ticks[1:], strict=False)
    }
    mantissa = min(steps) / 10 ** math.floor(math.log10(min(steps)) + 1e-9)
    assert round(mantissa, 6) in (1, 2, 5, 10)


@given(VALUES, VALUES)
def test_positions_stay_inside_the_frame(x: float, y: float) -> None:
    frame = svg.Frame(svg.unit_axis("x"), svg.unit_axis("y"))
    assert frame.left <= frame.across(x) <= frame.right
    assert frame.top <= frame.down(y) <= frame.bottom


def test_corners_of_the_unit_square() -> None:
    frame = svg.Frame(svg.unit_axis("x"), svg.unit_axis("y"), 10, 20, 110, 220)
    assert (frame.across(0), frame.down(0)) == (10, 220)
    assert (frame.across(0.25), frame.down(0.25)) == (35, 170)


def test_a_line_keeps_its_corners_and_drops_the_rest() -> None:
    frame = svg.Frame(svg.unit_axis("x"), svg.unit_axis("y"), 0, 0, 100, 100)
    xs = [0.0] * 500 + [n / 500 for n in range(501)]
    ys = [n / 500 for n in range(500)] + [1.0] * 501
    path = svg.draw_line(frame, xs, ys, series=0)
    assert 'd="M0.0 100.0L0.0 0.0L100.0 0.0"' in path


def test_svg_is_well_formed_and_escapes_titles() -> None:
    frame = svg.Frame(svg.fit_axis("<b>", [0, 3]), svg.unit_axis("a & b"))
    drawing = svg.to_svg(
        [svg.draw_axes(frame)], name="f", title="<script>", description='"', height=9
    )
    root = ElementTree.fromstring(drawing)
    assert root.attrib["role"] == "img"
    assert [child.tag for child in root][:2] == ["title", "desc"]
    assert root[0].text == "<script>"
    named = root.attrib["aria-labelledby"].split()
    assert named == [root[0].attrib["id"], root[1].attrib["id"]]


def test_every_series_differs_by_marker() -> None:
    shapes = {
        svg.draw_marker(0, 0, series=n).split(' d="')[1] for n in range(svg.SERIES)
    }
    assert len(shapes) == svg.SERIES


def test_cut_label_keeps_both_ends() -> None:
    assert svg.cut_label("short", room=10) == "short"
    cut = svg.cut_label("site = University Hospital North", room=20)
    assert len(cut) <= 20
    assert cut.startswith("site =")
    assert cut.endswith("North")
