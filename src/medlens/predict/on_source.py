"""Answers on the source image's grid, slice by slice while they are computed.

Probabilities are interpolated linearly and the label is taken afterwards: labels
themselves know no halves, and taking the nearest one makes stairs of every outline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from medlens.core import Array, Geometry, Image, PrepError
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

    @property
    def is_same(self) -> bool:
        """Whether both grids are one."""
        near = [abs(s - 1) for s in self.scale] + [abs(s) for s in self.shift]
        # A difference of scale adds up along the axis.
        return self.shape == self.prepared and max(near) * max(self.shape) < ROUNDING

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


def place_volume(values: Array, prepared: Image, source: Image) -> FloatArray:
    """A coarse map over a prepared volume, on the source's grid.

    Args:
        values: (K, d, h, w); its cells tile the field of the prepared volume evenly.
        prepared: what the pipeline returned.
        source: what the pipeline was given; its pixels are not looked at.

    Returns:
        (K, D, H, W) float32 by linear interpolation; 0 outside the prepared volume.

    Raises:
        PrepError: the axes of the two are turned against each other.
    """
    sides = np.array(prepared.array.shape[1:]) / np.array(values.shape[1:])
    # index of a cell → index of the prepared voxel at its centre
    cells = np.diag([*sides, 1.0])
    cells[:3, 3] = (sides - 1) / 2
    grid = build_source_grid(
        source.geometry,
        source.array.shape[1:],
        prepared=prepared.geometry.then(cells),
        prepared_shape=values.shape[1:],
        case=source.case,
    )
    placed = np.zeros((len(values), *grid.shape), dtype=np.float32)
    planes = enumerate(np.moveaxis(values.astype(np.float32, copy=False), 1, 0))
    for d, plane in lay_on_source(planes, grid, is_probability=False):
        placed[:, d] = plane
    return placed


def lay_on_source(
    planes: Iterable[tuple[int, FloatArray]],
    grid: SourceGrid,
    *,
    is_probability: bool = True,
) -> Planes:
    """Probabilities on the source's grid.

    Args:
        planes: slices of the prepared volume, d ascending from 0, all of them.
        grid: see `build_source_grid`.
        is_probability: where nothing was prepared label 0 has probability 1;
            other values are 0 there.

    Yields:
        d of the source and (K, H, W) float32; every slice of the source once,
        descending where D is flipped.
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
            yield d, _lay_plane(mixed, grid, is_probability)
        earlier = plane
    for d in np.flatnonzero(~covered).tolist():
        yield d, _background(labels, grid, is_probability)


def _lay_plane(plane: FloatArray, grid: SourceGrid, is_probability: bool) -> FloatArray:
    """(K, h, w) of the prepared volume → (K, H, W) of the source, linearly."""
    for axis in (1, 2):
        plane = _along(plane, axis, grid)
    plane[:, ~grid.covered(1)] = 0
    plane[:, :, ~grid.covered(2)] = 0
    if is_probability:
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


def _background(labels: int, grid: SourceGrid, is_probability: bool) -> FloatArray:
    plane: FloatArray = np.zeros((labels, *grid.shape[1:]), dtype=np.float32)
    if is_probability:
        plane[0] = 1
    return plane
