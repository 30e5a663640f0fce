"""How large a mask is and where it lies: volume, centre, longest diameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlens.core import Array, Geometry, PrepError
from medlens.metrics.masks.grid import Mask, check_volume, find_boxes

Points = NDArray[np.float64]
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Diameter:
    """A longest distance and where it is measured.

    Attributes:
        mm: its length.
        ends: both ends in patient mm (LPS).
    """

    mm: float
    ends: tuple[Point, Point]


@dataclass(frozen=True)
class Extent:
    """Size and place of a mask.

    Attributes:
        volume_ml: voxels times the volume of one.
        centre: mean of the voxel centres in patient mm (LPS); None when empty.
        longest: longest diameter in space; None when empty. For an image of one
            slice it is the one in the plane.
        in_plane: longest diameter within one slice (D), as RECIST 1.1 measures a
            lesion (Eisenhauer et al. 2009, Eur J Cancer 45:228); None when empty.
        in_plane_slice: index of that slice, or None.
    """

    volume_ml: float
    centre: Point | None = None
    longest: Diameter | None = None
    in_plane: Diameter | None = None
    in_plane_slice: int | None = None


def measure_extent(mask: Array, geometry: Geometry, *, case: str = "case") -> Extent:
    """Volume, centre and longest diameters of a mask.

    A diameter is the largest distance between any two points where an axis of
    the grid leaves the mask, half a voxel from a voxel's centre; a single voxel
    of 1 mm measures 1 mm, a row of ten 10 mm. The largest distance in space is
    the IBSI maximum 3D diameter (L0JK). It is found among the corners of the
    convex hull, so it is exact. The mask is taken as one thing; label components
    first to measure each.

    Args:
        mask: (D, H, W) or (H, W); nonzero counts.
        geometry: of the mask's grid; lengths follow it, sheared grids included.
        case: local key, for messages.

    Raises:
        PrepError: no mask, or the geometry is not calibrated, so that there are
            no millimetres.
    """
    given = check_volume(mask, name="mask", case=case)
    volume = given if given.dtype == bool else given != 0  # no copy of a large part
    if not geometry.is_calibrated:
        raise PrepError(
            f"{case}: the image has no physical spacing, so no length or volume; "
            "read it with its spacing first"
        )
    box = find_boxes(volume.view(np.uint8), [1])[0]
    if box is None:
        return Extent(0.0)
    start = np.array([side.start for side in box], dtype=np.float64)
    inside = np.ascontiguousarray(volume[box])
    ends = [_find_ends(inside, axis, start) for axis in range(3)]
    in_plane, index = _search_planes(np.concatenate(ends[1:]), geometry)
    every = np.concatenate(ends)
    longest = in_plane
    if len(volume) > 1:
        longest = _measure_longest(every[_find_corners(every)], geometry)
    centre = geometry.to_patient(_find_centre(inside) + start)
    voxel = abs(float(np.linalg.det(geometry.affine[:3, :3])))
    return Extent(
        volume_ml=int(np.count_nonzero(inside)) * voxel / 1000,
        centre=_as_point(centre),
        longest=longest,
        in_plane=in_plane,
        in_plane_slice=index,
    )


def find_farthest(points: Points) -> tuple[int, int]:
    """Indices of the two points that lie farthest apart, block by block.

    Args:
        points: (n, 2) or (n, 3), n at least 1; hull corners, as time grows with n².
    """
    best, pair = -1.0, (0, 0)
    for start in range(0, len(points), 512):
        block = points[start : start + 512]
        squares = sum(
            np.subtract.outer(block[:, axis], points[:, axis]) ** 2
            for axis in range(points.shape[1])
        )
        flat = int(np.argmax(squares))
        row, column = divmod(flat, len(points))
        found = float(np.asarray(squares).flat[flat])
        if found > best:
            best, pair = found, (start + row, column)
    return pair


def _find_ends(inside: Mask, axis: int, start: Points) -> Points:
    """(n, 3) indices where lines along an axis enter and leave the mask.

    Only the first and the last crossing of a line: those between are on no hull.
    """
    lines = np.moveaxis(inside, axis, 2)
    rows, columns = np.nonzero(lines.any(axis=2))
    used = lines[rows, columns]
    first = used.argmax(axis=1) - 0.5
    last = used.shape[1] - used[:, ::-1].argmax(axis=1) - 0.5
    points = np.empty((2, len(rows), 3))
    for place, other in zip(
        (rows, columns), (a for a in range(3) if a != axis), strict=True
    ):
        points[:, :, other] = place
    points[0, :, axis], points[1, :, axis] = first, last
    return points.reshape(-1, 3) + start


def _find_corners(points: Points) -> NDArray[np.intp]:
    """Indices of the corners of the convex hull (Barber et al. 1996, Quickhull)."""
    from scipy.spatial import ConvexHull

    corners: NDArray[np.intp] = ConvexHull(points).vertices
    return corners


def _search_planes(points: Points, geometry: Geometry) -> tuple[Diameter, int]:
    """Longest diameter within any slice, widest boxes first.

    Args:
        points: (n, 3) indices of crossings along rows and columns.
    """
    points = points[np.argsort(points[:, 0], kind="stable")]
    slices, starts = np.unique(points[:, 0], return_index=True)
    groups = np.split(points, starts[1:])
    steps = np.linalg.norm(geometry.affine[:3, :3], axis=0)
    # No distance is longer than both sides of the box together: holds for any
    # angle between the axes, and leaves most slices unmeasured.
    limits = [float((np.ptp(group, axis=0) * steps).sum()) for group in groups]
    best, index = Diameter(-1.0, ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))), 0
    for place in np.argsort(-np.array(limits), kind="stable"):
        if limits[place] <= best.mm:
            break
        group = groups[place]
        found = _measure_longest(group[_find_corners(group[:, 1:])], geometry)
        if found.mm > best.mm:
            best, index = found, int(slices[place])
    return best, index


def _measure_longest(corners: Points, geometry: Geometry) -> Diameter:
    places = geometry.to_patient(corners)
    first, second = find_farthest(places)
    length = float(np.linalg.norm(places[first] - places[second]))
    return Diameter(length, (_as_point(places[first]), _as_point(places[second])))


def _find_centre(inside: Mask) -> Points:
    """Mean index of the True voxels from sums over planes, rows and columns."""
    planes = inside.sum(axis=(1, 2), dtype=np.int64)
    rows = inside.sum(axis=(0, 2), dtype=np.int64)
    columns = inside.sum(axis=(0, 1), dtype=np.int64)
    sums = [counts @ np.arange(counts.size) for counts in (planes, rows, columns)]
    centre: Points = np.array(sums, dtype=np.float64) / float(planes.sum())
    return centre


def _as_point(values: Points) -> Point:
    x, y, z = (float(value) for value in values)
    return x, y, z
