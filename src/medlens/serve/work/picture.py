"""The key image of an answer, painted as people should see it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from medlens.core import Image
from medlens.core.diagnosis import Assessment, Evidence, Finding, ImageRef
from medlens.predict.overlay import paint_evidence, paint_outlines

LARGEST_SIDE = 2048  # pixels of a picture; larger ones are averaged down


@dataclass(frozen=True)
class Picture:
    """A key image.

    Attributes:
        pixels: (H, W, 3) uint8, R, G, B: as its file asks to be shown, with the
            evidence or the outlines of the mask laid over it.
        ref: the image that it shows.
    """

    pixels: NDArray[np.uint8] = field(repr=False)
    ref: ImageRef


def paint_key(image: Image, assessment: Assessment, evidence: Evidence) -> Picture:
    """The slice that shows the first finding best; the middle one where none does."""
    shown = next((f for f in assessment.findings if f.is_present), None)
    depth = image.array.shape[1]
    at = _slice_of(shown, depth)
    plane = image.with_array(np.asarray(image.array[:, at : at + 1]))
    painted = _paint(plane, at, shown, evidence)
    refs = assessment.images
    ref = refs[at] if len(refs) == depth else refs[min(at, len(refs) - 1)]
    return Picture(_fit(np.ascontiguousarray(painted[:, :, ::-1])), ref)


def _slice_of(finding: Finding | None, depth: int) -> int:
    if finding is not None and finding.place.slice_index is not None:
        return min(finding.place.slice_index, depth - 1)
    return depth // 2


def _paint(
    plane: Image, at: int, finding: Finding | None, evidence: Evidence
) -> NDArray[np.uint8]:
    size = plane.array.shape[2:]
    if evidence.mask is not None:
        return paint_outlines(plane, np.asarray(evidence.mask[at], dtype=np.uint8))
    maps = evidence.maps.get(finding.id) if finding is not None else None
    where = at - evidence.first_slice
    if maps is None or not 0 <= where < len(maps):
        return paint_evidence(plane, np.zeros(size, np.float32))
    return paint_evidence(plane, maps[where])


def _fit(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    largest = max(pixels.shape[:2])
    if largest <= LARGEST_SIDE:
        return pixels
    import cv2

    share = LARGEST_SIDE / largest
    size = (
        max(1, round(pixels.shape[1] * share)),
        max(1, round(pixels.shape[0] * share)),
    )
    smaller: NDArray[np.uint8] = np.asarray(
        cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8
    )
    return smaller
