"""A second look, at higher resolution, at pairs that thumbnails leave in doubt.

Two radiographs of one patient, or two neighbouring slices of a scan, agree at
54 pixels nearly as well as a copy that was cropped and recompressed. At 144
pixels they part: a copy keeps its fine detail, a second exposure does not. Only
pairs in doubt are looked at, so few images are read again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from medlens.core import Array
from medlens.datasets.duplicates_register import register, warp
from medlens.datasets.duplicates_verify import (
    Placing,
    measure_agreement,
    turn_each,
)
from medlens.datasets.hashes import make_thumbnail, normalise_locally

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

LOOK_SIDE = 144
"""Rows and columns of the second look."""

LEAST_SIDE = 96
"""Images with a shorter side than this hold no more detail than thumbnails."""

Look = Callable[[int], Array | None]
"""Position → (H, W) grey plane of the image, or None if it is too small."""

_COARSE = (1.5, 7.0, 6.0, 2)
_DETAIL = (0.8, 3.5, 5.0, 3)
_BLOCKS = 9
_BATCH = 16

# Logistic regression after Fisher's z on the fine correlation and the 20th,
# 50th and 70th percentile of the blocks: 1,500 planted copies against 14,000
# most-alike pairs of six development sets. Left out in turn, each set of
# radiographs and CT had no false pair at threshold 1 and lost 0.0 to 0.4 % of
# its copies; darkened slices of MRI scans lost 4 % (docs/audit.md).
_WEIGHTS = np.array([0.0, 0.38, 3.69, 2.39, 0.17], np.float32)
_OFFSET = -7.73
LOOK_THRESHOLD = 1.0
"""Log odds of a copy from which a pair is one."""


def look_closely(
    look: Look, asker: IntArray, answer: IntArray, placing: Placing
) -> FloatArray:
    """(p,) log odds that the pairs are copies; NaN where unseen.

    Args:
        look: brings an image back.
        asker, answer: (p,) positions.
        placing: how they lie over each other in thumbnails.
    """
    odds = np.full(len(asker), np.nan, np.float32)
    for start in range(0, len(asker), _BATCH):
        rows, ones, others = [], [], []
        for row in range(start, min(start + _BATCH, len(asker))):
            one, other = look(int(asker[row])), look(int(answer[row]))
            if one is not None and other is not None:
                rows.append(row)
                ones.append(one)
                others.append(other)
        if rows:
            features = _compare(
                np.stack(ones),
                np.stack(others),
                placing.orientation[rows],
                placing.windows[rows],
            )
            z = np.arctanh(np.clip(features, -0.995, 0.995))
            odds[rows] = z @ _WEIGHTS + _OFFSET
    return odds


def to_look(plane: Array) -> Array | None:
    """A grey plane as the second look wants it, or None if it is too small."""
    if min(plane.shape) < LEAST_SIDE:
        return None
    return make_thumbnail(plane, side=LOOK_SIDE)


def _compare(
    ones: Array, others: Array, orientation: IntArray, windows: FloatArray
) -> FloatArray:
    scores = []
    source = target = np.empty(0, np.float32)
    for smooth, reach, floor, steps in (_COARSE, _DETAIL):
        source, target = (
            normalise_locally(side, smooth=smooth, reach=reach, floor=floor)
            for side in (ones, others)
        )
        source = turn_each(source, orientation)
        windows, score = register(source, target, windows, steps=steps)
        scores.append(score)
    cut, inside = warp(source, windows)
    return measure_agreement(scores[0], cut, target, inside, blocks=_BLOCKS)


assert LOOK_SIDE % _BLOCKS == 0
