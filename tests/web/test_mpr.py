"""Planes through a volume: values and places of the patient, refused with a reason."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from pydicom.dataset import Dataset

from medlens.core import Array
from tests.serve.running import Running
from tests.web.canvas import open_study
from tests.web.studies import (
    SEEN,
    chest,
    ct_series,
    forget_measurements,
    send,
    wait_for_end,
)

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
def sent(service: Running) -> int:
    [study] = send(service.url, ramp(951))
    return study


@pytest.fixture
def cube(service: Running, sent: int) -> int:
    """The study of that cube; nothing is measured on it."""
    forget_measurements(service.url, sent)
    return sent


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
    page.locator("[data-plane='coronal'] canvas.viewer-canvas").wait_for()
    settle(page)
    settle(page)


def plane_pixels(page: Any, view: str) -> Array:
    url = page.evaluate(
        "view => document.querySelector(`[data-plane=${view}] .viewer-canvas`)"
        ".toDataURL()",
        view,
    )
    data = np.frombuffer(base64.b64decode(url.split(",", 1)[1]), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
    settle(page)


def reading(page: Any, view: str) -> str:
    """All lines of the measurements on a plane."""
    lines = page.locator(f"[data-plane='{view}'] .viewer-reading tspan")
    return " | ".join(lines.all_text_contents())


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


def test_a_length_on_a_plane_is_set_by_keys_in_mm_of_the_patient(
    page: Any, cube: int
) -> None:
    open_planes(page, cube)
    page.locator("[data-plane='coronal']").focus()
    press(page, "l", "Enter", "Enter", *["ArrowRight"] * 6, *["ArrowUp"] * 8, "Enter")
    assert reading(page, "coronal") == "10.0 mm"
    assert reading(page, "axial") == ""
    press(page, "Escape", "ArrowDown")  # let go, then the next plane
    assert reading(page, "coronal") == ""
    press(page, "m")  # and back to it
    assert reading(page, "coronal") == "10.0 mm"
    press(page, "Delete")
    assert reading(page, "coronal") == ""
    press(page, "Control+z")
    assert reading(page, "coronal") == "10.0 mm"


def test_a_region_on_a_plane_measures_its_interpolated_values(
    page: Any, cube: int
) -> None:
    open_planes(page, cube)
    page.locator("[data-plane='axial']").focus()
    press(page, "Home", "r", "Enter", "Enter")
    press(page, "Shift+ArrowRight", *["ArrowDown"] * 4, "Enter")
    # The first plane lies half between slices of 0 and of 20 HU.
    assert reading(page, "axial") == (
        "Mean 10.0 HU | SD 0.0 | 10 to 10 | n 40 | 40.0 mm² | interpolated values"
    )
    page.locator("[data-plane='sagittal']").focus()
    press(page, "e", "Enter", "Enter", "Shift+ArrowRight", "Shift+ArrowDown", "Enter")
    # 10 × 10 mm: the ellipse's pixels lie in 10 rows, from slice to slice 20 HU.
    lines = reading(page, "sagittal").split(" | ")
    rows, columns = np.mgrid[:10, :10] - 4.5
    inside = rows**2 + columns**2 <= 25
    assert lines[3:5] == [f"n {inside.sum()}", f"{np.pi * 25:.1f} mm²"]
    spread = (20 * rows[inside]).std()
    assert lines[1] == f"SD {spread:.1f}"


def test_a_drag_on_a_plane_measures_and_the_wheel_still_scrolls(
    page: Any, cube: int
) -> None:
    open_planes(page, cube)
    page.get_by_role("button", name="Length").click()
    box = page.locator("[data-plane='axial'] .viewer-measures").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 40, y + 20)
    page.mouse.down()
    page.mouse.move(x + 40, y + 20, steps=4)
    page.mouse.up()
    settle(page)
    side = min(box["width"], box["height"])  # the cube of 48 mm fits in it
    measured = float(reading(page, "axial").removesuffix(" mm"))
    assert abs(measured - 80 * SIDE / side) <= 0.06
    page.mouse.wheel(0, 120)
    settle(page)
    assert reading(page, "axial") == ""


def test_the_list_brings_a_reader_back_to_the_plane(page: Any, cube: int) -> None:
    open_planes(page, cube)
    page.locator("[data-plane='sagittal']").focus()
    press(page, "l", "Enter", "Enter", "Shift+ArrowDown", "Enter", "Escape", "Home")
    press(page, "v")
    page.locator("[data-pane='0'][data-state=shown]").wait_for()
    page.get_by_role("button", name="Measurements: 1").click()
    item = page.locator(".viewer-list-item")
    assert re.search(r"10\.0 mm sagittal plane at -?\d+\.\d mm", item.inner_text())
    item.click()
    page.locator("[data-plane='sagittal'] .viewer-reading").wait_for()
    assert reading(page, "sagittal") == "10.0 mm"


LABEL = np.zeros((SIDE, SIDE), np.uint8)
LABEL[10:20, 5:35] = 1


@pytest.fixture
def masked(page: Any, service: Running, cube: int) -> int:
    """The cube with the result of another study, and a mask on its slices 4 to 9."""
    [other] = send(service.url, [chest(957, level=SEEN)])
    assert wait_for_end(service.url, other) == "answered"
    root = f"{service.url}/api/v1/studies"
    answered, plain = (
        httpx.get(f"{root}/{each}", timeout=60).json() for each in (other, cube)
    )
    sops = {place: str(image.SOPInstanceUID) for place, image in enumerate(ramp(951))}
    slices = [
        {"slice": place, "image": {"sop_uid": sops[place], "frame": None}}
        for place in range(4, 10)
    ]
    labels = ["background", "pneumonia"]
    maps = {
        "evidence": [],
        "masks": [{"assessment": 0, "labels": labels, "slices": slices}],
    }
    found = plain | {key: answered[key] for key in ("results", "result_id")}
    for pattern, body, kind in (
        (f"**/api/v1/studies/{cube}", json.dumps(found).encode(), "application/json"),
        ("**/api/v1/results/*/maps", json.dumps(maps).encode(), "application/json"),
        ("**/maps/masks/0/*", bytes(cv2.imencode(".png", LABEL)[1]), "image/png"),
    ):
        page.route(pattern, _answering(body, kind))
    return cube


def _answering(body: bytes, kind: str) -> Callable[[Any], None]:
    return lambda route: route.fulfill(body=body, content_type=kind)


def layer_box(page: Any, view: str) -> tuple[float, float]:
    """Width and height of what is drawn over a plane, in mm."""
    url = page.evaluate(
        "view => document.querySelector(`[data-plane=${view}] .viewer-layers`)"
        ".toDataURL()",
        view,
    )
    data = np.frombuffer(base64.b64decode(url.split(",", 1)[1]), np.uint8)
    opacity = np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED))[..., 3]
    rows, columns = np.nonzero(opacity)
    if rows.size == 0:
        return 0.0, 0.0
    tall = SIDE if view == "axial" else SLICES - 1
    scale = min(opacity.shape[1] / SIDE, opacity.shape[0] / tall)
    return float(np.ptp(columns) + 1) / scale, float(np.ptp(rows) + 1) / scale


def test_masks_are_cut_by_the_planes_and_hidden_by_their_key(
    page: Any, masked: int, check_accessible: Callable[[Any], None]
) -> None:
    open_planes(page, masked)
    page.locator(".viewer-mpr-said .viewer-swatch-mask").wait_for()
    page.locator("[data-plane='axial']").focus()
    press(page, "Home", *["ArrowDown"] * 6)  # the plane at 6.5 mm
    # The crosshair of the two others onto the mask: from (4, 4) of the middle to it.
    press(page, *["Control+ArrowUp"] * 9)
    settle(page)
    # 30 columns and 10 rows of 1 mm on slices 4 to 9, 6 mm with half a gap at each end.
    for view, wide, high in (
        ("axial", 30, 10),
        ("coronal", 30, 6),
        ("sagittal", 10, 6),
    ):
        found = layer_box(page, view)
        assert np.allclose(found, (wide, high), atol=0.7), view
    press(page, "o")
    assert layer_box(page, "axial") == (0, 0)
    assert page.locator("[data-plane='axial'] .viewer-outline-mask").count() == 1
    check_accessible(page)
    press(page, "o", "h")
    settle(page)
    assert layer_box(page, "coronal") == (0, 0)
    assert "Layers are hidden" in page.locator(".viewer-mpr-said").inner_text()
