"""All figures of one case: an answer's mask held against the reference."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from medlens.core import Array, UsageError
from medlens.metrics.masks.grid import (
    MAX_LABEL,
    Box,
    Mask,
    Spacing,
    check_box,
    check_pair,
    check_spacing,
    find_boxes,
    join_boxes,
)
from medlens.metrics.masks.lesions import (
    MIN_OVERLAP,
    LesionCounts,
    check_rule,
    match_cropped,
)
from medlens.metrics.masks.surface import (
    SurfaceScores,
    check_tolerance,
    compare_cropped,
)


@dataclass(frozen=True)
class MaskScores:
    """One label of one case; None where a figure has no value.

    Where both masks are empty nothing can overlap: Dice, Jaccard and surface Dice
    are None, and the case counts for `is_absent` only. Where one mask is empty
    they are 0, and distances are None (Maier-Hein et al. 2024, Metrics Reloaded).

    Attributes:
        n_reference, n_answer, n_both: voxels in the reference, the answer, both.
        voxel_ml: volume of one voxel.
        diagonal_mm: of the whole grid, the largest distance there could be.
        surface: surface Dice, HD95, mean distance.
        lesions: components found, missed and made up.
    """

    n_reference: int
    n_answer: int
    n_both: int
    voxel_ml: float
    diagonal_mm: float
    surface: SurfaceScores
    lesions: LesionCounts

    @property
    def is_present(self) -> bool:
        """Whether the reference has any voxel."""
        return self.n_reference > 0

    @property
    def is_answered(self) -> bool:
        """Whether the answer has any voxel."""
        return self.n_answer > 0

    @property
    def is_absent(self) -> bool:
        """Whether both masks are empty."""
        return not (self.is_present or self.is_answered)

    @property
    def dice(self) -> float | None:
        """Twice the voxels in both over the sum of both (Dice 1945)."""
        total = self.n_reference + self.n_answer
        return 2 * self.n_both / total if total else None

    @property
    def jaccard(self) -> float | None:
        """Voxels in both over voxels in either (intersection over union)."""
        union = self.n_reference + self.n_answer - self.n_both
        return self.n_both / union if union else None

    @property
    def reference_ml(self) -> float:
        """Volume of the reference."""
        return self.n_reference * self.voxel_ml

    @property
    def answer_ml(self) -> float:
        """Volume of the answer."""
        return self.n_answer * self.voxel_ml

    @property
    def volume_error_ml(self) -> float:
        """Answer minus reference; above 0 when the answer is too large."""
        return (self.n_answer - self.n_reference) * self.voxel_ml

    @property
    def relative_volume_error(self) -> float | None:
        """Volume error over the reference's volume; None for an empty reference."""
        if not self.n_reference:
            return None
        return (self.n_answer - self.n_reference) / self.n_reference


def score_masks(
    reference: Array,
    answer: Array,
    *,
    spacing: tuple[float, ...],
    tolerance_mm: float = 2.0,
    min_overlap: float = MIN_OVERLAP,
    min_volume_mm3: float = 0.0,
    case: str = "case",
) -> MaskScores:
    """Overlap, surfaces, volume and lesions of two masks.

    Args:
        reference, answer: (D, H, W) or (H, W), nonzero counts.
        spacing: mm for each axis; a plane without thickness counts as 1 mm thick.
        tolerance_mm: of the surface Dice; see `compare_surfaces`.
        min_overlap, min_volume_mm3: of the lesions; see `match_lesions`.
        case: local key, for messages.

    Raises:
        PrepError: shapes or types do not allow a comparison.
        ResourceError: the masks fill a box of over 512 Mi voxels.
        UsageError: spacing or a setting is out of range.
    """
    first, second = check_pair(reference, answer, case=case)
    return score_labels(
        first != 0,
        second != 0,
        labels={"mask": 1},
        spacing=check_spacing(spacing, np.ndim(reference)),
        tolerance_mm=tolerance_mm,
        min_overlap=min_overlap,
        min_volume_mm3=min_volume_mm3,
        case=case,
    )["mask"]


def score_labels(
    reference: Array,
    answer: Array,
    *,
    labels: Mapping[str, int],
    spacing: tuple[float, ...],
    tolerance_mm: float = 2.0,
    min_overlap: float = MIN_OVERLAP,
    min_volume_mm3: float = 0.0,
    case: str = "case",
) -> dict[str, MaskScores]:
    """`score_masks` for each label of two label volumes.

    Each label is compared within the box around it, so time and memory go with
    the size of what is labelled and not with that of the volume. Arrays may be
    memory-mapped.

    Args:
        reference, answer: (D, H, W) or (H, W) whole numbers.
        labels: name → value, 1 to 65535; 0 is the background.
        spacing, tolerance_mm, min_overlap, min_volume_mm3, case: as for
            `score_masks`.

    Raises:
        PrepError, ResourceError, UsageError: as for `score_masks`.
    """
    first, second = check_pair(reference, answer, case=case)
    mm = check_spacing(spacing, np.ndim(reference))
    check_tolerance(tolerance_mm)
    check_rule(min_overlap, min_volume_mm3)
    values = _check_labels(labels)
    boxes = zip(find_boxes(first, values), find_boxes(second, values), strict=True)
    scores = {}
    for (name, value), pair in zip(labels.items(), boxes, strict=True):
        box = join_boxes(*pair)
        masks = _cut(first, second, box, value, f"{case}, label '{name}'")
        scores[name] = MaskScores(
            n_reference=int(np.count_nonzero(masks[0])),
            n_answer=int(np.count_nonzero(masks[1])),
            n_both=int(np.count_nonzero(masks[0] & masks[1])),
            voxel_ml=math.prod(mm) / 1000,
            diagonal_mm=math.hypot(*np.multiply(first.shape, mm)),
            surface=compare_cropped(
                *masks,
                spacing=mm,
                tolerance_mm=tolerance_mm,
                is_plane=len(first) == 1,
            ),
            lesions=_match(masks, mm, min_overlap, min_volume_mm3),
        )
    return scores


def _match(
    masks: tuple[Mask, Mask], spacing: Spacing, min_overlap: float, min_mm3: float
) -> LesionCounts:
    return match_cropped(
        *masks, spacing=spacing, min_overlap=min_overlap, min_volume_mm3=min_mm3
    )


def _cut(
    reference: Array, answer: Array, box: Box | None, value: int, case: str
) -> tuple[Mask, Mask]:
    """Both masks of a label in their box; one empty voxel where there is none."""
    if box is None:
        nothing = np.zeros((1, 1, 1), dtype=bool)
        return nothing, nothing
    check_box(box, case=case)
    return reference[box] == value, answer[box] == value


def _check_labels(labels: Mapping[str, int]) -> list[int]:
    values = [int(value) for value in labels.values()]
    wrong = [value for value in values if not 1 <= value <= MAX_LABEL]
    if not values or wrong or len(set(values)) < len(values):
        raise UsageError(
            f"labels have the values {values[:10]}; wanted at least one, each "
            f"different and from 1 to {MAX_LABEL} (0 is the background)"
        )
    return values
