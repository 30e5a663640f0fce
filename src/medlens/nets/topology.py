"""Kernels and strides of a U-Net from patch and spacing; needs no torch.

The rule of nnU-Net (Isensee et al. 2021, supplement 6.2), axis by axis and stage
by stage from the finest:

1. An axis is halved while at least 4 places are left after it and its spacing is
   below twice the finest among the axes that can still be halved; each halving
   doubles its spacing. So thick slices wait until the plane has caught up.
2. When a single axis could still be halved, it must keep 6 places, not 4.
3. The kernel is 3 along an axis whose spacing at that stage is below twice the
   finest of all axes, else 1; once 3, it stays 3. An axis that is halved has 3
   from there on, so that no voxel is skipped (our addition; it matters only where
   thick slices are halved because the plane is too small to be).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from medlens.core import RecipeError

LEAST = 4  # places left on an axis after halving
ALONE = 6  # the same, for the last axis that could be halved
APART = 2.0  # ratio of spacings from which axes are treated apart
DEEPEST = 8  # halvings; a patch of 1024 has 4 places left
LARGEST = 4096  # patch side that is taken for a mistake when exceeded

Axes = tuple[int, ...]


@dataclass(frozen=True)
class Topology:
    """Stages of a U-Net, finest first.

    Attributes:
        kernels: of the convolutions, one tuple (an odd number for each axis) a
            stage.
        strides: from the stage above, 1 or 2 for each axis; all 1 at the first.
        multiple: patch sides must be multiples of it, for each axis.
        patch: the patch asked for, rounded up to such multiples.
    """

    kernels: tuple[Axes, ...]
    strides: tuple[Axes, ...]
    multiple: Axes
    patch: Axes


def plan_topology(
    patch: tuple[int, ...], spacing: tuple[float, ...], *, deepest: int = DEEPEST
) -> Topology:
    """Stages for a patch (D, H, W) or (H, W) with spacing in mm, same order.

    Args:
        patch: side in voxels, 1..4096 for each axis.
        spacing: distance of neighbours in mm, for each axis.
        deepest: most halvings, 0..8.

    Raises:
        RecipeError: not 2 or 3 axes, or a side, spacing or depth out of range.

    >>> plan_topology((16, 64, 64), (5.0, 1.0, 1.0)).strides[:3]
    ((1, 1, 1), (1, 2, 2), (1, 2, 2))
    """
    _check(patch, spacing, deepest)
    sides, gaps = list(patch), list(spacing)
    kernels = [_kernel((1,) * len(patch), gaps, halved=[])]
    strides: list[Axes] = [(1,) * len(patch)]
    while len(strides) <= deepest and (axes := _halvable(sides, gaps)):
        for axis in axes:
            sides[axis] = math.ceil(sides[axis] / 2)
            gaps[axis] *= 2
        strides.append(tuple(2 if i in axes else 1 for i in range(len(patch))))
        kernels.append(_kernel(kernels[-1], gaps, halved=axes))
    multiple = tuple(
        math.prod(stage[i] for stage in strides) for i in range(len(patch))
    )
    rounded = tuple(math.ceil(p / m) * m for p, m in zip(patch, multiple, strict=True))
    return Topology(tuple(kernels), tuple(strides), multiple, rounded)


def _halvable(sides: list[int], gaps: list[float]) -> list[int]:
    large = [i for i, side in enumerate(sides) if side >= 2 * LEAST]
    if not large:
        return []
    finest = min(gaps[i] for i in large)
    axes = [i for i in large if gaps[i] < APART * finest]
    if len(axes) == 1 and sides[axes[0]] < 2 * ALONE:
        return []
    return axes


def _kernel(above: Axes, gaps: list[float], *, halved: list[int]) -> Axes:
    finest = min(gaps)
    return tuple(
        3 if size == 3 or i in halved or gap < APART * finest else 1
        for i, (size, gap) in enumerate(zip(above, gaps, strict=True))
    )


def _check(patch: tuple[int, ...], spacing: tuple[float, ...], deepest: int) -> None:
    if len(patch) not in (2, 3) or len(spacing) != len(patch):
        raise RecipeError(
            f"U-Net: patch has {len(patch)} axes and spacing {len(spacing)}; "
            "wanted 2 (row, column) or 3 (slice, row, column) of each"
        )
    if not all(1 <= side <= LARGEST for side in patch):
        raise RecipeError(
            f"U-Net: patch is {patch} voxels; wanted 1 to {LARGEST} for each axis"
        )
    if not all(math.isfinite(gap) and gap > 0 for gap in spacing):
        raise RecipeError(f"U-Net: spacing is {spacing} mm; wanted numbers above 0")
    if not 0 <= deepest <= DEEPEST:
        raise RecipeError(f"U-Net: {deepest} halvings asked for; wanted 0 to {DEEPEST}")
