"""Tiles that cover a volume, and the weights with which their answers are blended.

Tiles are a product of starts along D, H and W, and a Gaussian is a product of three
Gaussians. So the weights of all tiles that meet in a voxel sum to a product as well,
and each axis can be divided by its own sum beforehand: weights of a voxel then sum to
1, no volume of sums is kept, and no sum is divided by something tiny.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlens.core import Array, UsageError

FloatArray = NDArray[np.float32]
Triple = tuple[int, int, int]

SIGMA = 1 / 8
"""Width of the Gaussian in patches, as in nnU-Net (Isensee et al., Nature Methods 18
(2021) 203–211, supplementary note 4). The outermost voxel of a patch keeps exp(−8) of
the middle's weight along each axis: small, and never zero."""

LARGEST_SIDE = 16384
"""Longest side of a volume or patch, in voxels."""


@dataclass(frozen=True)
class Axis:
    """Tiles along one axis.

    Attributes:
        length: voxels of the volume.
        patch: voxels of a tile.
        margin: padding before the volume where it is shorter than a tile.
        starts: first voxel of each tile in the padded volume, ascending.
        weights: (tiles, patch) float32; sums to 1 over all tiles at every voxel.
    """

    length: int
    patch: int
    margin: int
    starts: tuple[int, ...]
    weights: FloatArray

    @property
    def padded(self) -> int:
        """Voxels after padding."""
        return max(self.length, self.patch)


@dataclass(frozen=True)
class Tiling:
    """Tiles of a (D, H, W) volume; D is the axis along which answers stream."""

    d: Axis
    h: Axis
    w: Axis

    @property
    def shape(self) -> Triple:
        """Voxels of the volume."""
        return self.d.length, self.h.length, self.w.length

    @property
    def patch(self) -> Triple:
        """Voxels of a tile."""
        return self.d.patch, self.h.patch, self.w.patch

    @property
    def padded(self) -> Triple:
        """Voxels of the volume after padding."""
        return self.d.padded, self.h.padded, self.w.padded

    @property
    def count(self) -> int:
        """How many tiles there are."""
        return len(self.d.starts) * len(self.h.starts) * len(self.w.starts)


def build_tiling(
    shape: Sequence[int], patch: Sequence[int], *, overlap: float = 0.5
) -> Tiling:
    """Tiles that cover every voxel.

    Args:
        shape: of the volume in order D, H, W; each 1 to 16384.
        patch: of a tile, likewise; may be larger than the volume.
        overlap: share of a tile that the next one covers again, 0 up to 1.

    Raises:
        UsageError: a value is out of its range.
    """
    for name, sides in (("shape", shape), ("patch", patch)):
        if len(sides) != 3 or not all(1 <= s <= LARGEST_SIDE for s in sides):
            raise UsageError(
                f"sliding.{name} is {tuple(sides)}; wanted three sides (D, H, W) of "
                f"1 to {LARGEST_SIDE} voxels"
            )
    if not 0 <= overlap < 1:
        raise UsageError(
            f"sliding.overlap is {overlap:g}; wanted 0 or more and less than 1"
        )
    d, h, w = (_axis(n, p, overlap) for n, p in zip(shape, patch, strict=True))
    return Tiling(d, h, w)


def gaussian(patch: int) -> NDArray[np.float64]:
    """(patch,) weights along one axis, 1 in the middle, symmetric, above 0."""
    offset = np.arange(patch) - (patch - 1) / 2
    weights: NDArray[np.float64] = np.exp(-0.5 * (offset / (SIGMA * patch)) ** 2)
    return weights


def tile_starts(length: int, patch: int, *, overlap: float) -> tuple[int, ...]:
    """First voxel of each tile; the last tile is moved back to end with the volume.

    >>> tile_starts(10, 4, overlap=0.5)
    (0, 2, 4, 6)
    >>> tile_starts(9, 4, overlap=0.5)
    (0, 2, 4, 5)
    """
    last = max(length - patch, 0)
    step = max(1, int(patch * (1 - overlap)))
    return (*range(0, last, step), last)


def cut_tile(
    volume: Array, tiling: Tiling, at: Triple, *, fill: float, context: int = 0
) -> FloatArray:
    """(C, d, h, w) float32 of one tile; with context (C · (2·context + 1), 1, h, w).

    Args:
        volume: (C, D, H, W), any real dtype; read only where the tile lies.
        at: number of the tile along D, H and W.
        fill: value outside the volume.
        context: neighbouring slices that are channels too; see `Sliding`.
    """
    spans = [
        _span(axis, i)
        for axis, i in zip((tiling.d, tiling.h, tiling.w), at, strict=True)
    ]
    source = volume[(slice(None), *(inner for inner, _ in spans))]
    if context:
        source = _with_neighbours(volume, spans, context)
    if source.shape[1:] == tiling.patch:
        return np.ascontiguousarray(source, dtype=np.float32)
    tile = np.full((source.shape[0], *tiling.patch), fill, dtype=np.float32)
    tile[(slice(None), *(outer for _, outer in spans))] = source
    return tile


def _with_neighbours(
    volume: Array, spans: list[tuple[slice, slice]], context: int
) -> FloatArray:
    """(C · (2·context + 1), 1, h, w): a slice between its neighbours."""
    (middle, _), (rows, _), (columns, _) = spans
    last = volume.shape[1] - 1
    near = [
        volume[:, min(max(middle.start + k, 0), last), rows, columns]
        for k in range(-context, context + 1)
    ]
    # (2n+1) times (C, h, w) -> (C, 2n+1, h, w) -> (C * (2n+1), 1, h, w)
    stacked = np.stack(near, axis=1).astype(np.float32, copy=False)
    return stacked.reshape(-1, 1, *stacked.shape[2:])


def _axis(length: int, patch: int, overlap: float) -> Axis:
    padded = max(length, patch)
    starts = tile_starts(padded, patch, overlap=overlap)
    total = np.zeros(padded)
    for start in starts:
        total[start : start + patch] += gaussian(patch)
    weights = np.stack([gaussian(patch) / total[s : s + patch] for s in starts])
    margin = (padded - length) // 2
    return Axis(length, patch, margin, starts, weights.astype(np.float32))


def _span(axis: Axis, i: int) -> tuple[slice, slice]:
    """Where tile `i` lies in the volume, and where that part lies in the tile."""
    start = axis.starts[i] - axis.margin
    low, high = max(start, 0), min(start + axis.patch, axis.length)
    return slice(low, high), slice(low - start, high - start)
