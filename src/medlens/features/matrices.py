"""Grey-level matrices of a discretised region, in any number of axes.

One code for images (4 directions) and volumes (13 directions). Matrices of all
directions are added up before a feature is taken from them ("merged"; in 3D
IBSI IAZD for co-occurrence, ILLN for runs).

Every neighbour question is answered on one flat array: the region is padded by
one empty plane at the end of each axis, so that a step along a direction is a
fixed offset in memory and a step over an edge always lands on an empty voxel.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from medlens.features.levels import Levels

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class SizeMatrix:
    """A sparse matrix of grey level against size (run, zone, distance, …).

    Attributes:
        grey: (m,) grey level of each non-zero cell, from 1.
        size: (m,) run length, zone size, zone distance or dependence count.
        count: (m,) how often the pair occurs; above 0.
        n_voxels: voxels that were counted; for merged directions, voxels times
            directions, so that the percentage stays within 0..1.
    """

    grey: Levels
    size: Levels
    count: Counts
    n_voxels: int


def directions(ndim: int) -> list[tuple[int, ...]]:
    """Unit steps to half of the nearest neighbours: 4 in 2D, 13 in 3D.

    >>> directions(2)
    [(0, 1), (1, -1), (1, 0), (1, 1)]
    """
    steps = product((-1, 0, 1), repeat=ndim)
    return sorted(step for step in steps if step > (0,) * ndim)


def flatten_padded(levels: Levels) -> tuple[Levels, list[int]]:
    """Flat padded levels and the memory offset of each direction."""
    padded = np.ascontiguousarray(np.pad(levels, [(0, 1)] * levels.ndim))
    strides = [stride // padded.itemsize for stride in padded.strides]
    offsets = [
        sum(step * stride for step, stride in zip(direction, strides, strict=True))
        for direction in directions(levels.ndim)
    ]
    return padded.ravel(), offsets


def count_pairs(levels: Levels) -> Counts:
    """Symmetric merged grey-level co-occurrence matrix at distance 1.

    Args:
        levels: any number of axes; at least one level above 0.

    Returns:
        (N, N) counts, N the highest level (IBSI LFYI; Haralick 1973). A region
        without any neighbouring pair counts as uniform: one pair of its first
        level.
    """
    flat, offsets = flatten_padded(levels)
    side = int(flat.max()) + 1
    total = np.zeros(side * side, dtype=np.int64)
    for offset in offsets:
        pairs = flat[:-offset] * side + flat[offset:]
        total += np.bincount(pairs, minlength=side * side)
    matrix = total.reshape(side, side)[1:, 1:].astype(np.float64)
    matrix = matrix + matrix.T
    if not matrix.any():
        level = int(flat[flat > 0][0]) - 1
        matrix[level, level] = 1.0
    return matrix


def count_runs(levels: Levels) -> SizeMatrix:
    """Merged run-length matrix: how long one level goes on along a line (IBSI TP0I).

    Args:
        levels: any number of axes; at least one level above 0.
    """
    flat, offsets = flatten_padded(levels)
    longest = max(levels.shape) + 1
    total = np.zeros((int(flat.max()) + 1) * longest, dtype=np.int64)
    for offset in offsets:
        # Reading every offset-th element walks along the lines of a direction.
        lines = np.pad(flat, (0, -flat.size % offset)).reshape(-1, offset).T.ravel()
        starts = np.flatnonzero(lines[1:] != lines[:-1]) + 1
        starts = np.concatenate(([0], starts))
        lengths = np.diff(np.append(starts, lines.size))
        grey = lines[starts]
        inside = grey > 0
        total += np.bincount(
            grey[inside] * longest + lengths[inside], minlength=total.size
        )
    return _from_dense(total, longest, int((flat > 0).sum()) * len(offsets))


def label_zones(levels: Levels) -> tuple[Levels, Levels]:
    """Connected zones of equal level (8- or 26-connected).

    Returns:
        Zone number of each voxel in the shape of levels (0 outside), and the
        grey level of each zone (index 0 unused).
    """
    from skimage.measure import label

    zones, n_zones = label(
        levels, background=0, connectivity=levels.ndim, return_num=True
    )
    grey = np.zeros(n_zones + 1, dtype=np.int64)
    grey[zones.ravel()] = levels.ravel()
    return zones, grey


def count_zones(zones: Levels, grey: Levels) -> SizeMatrix:
    """Size-zone matrix of the result of `label_zones` (IBSI 9SAK; Thibault 2014)."""
    sizes = np.bincount(zones.ravel(), minlength=grey.size)
    return _from_pairs(grey[1:], sizes[1:], int(sizes[1:].sum()))


def count_zone_distances(
    zones: Levels, grey: Levels, region: NDArray[np.bool_] | None = None
) -> SizeMatrix:
    """Distance-zone matrix: how near a zone comes to the region's edge (IBSI VMDZ).

    Distance is counted in steps over faces, 1 for a voxel at the edge; the end
    of the array is an edge as well.

    Args:
        zones, grey: from `label_zones`.
        region: whose edge it is, in the shape of zones, holding all of them;
            default the zones together. Voxels whose intensity was left out make
            no edge (IBSI: the distance map is that of the morphological mask).
    """
    from scipy.ndimage import distance_transform_cdt

    inside = np.pad(zones > 0 if region is None else region, 1)
    steps = distance_transform_cdt(inside, metric="taxicab")
    steps = steps[(slice(1, -1),) * zones.ndim]
    nearest = np.full(grey.size, np.iinfo(np.int64).max)
    np.minimum.at(nearest, zones.ravel(), steps.ravel().astype(np.int64))
    return _from_pairs(grey[1:], nearest[1:], int((zones > 0).sum()))


def count_dependences(levels: Levels) -> SizeMatrix:
    """Neighbouring dependence matrix, coarseness 0, distance 1 (IBSI REK0).

    The size is 1 plus the number of the 8 or 26 neighbours of the same level.
    """
    flat, offsets = flatten_padded(levels)
    same = np.ones(flat.size, dtype=np.int64)
    for offset in offsets:
        equal = flat[:-offset] == flat[offset:]
        same[:-offset] += equal
        same[offset:] += equal
    inside = flat > 0
    return _from_pairs(flat[inside], same[inside], int(inside.sum()))


def count_tone_differences(levels: Levels) -> tuple[Counts, Counts]:
    """Neighbourhood grey tone difference matrix (IBSI IPET; Amadasun 1989).

    Returns:
        For levels 1…N: the number of voxels that have a neighbour inside the
        region, and the sum of their absolute differences from the mean of
        these neighbours.
    """
    flat, offsets = flatten_padded(levels)
    inside = flat > 0
    total = np.zeros(flat.size, dtype=np.int64)
    number = np.zeros(flat.size, dtype=np.int64)
    for offset in offsets:
        total[:-offset] += flat[offset:]
        total[offset:] += flat[:-offset]
        number[:-offset] += inside[offset:]
        number[offset:] += inside[:-offset]
    used = inside & (number > 0)
    grey = flat[used]
    difference = np.abs(grey - total[used] / number[used])
    side = int(flat.max()) + 1
    counts = np.bincount(grey, minlength=side).astype(np.float64)
    sums = np.bincount(grey, weights=difference, minlength=side)
    return counts[1:], sums[1:].astype(np.float64)


def _from_pairs(grey: Levels, size: Levels, n_voxels: int) -> SizeMatrix:
    base = int(size.max()) + 1
    keys, counts = np.unique(grey * base + size, return_counts=True)
    return SizeMatrix(keys // base, keys % base, counts.astype(np.float64), n_voxels)


def _from_dense(total: Levels, base: int, n_voxels: int) -> SizeMatrix:
    keys = np.flatnonzero(total)
    counts = total[keys].astype(np.float64)
    return SizeMatrix(keys // base, keys % base, counts, n_voxels)
