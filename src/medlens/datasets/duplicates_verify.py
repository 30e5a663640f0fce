"""Is this pair a copy, or two patients who look alike?

Chest radiographs of different people correlate above 0.9, so correlation of
whole images cannot tell. Here one image is laid over the other to a fraction
of a pixel, and the locally normalised fine detail is compared block by block.
A copy agrees in nearly every block and as well in fine detail as in coarse; a
look-alike agrees in coarse shape and parts in detail.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlens.core import Array
from medlens.datasets.duplicates_register import correlate, register, warp
from medlens.datasets.hashes import (
    MAP,
    WINDOWS,
    normalise_locally,
    turn,
)

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

MAP_SCALE = 24.0
"""Coarse maps are kept as int8, in steps of 1/24 standard deviation."""

LEAST_ROUGH = 0.8
"""Rough correlation below which a pair is dropped: 99 % of the copies planted
on the development sets lay above .83."""

_BLOCKS = 6
_MEDIUM = (1.0, 5.0, 6.0)
_FINE = (0.6, 2.5, 5.0)
"""Sigma kept, sigma taken off, and floor, as in `normalise_locally`."""

LEAST_FINE = 0.5
"""Fine correlation, not yet refined, below which a pair is dropped."""

_STEPS = 3


@dataclass(frozen=True)
class Placing:
    """How one image of a pair lies over the other.

    Attributes:
        orientation: (p,) 0..7, of the asker.
        windows: (p, 4) window of the turned asker that looks like the answer.
        score: (p,) correlation, or the verdict's score.
    """

    orientation: IntArray
    windows: FloatArray
    score: FloatArray


def place_roughly(
    maps: NDArray[np.int8], asker: IntArray, answer: IntArray, query: IntArray
) -> Placing:
    """Best window of each pair, on coarse maps.

    Args:
        maps: (n, MAP, MAP) int8, in steps of 1 / MAP_SCALE.
        asker, answer: (p,) positions.
        query: (p,) number of the asker's query that is most like the answer.
    """
    orientation, windows = _to_windows(query)
    score = np.zeros(len(asker), np.float32)
    for part in _batches(len(asker), 192):
        source = turn_each(maps[asker[part]].astype(np.float32), orientation[part])
        target = maps[answer[part]].astype(np.float32)
        windows[part], score[part] = register(source, target, windows[part], steps=4)
    return Placing(orientation, windows, score)


def judge(
    thumbnails: NDArray[np.uint8], asker: IntArray, answer: IntArray, rough: Placing
) -> Placing:
    """Score pairs by their fine detail; see `score_agreement`.

    Args:
        thumbnails: (n, SIDE, SIDE) uint8.
        asker, answer: (p,) positions.
        rough: where to start.
    """
    windows = rough.windows.copy()
    score = np.full(len(asker), -np.inf, np.float32)
    for part in _batches(len(asker), 96):
        one, other = thumbnails[asker[part]], thumbnails[answer[part]]
        turned = rough.orientation[part]
        source, target = (_detail(side, _MEDIUM) for side in (one, other))
        source = turn_each(source, turned)
        placed, medium = register(source, target, windows[part], steps=_STEPS)
        source, target = (_detail(side, _FINE) for side in (one, other))
        source = turn_each(source, turned)
        cut, inside = warp(source, placed)
        # Most look-alikes end here, before the costly last steps.
        good = np.flatnonzero(correlate(cut, target, inside) >= LEAST_FINE)
        if not len(good):
            continue
        source, target, medium = source[good], target[good], medium[good]
        placed, _ = register(source, target, placed[good], steps=_STEPS)
        cut, inside = warp(source, placed)
        rows = np.arange(len(asker))[part][good]
        windows[rows] = placed
        score[rows] = score_agreement(measure_agreement(medium, cut, target, inside))
    return Placing(rough.orientation, windows, score)


def measure_agreement(
    medium: FloatArray,
    cut: FloatArray,
    target: FloatArray,
    inside: FloatArray,
    *,
    blocks: int = _BLOCKS,
) -> FloatArray:
    """(p, 5) features: medium and fine correlation, 20th, 50th, 70th percentile.

    The percentiles are of the correlations of the fine detail in blocks x blocks
    blocks, weighted by the detail in them, so that a burned-in mark or a saturated
    corner spoils a few blocks and not the verdict.
    """
    fine = correlate(cut, target, inside)
    product, one, other = (
        _block_sums(values * inside, blocks)
        for values in (cut * target, cut * cut, target * target)
    )
    weight = np.sqrt(one * other)
    local = product / (weight + 1e-3)
    order = np.argsort(local, axis=1)
    local = np.take_along_axis(local, order, axis=1)
    share = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1)
    share /= np.maximum(share[:, -1:], 1e-6)
    row, last = np.arange(len(local)), local.shape[1] - 1
    levels = [
        local[row, np.minimum((share < level).sum(axis=1), last)]
        for level in (0.2, 0.5, 0.7)
    ]
    return np.stack([medium, fine, *levels], axis=1)


# Logistic regression on the features after Fisher's z, fitted on 2,500 planted
# copies and 60,000 most-alike pairs of different patients from five development
# sets (two of chest radiographs, three of head CT and MRI); fitted on four and
# tried on the fifth, the verdicts hardly move (docs/audit.md).
_WEIGHTS = np.array([-4.16, 4.96, 3.32, 1.98, 2.23], np.float32)
_OFFSET = -10.62
THRESHOLD = 1.5
"""Score of a copy where no second look is possible: the lowest at which fewer
than 1 % of the clean radiographs of each development set were paired."""

POSSIBLE = -4.0
"""Score from which a pair deserves a second look: 99 % of the planted copies of
every development set lay above."""

SURE = 9.0
"""Score that needs no second look; neighbouring slices reached 7."""


def score_agreement(features: FloatArray) -> FloatArray:
    """(p,) log odds that the pairs are copies."""
    z = np.arctanh(np.clip(features, -0.995, 0.995))
    result: FloatArray = (z @ _WEIGHTS + _OFFSET).astype(np.float32)
    return result


def _detail(thumbnails: Array, scale: tuple[float, float, float]) -> FloatArray:
    smooth, reach, floor = scale
    return normalise_locally(thumbnails, smooth=smooth, reach=reach, floor=floor)


def _block_sums(values: FloatArray, blocks: int) -> FloatArray:
    side = values.shape[-1] // blocks
    sums = values.reshape(-1, blocks, side, blocks, side).sum(axis=(2, 4))
    result: FloatArray = sums.reshape(len(values), -1)
    return result


def _to_windows(query: IntArray) -> tuple[IntArray, FloatArray]:
    """Orientation and (scale, start) rows of query numbers."""
    spans = np.array(WINDOWS, np.float32)[query % len(WINDOWS)]  # (p, 2, 2)
    windows = np.stack(
        [
            spans[:, 0, 1] - spans[:, 0, 0],
            spans[:, 0, 0],
            spans[:, 1, 1] - spans[:, 1, 0],
            spans[:, 1, 0],
        ],
        axis=1,
    )
    return query // len(WINDOWS), windows


def turn_each(maps: FloatArray, orientation: IntArray) -> FloatArray:
    """Each map of (n, S, S) in its own orientation."""
    turned = np.empty_like(maps)
    for value in np.unique(orientation):
        mine = orientation == value
        turned[mine] = turn(maps[mine], int(value))
    return turned


def _batches(count: int, size: int) -> Iterator[slice]:
    for start in range(0, count, size):
        yield slice(start, start + size)


assert MAP * 2 % _BLOCKS == 0
