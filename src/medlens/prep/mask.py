"""A label mask brought onto the grid of a prepared image.

The two geometries alone say where each voxel comes from, so that the mask needs
to know nothing of the steps. Crops, pads and flips are exact. Where the grid is
another, each label's indicator is interpolated and the strongest label wins: that
keeps volumes, which the nearest voxel does not. Where a crop took a margin off
and a pad brought black in its place, the labels of that margin are back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medlens.core import Array, Geometry, Image, PrepError
from medlens.prep.resample import Weights, along_rows, line_weights

TURNED = 1e-3
"""Voxels by which grids may disagree over their whole length and count as one."""

SLAB = 1 << 22
"""Voxels of the result worked out at a time."""

Ints = tuple[int, int, int]


@dataclass(frozen=True)
class _Line:
    """Along one axis, result index k lies at source index scale · k + shift."""

    length: int
    count: int
    scale: float
    shift: float

    @property
    def is_exact(self) -> bool:
        """Whether every result voxel is a source voxel."""
        drift = abs(self.scale - 1) * self.count
        return drift < TURNED and abs(self.shift - round(self.shift)) < TURNED

    @property
    def inside(self) -> tuple[int, int]:
        """Results first..last whose centre lies in the source's field."""
        first = np.ceil((-0.5 - self.shift) / self.scale - 1e-6)
        last = np.floor((self.length - 0.5 - self.shift) / self.scale + 1e-6) + 1
        a, b = (int(np.clip(v, 0, self.count)) for v in (first, last))
        return a, max(a, b)

    def nearest(self) -> Array:
        """Source index of each result inside."""
        place = np.arange(*self.inside) * self.scale + self.shift
        index = np.clip(np.floor(place + 0.5), 0, self.length - 1)
        return np.asarray(index, dtype=np.intp)

    def weights(self) -> Weights:
        """Weights of the results inside."""
        first, last = self.inside
        return line_weights(
            self.length,
            last - first,
            scale=self.scale,
            shift=self.shift + first * self.scale,
            kernel="linear",
        )


def prepare_mask(
    mask: Array,
    source: Image | Geometry,
    prepared: Image | Geometry,
    *,
    shape: Ints | None = None,
    labels: int = 256,
    method: str = "linear",
) -> Array:
    """The labels on the grid of the prepared image.

    Args:
        mask: (D, H, W) uint8 of label indices on the source's grid; 0 is the
            background.
        source: what the pipeline was given, or its geometry.
        prepared: what the pipeline returned, or its geometry.
        shape: (D', H', W'); needed where `prepared` is a geometry.
        labels: number of labels, to find masks that hold others.
        method: "linear" or "nearest".

    Returns:
        (D', H', W') uint8; 0 outside the source.

    Raises:
        PrepError: mask and source differ in shape, a label is unknown, or the
            grids are turned against each other.
    """
    case = source.case if isinstance(source, Image) else "image"
    _check(mask, source, labels, case)
    if isinstance(prepared, Image):
        depth, height, width = prepared.array.shape[1:]
        shape = (depth, height, width)
    if shape is None:
        raise TypeError("prepare_mask: a geometry needs shape=(D, H, W) beside it")
    lines, mask = _lines(mask, _geometry(source), _geometry(prepared), shape, case)
    result: Array = np.zeros(shape, dtype=np.uint8)
    box = tuple(slice(*line.inside) for line in lines)
    if 0 in result[box].shape:
        return result
    if method == "nearest" or all(line.is_exact for line in lines):
        d, h, w = (line.nearest() for line in lines)
        inside = result[box]
        for at, source_slice in enumerate(d):  # all at once would be another copy
            inside[at] = mask[source_slice][np.ix_(h, w)]
    else:
        result[box] = _strongest(mask, [line.weights() for line in lines])
    return result


def _geometry(place: Image | Geometry) -> Geometry:
    return place.geometry if isinstance(place, Image) else place


def _check(mask: Array, source: Image | Geometry, labels: int, case: str) -> None:
    if mask.ndim != 3 or mask.dtype != np.uint8:
        raise PrepError(
            f"{case}: mask has shape {mask.shape} and type {mask.dtype}; wanted "
            "(D, H, W) of uint8"
        )
    if isinstance(source, Image) and mask.shape != source.array.shape[1:]:
        raise PrepError(
            f"{case}: mask is {_by(mask.shape)} voxels, its image "
            f"{_by(source.array.shape[1:])}; wanted the same grid"
        )
    highest = int(mask.max()) if mask.size else 0
    if highest >= labels:
        raise PrepError(f"{case}: mask holds label {highest}; wanted 0..{labels - 1}")


def _by(shape: tuple[int, ...]) -> str:
    return "×".join(str(n) for n in shape)


def _lines(
    mask: Array, source: Geometry, prepared: Geometry, shape: Ints, case: str
) -> tuple[list[_Line], Array]:
    """How each axis maps, and the mask with the axes that run backwards turned."""
    to_source = np.linalg.inv(source.affine) @ prepared.affine
    linear = to_source[:3, :3]
    off = np.abs(linear - np.diag(np.diag(linear))) * np.array(shape)
    if off.max() > 0.5 or np.abs(np.diag(linear)).min() < 1e-9:
        raise PrepError(
            f"{case}: the prepared image is turned against its source; pass the image "
            "that the pipeline was given"
        )
    lines = []
    for axis, length in enumerate(mask.shape):
        scale, shift = float(linear[axis, axis]), float(to_source[axis, 3])
        if scale < 0:
            scale, shift = -scale, length - 1 - shift
            mask = np.flip(mask, axis)
        lines.append(_Line(length, shape[axis], scale, shift))
    return lines, mask


def _strongest(mask: Array, weights: list[Weights]) -> Array:
    """Label with the largest interpolated indicator; the lower one of equals."""
    counts = tuple(len(w.starts) for w in weights)
    result: Array = np.zeros(counts, dtype=np.uint8)
    step = max(1, SLAB // (counts[1] * counts[2]))
    for first in range(0, counts[0], step):
        last = min(first + step, counts[0])
        starts, stops = weights[0].starts[first:last], weights[0].stops[first:last]
        start, stop = int(starts.min()), int(stops.max())
        part = Weights(starts - start, stops - start, weights[0].values[first:last])
        slab = mask[start:stop]
        present = np.flatnonzero(np.bincount(slab.reshape(-1), minlength=1))
        if len(present) == 1:
            result[first:last] = present[0]
            continue
        result[first:last] = _vote(slab, present, [part, *weights[1:]])
    return result


def _vote(slab: Array, present: Array, weights: list[Weights]) -> Array:
    best, winner = None, None
    for label in present:
        share = _interpolate((slab == label).astype(np.float32), weights)
        if best is None or winner is None:
            best, winner = share, np.full(share.shape, label, dtype=np.uint8)
            continue
        won = share > best + 1e-6
        winner[won] = label
        np.maximum(best, share, out=best)
    assert winner is not None
    return winner


def _interpolate(values: Array, weights: list[Weights]) -> Array:
    """(D, H, W) float32 through the weights of each axis."""
    for axis, along in enumerate(weights):
        rows = np.ascontiguousarray(np.moveaxis(values, axis, 0))
        summed = along_rows(rows.reshape(len(rows), -1), along)
        values = np.moveaxis(summed.reshape(-1, *rows.shape[1:]), 0, axis)
    return np.ascontiguousarray(values)
