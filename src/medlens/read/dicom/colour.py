"""Palette and YBR pixels → RGB (PS3.3 C.7.6.3.1.2 and C.7.6.3.1.5)."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from medlens.core import Array, ReadError
from medlens.read.dicom.layout import Layout
from medlens.read.dicom.lut import Lut, read_palette

# Rows give R, G, B from Y, Cb, Cr with chroma around 0; ITU-R BT.601.
_FULL = np.array([[1, 0, 1.402], [1, -0.344136286, -0.714136286], [1, 1.772, 0]])
# Video range: Y 16…235 and chroma 16…240 of 256.
_PARTIAL = _FULL * np.array([255 / 219, 255 / 224, 255 / 224])


def ybr_to_rgb(values: Array, layout: Layout, case: str) -> Array:
    """(H, W, 3) Y, Cb, Cr → R, G, B of the same unsigned type, rounded, clipped."""
    bits = layout.bits_stored
    if values.dtype.kind != "u" or bits > 16:
        raise ReadError(
            f"{case}: {layout.photometric} with {bits} bits or signed samples is not "
            "read; wanted 8 to 16 unsigned bits"
        )
    partial = layout.photometric.startswith("YBR_PARTIAL")
    matrix = _PARTIAL if partial else _FULL
    middle = 2.0 ** (bits - 1)
    black = 2.0 ** (bits - 4) if partial else 0.0
    offset = -matrix @ np.array([black, middle, middle])
    # cv2.transform computes in float and rounds while it saturates.
    affine = np.column_stack([matrix, offset]).astype(np.float64)
    rgb: Array = cv2.transform(np.ascontiguousarray(values), affine)
    return (
        np.minimum(rgb, values.dtype.type(2**bits - 1)) if bits not in (8, 16) else rgb
    )


def palette_to_rgb(values: Array, data: Any, layout: Layout, case: str) -> Array:
    """(H, W) stored values → (H, W, 3) colours, uint8 or uint16 as the tables are."""
    tables = read_palette(data, case, little_endian=layout.little_endian)
    if all(_is_widened(table.entries) for table in tables):
        tables = _narrow(tables)
    return np.stack([table.apply(values) for table in tables], axis=-1)


def _is_widened(entries: Array) -> bool:
    """16-bit entries made of 8-bit colours: low byte 0, or equal to the high one."""
    if entries.dtype != np.uint16:
        return False
    low, high = entries & 255, entries >> 8
    return not low.any() or bool((low == high).all())


def _narrow(tables: tuple[Lut, Lut, Lut]) -> tuple[Lut, Lut, Lut]:
    """The tables in 8 bits: white 0xFF00 becomes 255 of 255, not 65,280 of 65,535."""
    red, green, blue = (
        Lut((table.entries >> 8).astype(np.uint8), table.first, 8) for table in tables
    )
    return red, green, blue


def supplement_rgb(values: Array, grey: Array, tables: tuple[Lut, Lut, Lut]) -> Array:
    """Colours where the supplemental palette has any, grey elsewhere.

    PS3.3 C.7.6.19: stored values from the descriptor's first value on are
    colours, those below it go through the grey pipeline.

    Args:
        values: (H, W) stored values.
        grey: (H, W) uint8, the windowed grey picture.
        tables: red, green and blue.

    Returns:
        (H, W, 3) uint8.
    """
    coloured = values >= tables[0].first
    planes = []
    for table in tables:
        entries = table.apply(values)
        narrow = entries >> 8 if entries.dtype == np.uint16 else entries
        planes.append(np.where(coloured, narrow, grey).astype(np.uint8))
    return np.stack(planes, axis=-1)
