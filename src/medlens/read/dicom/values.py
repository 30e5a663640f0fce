"""Stored samples → signed stored values → rescaled values (PS3.3 C.11.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from medlens.core import Array, ReadError
from medlens.read.dicom.codecs import Stored
from medlens.read.dicom.groups import place_of
from medlens.read.dicom.layout import Layout
from medlens.read.dicom.lut import Lut, read_lut
from medlens.read.dicom.numbers import is_empty, items, number, value_of


@dataclass(frozen=True)
class Modality:
    """Modality LUT, or slope and intercept."""

    slope: float = 1.0
    intercept: float = 0.0
    lut: Lut | None = None


@dataclass(frozen=True)
class Padding:
    """Inclusive range of stored values that mean "no pixel" (C.7.5.1.1.2)."""

    low: float
    high: float
    is_nan: bool = False


def to_stored(stored: Stored, layout: Layout) -> Array:
    """Samples without overlay bits and with their sign.

    Bits above Bits Stored may hold an old-style overlay (PS3.5 8.1.1); they are
    masked away before the sign bit is spread.
    """
    values = stored.values
    if stored.bits == 0:
        return values
    width = values.dtype.itemsize * 8
    if stored.shift == 0 and stored.bits == width:
        signed = np.dtype(f"i{values.dtype.itemsize}")
        return np.asarray(values.view(signed) if layout.signed else values)
    if layout.signed:
        # Left until the sign bit is on top, then arithmetic right.
        up = width - stored.bits - stored.shift
        signed = np.dtype(f"i{values.dtype.itemsize}")
        topped = np.left_shift(values, up).view(signed)
        return np.asarray(np.right_shift(topped, width - stored.bits))
    mask = values.dtype.type((1 << stored.bits) - 1)
    # High Bit other than Bits Stored - 1 is of the past (PS3.5 8.1.1) and today
    # mostly a slip: it is believed only where the bits above are in use.
    is_shifted = stored.shift > 0 and bool((values > mask).any())
    shifted = np.right_shift(values, stored.shift) if is_shifted else values
    return np.asarray(np.bitwise_and(shifted, mask))


def stored_span(layout: Layout) -> tuple[float, float]:
    """Smallest and largest stored value that the header allows."""
    if layout.signed:
        return float(-(2 ** (layout.bits_stored - 1))), 2.0 ** (
            layout.bits_stored - 1
        ) - 1
    return 0.0, 2.0**layout.bits_stored - 1


def read_modality(data: Any, frame: int, layout: Layout, case: str) -> Modality:
    """The modality transform of a frame.

    Raises:
        ReadError: slope or intercept is no finite number, or the slope is 0.
    """
    tables = items(data, "ModalityLUTSequence")
    if tables:
        floor = stored_span(layout)[0]
        lut = read_lut(tables[0], case, little_endian=layout.little_endian, floor=floor)
        return Modality(lut=lut)
    place = place_of(data, frame, "PixelValueTransformationSequence", "RescaleSlope")
    slope = _finite(place, "RescaleSlope", "(0028,1053)", 1.0, case)
    intercept = _finite(place, "RescaleIntercept", "(0028,1052)", 0.0, case)
    if slope == 0:
        raise ReadError(
            f"{case}: Rescale Slope (0028,1053) is 0, which makes all pixels equal; "
            "wanted another number; correct the header"
        )
    return Modality(slope, intercept)


def _finite(place: Any, keyword: str, tag: str, default: float, case: str) -> float:
    if keyword not in place or is_empty(place, keyword):
        return default
    result = number(place, keyword)
    if result is None:
        raise ReadError(
            f"{case}: {keyword} {tag} is not a finite number; the pixel values "
            "cannot be worked out; correct the header"
        )
    return result


def rescale(values: Array, modality: Modality, span: tuple[float, float]) -> Array:
    """Stored → rescaled values; whole numbers stay integers where they can.

    Args:
        values: stored values, any shape.
        modality: the transform.
        span: smallest and largest stored value possible.

    Returns:
        Integers of the smallest type that holds the span, else float32 (float64
        for more than 24 bits).
    """
    if modality.lut is not None:
        return modality.lut.apply(values)
    slope, intercept = modality.slope, modality.intercept
    if slope == 1 and intercept == 0:
        return values
    if slope == 1 and intercept == int(intercept) and values.dtype.kind in "iu":
        dtype = _integer_type(span[0] + intercept, span[1] + intercept)
        if dtype is not None:
            # Room for both operands first: uint16 - 1024 does not fit int16.
            work = np.int32 if dtype.itemsize < 4 and values.itemsize < 4 else np.int64
            return np.add(values, int(intercept), dtype=work).astype(dtype)
    wide = values.dtype.itemsize > 2
    return (values * np.float64(slope) + intercept).astype(
        np.float64 if wide else np.float32
    )


def _integer_type(low: float, high: float) -> np.dtype[Any] | None:
    for name in ("uint8", "uint16", "int16", "int32"):
        info = np.iinfo(name)
        if info.min <= low and high <= info.max:
            return np.dtype(name)
    return None


def rescaled_span(
    modality: Modality, span: tuple[float, float], case: str
) -> tuple[float, float]:
    """What `rescale` makes of the smallest and largest stored value, in order."""
    if modality.lut is not None:
        return 0.0, 2.0**modality.lut.bits - 1
    ends = [value * modality.slope + modality.intercept for value in span]
    if not np.isfinite(ends).all() or max(map(abs, ends)) > np.finfo(np.float32).max:
        raise ReadError(
            f"{case}: Rescale Slope (0028,1053) makes pixel values beyond any range; "
            "correct the header"
        )
    return min(ends), max(ends)


def read_padding(data: Any, layout: Layout) -> Padding | None:
    """Pixel Padding Value with its range limit, None where there is none."""
    prefix = (
        {32: "Float", 64: "DoubleFloat"}[layout.bits_allocated]
        if layout.is_float
        else ""
    )
    value_key = f"{prefix}PixelPaddingValue"
    first = number(data, value_key)
    if first is None:
        raw = value_of(data, value_key)
        return (
            Padding(0, 0, is_nan=True) if layout.is_float and raw is not None else None
        )
    last = number(data, f"{prefix}PixelPaddingRangeLimit")
    last = first if last is None else last
    if not layout.is_float:
        first, last = (_as_stored(value, layout) for value in (first, last))
    return Padding(min(first, last), max(first, last))


def _as_stored(value: float, layout: Layout) -> float:
    """A padding value read with the wrong sign brought into the stored range."""
    low, high = stored_span(layout)
    size = 2**layout.bits_allocated
    if low <= value <= high:
        return value
    return value - size if value > high and layout.signed else float(value % size)


def padding_mask(values: Array, padding: Padding) -> Array:
    """True where a stored value means "no pixel"."""
    if padding.is_nan:
        return ~np.isfinite(values)
    if padding.low == padding.high:
        same: Array = values == padding.low
        return same
    inside: Array = (values >= padding.low) & (values <= padding.high)
    return inside
