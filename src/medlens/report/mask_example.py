"""One segmented case worth looking at, as the caller hands it to the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medlens.core import UsageError

Rank = Literal["worst", "median", "best"]


@dataclass(frozen=True, eq=False)
class MaskExample:
    """A plane of a case with what the reference and the model draw in it.

    Attributes:
        case: local case key; the only name of the case on the page.
        rank: why it is shown.
        plane: uint8, (H, W) grey or (H, W, 3) RGB, as a reader would see it.
        reference, predicted: (H, W) label indices on the same grid, 0 background.
        dice: label → Dice of the whole case; None where neither has the label.
        spacing: (row, column) side of a pixel, any unit; only their ratio counts.
        slice_index, slices: which plane of how many; slices is 1 for an image.
        note: a short remark, such as "unlike the training images".

    Raises:
        UsageError: an array has another shape, type or size than said here.
    """

    case: str
    rank: Rank
    plane: NDArray[np.uint8]
    reference: NDArray[np.integer]
    predicted: NDArray[np.integer]
    dice: Mapping[str, float | None] = field(default_factory=dict)
    spacing: tuple[float, float] = (1.0, 1.0)
    slice_index: int = 0
    slices: int = 1
    note: str = ""

    def __post_init__(self) -> None:
        plane = self.plane
        is_picture = plane.ndim == 2 or (plane.ndim == 3 and plane.shape[2] == 3)
        if plane.dtype != np.uint8 or not is_picture or plane.size == 0:
            raise UsageError(
                f"case {self.case}: example plane is {plane.dtype} of shape "
                f"{plane.shape}, the report takes uint8 of (H, W) or (H, W, 3)"
            )
        for name in ("reference", "predicted"):
            mask = getattr(self, name)
            if mask.shape != plane.shape[:2] or mask.dtype.kind not in "bui":
                raise UsageError(
                    f"case {self.case}: {name} mask is {mask.dtype} of shape "
                    f"{mask.shape}, the report takes label indices of shape "
                    f"{plane.shape[:2]}, as the plane has"
                )
        sides = np.asarray(self.spacing, dtype=np.float64)
        if sides.shape != (2,) or not (np.isfinite(sides).all() and (sides > 0).all()):
            raise UsageError(
                f"case {self.case}: example spacing is {self.spacing}; wanted two "
                "numbers above 0 (row, column)"
            )


def find_telling_plane(
    reference: NDArray[np.integer], predicted: NDArray[np.integer]
) -> int:
    """Index of the slice in which the two masks disagree most.

    Where they agree everywhere, the slice with most of the reference; where there
    is nothing at all, the middle one.

    Args:
        reference, predicted: (D, H, W) label indices; may be memory-mapped.
    """
    wrong = [int(np.count_nonzero(a != b)) for a, b in _planes(reference, predicted)]
    if max(wrong) > 0:
        return int(np.argmax(wrong))
    there = [int(np.count_nonzero(a)) for a, _ in _planes(reference, predicted)]
    return int(np.argmax(there)) if max(there) > 0 else len(there) // 2


def _planes(
    reference: NDArray[np.integer], predicted: NDArray[np.integer]
) -> zip[tuple[NDArray[np.integer], NDArray[np.integer]]]:
    return zip(reference, predicted, strict=True)
