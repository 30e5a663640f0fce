"""Connected parts of a label, kept or dropped, one slice in memory at a time.

Two passes: the first numbers the parts of each slice in the plane and notes which of
them touch across slices; the second numbers them again, in the same way, and clears
those whose whole is not kept. Whether that helps is for validation to say.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from medlens.core import Array, ResourceError, UsageError, release

MOST_PARTS = 2_000_000
"""Parts in the plane, over all slices, that are followed: about 150 MB of lists."""

MOST_PAIRS = 4_000_000
NO_PIECE = np.float32(1 << 25)
NEIGHBOURS = np.ones((3, 3), np.uint8)


@dataclass
class _Wholes:
    """Parts in the plane, united into wholes (disjoint sets, with their voxels)."""

    parent: list[int] = field(default_factory=list)
    voxels: list[int] = field(default_factory=list)

    def add(self, voxels: int) -> None:
        self.parent.append(len(self.parent))
        self.voxels.append(voxels)

    def root(self, part: int) -> int:
        while self.parent[part] != part:
            self.parent[part] = self.parent[self.parent[part]]
            part = self.parent[part]
        return part

    def unite(self, one: int, other: int) -> None:
        one, other = sorted((self.root(one), self.root(other)))
        if one != other:
            self.parent[other] = one
            self.voxels[one] += self.voxels[other]


def drop_parts(
    mask: Array, *, label: int, min_voxels: int = 1, only_largest: bool = False
) -> int:
    """Set small connected parts of a label to 0, in place.

    Voxels are connected by faces, edges and corners (26 neighbours), as where
    lesions are counted.

    Args:
        mask: (D, H, W) uint8 labels, memory-mapped or not.
        label: 1 to 255; other labels stay as they are.
        min_voxels: parts with fewer go.
        only_largest: all parts but the one with the most voxels go; of equals,
            the one that comes first along D stays.

    Returns:
        How many voxels were cleared.

    Raises:
        UsageError: the array is no label volume, or the label is out of range.
        ResourceError: the label is in more than two million pieces.
    """
    if mask.ndim != 3 or mask.dtype != np.uint8 or not 1 <= label <= 255:
        raise UsageError(
            f"label {label} of {mask.dtype} {mask.shape}: wanted a label of 1 to 255 "
            "in a uint8 volume (D, H, W)"
        )
    parts = find_parts(mask, label)
    kept = parts.sizes >= min_voxels
    if only_largest and parts.count:
        kept &= parts.roots == parts.largest
    if kept.all():
        return 0
    return _clear(mask, label, kept)


@dataclass(frozen=True)
class Parts:
    """Connected parts of a label.

    Attributes:
        roots: for each piece in the plane of a slice, in the order in which they are
            met, the number of the part that it belongs to.
        sizes: voxels of the part of each piece.
    """

    roots: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @property
    def count(self) -> int:
        """How many parts there are."""
        return len(np.unique(self.roots))

    @property
    def largest(self) -> int:
        """Number of the part with the most voxels; of equals the first along D."""
        return int(self.roots[int(self.sizes.argmax())])


def find_parts(mask: Array, label: int) -> Parts:
    """Connected parts of a label (26 neighbours).

    Args:
        mask: (D, H, W) uint8 labels, memory-mapped or not.
        label: 1 to 255.

    Raises:
        ResourceError: the label is in more than two million pieces.
    """
    wholes = _find(mask, label)
    roots = [wholes.root(part) for part in range(len(wholes.parent))]
    sizes = [wholes.voxels[root] for root in roots]
    return Parts(np.array(roots, dtype=np.int64), np.array(sizes, dtype=np.int64))


def mark_part(mask: Array, label: int, parts: Parts, part: int) -> NDArray[np.bool_]:
    """(D, H, W) truth of belonging to one part.

    Args:
        mask, label: as `find_parts` was given.
        parts: what it found.
        part: one of `parts.roots`.
    """
    found = np.zeros(mask.shape, dtype=bool)
    first = 0
    for d, plane in enumerate(mask):
        count, pieces = _pieces(plane, label)
        wanted = np.zeros(count, dtype=bool)
        wanted[1:] = parts.roots[first : first + count - 1] == part
        first += count - 1
        if wanted.any():
            found[d] = wanted[pieces]
    return found


def _pieces(plane: Array, label: int) -> tuple[int, Array]:
    """Pieces of a label in one slice, numbered from 1, and their count plus one."""
    here = plane == label
    if not here.any():
        return 1, here
    count, pieces = cv2.connectedComponents(here.view(np.uint8))
    return count, pieces


def _find(mask: Array, label: int) -> _Wholes:
    wholes = _Wholes()
    before: Array | None = None
    first_before = 0
    for d, plane in enumerate(mask):
        if d % 32 == 31:
            release(mask)
        first = len(wholes.parent)
        count, parts = _pieces(plane, label)
        if count == 1:
            before = None
            continue
        if first + count > MOST_PARTS:
            raise ResourceError(
                f"label {label} is in more than {MOST_PARTS} pieces up to slice {d}: "
                "it is noise, and following its parts would hold too much; the network "
                "does not suit this image, or has not learned the label"
            )
        for voxels in np.bincount(parts.ravel(), minlength=count)[1:]:
            wholes.add(int(voxels))
        if before is not None:
            for one, other in _touching(before, parts):
                wholes.unite(first_before + one - 1, first + other - 1)
        before, first_before = parts, first
    return wholes


def _touching(before: Array, here: Array) -> list[tuple[int, int]]:
    """Pairs of pieces that meet across two slices, by face, edge or corner.

    Args:
        before, here: (H, W) pieces of either slice, numbered from 1.
    """
    # The largest and the smallest piece of `before` in the 3×3 places around each
    # place; where they are one, as nearly everywhere, that is the only pair.
    near = before.astype(np.float32)  # exact up to 2^24, as cv2.dilate takes it
    largest = cv2.dilate(near, NEIGHBOURS)
    near[near == 0] = NO_PIECE
    smallest = cv2.erode(near, NEIGHBOURS)
    met = (here > 0) & (largest > 0)
    pairs = _pairs(largest[met].astype(np.int64), here[met])
    rows, columns = np.nonzero(met & (smallest != largest))
    if len(rows):
        padded = np.pad(before, 1)
        mine = here[rows, columns]
        for i in range(3):
            for j in range(3):
                others = padded[rows + i, columns + j]
                pairs |= _pairs(others[others > 0], mine[others > 0])
    return sorted(pairs)


def _pairs(ones: Array, others: Array) -> set[tuple[int, int]]:
    """Each pair of two columns once."""
    if not len(ones):
        return set()
    width = int(others.max()) + 1
    codes = ones.astype(np.int64) * width + others
    size = (int(ones.max()) + 1) * width
    if size <= MOST_PAIRS:  # marking a table spares a sort
        marked = np.zeros(size, dtype=bool)
        marked[codes] = True
        found = np.flatnonzero(marked)
    else:
        found = np.unique(codes)
    return set(zip((found // width).tolist(), (found % width).tolist(), strict=True))


def _clear(mask: Array, label: int, kept: Array) -> int:
    cleared = first = 0
    for d, plane in enumerate(mask):
        count, parts = _pieces(plane, label)
        drop = np.zeros(count, dtype=bool)
        drop[1:] = ~kept[first : first + count - 1]
        first += count - 1
        if drop.any():
            gone = drop[parts]
            plane[gone] = 0
            cleared += int(gone.sum())
        if d % 32 == 31:
            release(mask)
    return cleared
