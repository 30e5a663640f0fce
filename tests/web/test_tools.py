"""The viewer's tools: windows, measurements by pointer and by keys, two panes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_rescale

from medlens.core import Array
from tests.serve.running import Running
from tests.web.canvas import image_pixels, one_to_one, open_study, settle
from tests.web.measuring import place_of, press, reading, wait_for_place
from tests.web.studies import (
    chest,
    clip,
    ct_series,
    forget_measurements,
    send,
)


@pytest.fixture(scope="module")
def sent(service: Running) -> int:
    [study] = send(service.url, ct_series(801, slices=12))
    return study


@pytest.fixture
def ct(service: Running, sent: int) -> int:
    """A CT of 64 × 64 pixels, 0.5 mm from row to row, 0.25 mm from column to column.

    Nothing is measured on it.
    """
    forget_measurements(service.url, sent)
    return sent


def shown_window(page: Any) -> str:
    return str(page.locator(".viewer-bottom-right").first.inner_text())


def test_a_length_by_keys_follows_the_spacing_of_both_directions(
    page: Any, ct: int
) -> None:
    assert open_study(page, ct) == "shown"
    press(page, "l", "Enter", "Enter", "Shift+ArrowRight", "ArrowRight", "ArrowRight")
    press(page, *["ArrowDown"] * 8, "Enter")
    # 12 columns of 0.25 mm and 8 rows of 0.5 mm: 3 and 4 mm.
    assert reading(page) == "5.0 mm"


def test_what_was_measured_is_there_after_a_reload(page: Any, ct: int) -> None:
    open_study(page, ct)
    press(page, "l", "Enter", "Enter", "Shift+ArrowRight", "Enter")
    assert reading(page) == "2.5 mm"
    page.reload()
    page.locator("[data-pane='0'][data-state=shown]").wait_for()
    assert reading(page) == "2.5 mm"
    page.get_by_role("button", name="Measurements: 1").click()
    item = page.locator(".viewer-list-item")
    assert "2.5 mm" in item.inner_text()
    wait_for_place(page, 0, "of 12")
    press(page, "End")
    page.locator(".viewer-reading").wait_for(state="detached")
    item.click()  # jumps back to its image
    page.locator(".viewer-reading").wait_for()
    assert reading(page) == "2.5 mm"


def test_a_measurement_is_nudged_deleted_and_brought_back(page: Any, ct: int) -> None:
    open_study(page, ct)
    press(page, "q", "Enter", "Enter")
    first = reading(page)
    assert "(32, 32)" in first
    press(page, "ArrowLeft", "ArrowUp", "ArrowUp")
    assert "(31, 30)" in reading(page)
    press(page, "Delete")
    assert reading(page) == ""
    press(page, "Control+z", "Control+z", "Control+z", "Control+z")
    assert reading(page) == first


def test_a_handle_is_moved_by_its_own_arrow_keys(page: Any, ct: int) -> None:
    open_study(page, ct)
    press(page, "l", "Enter", "Enter", "Shift+ArrowRight", "Enter")
    page.get_by_role("button", name=re.compile("Point 2 of")).focus()
    press(page, "Shift+ArrowRight")
    assert reading(page) == "5.0 mm"


def test_an_arrow_goes_where_it_points_on_a_flipped_image(page: Any, ct: int) -> None:
    open_study(page, ct)
    press(page, "Shift+H", "q", "Enter", "ArrowRight", "Enter")
    assert "(31, 32)" in reading(page)


def test_a_drag_measures_what_it_went_over(page: Any, ct: int) -> None:
    open_study(page, ct)
    one_to_one(page, 64, 128)  # rows are twice as far apart as columns
    left, top, scale = place_of(page)
    press(page, "l")
    page.mouse.move(left + 10 * scale, top + 20 * scale)
    page.mouse.down()
    page.mouse.move(left + 34 * scale, top + 20 * scale, steps=4)
    page.mouse.up()
    settle(page)
    assert reading(page) == "6.0 mm"


def test_two_clicks_do_what_a_drag_does(page: Any, ct: int) -> None:
    open_study(page, ct)
    one_to_one(page, 64, 128)
    left, top, scale = place_of(page)
    press(page, "l")
    page.mouse.click(left + 10 * scale, top + 20 * scale)
    page.mouse.move(left + 30 * scale, top + 20 * scale)
    page.mouse.click(left + 34 * scale, top + 20 * scale)
    settle(page)
    assert reading(page) == "6.0 mm"


def rescaled(data: Dataset) -> Array:
    return np.asarray(apply_rescale(data.pixel_array, data), np.float64)


def test_statistics_of_a_region_are_numpys_on_a_real_ct(
    page: Any, service: Running, shared_data: Path
) -> None:
    path = sorted((shared_data / "ct_head_series_dicom").glob("*.dcm"))[13]
    [study] = send(service.url, [path.read_bytes()])
    open_study(page, study)
    press(page, "r", "Enter", "Enter")
    press(page, *["Shift+ArrowRight"] * 6, *["Shift+ArrowDown"] * 4, "Enter")
    press(page, "e", "Enter", "Enter")
    press(page, *["Shift+ArrowLeft"] * 8, *["Shift+ArrowUp"] * 5, "Enter")
    texts = page.locator(".viewer-shape text").all()
    lines = [text.locator("tspan").all_text_contents() for text in texts]
    values = rescaled(pydicom.dcmread(path))
    rows, columns = np.mgrid[:512, :512] + 0.5
    rectangle = (abs(rows - 276) < 20) & (abs(columns - 286) < 30)
    ellipse = ((columns - 216) / 40) ** 2 + ((rows - 231) / 25) ** 2 <= 1
    assert lines == [statistics(values[rectangle], 60 * 40), statistics(
        values[ellipse], 80 * 50 * np.pi / 4
    )]  # fmt: skip


def statistics(values: Array, area_px: float) -> list[str]:
    """Lines as the page writes them; the spacing is 0.4882812 mm."""
    area = area_px * 0.4882812**2
    return [
        f"Mean {values.mean():,.1f} HU",
        f"SD {values.std():,.1f}",
        f"{values.min():,.0f} to {values.max():,.0f}",
        f"n {len(values):,}",
        f"{area:,.1f} mm²",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "10.0 px | not calibrated"),
        ({"ImagerPixelSpacing": [0.2, 0.2]}, "2.0 mm | at the detector"),
        (
            {
                "ImagerPixelSpacing": [0.2, 0.2],
                "PixelSpacing": [0.15, 0.15],
                "PixelSpacingCalibrationType": "FIDUCIAL",
            },
            "1.5 mm | calibrated",
        ),
    ],
    ids=["nothing", "detector", "calibrated"],
)
def test_a_radiograph_says_what_its_lengths_are_worth(
    page: Any, service: Running, changes: dict[str, Any], said: str
) -> None:
    number = 810 + len(changes)
    image = chest(number)
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        if keyword in image:
            delattr(image, keyword)
    for keyword, value in changes.items():
        setattr(image, keyword, value)
    [study] = send(service.url, [image])
    open_study(page, study)
    press(page, "l", "Enter", "ArrowLeft", "Enter", "Shift+ArrowRight", "Enter")
    assert reading(page) == said


def test_ultrasound_is_measured_by_its_region(page: Any, service: Running) -> None:
    image = clip(820, frames=2)
    region = Dataset()
    region.RegionSpatialFormat = 1
    region.RegionDataType = 1
    region.RegionFlags = 0
    region.RegionLocationMinX0 = 0
    region.RegionLocationMinY0 = 0
    region.RegionLocationMaxX1 = image.Columns - 1
    region.RegionLocationMaxY1 = image.Rows - 1
    region.PhysicalUnitsXDirection = 3
    region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = 0.05
    region.PhysicalDeltaY = 0.1
    image.SequenceOfUltrasoundRegions = [region]
    [study] = send(service.url, [image])
    open_study(page, study)
    press(page, "l", "Enter", "Enter", *["ArrowRight"] * 6, *["ArrowDown"] * 4, "Enter")
    # 6 columns of 0.5 mm and 4 rows of 1 mm: 3 and 4 mm.
    assert reading(page) == "5.0 mm"


def test_digits_are_the_windows_of_ct(page: Any, ct: int) -> None:
    open_study(page, ct)
    own = shown_window(page)
    press(page, "2")
    assert "C -600 W 1500" in shown_window(page)
    press(page, "4")
    assert "C 40 W 80" in shown_window(page)
    press(page, "Control+ArrowRight")
    assert "C 40 W 88" in shown_window(page)
    press(page, "0")
    assert shown_window(page) == own


def test_the_window_is_set_by_numbers_alone(page: Any, ct: int) -> None:
    open_study(page, ct)
    page.get_by_role("spinbutton", name="Center").fill("123")
    page.get_by_role("spinbutton", name="Width").fill("456")
    page.keyboard.press("Enter")
    settle(page)
    assert "C 123 W 456" in shown_window(page)


def test_two_numbers_at_once_are_both_taken(page: Any, ct: int) -> None:
    """Both before the page is drawn again; what is typed waits for its end."""
    open_study(page, ct)
    center = page.get_by_role("spinbutton", name="Center")
    center.evaluate(
        """center => {
            const fields = center.closest("fieldset");
            const [, width] = fields.querySelectorAll("[type=number]");
            for (const [field, value] of [[center, "123"], [width, "456"]]) {
                field.value = value;
                field.dispatchEvent(new Event("change", { bubbles: true }));
            }
        }"""
    )
    settle(page)
    assert "C 123 W 456" in shown_window(page)
    center.fill("77")
    page.locator(".viewer-window [type=range]").last.evaluate(
        """slider => {
            slider.value = "300";
            slider.dispatchEvent(new Event("input", { bubbles: true }));
        }"""
    )
    settle(page)
    assert "C 123 W 300" in shown_window(page)
    assert center.input_value() == "77"
    page.keyboard.press("Enter")
    settle(page)
    assert "C 77 W 300" in shown_window(page)


def test_views_turn_the_pixels(page: Any, service: Running) -> None:
    image = chest(830)
    image.PixelData = np.arange(40 * 32, dtype=np.uint16).tobytes()
    image.PhotometricInterpretation = "MONOCHROME2"
    [study] = send(service.url, [image])
    open_study(page, study)
    one_to_one(page, 40, 40)
    plain = image_pixels(page, 40, 32)
    assert plain[0, 0, 0] < plain[-1, -1, 0]
    press(page, "Shift+H")
    assert np.array_equal(image_pixels(page, 40, 32), plain[:, ::-1])
    press(page, "Shift+V")
    assert np.array_equal(image_pixels(page, 40, 32), plain[::-1, ::-1])
    press(page, "Shift+R")
    assert np.array_equal(image_pixels(page, 32, 40), np.rot90(plain[::-1, ::-1], -1))
    press(page, "i")
    turned = 255 - np.rot90(plain[::-1, ::-1], -1)
    assert abs(image_pixels(page, 32, 40).astype(int) - turned).max() <= 1


def test_two_panes_scroll_together_by_position(page: Any, service: Running) -> None:
    images = ct_series(840, slices=12)
    for image in ct_series(840, slices=6):  # the same patient, another series
        x, y, z = (float(each) for each in image.ImagePositionPatient)
        place = round((z - 30) / 2.5)
        image.SeriesInstanceUID = f"{image.SeriesInstanceUID}.7"
        image.SOPInstanceUID = f"{image.SOPInstanceUID}.7"
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.SeriesNumber = 7
        image.ImagePositionPatient = [x, y, 30 + 5.0 * place]
        images.append(image)
    [study] = send(service.url, images)
    open_study(page, study)
    press(page, "Alt+2")
    for pane, listed in ((0, "Image 1 of 12"), (1, "Image 1 of 6")):
        wait_for_place(page, pane, listed)
    page.locator("[data-pane='0']").focus()
    press(page, "Shift+L", "Home", *["ArrowDown"] * 6)
    for pane, said in ((0, "Image 7 of 12 at 45"), (1, "Image 4 of 6 at 45")):
        wait_for_place(page, pane, said)


def test_another_patient_beside_is_said_loudly(
    page: Any, service: Running, ct: int
) -> None:
    [other] = send(service.url, [chest(850)])
    page.goto(f"/studies/{ct}?prior={other}")
    alert = page.locator(".viewer-other-patient")
    alert.wait_for()
    assert "another patient" in alert.inner_text()


def test_with_measurements_the_page_is_accessible(
    page: Any, ct: int, check_accessible: Callable[[Any], None]
) -> None:
    open_study(page, ct)
    press(page, "r", "Enter", "Enter", "Shift+ArrowRight", "Shift+ArrowDown", "Enter")
    page.get_by_role("button", name=re.compile("Measurements:")).click()
    check_accessible(page)


def test_fingers_reach_every_tool(tablet: Any, ct: int) -> None:
    open_study(tablet, ct)
    for button in tablet.locator(".viewer-bar button:visible").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 24, button.get_attribute(
            "aria-label"
        )
    tablet.get_by_role("button", name="Length").tap()
    box = tablet.locator(".viewer-image").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tablet.touchscreen.tap(x - 40, y)
    tablet.touchscreen.tap(x + 40, y)
    settle(tablet)
    assert re.fullmatch(r"\d+\.\d mm", reading(tablet))
