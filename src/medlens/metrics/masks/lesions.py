"""Lesion by lesion: how many are found, and how many are made up."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlens.core import Array, UsageError
from medlens.metrics.masks.grid import (
    Mask,
    Spacing,
    check_box,
    check_pair,
    check_spacing,
    find_boxes,
    join_boxes,
)

MIN_OVERLAP = 0.1
"""Share of a lesion that has to be covered; one voxel would be chance."""


@dataclass(frozen=True)
class LesionCounts:
    """Lesions of one case.

    Attributes:
        lesions: components of the reference.
        found: those that the answer covers well enough.
        answers: components of the answer.
        false_positives: those that lie too little inside the reference.
    """

    lesions: int
    found: int
    answers: int
    false_positives: int


def match_lesions(
    reference: Array,
    answer: Array,
    *,
    spacing: tuple[float, ...] | None = None,
    min_overlap: float = MIN_OVERLAP,
    min_volume_mm3: float = 0.0,
    case: str = "case",
) -> LesionCounts:
    """Count connected lesions that are found, missed and made up.

    A lesion is a component of voxels that touch by face, edge or corner (26
    neighbours; 8 in a plane). A lesion of the reference is found when at least
    `min_overlap` of its voxels are in the answer. A component of the answer is a
    false positive when less than `min_overlap` of its voxels are in the
    reference. One component may find several lesions, and several may find one:
    lesions that grow together or fall apart are no error here (Dice and surface
    Dice see that).

    Args:
        reference, answer: (D, H, W) or (H, W), nonzero counts.
        spacing: mm for each axis; needed for min_volume_mm3 only.
        min_overlap: above 0, at most 1.
        min_volume_mm3: smaller components are neither lesions nor false
            positives; in a plane of unknown thickness, 1 mm is taken for it.
        case: local key, for messages.

    Raises:
        PrepError: shapes or types do not allow a comparison.
        ResourceError: the masks fill a box of over 512 Mi voxels.
        UsageError: spacing, min_overlap or min_volume_mm3 is out of range.
    """
    masks = [array != 0 for array in check_pair(reference, answer, case=case)]
    mm = check_spacing(spacing or (1.0,) * np.ndim(reference), np.ndim(reference))
    check_rule(min_overlap, min_volume_mm3)
    boxes = [find_boxes(mask.view(np.uint8), [1])[0] for mask in masks]
    box = join_boxes(boxes[0], boxes[1])
    if box is None:
        return LesionCounts(0, 0, 0, 0)
    check_box(box, case=case)
    return match_cropped(
        masks[0][box],
        masks[1][box],
        spacing=mm,
        min_overlap=min_overlap,
        min_volume_mm3=min_volume_mm3,
    )


def match_cropped(
    reference: Mask,
    answer: Mask,
    *,
    spacing: Spacing,
    min_overlap: float,
    min_volume_mm3: float,
) -> LesionCounts:
    """`match_lesions` on (D, H, W) boxes that hold all of both masks."""
    fewest = min_volume_mm3 / math.prod(spacing)
    shares = _cover_components(reference, answer, fewest)
    answered = _cover_components(answer, reference, fewest)
    return LesionCounts(
        lesions=shares.size,
        found=int((shares >= min_overlap).sum()),
        answers=answered.size,
        false_positives=int((answered < min_overlap).sum()),
    )


def check_rule(min_overlap: float, min_volume_mm3: float) -> None:
    """Stop at a matching rule that cannot be meant.

    Raises:
        UsageError: min_overlap or min_volume_mm3 is out of range.
    """
    if not 0 < min_overlap <= 1:
        raise UsageError(
            f"min_overlap is {min_overlap}; wanted a share above 0, at most 1"
        )
    if not (math.isfinite(min_volume_mm3) and min_volume_mm3 >= 0):
        raise UsageError(
            f"min_volume_mm3 is {min_volume_mm3}; wanted a volume of 0 mm³ or more"
        )


def _cover_components(
    mask: Mask, cover: Mask, fewest_voxels: float
) -> NDArray[np.float64]:
    """Share of each large enough component of the mask that the cover holds."""
    from scipy.ndimage import label

    components, n = label(mask, structure=np.ones((3, 3, 3), dtype=bool))
    sizes = np.zeros(n + 1, dtype=np.int64)
    covered = np.zeros(n + 1, dtype=np.int64)
    # In pieces, because bincount copies to 64 bits; none shorter than its answer.
    planes = 1 + n // components[0].size
    for start in range(0, len(components), planes):
        numbers = components[start : start + planes]
        sizes += np.bincount(numbers.ravel(), minlength=n + 1)
        held = numbers[cover[start : start + planes]]
        covered += np.bincount(held, minlength=n + 1)
    large = sizes[1:] >= max(fewest_voxels, 1)
    shares: NDArray[np.float64] = covered[1:][large] / sizes[1:][large]
    return shares
