"""Connected parts of a label, kept or dropped, one slice in memory at a time.

Two passes: the first numbers the parts of each slice in the plane and notes which of
them touch across slices; the second numbers them again, in the same way, and clears
those whose whole is not kept. Whether that helps is for validation to say.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from medlens.core import Array, ResourceError, UsageError
from medlens.predict.mapped import release

MOST_PARTS = 2_000_000
"""Parts in the plane, over all slices, that are followed: about 150 MB of lists."""


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
    wholes = _find(mask, label)
    roots = [wholes.root(part) for part in range(len(wholes.parent))]
    sizes = np.array([wholes.voxels[root] for root in roots], dtype=np.int64)
    kept = sizes >= min_voxels
    if only_largest and len(roots):
        kept &= np.array(roots) == roots[int(sizes.argmax())]
    return _clear(mask, label, kept)


def _find(mask: Array, label: int) -> _Wholes:
    wholes = _Wholes()
    before: Array | None = None  # the slice before, numbered over all slices
    for d, plane in enumerate(mask):
        first = len(wholes.parent)
        count, parts = cv2.connectedComponents((plane == label).astype(np.uint8))
        if first + count > MOST_PARTS:
            raise ResourceError(
                f"label {label} is in more than {MOST_PARTS} pieces up to slice {d}: "
                "it is noise, and clean-up would hold too much; leave clean-up off"
            )
        for voxels in np.bincount(parts.ravel(), minlength=count)[1:]:
            wholes.add(int(voxels))
        parts = np.where(parts > 0, parts + first, 0)
        if before is not None and count > 1:
            for one, other in _touching(before, parts):
                wholes.unite(one - 1, other - 1)
        before = parts if count > 1 else None
        if d % 32 == 31:
            release(mask)
    return wholes


def _touching(before: Array, parts: Array) -> set[tuple[int, int]]:
    """Pairs of numbers that meet across two slices, by face, edge or corner."""
    pairs: set[tuple[int, int]] = set()
    rows, columns = parts.shape
    padded = np.pad(before, 1)
    here = parts > 0
    for i in range(3):
        for j in range(3):
            shifted = padded[i : i + rows, j : j + columns]
            both = here & (shifted > 0)
            found = np.stack([shifted[both], parts[both]], axis=1)
            pairs.update((int(a), int(b)) for a, b in np.unique(found, axis=0))
    return pairs


def _clear(mask: Array, label: int, kept: Array) -> int:
    cleared = first = 0
    for d, plane in enumerate(mask):
        count, parts = cv2.connectedComponents((plane == label).astype(np.uint8))
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
