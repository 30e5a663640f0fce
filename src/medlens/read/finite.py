"""The check that every floating-point image passes."""

from __future__ import annotations

import numpy as np

from medlens.core import Array, ReadError


def check_finite(pixels: Array, case: str) -> None:
    """Refuse NaN and infinite pixels, and those that float32 has no number for.

    Raises:
        ReadError: there is one or more; the message says how many.
    """
    if pixels.dtype.kind != "f":
        return
    _check_range(pixels, case)
    with np.errstate(invalid="ignore", over="ignore"):
        if np.isfinite(pixels.sum(dtype=np.float64)):
            return  # a finite sum has finite terms, at the cost of one pass
    bad = int(np.count_nonzero(~np.isfinite(pixels)))
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
    largest = np.finfo(np.float32).max
    with np.errstate(invalid="ignore"):
        size = np.abs(pixels)
        bad = int(np.count_nonzero((size > largest) & np.isfinite(size)))
    if bad:
        raise ReadError(
            f"{case}: {bad:,} of {pixels.size:,} pixels are beyond {largest:.1e}; "
            "wanted numbers that float32 can hold; rescale them"
        )
