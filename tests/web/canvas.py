"""Pixels of the viewer's canvas, and files that keep apart in one service."""

from __future__ import annotations

import base64
import io
import math
from typing import Any

import numpy as np
import pydicom

from medlens.core import Array

UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
PANE = "[data-pane='0']"
ENDED = f"{PANE}[data-state=shown], {PANE}[data-state=failed], .viewer .empty"
ROOM = {"width": 700, "height": 420}
"""What stands around the image of a page, and more."""


def open_study(page: Any, study: int) -> str:
    """Go to a study's images; "shown", "failed" or "none" for what became of it."""
    page.goto(f"/studies/{study}")
    found = page.locator(ENDED).first
    found.wait_for(state="attached")
    return str(found.get_attribute("data-state") or "none")


def one_to_one(page: Any, rows: int, columns: int) -> None:
    """Give the image room and lay each of its pixels on one of the canvas."""
    page.set_viewport_size(
        {
            "width": max(1000, columns + ROOM["width"]),
            "height": max(700, rows + ROOM["height"]),
        }
    )
    settle(page)
    page.keyboard.press("Shift+F")
    settle(page)


def settle(page: Any) -> None:
    """Wait until the canvas has the size of its pane, and what was asked is painted."""
    page.evaluate(
        """async pane => {
            const frame = () => new Promise(done => requestAnimationFrame(done));
            const canvas = document.querySelector(`${pane} canvas.viewer-canvas`);
            const isSized = () =>
                canvas.width === Math.round(canvas.clientWidth * devicePixelRatio) &&
                canvas.height === Math.round(canvas.clientHeight * devicePixelRatio);
            for (let count = 0, left = 600; count < 4 && left > 0; left -= 1) {
                await frame();
                count = isSized() ? count + 1 : 0;
            }
        }""",
        PANE,
    )


def canvas_pixels(page: Any) -> Array:
    """(H, W, 3) uint8 of the first pane's canvas, as it is."""
    url = page.evaluate(
        "pane => document.querySelector(`${pane} canvas.viewer-canvas`).toDataURL()",
        PANE,
    )
    import cv2

    data = np.frombuffer(base64.b64decode(url.split(",", 1)[1]), np.uint8)
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return decoded[..., ::-1]


def image_pixels(page: Any, rows: int, columns: int) -> Array:
    """(rows, columns, 3) uint8: the image where it lies at one to one."""
    canvas = canvas_pixels(page)
    top = math.floor(canvas.shape[0] / 2 - rows / 2 + 0.5)
    left = math.floor(canvas.shape[1] / 2 - columns / 2 + 0.5)
    assert top >= 0, "the canvas is too low for the image"
    assert left >= 0, "the canvas is too narrow for the image"
    return canvas[top : top + rows, left : left + columns]


def with_own_uids(data: bytes, number: int) -> bytes:
    """The file as a study, series and instance of its own; all other bytes as they are.

    The last two figures of each UID become a number of two figures, wherever it stands.
    A file without UIDs, or without the mark of a DICOM file, gets them.
    """
    header = pydicom.dcmread(
        io.BytesIO(data), stop_before_pixels=True, force=True, defer_size=1024
    )
    is_part_10 = data[128:132] == b"DICM"
    is_named = all(keyword in header for keyword in UIDS)
    if "Rows" in header and not (is_part_10 and is_named):
        return _as_part_10(data)
    for keyword in UIDS:
        uid = str(header.get(keyword, ""))
        if len(uid) > 8:
            other = f"{uid[:-2]}{number:02d}"
            data = data.replace(uid.encode("ascii"), other.encode("ascii"))
    return data


def _as_part_10(data: bytes) -> bytes:
    whole = pydicom.dcmread(io.BytesIO(data), force=True)
    for keyword in UIDS:
        setattr(whole, keyword, pydicom.uid.generate_uid())
    whole.file_meta.MediaStorageSOPClassUID = whole.SOPClassUID
    whole.file_meta.MediaStorageSOPInstanceUID = whole.SOPInstanceUID
    if "TransferSyntaxUID" not in whole.file_meta:
        whole.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    buffer = io.BytesIO()
    whole.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
