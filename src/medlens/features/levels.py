"""Grey levels 1…N from intensities, as IBSI defines them (section 2.7)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medlens.core import UsageError

Levels = NDArray[np.int64]
"""Any number of axes; 0 lies outside the region, 1…N are grey levels."""

MAX_LEVELS = 4096
"""A grey-level matrix of this side still fits in memory (128 MB)."""


def discretise(
    values: NDArray[np.float64],
    mask: NDArray[np.bool_],
    *,
    bins: int = 32,
    bin_width: float | None = None,
    lower: float | None = None,
) -> Levels:
    """Grey levels of the region; 0 outside it.

    With a fixed bin number (IBSI K15C) the range of the region is cut in
    `bins` equal parts; right for intensities without a unit. With a fixed bin
    size (IBSI Q3RU) level 1 starts at `lower`; right for calibrated units such
    as HU.

    Args:
        values: any number of axes, finite inside the mask.
        mask: same shape; at least one True.
        bins: number of levels, 1…4096; used when `bin_width` is None.
        bin_width: width of a level, in the unit of values; above 0.
        lower: where level 1 starts; default the region's minimum. Lower values
            count as level 1.

    Returns:
        int64, same shape. A constant region has the single level 1.

    Raises:
        UsageError: bins or bin_width is out of range, or gives over 4096 levels.

    >>> discretise(np.array([0.0, 5.0, 10.0]), np.ones(3, bool), bins=2).tolist()
    [1, 2, 2]
    """
    inside = values[mask]
    low, high = float(inside.min()), float(inside.max())
    if bin_width is None:
        found = _fixed_number(inside, low, high, bins)
    else:
        found = _fixed_width(inside, high, bin_width, low if lower is None else lower)
    levels = np.zeros(values.shape, dtype=np.int64)
    levels[mask] = found
    return levels


def _fixed_number(
    inside: NDArray[np.float64], low: float, high: float, bins: int
) -> Levels:
    if not 1 <= bins <= MAX_LEVELS:
        raise UsageError(f"discretise: bins is {bins}; wanted 1 to {MAX_LEVELS}")
    if high <= low:
        return np.ones(inside.shape, dtype=np.int64)
    scaled = np.floor((inside - low) / (high - low) * bins).astype(np.int64)
    levels: Levels = np.minimum(scaled, bins - 1) + 1
    return levels


def _fixed_width(
    inside: NDArray[np.float64], high: float, width: float, lower: float
) -> Levels:
    if not (np.isfinite(width) and width > 0):
        raise UsageError(f"discretise: bin_width is {width}; wanted a number above 0")
    if (high - lower) / width >= MAX_LEVELS:
        raise UsageError(
            f"discretise: bin_width {width:g} cuts the range {lower:g} to {high:g} "
            f"into more than {MAX_LEVELS} levels; choose a wider bin"
        )
    levels: Levels = np.floor((inside - lower) / width).astype(np.int64) + 1
    return np.maximum(levels, 1)


def crop_to_region(levels: Levels) -> Levels:
    """The smallest box of levels that holds the whole region."""
    box = []
    for axis in range(levels.ndim):
        others = tuple(other for other in range(levels.ndim) if other != axis)
        used = np.flatnonzero(levels.any(axis=others))
        box.append(slice(used[0], used[-1] + 1))
    return levels[tuple(box)]
