"""What a mask says of the patient: volume, parts, longest diameter and centre.

One pass over the slices finds where each label lies; the rest looks at that box only,
so that a mask of any size is measured with little more than itself in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medlens.core import Array, Geometry, Region, release
from medlens.metrics.masks import measure_extent
from medlens.predict.components import find_parts, mark_part


@dataclass
class _Place:
    """Voxels of a label so far: how many, their sums of indices, and their box."""

    voxels: int
    sums: Array
    low: Array
    high: Array

    @classmethod
    def empty(cls) -> _Place:
        zero = np.zeros(3, dtype=np.int64)
        return cls(0, zero, np.full(3, 1 << 40), np.full(3, -1))

    def add(self, d: int, rows: Array, columns: Array, top: int, left: int) -> None:
        """Counts of the label in the rows and the columns of one slice."""
        count = int(rows.sum())
        at = np.flatnonzero(rows) + top, np.flatnonzero(columns) + left
        self.voxels += count
        self.sums += (
            d * count,
            int(rows @ np.arange(top, top + len(rows))),
            int(columns @ np.arange(left, left + len(columns))),
        )
        self.low = np.minimum(self.low, (d, at[0][0], at[1][0]))
        self.high = np.maximum(self.high, (d, at[0][-1], at[1][-1]))

    @property
    def box(self) -> tuple[slice, slice, slice]:
        d, h, w = (slice(a, b + 1) for a, b in zip(self.low, self.high, strict=True))
        return d, h, w


def measure_regions(
    mask: Array, geometry: Geometry, *, labels: Sequence[str], case: str = "case"
) -> tuple[Region, ...]:
    """One region for each label but the background.

    Args:
        mask: (D, H, W) uint8 indices of `labels`; may be memory-mapped.
        geometry: of its grid.
        labels: K names, the background first.
        case: local key, for messages.

    Returns:
        In the order of `labels`. The longest diameter is that of the largest part,
        within one slice, as `measure_extent` measures it (RECIST 1.1).

    Raises:
        ResourceError: a label is in more than two million pieces.
    """
    places = _find_places(mask, len(labels))
    return tuple(
        _measure(mask, geometry, k, labels[k], places[k], case)
        for k in range(1, len(labels))
    )


def _find_places(mask: Array, labels: int) -> list[_Place]:
    places = [_Place.empty() for _ in range(labels)]
    for d, plane in enumerate(mask):
        rows = np.flatnonzero(plane.any(axis=1))
        if len(rows):
            band = plane[rows[0] : rows[-1] + 1]
            columns = np.flatnonzero(band.any(axis=0))
            left = int(columns[0])
            part = band[:, left : columns[-1] + 1]
            found = np.bincount(part.ravel(), minlength=labels)
            for k in np.flatnonzero(found[1:labels]) + 1:
                one = (part == k).view(np.uint8)
                counts = (
                    one.sum(axis=1, dtype=np.int64),
                    one.sum(axis=0, dtype=np.int64),
                )
                places[k].add(d, *counts, int(rows[0]), left)
        if d % 32 == 31:
            release(mask)
    return places


def _measure(
    mask: Array, geometry: Geometry, k: int, label: str, place: _Place, case: str
) -> Region:
    if not place.voxels:
        is_known = geometry.is_calibrated
        return Region(label, 0, 0.0 if is_known else None, 0, None, None)
    inside = mask[place.box]
    parts = find_parts(inside, k)
    if not geometry.is_calibrated:
        return Region(label, place.voxels, None, parts.count, None, None)
    piece = mark_part(inside, k, parts, parts.largest)
    shift = np.eye(4)
    shift[:3, 3] = place.low
    extent = measure_extent(piece, geometry.then(shift), case=case)
    x, y, z = geometry.to_patient(place.sums / place.voxels)
    voxel_mm3 = abs(float(np.linalg.det(geometry.affine[:3, :3])))
    return Region(
        label=label,
        voxels=place.voxels,
        volume_ml=place.voxels * voxel_mm3 / 1000,
        parts=parts.count,
        longest_diameter_mm=extent.in_plane.mm if extent.in_plane else None,
        centre_mm=(float(x), float(y), float(z)),
    )
