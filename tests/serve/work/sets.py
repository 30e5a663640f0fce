"""Labelled sets as archives, for the bundle whose answers are known by hand."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import cv2
import numpy as np

BRIGHT, DARK = 200, 10


def picture(level: int, seed: int = 0) -> bytes:
    """A PNG whose mean brightness is about `level`, another one for each seed."""
    rng = np.random.default_rng(seed)
    array = np.clip(rng.normal(level, 5, (40, 36)), 0, 255).astype(np.uint8)
    is_done, packed = cv2.imencode(".png", array)
    assert is_done
    return packed.tobytes()


def class_folders(*, each: int = 8, wrong: int = 2, top: str = "") -> dict[str, bytes]:
    """Name → bytes: the first `wrong` of "blob" are dark, so the bundle misses them."""
    files = {}
    for at in range(each):
        level = DARK if at < wrong else BRIGHT
        files[f"{top}blob/b{at}.png"] = picture(level, at)
        files[f"{top}normal/n{at}.png"] = picture(DARK, 100 + at)
    return files


def pack(files: Mapping[str, bytes | str]) -> bytes:
    """A ZIP archive; the same files give the same bytes at any time of day."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)  # dated 1980
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()
