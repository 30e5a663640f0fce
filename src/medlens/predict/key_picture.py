"""The key image of an answer, painted as people should see it."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from medlens.core import Array, Image
from medlens.core.diagnosis import Assessment, Evidence, Finding, ImageRef
from medlens.predict.overlay import paint_evidence, paint_outlines

LARGEST_SIDE = 1024
"""Pixels of a picture; larger images are averaged down. It is an overview: marks at
full size are on the image itself, by the presentation state."""


@dataclass(frozen=True)
class Picture:
    """A key image.

    Attributes:
        pixels: (H, W, 3) uint8, R, G, B: as its file asks to be shown, with the
            evidence or the outlines of the mask laid over it.
        ref: the image that it shows, or None where the assessment names none.
        evidence_of: label of the finding whose evidence is laid over it, or "".
    """

    pixels: NDArray[np.uint8] = field(repr=False)
    ref: ImageRef | None
    evidence_of: str = ""


def paint_key(image: Image, assessment: Assessment, evidence: Evidence) -> Picture:
    """The slice that shows the first finding best; the middle one where none does.

    Args:
        image: (C, D, H, W) that was assessed.
        assessment: of it.
        evidence: of the assessment.

    Raises:
        PrepError: the image cannot be shown.
    """
    shown = next((f for f in assessment.findings if f.is_present), None)
    depth = image.array.shape[1]
    at = _slice_of(shown, depth, evidence)
    plane = image.with_array(np.asarray(image.array[:, at : at + 1]))
    painted = _paint(plane, at, shown, evidence)
    refs = assessment.images
    # Interpolated slices are none of the source's: the one next to them is named.
    ref = refs[min(at * len(refs) // depth, len(refs) - 1)] if refs else None
    is_mapped = shown is not None and _map_of(shown, at, evidence) is not None
    label = shown.label if shown is not None and is_mapped else ""
    return Picture(np.ascontiguousarray(painted[:, :, ::-1]), ref, label)


def _slice_of(finding: Finding | None, depth: int, evidence: Evidence) -> int:
    if finding is None:
        return depth // 2
    if finding.place.slice_index is not None:
        return min(finding.place.slice_index, depth - 1)
    if evidence.mask is not None and finding.label in evidence.labels:
        k = evidence.labels.index(finding.label)
        return int(np.argmax([np.count_nonzero(each == k) for each in evidence.mask]))
    if finding.id in evidence.maps and evidence.key_slice is not None:
        return min(evidence.key_slice, depth - 1)
    if finding.id in evidence.maps and len(evidence.maps[finding.id]) == 1:
        return min(evidence.first_slice, depth - 1)
    return depth // 2


def _map_of(finding: Finding, at: int, evidence: Evidence) -> Array | None:
    """Evidence for the finding on a slice, None where there is none."""
    maps = evidence.maps.get(finding.id)
    where = at - evidence.first_slice
    if evidence.mask is not None or maps is None or not 0 <= where < len(maps):
        return None
    found: Array = maps[where]
    return found


def _paint(
    plane: Image, at: int, finding: Finding | None, evidence: Evidence
) -> NDArray[np.uint8]:
    """The slice shrunk first: painting four million pixels takes a quarter second."""
    small = plane.with_array(_shrunk(plane.array))
    size = small.array.shape[2:]
    if evidence.mask is not None:
        labels = np.asarray(evidence.mask[at], dtype=np.uint8)
        return paint_outlines(small, _resized(labels, size, cv2.INTER_NEAREST))
    found = None if finding is None else _map_of(finding, at, evidence)
    if found is None:
        return paint_evidence(small, np.zeros(size, np.float32))
    shown = np.asarray(found, dtype=np.float32)
    # A coarser map is drawn out smoothly; averaging would make squares of it.
    is_coarse = shown.shape[0] < size[0]
    how = cv2.INTER_LINEAR if is_coarse else cv2.INTER_AREA
    return paint_evidence(small, _resized(shown, size, how))


def _shrunk(array: Array) -> Array:
    """(C, 1, H, W) with its longer side at most `LARGEST_SIDE`."""
    rows, columns = array.shape[2:]
    share = LARGEST_SIDE / max(rows, columns)
    if share >= 1:
        return array
    size = max(1, round(rows * share)), max(1, round(columns * share))
    planes = [
        _resized(each[0].astype(np.float32), size, cv2.INTER_AREA) for each in array
    ]
    return np.stack(planes)[:, None]


def _resized(plane: Array, size: tuple[int, ...], how: int) -> Array:
    """(H, W) at another size."""
    if plane.shape == tuple(size):
        return plane
    return np.asarray(cv2.resize(plane, (size[1], size[0]), interpolation=how))
