"""How array functions walk over channels and slices, and over pixel depths.

Every array here is (C, D, H, W). A filter is written for one (H, W) plane; the
functions below apply it to each slice of each channel, so that a volume needs
nothing new.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from medlens.core import Array, Image

Span = tuple[float, float]
"""Values that stand for black and white, in the unit of the array."""

WIDE_TABLES = int(cv2.__version__.split(".")[0]) >= 5
"""Whether cv2.LUT takes 16-bit input (OpenCV 5 and later)."""


def to_known_depth(array: Array) -> Array:
    """The same values as uint8, uint16, int16 or float32, the depths OpenCV filters.

    Wider integers become int16 or uint16 where their values fit, else float32
    (exact up to 2^24); float64 and float16 become float32.
    """
    if array.dtype in (np.uint8, np.uint16, np.int16, np.float32):
        return (
            array if array.dtype.isnative else array.astype(array.dtype.newbyteorder())
        )
    if array.dtype == np.bool_ or array.dtype == np.int8:
        return array.astype(np.uint8 if array.dtype == np.bool_ else np.int16)
    if array.dtype.kind in "iu" and array.size:
        low, high = int(array.min()), int(array.max())
        if low >= 0 and high <= 65535:
            return array.astype(np.uint16)
        if low >= -32768 and high <= 32767:
            return array.astype(np.int16)
    return array.astype(np.float32)


def each_plane(array: Array, change: Callable[[Array], Array]) -> Array:
    """`change` applied to every (H, W) plane of (C, D, H, W), stacked again."""
    planes = [
        change(np.ascontiguousarray(plane)) for channel in array for plane in channel
    ]
    if len(planes) == 1:  # a 2D image, the usual case: spare the copy
        return planes[0][None, None]
    # C*D times (H', W') -> (C, D, H', W')
    return np.stack(planes).reshape(*array.shape[:2], *planes[0].shape)


def each_slice(array: Array, change: Callable[[Array], Array]) -> Array:
    """`change` applied to every (H, W, C) slice of (C, D, H, W), channels kept last.

    `change` may return another number of channels.
    """
    # (C, D, H, W) -> D times (H, W, C) -> (C', D, H, W)
    slices = [
        change(np.ascontiguousarray(np.moveaxis(array[:, d], 0, -1)))
        for d in range(array.shape[1])
    ]
    return np.ascontiguousarray(np.moveaxis(np.stack(slices), -1, 0))


def value_span(image: Image) -> Span:
    """Black and white of an image, in the unit of its array.

    0..1 for windowed values; the valid range for images of up to 8 bits; else
    the smallest and largest value present, because few scanners fill the range
    that 12 or 16 bits allow. A constant image gets a span of 1.
    """
    if image.stage == "windowed":
        return 0.0, 1.0
    low, high = image.valid_min, image.valid_max
    if image.bits_stored > 8 or low is None or high is None or high <= low:
        low, high = float(image.array.min()), float(image.array.max())
    return (low, high) if high > low else (low, low + 1.0)


def to_unit(array: Array, span: Span) -> Array:
    """float32 in which `span` lies at 0..1; nothing is clipped."""
    low, high = span
    if span == (0.0, 1.0):
        return array.astype(np.float32, copy=False)
    scale = np.float32(1.0 / (high - low))
    return (array.astype(np.float32) - np.float32(low)) * scale


def from_unit(unit: Array, span: Span, dtype: np.dtype) -> Array:
    """Values of `span` from 0..1, rounded and clipped where `dtype` is integer."""
    low, high = span
    values = unit if span == (0.0, 1.0) else unit * np.float32(high - low) + low
    if dtype.kind == "f":
        return values.astype(dtype, copy=False)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values), limits.min, limits.max).astype(dtype)


def map_values(array: Array, change: Callable[[Array], Array]) -> Array:
    """`change` applied to every value on its own, as float32.

    Integer pixels go through a table of all their possible values, computed in
    float64: a 2048² image of 16 bits takes a millisecond, whatever `change`
    costs. float32 pixels are computed directly.
    """
    if array.dtype.kind == "f" or array.size < 4096:
        exact = array if array.dtype == np.float32 else array.astype(np.float64)
        return change(exact).astype(np.float32, copy=False)
    limits = np.iinfo(array.dtype)
    if limits.bits > 16:
        return change(array.astype(np.float64)).astype(np.float32, copy=False)
    every = np.arange(limits.min, limits.max + 1, dtype=np.float64)
    return look_up(array, change(every).astype(np.float32, copy=False))


def look_up(array: Array, table: Array) -> Array:
    """`table[value - smallest value of the dtype]` for 8- and 16-bit integers."""
    unsigned = array
    if array.dtype == np.int16:  # two's complement: 0..32767, then -32768..-1
        unsigned, table = array.view(np.uint16), np.roll(table, -32768)
    if unsigned.dtype == np.uint8 or WIDE_TABLES:
        rows = np.ascontiguousarray(unsigned).reshape(-1, array.shape[-1])
        flat: Array = cv2.LUT(rows, np.ascontiguousarray(table).reshape(1, -1))
        return flat.reshape(array.shape)
    return np.asarray(table[unsigned])
