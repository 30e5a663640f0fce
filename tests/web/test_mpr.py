"""Planes through a volume: values and places of the patient, refused with a reason."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from pydicom.dataset import Dataset

from medlens.core import Array
from tests.serve.running import Running
from tests.web.canvas import open_study
from tests.web.studies import chest, ct_series, send

SLICES, SIDE = 24, 48
NO_WEBGL = """
const plain = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
  return kind.includes("webgl") ? null : plain.call(this, kind, ...more);
};
"""


def ramp(number: int, **changes: object) -> list[Dataset]:
    """A cube of 1 mm whose HU are 20 times the slice's number: 0 at the feet."""
    images = ct_series(number, slices=SLICES, side=SIDE)
    for place, image in enumerate(images):
        image.PixelSpacing = [1.0, 1.0]
        image.SliceThickness = 1.0
        image.ImagePositionPatient = [-20.0, -20.0, float(place)]
        level = 20 * place - int(image.RescaleIntercept)
        image.PixelData = np.full((SIDE, SIDE), level, np.uint16).tobytes()
        image.WindowCenter, image.WindowWidth = 240, 480
        for keyword, value in changes.items():
            setattr(image, keyword, value)
    return images


@pytest.fixture(scope="module")
def cube(service: Running) -> int:
    [study] = send(service.url, ramp(951))
    return study


def settle(page: Any) -> None:
    """Wait until the planes are painted: with the frame after the next."""
    page.evaluate(
        "() => new Promise(done => "
        "requestAnimationFrame(() => requestAnimationFrame(() => done())))"
    )


def open_planes(page: Any, study: int) -> None:
    assert open_study(page, study) == "shown"
    settle(page)
    page.get_by_role("button", name="Planes through the volume").click()
    page.locator("[data-plane='coronal'] canvas").wait_for()
    settle(page)
    settle(page)


def plane_pixels(page: Any, view: str) -> Array:
    url = page.evaluate(
        "view => document.querySelector(`[data-plane=${view}] canvas`).toDataURL()",
        view,
    )
    data = np.frombuffer(base64.b64decode(url.split(",", 1)[1]), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))


def said(page: Any) -> str:
    return str(page.locator(".viewer-mpr-value").inner_text())


def test_the_head_is_up_and_grey_grows_towards_it(page: Any, cube: int) -> None:
    open_planes(page, cube)
    for view in ("coronal", "sagittal"):
        pixels = plane_pixels(page, view)
        rows, columns = np.nonzero(pixels)
        line = pixels[rows.min() : rows.max() + 1, int(np.median(columns))].astype(int)
        assert (np.diff(line) <= 0).all(), view  # brightest at the head
        assert line[0] - line[-1] > 200, view
    letters = page.locator("[data-plane='coronal'] .viewer-edge").all_text_contents()
    assert letters == ["R", "L", "H", "F"]


def test_the_probe_gives_the_volume_s_own_values(page: Any, cube: int) -> None:
    open_planes(page, cube)
    page.locator("[data-plane='axial']").focus()
    page.keyboard.press("Home")
    settle(page)
    assert said(page).startswith("10.0 HU at the crosshair")  # half between 0 and 20
    page.keyboard.press("ArrowDown")
    settle(page)
    assert said(page).startswith("30.0 HU at the crosshair")


def test_the_crosshair_moves_the_other_planes(page: Any, cube: int) -> None:
    open_planes(page, cube)
    before = page.locator("[data-plane='axial'] .viewer-plane-name").inner_text()
    page.locator("[data-plane='coronal']").focus()
    page.keyboard.press("Control+ArrowUp")
    settle(page)
    after = page.locator("[data-plane='axial'] .viewer-plane-name").inner_text()
    number = [int(text.split("plane ")[1].split(" ")[0]) for text in (before, after)]
    assert number[1] == number[0] + 1


def test_a_slab_shows_its_brightest_plane(page: Any, cube: int) -> None:
    open_planes(page, cube)
    middle = plane_pixels(page, "axial").max()
    page.get_by_label("Slab").select_option(label="MIP 10 mm")
    settle(page)
    settle(page)
    # Five planes further up, each 20 of the window's 480 HU: about 48 of 255 brighter.
    assert 40 <= int(plane_pixels(page, "axial").max()) - int(middle) <= 56


def test_tilted_and_uneven_slices_are_said(page: Any, service: Running) -> None:
    images = ramp(952)
    for place, image in enumerate(images):
        z = place if place < 20 else place + 3
        image.ImagePositionPatient = [-20.0, -20.0 + 0.5 * place, float(z)]
    [study] = send(service.url, images)
    open_planes(page, study)
    notes = page.locator(".viewer-mpr-note").all_text_contents()
    assert notes[0].startswith("Slices are unevenly apart (1.0 to 4.0 mm)")
    assert notes[1].startswith("Tilted gantry (")


@pytest.mark.parametrize(
    ("images", "reason"),
    [
        ([chest(953)], "a volume needs 10 slices or more, this series has 1"),
        (ct_series(954, slices=9), "a volume needs 10 slices or more"),
    ],
    ids=["radiograph", "nine"],
)
def test_no_volume_is_refused_with_its_reason(
    page: Any, service: Running, images: list[Dataset], reason: str
) -> None:
    [study] = send(service.url, images)
    open_study(page, study)
    settle(page)
    button = page.get_by_role("button", name="MPR. No planes")
    assert reason in button.get_attribute("title")
    page.keyboard.press("v")
    assert page.locator("[data-plane]").count() == 0


def test_slices_of_different_pixels_are_refused(page: Any, service: Running) -> None:
    images = ramp(956)
    images[3].PixelSpacing = [2.0, 2.0]
    [study] = send(service.url, images)
    open_study(page, study)
    said = "MPR. No planes: the slices have different pixel sizes"
    page.get_by_role("button", name=said).wait_for()


def test_planes_need_no_webgl_and_are_accessible(
    page: Any, cube: int, check_accessible: Callable[[Any], None]
) -> None:
    page.add_init_script(NO_WEBGL)
    open_planes(page, cube)
    assert plane_pixels(page, "axial").max() > 0
    check_accessible(page)
    page.keyboard.press("Escape")
    page.locator("[data-pane='0'][data-state=shown]").wait_for()
