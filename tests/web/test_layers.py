"""Layers over the image: each pixel where it belongs, on its own image alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from medlens.core import Array
from tests.serve.running import Running
from tests.web.canvas import PANE, one_to_one, open_study, settle
from tests.web.studies import SEEN, chest, send, wait_for_end

ROWS, COLUMNS = 40, 32
MASK = np.zeros((ROWS, COLUMNS), np.uint8)
"""Value 1 is pneumonia; asymmetric, so that no flip leaves it as it is."""
MASK[5:12, 3:9] = 1
MASK[30, 20] = 1
MASK[20:22, 25:32] = 1
MASK[15, 15] = 2  # another segment
EVIDENCE = np.zeros((10, 8), np.uint8)
EVIDENCE[2:4, 1:3] = 200


def png(picture: Array) -> bytes:
    return bytes(cv2.imencode(".png", picture)[1])


@pytest.fixture(scope="module")
def answered(service: Running) -> dict[str, Any]:
    """A radiograph with a finding: its study, its image and the finding."""
    image = chest(901, level=SEEN)
    image.PatientOrientation = ["L", "F"]
    [study] = send(service.url, [image])
    assert wait_for_end(service.url, study) == "answered"
    found = httpx.get(f"{service.url}/api/v1/studies/{study}", timeout=60).json()
    result = found["results"][0]["id"]
    whole = httpx.get(f"{service.url}/api/v1/results/{result}", timeout=60).json()
    [assessment] = whole["diagnosis"]["assessments"]
    [finding] = [
        each for each in assessment["findings"] if each["label"] == "pneumonia"
    ]
    return {"study": study, "sop": str(image.SOPInstanceUID), "finding": finding}


def answering(body: str | bytes, kind: str) -> Callable[[Any], None]:
    return lambda route: route.fulfill(body=body, content_type=kind)


@pytest.fixture
def layered(page: Any, answered: dict[str, Any]) -> Any:
    """The reading page, with a mask and a map whose pixels are known."""
    place = {"slice": 0, "image": {"sop_uid": answered["sop"], "frame": None}}
    maps = {
        "evidence": [
            {"assessment": 0, "finding": answered["finding"]["id"], "slices": [place]}
        ],
        "masks": [
            {"assessment": 0, "labels": ["background", "pneumonia"], "slices": [place]}
        ],
    }
    answers: dict[str, tuple[str | bytes, str]] = {
        "**/api/v1/results/*/maps": (json.dumps(maps), "application/json"),
        "**/maps/masks/0/0": (png(MASK), "image/png"),
        "**/maps/evidence/0/*/0": (png(EVIDENCE), "image/png"),
    }
    for pattern, (body, kind) in answers.items():
        page.route(pattern, answering(body, kind))
    assert open_study(page, answered["study"]) == "shown"
    page.locator(".viewer-swatch-mask").wait_for()
    one_to_one(page, ROWS, COLUMNS)
    return page


def layer_pixels(page: Any, *, rows: int = ROWS, columns: int = COLUMNS) -> Array:
    """(rows, columns) opacity of the layers where the image lies, and nowhere else."""
    url = page.evaluate(
        "pane => document.querySelector(`${pane} canvas.viewer-layers`).toDataURL()",
        PANE,
    )
    data = np.frombuffer(base64.b64decode(url.split(",", 1)[1]), np.uint8)
    opacity = np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED))[..., 3]
    top = int(np.floor(opacity.shape[0] / 2 - rows / 2 + 0.5))
    left = int(np.floor(opacity.shape[1] / 2 - columns / 2 + 0.5))
    found = opacity[top : top + rows, left : left + columns]
    assert found.sum() == opacity.sum(), "something is drawn beside the image"
    return found


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
    settle(page)
    settle(page)  # the layers draw with the frame after


def test_each_pixel_of_a_mask_lies_on_its_own_pixel(layered: Any) -> None:
    press(layered)
    inside = MASK == 1
    assert np.array_equal(layer_pixels(layered) > 0, inside)
    press(layered, "Shift+H")
    assert np.array_equal(layer_pixels(layered) > 0, inside[:, ::-1])
    press(layered, "Shift+V")
    assert np.array_equal(layer_pixels(layered) > 0, inside[::-1, ::-1])
    press(layered, "Shift+R")
    turned = layer_pixels(layered, rows=COLUMNS, columns=ROWS) > 0
    assert np.array_equal(turned, np.rot90(inside[::-1, ::-1], -1))


def test_opacity_hiding_and_outline_have_keys(layered: Any) -> None:
    press(layered, "}", "}")
    assert abs(int(layer_pixels(layered).max()) - 255 * 0.7) <= 1
    press(layered, "h")
    assert layer_pixels(layered).max() == 0
    assert "hidden" in layered.locator(".viewer-legend").inner_text()
    press(layered, "h", "o")
    assert layer_pixels(layered).max() == 0
    path = layered.locator(".viewer-outline-mask .viewer-outline-line")
    assert path.get_attribute("d").startswith("M3 5H9")  # upper edge of the first block


def test_a_map_reaches_from_edge_to_edge(layered: Any) -> None:
    layered.locator(
        ".viewer-swatch-mask"
    ).click()  # picks the finding: its map is shown
    layered.locator(".viewer-swatch-evidence").wait_for()
    press(layered)
    drawn = layer_pixels(layered) > 0
    # The picture's pixel is 4 × 4 of the image: support in rows 8–15, columns 4–11.
    assert drawn[9:15, 5:11].all()
    assert not drawn[(MASK != 1) & ~near((8, 16), (4, 12))].any()


def near(rows: tuple[int, int], columns: tuple[int, int]) -> Array:
    """A block and the four pixels around it, into which a smooth picture runs."""
    found = np.zeros((ROWS, COLUMNS), bool)
    found[
        max(0, rows[0] - 4) : rows[1] + 4, max(0, columns[0] - 4) : columns[1] + 4
    ] = 1
    return found


def test_a_reader_paints_fills_and_takes_it_back(layered: Any) -> None:
    press(layered, "n", "Shift+E")  # the finding, and its edit
    layered.get_by_role("button", name="Paint mask").click()
    layered.locator(PANE).focus()
    press(layered, *["["] * 20)  # as small as it gets: one pixel
    before = layer_pixels(layered) > 0  # the mask, and the map of the finding
    press(layered, "ArrowRight", "Enter")
    painted = before.copy()
    painted[20, 17] = True
    assert not before[20, 17]
    assert np.array_equal(layer_pixels(layered) > 0, painted)
    press(layered, "Control+z")
    assert np.array_equal(layer_pixels(layered) > 0, before)
    press(layered, "Control+y", "Shift+G", "ArrowRight", "Enter")
    assert (layer_pixels(layered) > 0).all()  # all that was free is one area


def test_a_box_is_moved_and_resized_by_keys(layered: Any) -> None:
    press(layered, "n", "Shift+E")
    layered.get_by_role("button", name="Draw box").click()
    layered.locator(PANE).focus()
    press(layered, "Enter")
    assert box_of(layered) == [12, 15, 20, 25]
    press(layered, "ArrowLeft", "ArrowDown", "Shift+ArrowRight", "Shift+ArrowUp")
    assert box_of(layered) == [11, 16, 20, 25]
    press(layered, "Control+z", "Control+z")
    assert box_of(layered) == [11, 16, 19, 26]


def box_of(page: Any) -> list[int]:
    """Edges of the box that is edited, from where its handles are on the screen."""
    found = page.evaluate(
        """pane => {
          const image = document.querySelector(`${pane} .viewer-image`);
          const { width, height } = image.getBoundingClientRect();
          const dots = image.querySelectorAll(".viewer-box-editor .viewer-handle-dot");
          const at = [...dots].map(dot => ["cx", "cy"].map(of => dot.getAttribute(of)));
          return { width, height, at };
        }""",
        PANE,
    )
    at = np.array(found["at"], float)
    left = np.floor(found["width"] / 2 - COLUMNS / 2 + 0.5)
    top = np.floor(found["height"] / 2 - ROWS / 2 + 0.5)
    xs, ys = at[:, 0] - left, at[:, 1] - top
    return [int(each) for each in (xs.min(), ys.min(), xs.max(), ys.max())]


def test_nothing_lies_on_another_image(layered: Any, service: Running) -> None:
    # The maps name the image of another study, as they would after a mistake.
    [other] = send(service.url, [chest(902, level=SEEN)])
    assert wait_for_end(service.url, other) == "answered"
    assert open_study(layered, other) == "shown"
    layered.locator(".findings-layers").wait_for()
    press(layered)
    assert layered.locator(".viewer-swatch-mask").count() == 0
    assert layer_pixels(layered).max() == 0
