"""Exact distances from one set of voxels to another, in little memory.

A three-dimensional distance transform of scipy holds some 60 bytes a voxel. Here
each plane is transformed alone and only when it is asked for; the third axis is
searched outwards from each voxel until no plane can hold anything nearer.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from medlens.metrics.masks.grid import Mask, Spacing

Floats = NDArray[np.float32]
Places = NDArray[np.intp]

KEPT_BYTES = 384 * 1024 * 1024
"""Transformed planes held at once."""


def lay_planes(
    masks: list[Mask], spacing: Spacing, axes: tuple[int, ...]
) -> tuple[list[Mask], Spacing, tuple[int, ...]]:
    """The same grids with the axes turned so that planes have square pixels.

    OpenCV's transform of square pixels is several times faster than one of
    oblong ones. Where no two axes agree, nothing is turned.

    Args:
        masks: (D, H, W) each.
        spacing: mm for each axis.
        axes: the axes along which a surface has an outside.

    Returns:
        The masks, the spacing and `axes` in the new order.
    """
    order = (0, 1, 2)
    for first in range(3):
        rest = [axis for axis in range(3) if axis != first]
        if _is_square(spacing[rest[0]], spacing[rest[1]]):
            order = (first, rest[0], rest[1])
            break
    turned = [np.ascontiguousarray(mask.transpose(order)) for mask in masks]
    depth, height, width = (spacing[axis] for axis in order)
    moved = tuple(place for place, axis in enumerate(order) if axis in axes)
    return turned, (depth, height, width), moved


def measure_distances(
    queries: Mask, targets: Mask, spacing: Spacing, *, limit_mm: float = math.inf
) -> Iterator[tuple[int, Floats]]:
    """Distance in mm from each True voxel of queries to the nearest of targets.

    Args:
        queries, targets: (D, H, W), one grid; targets has at least one True.
        spacing: mm for each axis.
        limit_mm: distances beyond it may come out as any larger number; a small
            limit ends the search early.

    Yields:
        For each plane with queries its index and their (n,) distances, in the
        order of `queries[index].nonzero()`.
    """
    planes = _Planes(targets, spacing)
    for index in np.flatnonzero(queries.any(axis=(1, 2))).tolist():
        places = np.flatnonzero(queries[index])
        yield index, np.sqrt(_search_outwards(places, index, planes, limit_mm))


class _Planes:
    """Squared distances within each plane of a mask, made when asked for."""

    def __init__(self, mask: Mask, spacing: Spacing) -> None:
        self.gap_mm, self.row_mm, self.column_mm = spacing
        self.depth = len(mask)
        self._mask = mask
        self._used = np.atleast_1d(mask.any(axis=(1, 2)))
        self._kept: OrderedDict[int, Floats] = OrderedDict()
        plane_bytes = 4 * mask.shape[1] * mask.shape[2]
        self._limit = max(8, KEPT_BYTES // plane_bytes)

    def has(self, index: int) -> bool:
        """Whether the plane exists and holds any voxel of the mask."""
        return 0 <= index < self.depth and bool(self._used[index])

    def read(self, index: int) -> Floats:
        """(H * W,) squared mm to the nearest voxel of the mask in this plane."""
        if index in self._kept:
            self._kept.move_to_end(index)
            return self._kept[index]
        if len(self._kept) >= self._limit:
            self._kept.popitem(last=False)
        squares = self._transform(self._mask[index]).ravel()
        self._kept[index] = squares
        return squares

    def _transform(self, plane: Mask) -> Floats:
        empty = np.logical_not(plane).view(np.uint8)
        if not _is_square(self.row_mm, self.column_mm):
            from scipy.ndimage import distance_transform_edt

            sampling = (self.row_mm, self.column_mm)
            exact: Floats = distance_transform_edt(empty, sampling=sampling)
            return np.square(exact).astype(np.float32)
        import cv2

        pixels = cv2.distanceTransform(empty, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        # Squares of distances in pixels are whole numbers; float32 roots are not.
        squares: Floats = np.rint(np.square(pixels))
        squares *= np.float32(self.row_mm * self.column_mm)
        return squares


def _search_outwards(
    places: Places, index: int, planes: _Planes, limit_mm: float
) -> Floats:
    """Squared mm from places in plane `index`, from nearer planes to farther."""
    best = np.full(places.size, np.inf, dtype=np.float32)
    open_ = np.arange(places.size)
    for step in range(max(index, planes.depth - 1 - index) + 1):
        reach = np.float32((step * planes.gap_mm) ** 2)
        open_ = open_[best[open_] > reach]
        if not open_.size or step * planes.gap_mm > limit_mm:
            break
        for end in {index - step, index + step}:
            if planes.has(end):
                found = planes.read(end)[places[open_]] + reach
                best[open_] = np.minimum(best[open_], found)
    return best


def _is_square(first: float, second: float) -> bool:
    return math.isclose(first, second, rel_tol=1e-6)
