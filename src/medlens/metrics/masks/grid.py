"""Two masks on one grid: checks, and the box that holds what is in them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from medlens.core import Array, PrepError, ResourceError, UsageError

Mask = NDArray[np.bool_]
Spacing = tuple[float, float, float]
Box = tuple[slice, slice, slice]

MAX_BOX = 512 * 1024 * 1024
"""Voxels of the largest box that is compared (about 3 GB while at work)."""

MAX_LABEL = 65_535
"""Largest value of a label; the search for boxes keeps a list of this length."""


def check_spacing(spacing: tuple[float, ...], ndim: int) -> Spacing:
    """Spacing in order D, H, W; a plane gets a D of 1.

    Raises:
        UsageError: another number of values than axes, or one not above 0.
    """
    values = tuple(float(value) for value in spacing)
    if len(values) != ndim or not all(math.isfinite(v) and v > 0 for v in values):
        raise UsageError(
            f"spacing is {values}; wanted {ndim} numbers above 0, in mm, in the order "
            "of the axes"
        )
    depth, height, width = (1.0, *values)[-3:]
    return depth, height, width


def check_volume(array: Array, *, name: str, case: str) -> Array:
    """The array as (D, H, W) of whole numbers; a plane gets D = 1.

    Raises:
        PrepError: other axes, no voxel, or values that are no whole numbers.
    """
    found = np.asanyarray(array)
    if found.ndim not in (2, 3) or 0 in found.shape:
        raise PrepError(
            f"{case}: {name} has shape {found.shape}; wanted (H, W) or (D, H, W)"
        )
    if found.dtype.kind not in "bui":
        raise PrepError(
            f"{case}: {name} has values of type {found.dtype}; wanted whole numbers "
            "or True and False; decide at a threshold first"
        )
    if found.dtype.kind == "b":
        found = found.view(np.uint8)
    return found if found.ndim == 3 else found[None]


def check_pair(
    reference: Array, answer: Array, *, case: str = "case"
) -> tuple[Array, Array]:
    """Both arrays as (D, H, W) on one grid.

    Raises:
        PrepError: as for `check_volume`, or the shapes differ.
    """
    if np.shape(reference) != np.shape(answer):
        raise PrepError(
            f"{case}: reference has shape {np.shape(reference)}, the answer "
            f"{np.shape(answer)}; resample the answer to the grid of the reference"
        )
    return (
        check_volume(reference, name="reference", case=case),
        check_volume(answer, name="answer", case=case),
    )


def find_boxes(array: Array, values: list[int]) -> list[Box | None]:
    """The smallest box around each value, or None where it does not occur.

    Args:
        array: (D, H, W) whole numbers.
        values: 1 to 65535.
    """
    from scipy.ndimage import find_objects

    found = find_objects(array, max_label=max(values))
    return [found[value - 1] for value in values]


def join_boxes(first: Box | None, second: Box | None) -> Box | None:
    """The smallest box around two boxes."""
    if first is None or second is None:
        return first or second
    depth, height, width = (
        slice(min(a.start, b.start), max(a.stop, b.stop))
        for a, b in zip(first, second, strict=True)
    )
    return depth, height, width


def check_box(box: Box, *, case: str) -> None:
    """Stop before memory does.

    Raises:
        ResourceError: the box has over 512 Mi voxels.
    """
    sides = [side.stop - side.start for side in box]
    if math.prod(sides) > MAX_BOX:
        raise ResourceError(
            f"{case}: the masks fill a box of {sides[0]} × {sides[1]} × {sides[2]} "
            f"voxels; at most {MAX_BOX} are compared; resample both more coarsely"
        )
