"""Overlay planes of a file (PS3.3 C.9.2) are drawn where pydicom says that they lie."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest
from benchmarks.pixels import send as send_file
from pydicom.dataset import Dataset

from medlens.core import Array
from tests.serve.running import Running
from tests.web.canvas import PANE, image_pixels, one_to_one, open_study, with_own_uids
from tests.web.studies import chest, clip, send

GRAPHICS, REGION = (0xFF, 0xE1, 0x4D), (0x5F, 0xE3, 0xC0)
PLANES = f"{PANE} canvas.viewer-planes"


def drawn(page: Any, rows: int, columns: int, colour: tuple[int, int, int]) -> Array:
    """(rows, columns) bool: where the planes have a colour, at one to one."""
    page.locator(PLANES).wait_for()
    page.wait_for_timeout(400)
    url = page.evaluate("at => document.querySelector(at).toDataURL()", PLANES)
    data = np.frombuffer(base64.b64decode(url.split(",", 1)[1]), np.uint8)
    whole = np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED))
    top = int(np.floor(whole.shape[0] / 2 - rows / 2 + 0.5))
    left = int(np.floor(whole.shape[1] / 2 - columns / 2 + 0.5))
    part = whole[top : top + rows, left : left + columns].astype(int)
    is_near = np.abs(part[..., 2::-1] - np.array(colour)).max(axis=-1) < 8
    return np.asarray(is_near & (part[..., 3] > 250))


def put_plane(image: Dataset, group: int, bits: Array, **more: Any) -> None:
    """Put a plane of bits, (rows, columns) or (frames, rows, columns), on an image.

    Args:
        image: that is changed.
        group: 0x6000, 0x6002, ….
        bits: 0 or 1.
        more: origin=(row, column), kind, frame_origin, label.
    """
    frames = bits.shape[0] if bits.ndim == 3 else None
    rows, columns = bits.shape[-2:]
    packed = np.packbits(bits.reshape(-1), bitorder="little").tobytes()
    image.add_new((group, 0x0010), "US", rows)
    image.add_new((group, 0x0011), "US", columns)
    if frames:
        image.add_new((group, 0x0015), "IS", frames)
    image.add_new((group, 0x0022), "LO", more.get("label", "A mark"))
    image.add_new((group, 0x0040), "CS", more.get("kind", "G"))
    image.add_new((group, 0x0050), "SS", list(more.get("origin", (1, 1))))
    if "frame_origin" in more:
        image.add_new((group, 0x0051), "US", more["frame_origin"])
    image.add_new((group, 0x0100), "US", 1)
    image.add_new((group, 0x0102), "US", 0)
    image.add_new((group, 0x3000), "OW", packed + b"\0" * (len(packed) % 2))


def marks(shape: tuple[int, ...], seed: int) -> Array:
    """A pattern that no shift or mirror leaves as it is."""
    return (np.random.default_rng(seed).random(shape) < 0.3).astype(np.uint8)


def test_the_real_file_has_the_planes_of_pydicom(
    service: Running, page: Any, shared_data: Path
) -> None:
    path = shared_data / "dicom_variety" / "MR-SIEMENS-DICOM-WithOverlays.dcm"
    data = with_own_uids(path.read_bytes(), 77)
    expected = pydicom.dcmread(io.BytesIO(data)).overlay_array(0x6000)
    assert expected.sum() > 100
    assert open_study(page, send_file(service.url, data)) == "shown"
    rows, columns = expected.shape
    one_to_one(page, rows, columns)
    assert np.array_equal(drawn(page, rows, columns, GRAPHICS), expected > 0)
    said = page.locator(f"{PANE} .viewer-bottom-right").inner_text()
    assert "Graphics of the file: Siemens MedCom Object Graphics" in said


def test_planes_lie_where_their_origin_says(service: Running, page: Any) -> None:
    image = chest(401)
    size = int(image.Rows), int(image.Columns)
    first, second = marks((12, 20), 1), marks((12, 9), 2)
    put_plane(image, 0x6000, first, origin=(11, 6))
    put_plane(image, 0x6002, second, origin=(-3, 21), kind="R", label="Heart")
    [study] = send(service.url, [image])
    open_study(page, study)
    one_to_one(page, *size)
    expected = np.zeros(size, bool)
    expected[10:22, 5:25] = first > 0
    region = np.zeros(size, bool)
    region[0:8, 20:29] = second[4:] > 0  # row -3 is the fourth above the image
    expected &= ~region  # the later plane lies above
    assert np.array_equal(drawn(page, *size, REGION), region)
    assert np.array_equal(drawn(page, *size, GRAPHICS), expected)
    said = page.locator(f"{PANE} .viewer-bottom-right").inner_text()
    assert "Graphics of the file: A mark" in said
    assert "Region of interest of the file: Heart" in said


def test_each_frame_has_its_own(service: Running, page: Any) -> None:
    image = clip(402, frames=4)
    size = int(image.Rows), int(image.Columns)
    planes = marks((2, *size), 3)
    put_plane(image, 0x6000, planes, frame_origin=2)
    [study] = send(service.url, [image])
    open_study(page, study)
    page.locator(f"{PANE} input[type=range]").wait_for()
    one_to_one(page, *size)
    page.keyboard.press("Home")
    assert page.locator(PLANES).count() == 0
    for plane in planes:
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(400)
        assert np.array_equal(drawn(page, *size, GRAPHICS), plane > 0)
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(400)
    assert page.locator(PLANES).count() == 0


def test_a_plane_within_the_pixels(service: Running, page: Any) -> None:
    image = chest(403, WindowCenter=2048, WindowWidth=4096)
    image.PhotometricInterpretation = "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
    size = int(image.Rows), int(image.Columns)
    bits = marks(size, 4)
    values = np.full(size, 1000, "<u2") | (bits.astype("<u2") << 14)
    image.PixelData = values.tobytes()
    for element, vr, value in (
        (0x0010, "US", size[0]), (0x0011, "US", size[1]), (0x0040, "CS", "G"),
        (0x0050, "SS", [1, 1]), (0x0100, "US", 16), (0x0102, "US", 14),
    ):  # fmt: skip
        image.add_new((0x6000, element), vr, value)
    [study] = send(service.url, [image])
    open_study(page, study)
    one_to_one(page, *size)
    assert np.array_equal(drawn(page, *size, GRAPHICS), bits > 0)
    # The image below has none of it.
    assert np.unique(image_pixels(page, *size)).size == 1


def test_a_key_hides_them_and_the_image_says_so(
    service: Running, page: Any, check_accessible: Any
) -> None:
    image = chest(404)
    put_plane(image, 0x6000, marks((8, 8), 5))
    [study] = send(service.url, [image])
    open_study(page, study)
    page.locator(PLANES).wait_for()
    label = page.locator(PLANES).get_attribute("aria-label")
    assert label == "Overlays of the file: Graphics of the file: A mark"
    check_accessible(page)
    page.keyboard.press("g")
    page.locator(PLANES).wait_for(state="detached")
    page.get_by_text("Overlays of the file are hidden (G)").wait_for()
    button = page.get_by_role("button", name="Show or hide the overlays of the file")
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    page.locator(PLANES).wait_for()


@pytest.mark.parametrize("part", ["short", "none"])
def test_a_damaged_plane_is_said(service: Running, page: Any, part: str) -> None:
    image = chest(405 if part == "short" else 406)
    put_plane(image, 0x6000, marks((40, 40), 6))
    if part == "short":
        image[0x6000, 0x3000].value = image[0x6000, 0x3000].value[:20]
    else:
        del image[0x6000, 0x3000]  # neither data nor a bit above the image's
    [study] = send(service.url, [image])
    assert open_study(page, study) == "shown"
    if part == "short":
        page.get_by_text("An overlay of the file cannot be shown").wait_for()
    else:
        assert page.locator(PLANES).count() == 0
