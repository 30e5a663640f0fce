"""Where a finding lies: the slice that shows it, a box there, the patient's side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from medlens.core import Image
from medlens.core.diagnosis import ImageRef, Laterality
from medlens.core.terms import PAIRED

Box = tuple[float, float, float, float]
HALF = 0.5
"""Share of the strongest evidence down to which its region reaches."""


@dataclass(frozen=True)
class Slices:
    """The slices of a source, and which image each of them is.

    Attributes:
        count: D.
        plane: H, W.
        images: one for each slice, one for all, or () where slices are no image's.
    """

    count: int
    images: tuple[ImageRef, ...]
    plane: tuple[int, int] = (1, 1)

    @classmethod
    def of(cls, image: Image, images: Sequence[ImageRef]) -> Slices:
        """The slices of an image as read.

        Slices that were interpolated onto an even grid are no file's; neither are
        those whose number differs from that of the files.
        """
        count, rows, columns = (int(side) for side in image.array.shape[1:])
        is_theirs = "Resampled" not in image.provenance.facts
        is_matched = len(images) == 1 or (is_theirs and len(images) == count)
        return cls(count, tuple(images) if is_matched else (), (rows, columns))

    def image_of(self, d: int) -> ImageRef | None:
        """The image that slice d is, or lies in."""
        if not self.images:
            return None
        return self.images[d] if len(self.images) == self.count else self.images[0]

    def index_of(self, d: int) -> int | None:
        """d, or None of an image that is no volume and of slices that are no file's:
        whoever opened the source would find another slice under that number."""
        return d if self.count > 1 and self.images else None

    def numbered(self, found: Sequence[int]) -> tuple[int, ...]:
        """Those of a volume whose slices are the source's own, else ()."""
        return tuple(found) if self.count > 1 and self.images else ()

    def stretched(self, found: Box | None, grid: tuple[int, ...]) -> Box | None:
        """A box on pixels, of one on the cells of a coarser (rows, columns) grid."""
        if found is None or tuple(grid) == self.plane:
            return found
        down, across = self.plane[0] / grid[0], self.plane[1] / grid[1]
        left, top, right, bottom = found
        return left * across, top * down, right * across, bottom * down

    def box(self, found: Box | None) -> Box | None:
        """A box on pixels of the source; None where they are interpolated ones."""
        return found if self.images else None


def side_of_image(image: Image) -> Laterality:
    """Side of the body part that an image shows, from its header.

    Image Laterality (0020,0062), else Laterality (0020,0060), and only of paired
    parts: a chest film whose header says L was made from the left, and shows both.
    """
    facts = image.provenance.facts
    if facts.get("BodyPartExamined", "").upper() not in PAIRED:
        return ""
    letter = facts.get("ImageLaterality") or facts.get("Laterality", "")
    sides: dict[str, Laterality] = {"L": "left", "R": "right", "B": "bilateral"}
    return sides.get(letter.upper(), "")


def box_of_evidence(evidence: NDArray[np.floating]) -> Box | None:
    """Box of the strongest region of an evidence map.

    The region is the connected one (8 neighbours) around the maximum that reaches half
    of it: the full width at half maximum, as a peak is measured.

    Args:
        evidence: (H, W) in logit units.

    Returns:
        (left, top, right, bottom), edges of pixels counted from 0; None where nothing
        speaks for the finding, or all of the image does.
    """
    top = float(evidence.max())
    if not top > 0:
        return None
    strong = (evidence >= HALF * top).astype(np.uint8)
    _, pieces = cv2.connectedComponents(strong, connectivity=8)
    at = np.unravel_index(int(evidence.argmax()), evidence.shape)
    box = box_of_mask(pieces == pieces[at])
    height, width = evidence.shape
    return None if box == (0, 0, width, height) else box


def box_of_mask(mask: NDArray[np.bool_]) -> Box | None:
    """Box around all pixels of a (H, W) mask, as `box_of_evidence`; None if empty."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return None
    columns = np.flatnonzero(mask.any(axis=0))
    left, right = columns[0], columns[-1] + 1
    return float(left), float(rows[0]), float(right), float(rows[-1] + 1)
