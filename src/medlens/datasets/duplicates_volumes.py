"""Copies of one volume in a data set: the whole of it must agree.

Brains that lie alike have middle slices that look alike, so one slice is no
proof. Eight planes spread over the depth are held against each other by their
fine detail, in every way a volume can be turned in its plane and reversed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medlens.datasets.hashes import normalise_locally
from medlens.datasets.signals_volume import PLANES

FloatArray = NDArray[np.float32]

# 130 registered hippocampi: the third lowest of the eight correlations is at
# most 0.66 for the most alike of 8,385 pairs of patients, and at least 0.96 for
# copies with 20 % noise, another gamma, or cut at the 2nd and 98th percentile.
THRESHOLD = 0.85
_RANK = 2
_LEAST_PLANES = 5
_BLOCK = 256
_MOST_TURNED = 2000
"""Volumes up to which turned copies are sought; beyond, upright ones only."""


def find_volume_copies(planes: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Pairs of volumes that show the same.

    Met are copies with other names, types, brightness, contrast or noise, also
    flipped, turned by 90 degrees in the plane, or with slices reversed. Crops
    and copies resampled to a half are not.

    Args:
        planes: (n, PLANES, S, S) uint8 of `signals_volume.keep_planes`.

    Returns:
        (i, j), i < j.
    """
    if len(planes) < 2:
        return []
    plain = _normalise(planes)
    found: set[tuple[int, int]] = set()
    for turn in range(16 if len(planes) <= _MOST_TURNED else 1):
        turned = plain if turn == 0 else _normalise(_turn(planes, turn))
        for start in range(0, len(planes), _BLOCK):
            same = _agree(turned[:, start : start + _BLOCK], plain)
            for row, other in zip(*np.nonzero(same), strict=True):
                if start + row < other:
                    found.add((int(start + row), int(other)))
    return sorted(found)


def _turn(planes: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """One of the 16 ways: 4 quarter turns × mirrored × reversed in depth."""
    turned = np.rot90(planes, turn % 4, axes=(2, 3))
    if turn // 4 % 2:
        turned = turned[..., ::-1]
    return np.ascontiguousarray(turned[:, ::-1] if turn // 8 else turned)


def _normalise(planes: NDArray[np.uint8]) -> FloatArray:
    """(PLANES, n, S·S) detail of length 1; zeros for planes without any."""
    n, depth, side, _ = planes.shape
    detail = normalise_locally(
        planes.reshape(-1, side, side), smooth=0.8, reach=3.5, floor=5.0
    ).reshape(n, depth, side * side)
    detail -= detail.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(detail, axis=-1, keepdims=True)
    detail = np.where(length > 1e-3, detail / np.maximum(length, 1e-3), 0)
    return np.ascontiguousarray(detail.transpose(1, 0, 2), dtype=np.float32)


def _agree(block: FloatArray, others: FloatArray) -> NDArray[np.bool_]:
    """(b, n) whether volumes agree in all but two of their planes."""
    scores = np.matmul(block, others.transpose(0, 2, 1))  # (PLANES, b, n)
    # Planes without detail in both (air above the head) say nothing.
    blank, bare = (np.asarray(~side.any(axis=-1)) for side in (block, others))
    empty = blank[:, :, None] & bare[:, None, :]
    scores[empty] = 1.0
    enough = PLANES - empty.sum(axis=0) >= _LEAST_PLANES
    third = np.partition(scores, _RANK, axis=0)[_RANK]
    same: NDArray[np.bool_] = enough & (third >= THRESHOLD)
    return same
