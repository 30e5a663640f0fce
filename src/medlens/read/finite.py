"""The check that every floating-point image passes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medlens.core import Array, ReadError, release

PART = 1 << 20  # pixels looked at in one go
RELEASED_PARTS = 16  # pages of a mapped array are let go this often


def check_finite(pixels: Array, case: str) -> None:
    """Refuse NaN and infinite pixels, and those that float32 has no number for.

    Raises:
        ReadError: there is one or more; the message says how many.
    """
    if pixels.dtype.kind != "f":
        return
    _check_range(pixels, case)
    with np.errstate(invalid="ignore", over="ignore"):
        total = sum(float(part.sum(dtype=np.float64)) for part in _parts(pixels))
        if np.isfinite(total):
            return  # a finite sum has finite terms, at the cost of one pass
    bad = sum(int(np.count_nonzero(~np.isfinite(part))) for part in _parts(pixels))
    if bad:
        raise ReadError(
            f"{case}: {bad:,} of {pixels.size:,} pixels are NaN or infinite; wanted "
            "finite numbers only; replace them before the image is used"
        )


def _check_range(pixels: Array, case: str) -> None:
    """Refuse finite pixels that would become infinite in float32.

    All preparation computes in float32, where 1e300 is infinite.
    """
    if pixels.dtype.itemsize <= 4:
        return
    largest, bad = np.finfo(np.float32).max, 0
    for part in _parts(pixels):
        size = np.abs(part)
        bad += int(np.count_nonzero((size > largest) & np.isfinite(size)))
    if bad:
        raise ReadError(
            f"{case}: {bad:,} of {pixels.size:,} pixels are beyond {largest:.1e}; "
            "wanted numbers that float32 can hold; rescale them"
        )


def _parts(pixels: Array) -> Iterator[Array]:
    """All pixels, some at a time: what is made or mapped of them stays small."""
    for count, part in enumerate(_split(pixels), start=1):
        yield part
        if count % RELEASED_PARTS == 0:
            release(pixels)
    release(pixels)


def _split(pixels: Array) -> Iterator[Array]:
    if pixels.size <= PART:
        yield pixels
        return
    for plane in (
        pixels if pixels.ndim > 1 else np.array_split(pixels, pixels.size // PART + 1)
    ):
        yield from _split(plane)
