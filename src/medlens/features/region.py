"""What is measured: a checked grey image and the part of it that counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlens.core import Array, PrepError, ResourceError, UsageError

MAX_PIXELS = 4096 * 4096
"""Largest image that is measured as it is (about 2.5 GB while at work)."""

MAX_MAGNITUDE = 1e30
"""Largest intensity whose fourth power is still a finite number."""

LUMA = (0.299, 0.587, 0.114)
"""Rec. 601 weights of R, G, B, as in DICOM's YBR (PS3.3 C.7.6.3.1.2)."""


@dataclass(frozen=True)
class Region:
    """A grey image, its colours, and the pixels that count.

    Attributes:
        grey: (H, W) float64; pixels that are not finite hold the region's mean.
        colour: (3, H, W) float64 in order R, G, B, or None.
        mask: (H, W) True for pixels that count; at least one.
        inside: (n,) grey values inside the mask.
        is_whole: the mask is True everywhere.
    """

    grey: NDArray[np.float64]
    colour: NDArray[np.float64] | None
    mask: NDArray[np.bool_]
    inside: NDArray[np.float64]
    is_whole: bool

    def pick(self, plane: NDArray[Any]) -> NDArray[Any]:
        """(n,) values of an (H, W) plane inside the mask."""
        return plane.ravel() if self.is_whole else plane[self.mask]

    @property
    def is_flat(self) -> bool:
        """True when all pixels that count have one value."""
        return bool(self.inside.max() == self.inside.min())


def read_region(array: Array, mask: Array | None, *, case: str) -> Region:
    """Check an image and its mask.

    Args:
        array: (H, W), (1, H, W) or (3, H, W); integers, floats or booleans.
        mask: (H, W), nonzero counts; None for the whole image.
        case: local key, for messages.

    Raises:
        PrepError: shape, mask or values do not allow a measurement.
        ResourceError: more than 4096 × 4096 pixels.
    """
    planes = _check_shape(np.asarray(array), case)
    inside_mask = _check_mask(mask, planes.shape[1:], case)
    if planes.shape[0] == 3:
        grey = np.tensordot(np.array(LUMA), planes, axes=1)
    else:
        grey = planes[0].copy()
    inside = grey[inside_mask]
    bad = int(inside.size - np.count_nonzero(np.abs(inside) <= MAX_MAGNITUDE))
    if bad:
        raise PrepError(
            f"{case}: {bad} of {inside.size} pixels are NaN, infinite or beyond "
            f"{MAX_MAGNITUDE:g}; clip them or leave them out with mask="
        )
    strange = ~(np.abs(planes) <= MAX_MAGNITUDE).all(axis=0)
    grey[strange] = inside.mean()
    colour = planes if planes.shape[0] == 3 else None
    return Region(grey, colour, inside_mask, inside, bool(inside_mask.all()))


def read_volume(
    array: Array, regions: Mapping[str, Array], *, case: str
) -> tuple[Array, list[NDArray[np.bool_]]]:
    """Check a volume and regions of it; what values it has is not looked at.

    Args:
        array: (D, H, W) integers, floats or booleans.
        regions: name for messages → (D, H, W), nonzero counts.
        case: local key, for messages.

    Returns:
        The volume, and each region as bool in the order given.

    Raises:
        PrepError: other axes or types, a region on another grid, or an empty one.
    """
    array = np.asarray(array)
    if array.ndim != 3 or array.dtype.kind not in "buif":
        raise PrepError(
            f"{case}: array has shape {array.shape} and type {array.dtype}; a volume "
            "needs (D, H, W) real numbers"
        )
    found = []
    for name, region in regions.items():
        inside = np.asarray(region) != 0
        if inside.shape != array.shape:
            raise PrepError(
                f"{case}: {name} has shape {inside.shape}, the volume {array.shape}; "
                "both need the same grid"
            )
        if not inside.any():
            raise PrepError(f"{case}: {name} is empty; nothing to measure")
        found.append(inside)
    return array, found


def check_spacing(spacing: tuple[float, ...], n_axes: int) -> tuple[float, ...]:
    """The spacing as floats.

    Raises:
        UsageError: another number of values than axes, or one not above 0.
    """
    values = tuple(float(value) for value in spacing)
    good = all(np.isfinite(value) and value > 0 for value in values)
    if len(values) != n_axes or not good:
        raise UsageError(
            f"spacing is {values}; wanted {n_axes} numbers above 0, in mm, in the "
            "order of the axes"
        )
    return values


def _check_shape(array: Array, case: str) -> NDArray[np.float64]:
    planes = array[None] if array.ndim == 2 else array
    if planes.ndim != 3 or planes.shape[0] not in (1, 3):
        raise PrepError(
            f"{case}: array has shape {array.shape}; features need (H, W), (1, H, W) "
            "or (3, H, W); pick a slice or convert to grey or RGB"
        )
    if 0 in planes.shape:
        raise PrepError(f"{case}: array has shape {array.shape}, so no pixel at all")
    if planes[0].size > MAX_PIXELS:
        raise ResourceError(
            f"{case}: {planes.shape[1]} × {planes.shape[2]} pixels; features measure "
            f"at most {MAX_PIXELS} pixels; make it smaller first (measure_many does)"
        )
    if planes.dtype.kind not in "buif":
        raise PrepError(
            f"{case}: values are of type {planes.dtype}; features need real numbers"
        )
    return planes.astype(np.float64)


def _check_mask(
    mask: Array | None, shape: tuple[int, ...], case: str
) -> NDArray[np.bool_]:
    if mask is None:
        return np.ones(shape, dtype=bool)
    inside: NDArray[np.bool_] = np.asarray(mask) != 0
    if inside.shape != shape:
        raise PrepError(
            f"{case}: mask has shape {inside.shape}, the image {shape}; "
            "both need the same rows and columns"
        )
    if not inside.any():
        raise PrepError(f"{case}: mask is empty; leave it out to measure all pixels")
    return inside
