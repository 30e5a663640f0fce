"""Answers on the source image's grid, slice by slice while they are computed.

Probabilities are interpolated linearly and the label is taken afterwards: labels
themselves know no halves, and taking the nearest one makes stairs of every outline.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from medlens.core import Array, Geometry, PrepError
from medlens.predict.tiles import FloatArray, Triple

Planes = Iterator[tuple[int, FloatArray]]
"""Index along D, and that slice (K, H, W) of an answer; each slice once."""

ROUNDING = 1e-6
"""Share of a voxel by which a position may be off for being computed."""


@dataclass(frozen=True)
class SourceGrid:
    """How the source image's voxels lie in the prepared volume.

    Attributes:
        shape: (D, H, W) of the source.
        prepared: (D, H, W) of the prepared volume.
        scale, shift: prepared index = scale · source index + shift, per axis;
            a negative scale is a flip.
    """

    shape: Triple
    prepared: Triple
    scale: tuple[float, float, float]
    shift: tuple[float, float, float]

    def positions(self, axis: int) -> Array:
        """Prepared index, with fraction, of each source voxel along an axis."""
        index = np.arange(self.shape[axis])
        positions: Array = self.scale[axis] * index + self.shift[axis]
        return positions

    def covered(self, axis: int) -> Array:
        """Source voxels along an axis whose centre the prepared volume covers."""
        at = self.positions(axis)
        end = self.prepared[axis] - 0.5 + ROUNDING
        inside: Array = (at >= -0.5 - ROUNDING) & (at <= end)
        return inside


def build_source_grid(
    source: Geometry,
    shape: Triple,
    *,
    prepared: Geometry,
    prepared_shape: Triple,
    case: str = "volume",
) -> SourceGrid:
    """Where a source of `shape` lies in the volume that was prepared from it.

    Raises:
        PrepError: the axes are turned or exchanged: off by more than half a voxel
            within the volume.
    """
    full = np.linalg.inv(prepared.affine) @ source.affine
    axes = full[:3, :3]
    off = np.abs(axes - np.diag(np.diag(axes))) @ np.asarray(shape, dtype=np.float64)
    if off.max() > 0.5:
        raise PrepError(
            f"{case}: the prepared volume's axes are turned by {off.max():.1f} voxels "
            "against the source's; wanted a crop, a flip or another spacing along "
            "the same axes; pass the image that the pipeline was given"
        )
    d, h, w = (float(v) for v in np.diag(axes))
    z, y, x = (float(v) for v in full[:3, 3])
    return SourceGrid(shape, prepared_shape, (d, h, w), (z, y, x))


def lay_on_source(planes: Planes, grid: SourceGrid) -> Planes:
    """Probabilities on the source's grid.

    Args:
        planes: slices of the prepared volume, d ascending from 0, all of them.
        grid: see `build_source_grid`.

    Yields:
        d of the source and (K, H, W) float32 that sum to 1 over K; every slice of
        the source once, descending where D is flipped. Where nothing was
        prepared, label 0 has probability 1.
    """
    at = np.clip(grid.positions(0), 0, grid.prepared[0] - 1)
    covered = grid.covered(0)
    waiting = sorted(np.flatnonzero(covered), key=lambda d: (at[d], d))
    earlier: FloatArray | None = None
    labels = 0
    for z, plane in planes:
        labels = len(plane)
        # A slice at 3.2 lies between 3 and 4, and is complete when 4 has come.
        while waiting and np.ceil(at[waiting[0]]) <= z:
            d = int(waiting.pop(0))
            share = np.float32(z - at[d])
            mixed = plane
            if earlier is not None and share > 0:
                mixed = earlier * share + plane * (1 - share)
            yield d, _lay_plane(mixed, grid)
        earlier = plane
    for d in np.flatnonzero(~covered).tolist():
        yield d, _background(labels, grid)


def _lay_plane(plane: FloatArray, grid: SourceGrid) -> FloatArray:
    """(K, h, w) of the prepared volume → (K, H, W) of the source, linearly."""
    for axis in (1, 2):
        plane = _along(plane, axis, grid)
    plane[:, ~grid.covered(1)] = 0
    plane[:, :, ~grid.covered(2)] = 0
    plane[0, ~grid.covered(1)] = 1
    plane[0, :, ~grid.covered(2)] = 1
    return plane


def _along(plane: FloatArray, axis: int, grid: SourceGrid) -> FloatArray:
    at = np.clip(grid.positions(axis), 0, grid.prepared[axis] - 1)
    low = np.floor(at).astype(np.intp)
    high = np.minimum(low + 1, grid.prepared[axis] - 1)
    share = (at - low).astype(np.float32)
    share = share[:, None] if axis == 1 else share
    result: FloatArray = plane.take(low, axis=axis)
    if not share.any():
        return result
    step = plane.take(high, axis=axis)
    step -= result
    step *= share
    result += step
    return result


def _background(labels: int, grid: SourceGrid) -> FloatArray:
    plane: FloatArray = np.zeros((labels, *grid.shape[1:]), dtype=np.float32)
    plane[0] = 1
    return plane
