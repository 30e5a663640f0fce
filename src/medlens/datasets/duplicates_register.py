"""Lay one small map over another: window search by Gauss-Newton, in batches.

A copy that was cropped (and perhaps resized) is a window of its source: rows
and columns scale and shift independently. Four numbers a pair are found by
iterated least squares on image gradients (Lucas and Kanade 1981), for many
pairs at once, since a loop over pairs would take minutes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

_LEAST_OVERLAP = 0.55
_STEP = 0.08
_SCALES = (0.6, 1.67)


def warp(maps: FloatArray, windows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Cut a window out of each map, linearly interpolated.

    Args:
        maps: (n, S, S).
        windows: (n, 4): row scale, row start, column scale, column start, as
            shares of the side; (1, 0, 1, 0) is the whole map.

    Returns:
        (n, S, S) values, 0 outside the map, and the mask of what was inside.
    """
    side = maps.shape[-1]
    rows = _weights(windows[:, 0], windows[:, 1], side)
    columns = _weights(windows[:, 2], windows[:, 3], side)
    cut = np.matmul(np.matmul(rows, maps), columns.transpose(0, 2, 1))
    inside = (rows.sum(2) > 0.999)[:, :, None] & (columns.sum(2) > 0.999)[:, None, :]
    return cut, inside.astype(np.float32)


def correlate(one: FloatArray, other: FloatArray, inside: FloatArray) -> FloatArray:
    """(n,) normalised cross-correlation within the mask; 0 for small overlap."""
    size = inside.sum(axis=(1, 2))
    share = size / (inside.shape[1] * inside.shape[2])
    size = np.maximum(size, 1)[:, None, None]
    a = (one - (one * inside).sum((1, 2), keepdims=True) / size) * inside
    b = (other - (other * inside).sum((1, 2), keepdims=True) / size) * inside
    power = (a * a).sum((1, 2)) * (b * b).sum((1, 2))
    found = (a * b).sum((1, 2)) / np.sqrt(power + np.float32(1e-6))
    result: FloatArray = np.where(share >= _LEAST_OVERLAP, found, 0)
    return result.astype(np.float32, copy=False)


def register(
    source: FloatArray, target: FloatArray, windows: FloatArray, *, steps: int
) -> tuple[FloatArray, FloatArray]:
    """Refine windows of the sources until they look like the targets.

    Args:
        source, target: (n, S, S) normalised maps.
        windows: (n, 4) where to start, as in `warp`.
        steps: Gauss-Newton steps.

    Returns:
        The best windows met and their correlations.
    """
    windows = windows.astype(np.float32)
    best, score = windows.copy(), np.full(len(windows), -1, np.float32)
    for step in range(steps + 1):
        cut, inside = warp(source, windows)
        now = correlate(cut, target, inside)
        better = now > score
        best[better], score[better] = windows[better], now[better]
        if step < steps:
            windows = windows + _solve(cut, target, inside, windows)
            windows[:, [0, 2]] = np.clip(windows[:, [0, 2]], *_SCALES)
    return best, score


def _weights(scale: FloatArray, start: FloatArray, side: int) -> FloatArray:
    """(n, S, S) matrices of linear interpolation along one axis."""
    centre = (np.arange(side, dtype=np.float32) + np.float32(0.5)) / side
    at = (start[:, None] + scale[:, None] * centre) * side - np.float32(0.5)
    distance = at[:, :, None] - np.arange(side, dtype=np.float32)
    weights: FloatArray = np.maximum(0, 1 - np.abs(distance)).astype(np.float32)
    return weights


def _solve(
    cut: FloatArray, target: FloatArray, inside: FloatArray, windows: FloatArray
) -> FloatArray:
    """(n, 4) Gauss-Newton step of the windows."""
    count, side, _ = cut.shape
    centre = (np.arange(side, dtype=np.float32) + np.float32(0.5)) / side
    down, right = _gradients(cut, inside)
    down *= side / windows[:, 0, None, None]
    right *= side / windows[:, 2, None, None]
    slopes = np.stack([down * centre[:, None], down, right * centre, right], axis=-1)
    slopes = slopes.reshape(count, -1, 4)
    power = (cut * cut * inside).sum((1, 2))
    gain = power / np.maximum((cut * target * inside).sum((1, 2)), 0.2 * power + 1e-6)
    gap = ((target * gain[:, None, None] - cut) * inside).reshape(count, -1, 1)
    normal = np.matmul(slopes.transpose(0, 2, 1), slopes)
    # A damped step: flat maps have no slope to follow.
    normal += np.eye(4, dtype=np.float32) * np.float32(1e-4 * side * side)
    step = np.linalg.solve(normal, np.matmul(slopes.transpose(0, 2, 1), gap))[:, :, 0]
    result: FloatArray = np.clip(step, -_STEP, _STEP).astype(np.float32)
    return result


def _gradients(cut: FloatArray, inside: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Central differences along rows and columns, 0 at the rim."""
    down, right = np.zeros_like(cut), np.zeros_like(cut)
    down[:, 1:-1] = (cut[:, 2:] - cut[:, :-2]) / 2
    right[:, :, 1:-1] = (cut[:, :, 2:] - cut[:, :, :-2]) / 2
    return down * inside, right * inside
