"""Looking at images: stack, keys, letters, proportions, identity, failures."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from tests.serve.running import Running
from tests.web.canvas import PANE, canvas_pixels, open_study, settle
from tests.web.studies import chest, clip, ct_series, send


@pytest.fixture(scope="module")
def series(service: Running) -> int:
    """A CT of 20 slices whose numbers run against their positions."""
    images = ct_series(301, side=128, PatientName="Wang^Li=王^丽")
    for image in images:
        image.InstanceNumber = 100 - int(image.InstanceNumber)
    [study] = send(service.url, images[::-1])
    return study


def place(page: Any) -> int:
    """Number of the image that the slider is at."""
    return int(page.locator(f"{PANE} input[type=range]").input_value())


def said(page: Any) -> str:
    """All that stands on the image."""
    return str(page.locator(f"{PANE} .viewer-overlay").inner_text())


def depth(page: Any) -> float:
    """Position along the normal, mm, as it stands on the image."""
    page.wait_for_timeout(150)
    found = re.search(r"at (-?[\d.]+) mm", said(page))
    assert found
    return float(found[1])


def test_keys_go_through_a_stack_in_the_order_of_positions(
    page: Any, series: int
) -> None:
    assert open_study(page, series) == "shown"
    page.locator(f"{PANE} input[type=range]").wait_for()
    page.keyboard.press("Home")
    depths = [depth(page)]
    for _ in range(2):
        page.keyboard.press("ArrowDown")
        depths.append(depth(page))
    gaps = np.diff(depths)
    assert np.allclose(gaps, gaps[0])
    assert gaps[0] > 0
    page.keyboard.press("PageDown")
    assert place(page) == 13
    page.keyboard.press("End")
    assert place(page) == 20
    page.keyboard.press("ArrowUp")
    page.keyboard.press("PageUp")
    assert place(page) == 9


def test_the_wheel_and_the_slider_go_through_a_stack(page: Any, series: int) -> None:
    open_study(page, series)
    slider = page.locator(f"{PANE} input[type=range]")
    slider.wait_for()
    page.keyboard.press("Home")
    page.locator(f"{PANE} .viewer-image").hover()
    page.mouse.wheel(0, 120)
    page.wait_for_timeout(200)
    assert place(page) == 2
    slider.fill("15")
    page.get_by_text("Image 15 of 20").wait_for()
    assert slider.get_attribute("aria-valuetext") == "Image 15 of 20"


def test_whose_image_it_is_stands_on_it(page: Any, series: int) -> None:
    open_study(page, series)
    words = said(page)
    for wanted in ("Wang, Li", "ID ", "CT", "Image ", " mm", "C ", " W ", "%"):
        assert wanted in words
    for side in ("left", "right", "top", "bottom"):
        assert page.locator(f"{PANE} .viewer-edge-{side}").count() == 1
    canvas = page.locator(f"{PANE} canvas.viewer-canvas")
    assert canvas.get_attribute("role") == "img"
    assert "image" in str(canvas.get_attribute("aria-label"))


def test_letters_follow_flips_and_turns(page: Any, series: int) -> None:
    open_study(page, series)
    page.locator(f"{PANE} input[type=range]").wait_for()

    def letters() -> list[str]:
        settle(page)
        return [
            page.locator(f"{PANE} .viewer-edge-{side}").inner_text()
            for side in ("left", "right", "top", "bottom")
        ]

    left, right, top, bottom = letters()
    before = canvas_pixels(page)
    page.keyboard.press("Shift+H")
    assert letters() == [right, left, top, bottom]
    mirrored = canvas_pixels(page)
    assert np.abs(mirrored[:, ::-1].astype(int) - before).mean() < 3
    page.keyboard.press("Shift+H")
    page.keyboard.press("Shift+R")
    assert letters() == [bottom, top, left, right]


def test_a_drag_moves_the_window(page: Any, series: int) -> None:
    open_study(page, series)
    before = re.findall(r"C -?\d+ W \d+", said(page))
    image = page.locator(f"{PANE} .viewer-image")
    box = image.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 180, box["y"] + 130, steps=4)
    page.mouse.up()
    settle(page)
    after = re.findall(r"C -?\d+ W \d+", said(page))
    assert before != after


def test_tall_pixels_keep_a_circle_round(service: Running, page: Any) -> None:
    [study] = send(service.url, [circle(1.0, 0.5)])
    open_study(page, study)
    settle(page)
    bright = canvas_pixels(page)[..., 0] > 128
    height = np.ptp(np.flatnonzero(bright.any(axis=1))) + 1
    width = np.ptp(np.flatnonzero(bright.any(axis=0))) + 1
    assert width > 100
    assert abs(width / height - 1) < 0.03


def circle(row_mm: float, column_mm: float) -> Dataset:
    """A bright disc of 50 mm radius, round in mm, on pixels that are no squares."""
    image = chest(310, WindowCenter=500, WindowWidth=1000)
    image.PhotometricInterpretation = "MONOCHROME2"
    rows, columns = int(128 / row_mm), int(128 / column_mm)
    y, x = np.mgrid[:rows, :columns]
    y, x = (y + 0.5) * row_mm - 64, (x + 0.5) * column_mm - 64
    disc = np.where(x**2 + y**2 < 50**2, 1000, 0).astype("<u2")
    image.Rows, image.Columns = rows, columns
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
    image.PixelRepresentation = 0
    image.ImagerPixelSpacing = [row_mm, column_mm]
    image.PixelData = disc.tobytes()
    return image


def test_a_radiograph_tells_its_letters_and_where_its_mm_are(
    service: Running, page: Any
) -> None:
    [study] = send(service.url, [chest(311)])  # Patient Orientation L\F
    open_study(page, study)
    assert page.locator(f"{PANE} .viewer-edge-right").inner_text() == "L"
    assert page.locator(f"{PANE} .viewer-edge-left").inner_text() == "R"
    assert page.locator(f"{PANE} .viewer-edge-bottom").inner_text() == "F"
    assert "mm at the detector" in said(page)
    assert page.locator(f"{PANE} .viewer-scale").count() == 1


def test_a_clip_plays_at_the_rate_of_its_file(service: Running, page: Any) -> None:
    [study] = send(service.url, [clip(312, frames=8)])  # Frame Time 40 ms
    open_study(page, study)
    assert "lengths in pixels" in said(page)
    assert page.get_by_label("25 images a second").count() == 1
    page.keyboard.press("Space")
    places = set()
    for _ in range(12):
        page.wait_for_timeout(130)
        places.add(place(page))
    assert len(places) > 3
    page.keyboard.press("Space")
    page.wait_for_timeout(300)
    stopped = place(page)
    page.wait_for_timeout(400)
    assert place(page) == stopped


def test_series_open_by_the_keyboard(service: Running, page: Any) -> None:
    first = ct_series(313, slices=3)
    second = ct_series(313, slices=4)
    for image in second:
        image.SeriesInstanceUID = f"{image.SeriesInstanceUID}.9"
        image.SOPInstanceUID = f"{image.SOPInstanceUID}.9"
        image.SeriesNumber, image.SeriesDescription = 7, "Later one"
    [study] = send(service.url, [*first, *second])
    open_study(page, study)
    thumb = page.get_by_role("button", name="Later one")
    thumb.focus()
    page.keyboard.press("Enter")
    page.locator(".viewer-bottom-left", has_text="Image 1 of 4").wait_for()
    assert thumb.get_attribute("aria-current") == "true"
    page.keyboard.press(",")
    page.locator(".viewer-bottom-left", has_text="Image 1 of 3").wait_for()


def test_the_first_image_comes_with_the_page(page: Any, series: int) -> None:
    """Once, by the links of the page itself, before anything that can wait."""
    open_study(page, series)
    page.locator(f"{PANE} input[type=range]").wait_for()
    found = page.evaluate(
        """() => performance.getEntriesByType("resource")
            .map(each => [new URL(each.name).pathname, each.startTime])
            .sort((a, b) => a[1] - b[1]).map(([path]) => path)"""
    )
    root = f"/api/v1/studies/{series}"
    first = [f"{root}/opening", f"{root}/opening/frame", root, "/api/v1/me"]
    assert [found.count(each) for each in first] == [1, 1, 1, 1]
    late = [at for at, path in enumerate(found) if path.startswith("/dicom-web")]
    report = found.index(f"{root}/report")
    assert max(map(found.index, first)) < min(*late, report)
    assert any(found[at].endswith("/metadata") for at in late)  # the series' list


def test_a_lost_image_says_so_and_can_be_asked_for_again(
    service: Running, visit: Callable[..., Any], heard: Any
) -> None:
    heard.expect("Failed to load resource")
    [study] = send(service.url, [chest(314)])
    page = visit()
    frames = re.compile(r"/frames/1$|/opening/frame")
    page.route(frames, lambda route: route.abort())
    assert open_study(page, study) == "failed"
    page.unroute(frames)
    page.get_by_role("button", name="Try again").click()
    page.locator(f"{PANE}[data-state=shown]").wait_for()


def test_the_viewer_is_accessible(
    page: Any, series: int, check_accessible: Callable[..., None]
) -> None:
    open_study(page, series)
    check_accessible(page)
