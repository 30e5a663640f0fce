"""A region on a grid of equal voxels, as IBSI resamples it (section 2.4)."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medlens.core import Array, PrepError, ResourceError
from medlens.features.region import MAX_MAGNITUDE
from medlens.features.spatial import PEAK_RADIUS_MM

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]
Kernel = Literal["linear", "cubic"]

MAX_INPUT = 128 * 1024 * 1024
MAX_OUTPUT = 16 * 1024 * 1024
"""Voxels of the box around a region before and after (1 GB, 130 MB)."""

_SPLINE_REACH = 16
"""Voxels beyond which a cubic spline's coefficient does not matter (0.27¹⁶)."""

_HALF = 0.5 - 1e-6
"""Partial volume of a voxel that is in; rounding must not leave a half out."""


def resample_region(
    array: Array,
    mask: Array,
    *,
    spacing: tuple[float, ...],
    to_mm: float,
    kernel: Kernel,
    case: str,
) -> tuple[Values, Mask]:
    """The region and its surroundings on a grid of cubes of `to_mm`.

    The new grid has the centre of the old one and ceil(n · old / new) voxels a
    side (IBSI 1, section 2.4); of it only the part around the region is made.
    The mask is resampled linearly; a voxel is in where it is at least half.

    Args:
        array: (D, H, W), finite in and around the mask.
        mask: (D, H, W), at least one nonzero.
        spacing: mm in order D, H, W.
        to_mm: side of the new voxels.
        kernel: "linear", or "cubic" spline.
        case: local key, for messages.

    Raises:
        PrepError: nothing is left of the mask, or values around it are not
            finite.
        ResourceError: the box around the region is too large.
    """
    old = np.asarray(spacing, dtype=np.float64)
    step = to_mm / old
    shape = np.ceil(np.array(array.shape) * old / to_mm - 1e-9).astype(np.int64)
    shape = np.maximum(shape, 1)
    # Index in the old grid of index 0 in the new one.
    first = (np.array(array.shape) - 1) / 2 - (shape - 1) / 2 * step
    low, high = _find_limits(mask)
    start = np.floor((low - 1 - first) / step) - math.ceil(PEAK_RADIUS_MM / to_mm)
    stop = np.ceil((high + 1 - first) / step) + math.ceil(PEAK_RADIUS_MM / to_mm) + 1
    start = np.clip(start, 0, shape - 1).astype(np.int64)
    stop = np.clip(stop, start + 1, shape).astype(np.int64)
    reach = _SPLINE_REACH if kernel == "cubic" else 2
    begin = np.floor(first + start * step).astype(np.int64) - reach
    begin = np.clip(begin, 0, np.array(array.shape) - 1)
    end = np.ceil(first + (stop - 1) * step).astype(np.int64) + reach + 1
    end = np.clip(end, begin + 1, array.shape)
    _check_sizes(end - begin, stop - start, to_mm, case)
    box = tuple(slice(b, e) for b, e in zip(begin, end, strict=True))
    grid = (step, first + start * step - begin, tuple(int(n) for n in stop - start))
    values = _check_values(array[box], case)
    inside = _interpolate(mask[box] != 0, grid, order=1) >= _HALF
    if not inside.any():
        raise PrepError(
            f"{case}: the region vanishes in voxels of {to_mm:g} mm; "
            "choose smaller ones, or leave the grid as it is"
        )
    return _interpolate(values, grid, order=3 if kernel == "cubic" else 1), inside


def _interpolate(
    array: Array, grid: tuple[Values, Values, tuple[int, ...]], *, order: int
) -> Values:
    from scipy.ndimage import affine_transform

    step, offset, shape = grid
    found: Values = affine_transform(
        np.asarray(array, dtype=np.float64),
        step,
        offset,
        output_shape=shape,
        order=order,
        mode="nearest",
    )
    return found


def _find_limits(mask: Array) -> tuple[Values, Values]:
    """First and last index of the region along each axis."""
    inside = mask != 0
    used = [
        np.flatnonzero(inside.any(axis=tuple(a for a in range(3) if a != axis)))
        for axis in range(3)
    ]
    return (
        np.array([places[0] for places in used], dtype=np.float64),
        np.array([places[-1] for places in used], dtype=np.float64),
    )


def _check_values(values: Array, case: str) -> Array:
    bad = int(values.size - np.count_nonzero(np.abs(values) <= MAX_MAGNITUDE))
    if bad:
        raise PrepError(
            f"{case}: {bad} of {values.size} voxels in and around the region are NaN, "
            f"infinite or beyond {MAX_MAGNITUDE:g}; fill them before resampling"
        )
    return values


def _check_sizes(
    before: NDArray[np.int64], after: NDArray[np.int64], to_mm: float, case: str
) -> None:
    for sides, most, when in (
        (before, MAX_INPUT, "before resampling"),
        (after, MAX_OUTPUT, f"in voxels of {to_mm:g} mm"),
    ):
        if math.prod(sides.tolist()) > most:
            raise ResourceError(
                f"{case}: the region's box has {sides[0]} × {sides[1]} × {sides[2]} "
                f"voxels {when}; at most {most} are measured; choose larger voxels"
            )
