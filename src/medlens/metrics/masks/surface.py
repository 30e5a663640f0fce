"""How far two surfaces lie apart: HD95, mean distance, surface Dice.

Two descriptions of a surface are in use, and a figure means little without its
description:

- border voxels, for HD95 and the mean distance: voxels of the mask with a face
  neighbour outside it, each at its centre and counting once (as in MONAI, nnU-Net
  and medpy, so that figures can be held against published ones);
- surface elements, for the surface Dice: every block of 2 × 2 × 2 voxels that the
  surface crosses, at the block's middle, weighing as the area of the surface in it
  (Nikolov et al. 2021, J Med Internet Res 23:e26151).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlens.core import Array, UsageError
from medlens.metrics.masks.distance import lay_planes, measure_distances
from medlens.metrics.masks.elements import element_sizes, find_codes
from medlens.metrics.masks.grid import (
    Mask,
    Spacing,
    check_box,
    check_pair,
    check_spacing,
    find_boxes,
    join_boxes,
)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class SurfaceScores:
    """How two surfaces fit; None where a figure has no value.

    Attributes:
        surface_dice: 0..1; share of both surfaces that lies within the tolerance
            of the other. 0 where one mask is empty, None where both are.
        hd95_mm: larger of both 95th percentiles of distance; None where a mask
            is empty.
        mean_distance_mm: mean of both directions' means; None likewise.
    """

    surface_dice: float | None
    hd95_mm: float | None
    mean_distance_mm: float | None


def compare_surfaces(
    reference: Array,
    answer: Array,
    *,
    spacing: tuple[float, ...],
    tolerance_mm: float = 2.0,
    case: str = "case",
) -> SurfaceScores:
    """Surface Dice, HD95 and mean surface distance of two masks.

    HD95 is the larger of the 95th percentiles (linear interpolation) of the
    distances from each border voxel of one mask to the nearest border voxel of
    the other, in both directions. The mean distance is the mean of the two
    directions' means (MASD), so that the larger surface has no larger say. The
    end of the array counts as outside.

    Args:
        reference, answer: (D, H, W) or (H, W), nonzero counts. A single slice is
            a plane: its surface is its outline.
        spacing: mm for each axis.
        tolerance_mm: of the surface Dice, 0 or above.
        case: local key, for messages.

    Raises:
        PrepError: shapes or types do not allow a comparison.
        ResourceError: the masks fill a box of over 512 Mi voxels.
        UsageError: spacing or tolerance is out of range.
    """
    pair = check_pair(reference, answer, case=case)
    mm = check_spacing(spacing, np.ndim(reference))
    check_tolerance(tolerance_mm)
    masks = [array != 0 for array in pair]
    boxes = [find_boxes(mask.view(np.uint8), [1])[0] for mask in masks]
    box = join_boxes(boxes[0], boxes[1])
    if box is None:
        return SurfaceScores(None, None, None)
    check_box(box, case=case)
    return compare_cropped(
        masks[0][box],
        masks[1][box],
        spacing=mm,
        tolerance_mm=tolerance_mm,
        is_plane=masks[0].shape[0] == 1,
    )


def compare_cropped(
    reference: Mask,
    answer: Mask,
    *,
    spacing: Spacing,
    tolerance_mm: float,
    is_plane: bool,
) -> SurfaceScores:
    """`compare_surfaces` on (D, H, W) boxes that hold all of both masks."""
    if not (reference.any() and answer.any()):
        found = reference.any() or answer.any()
        return SurfaceScores(0.0 if found else None, None, None)
    axes: tuple[int, ...] = (1, 2) if is_plane else (0, 1, 2)
    masks, spacing, axes = lay_planes([reference, answer], spacing, axes)
    overlap = _measure_overlap(masks, spacing, axes, tolerance_mm)
    there, back = _measure_borders(masks, spacing, axes)
    return SurfaceScores(
        overlap,
        float(max(np.percentile(there, 95), np.percentile(back, 95))),
        float(there.mean(dtype=np.float64) + back.mean(dtype=np.float64)) / 2,
    )


def find_border(mask: Mask, axes: tuple[int, ...]) -> Mask:
    """Voxels of the mask with a neighbour along these axes outside it."""
    inner = mask.copy()
    for axis in axes:
        # Views with the axis first: a write to them is a write to inner.
        values, target = np.moveaxis(mask, axis, 0), np.moveaxis(inner, axis, 0)
        target[1:] &= values[:-1]
        target[:-1] &= values[1:]
        target[0] = target[-1] = False
    border: Mask = mask & ~inner
    return border


def check_tolerance(tolerance_mm: float) -> None:
    """Stop at a tolerance that is no length.

    Raises:
        UsageError: below 0 or not finite.
    """
    if not (math.isfinite(tolerance_mm) and tolerance_mm >= 0):
        raise UsageError(
            f"tolerance_mm is {tolerance_mm}; wanted a length of 0 mm or more"
        )


def _measure_borders(
    masks: list[Mask], spacing: Spacing, axes: tuple[int, ...]
) -> list[Floats]:
    """Distances from each border to the other, in mm, both ways."""
    first, second = (find_border(mask, axes) for mask in masks)
    return [
        np.concatenate([gaps for _, gaps in measure_distances(own, other, spacing)])
        for own, other in ((first, second), (second, first))
    ]


def _measure_overlap(
    masks: list[Mask], spacing: Spacing, axes: tuple[int, ...], tolerance_mm: float
) -> float:
    """Surface Dice from the elements of both surfaces."""
    sizes = element_sizes(spacing, axes)
    codes = [find_codes(mask, axes) for mask in masks]
    surfaces = [(sizes > 0)[code] for code in codes]
    # Distances are roots of sums; a tolerance that they equal must hold them.
    limit = tolerance_mm * (1 + 1e-6)
    near = total = 0.0
    for own, other in ((0, 1), (1, 0)):
        for index, gaps in measure_distances(
            surfaces[own], surfaces[other], spacing, limit_mm=limit
        ):
            weights = sizes[codes[own][index][surfaces[own][index]]]
            near += float(weights[gaps <= limit].sum())
            total += float(weights.sum())
    return near / total
