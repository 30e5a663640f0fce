"""One-dimensional resampling weights: half-pixel centres, true antialiasing.

Output pixel k of n covers the same share of the field as it should: its centre
lies at (k + 0.5)·length/n − 0.5 of the input. When shrinking, the kernel is
widened by the factor so that what the new grid cannot carry is filtered away.

cv2.INTER_AREA is a box filter: it lets three tenths of the energy just above
the new Nyquist frequency through and bends a linear ramp by up to an eighth of
a pixel at factors that are not whole. Here the weights are corrected so that
constants and ramps come out exactly, up to the last pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from medlens.core import Array

BLOCK = 8
"""Output rows computed by one matrix product."""

ONE_THREAD = 1 << 18
"""Multiplications above which OpenBLAS wakes its threads. These products are too
small for that: on a busy machine the threads' waiting took 300 ms in place of 2."""

FILTERS = ("linear", "cubic", "area", "nearest")


@dataclass(frozen=True)
class Weights:
    """Sparse weights of one axis.

    Attributes:
        starts, stops: (n,) first and one past the last input index of each
            output.
        values: (n, taps) float32; values[k, j] belongs to input starts[k] + j.
    """

    starts: Array
    stops: Array
    values: Array


def resize_plane(plane: Array, *, height: int, width: int, kernel: str) -> Array:
    """(H, W) → (height, width).

    Args:
        plane: uint8, uint16, int16 or float32.
        height, width: above 0.
        kernel: "linear" (triangle; nothing overshoots), "cubic" (sharper,
            overshoots at edges), "area" (mean of the covered pixels) or
            "nearest" (values kept, for masks).

    Returns:
        float32; the dtype of `plane` for "nearest".
    """
    if kernel == "nearest":
        rows = _nearest(plane.shape[0], height)
        return np.ascontiguousarray(plane[rows][:, _nearest(plane.shape[1], width)])
    if kernel == "linear" and height >= plane.shape[0] and width >= plane.shape[1]:
        values = plane.astype(np.float32, copy=False)
        return np.asarray(
            cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR)
        )
    if plane.shape[0] != height:
        plane = along_rows(plane, axis_weights(plane.shape[0], height, kernel))
    if plane.shape[1] != width:
        turned = cv2.transpose(plane)
        turned = along_rows(turned, axis_weights(turned.shape[0], width, kernel))
        plane = cv2.transpose(turned)
    return plane.astype(np.float32, copy=False)


@lru_cache(maxsize=64)
def axis_weights(length: int, count: int, kernel: str) -> Weights:
    """Weights that turn `length` samples of an axis into `count`."""
    scale = length / count
    return line_weights(
        length, count, scale=scale, shift=scale / 2 - 0.5, kernel=kernel
    )


def line_weights(
    length: int, count: int, *, scale: float, shift: float, kernel: str
) -> Weights:
    """Weights of `count` samples at scale · k + shift of an axis.

    Args:
        length: samples of the axis.
        count: samples of the result; every centre lies within half a sample of
            the axis.
        scale: above 0; above 1 the kernel is widened by it.
        shift: place of the first result.
        kernel: as in `resize_plane`, but for "nearest".
    """
    stretch = max(scale, 1.0)
    centre = np.arange(count) * scale + shift
    radius = {"linear": 1.0, "cubic": 2.0, "area": 0.5}[kernel] * stretch
    reach = radius + 0.5 if kernel == "area" else radius
    first = np.ceil(centre - reach).astype(np.intp)
    index = first[:, None] + np.arange(int(np.ceil(2 * reach)) + 1)
    offset = index - centre[:, None]
    values = _kernel(offset, stretch, kernel)
    if scale <= 1.0:
        return _clamped(index, values, length)
    values = np.where((index < 0) | (index >= length), 0.0, values)
    if kernel == "area":
        values = values / values.sum(axis=1, keepdims=True)
    else:
        values = _keep_ramps(values, offset, radius)
    return _packed(np.clip(index, 0, length - 1), values, length)


def _kernel(offset: Array, stretch: float, kernel: str) -> Array:
    distance = np.abs(offset)
    if kernel == "area":  # overlap of a unit pixel with the output's extent
        half = stretch / 2
        overlap: Array = np.clip(half + 0.5 - distance, 0.0, min(1.0, stretch))
        return overlap
    x = distance / stretch
    if kernel == "linear":
        return np.asarray(np.maximum(1.0 - x, 0.0))
    # Keys, IEEE TASSP 29 (1981) 1153–1160, a = −0.5
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.asarray(np.where(x <= 1, near, np.where(x < 2, far, 0.0)))


def _keep_ramps(values: Array, offset: Array, radius: float) -> Array:
    """Weights plus (a + b·offset)·triangle, so that Σw = 1 and Σw·offset = 0."""
    inside = values != 0
    window = np.where(inside, np.maximum(1.0 - np.abs(offset) / radius, 0.0), 0.0)
    values = values / values.sum(axis=1, keepdims=True)
    zeroth, first = window.sum(axis=1), (window * offset).sum(axis=1)
    second = (window * offset**2).sum(axis=1)
    wrong = (values * offset).sum(axis=1)  # the mean offset, which should be 0
    determinant = zeroth * second - first**2
    usable = determinant > 1e-9 * zeroth**2  # not with one or two taps in line
    scale = np.where(usable, wrong / np.where(usable, determinant, 1.0), 0.0)
    correction = (first[:, None] - zeroth[:, None] * offset) * scale[:, None]
    return np.asarray(values + correction * window)


def _clamped(index: Array, values: Array, length: int) -> Weights:
    """Enlarging: what lies beyond the edge repeats the edge pixel."""
    values = values / values.sum(axis=1, keepdims=True)
    return _packed(np.clip(index, 0, length - 1), values, length)


def _packed(index: Array, values: Array, length: int) -> Weights:
    """Weights on clipped, possibly repeated indices, gathered per input index."""
    starts = index.min(axis=1)
    gathered = np.zeros(values.shape)
    rows = np.broadcast_to(np.arange(len(values))[:, None], index.shape)
    np.add.at(gathered, (rows, index - starts[:, None]), values)
    stops = np.minimum(starts + values.shape[1], length)
    return Weights(starts, stops, gathered.astype(np.float32))


def along_rows(plane: Array, weights: Weights) -> Array:
    """Weighted sums of rows, a few output rows at a time; float32."""
    count = len(weights.starts)
    result = np.empty((count, plane.shape[1]), dtype=np.float32)
    for first in range(0, count, BLOCK):
        last = min(first + BLOCK, count)
        start, stop = weights.starts[first], weights.stops[last - 1]
        block = np.zeros((last - first, stop - start), dtype=np.float32)
        for k in range(first, last):
            at = weights.starts[k] - start
            taps = weights.stops[k] - weights.starts[k]
            block[k - first, at : at + taps] = weights.values[k, :taps]
        slab = plane[start:stop].astype(np.float32, copy=False)
        for left, right in _pieces(plane.shape[1], block.size):
            np.matmul(block, slab[:, left:right], out=result[first:last, left:right])
    return result


def _pieces(width: int, cost: int) -> list[tuple[int, int]]:
    """Column ranges whose products stay below `ONE_THREAD`."""
    step = max(16, ONE_THREAD // cost)
    return [(left, min(left + step, width)) for left in range(0, width, step)]


def _nearest(length: int, count: int) -> Array:
    """Index of the input pixel under each output centre."""
    found = np.floor((np.arange(count) + 0.5) * (length / count))
    nearest: Array = np.clip(found, 0, length - 1).astype(np.intp)
    return nearest
