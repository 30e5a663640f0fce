"""How unlike the training images a case is: the same for images, series and volumes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medlens.bundle import Bundle
from medlens.core import Array, OutOfDistribution
from medlens.metrics import image_statistics

MOST_SLICES = 32
UNKNOWN = OutOfDistribution(score=0.0, threshold=float("inf"), flag=False)


def case_statistics(prepared: Array) -> NDArray[np.float32]:
    """(14,) `image_statistics` of an image; of a volume their mean over its slices.

    Args:
        prepared: (C, H, W) or (C, D, H, W) as the network receives it, 0..1; of
            more than 32 slices 32 that are evenly spread are looked at. May be
            memory-mapped.

    Raises:
        UsageError: another shape, or values that are not finite.
    """
    if prepared.ndim == 3 or prepared.shape[1] == 1:
        return np.asarray(image_statistics(prepared), dtype=np.float32)
    depth = prepared.shape[1]
    chosen = np.unique(np.linspace(0, depth - 1, min(depth, MOST_SLICES)).round())
    found = [image_statistics(prepared[:, int(d)]) for d in chosen]
    mean: NDArray[np.float32] = np.mean(found, axis=0).astype(np.float32)
    return mean


def judge_case(
    bundle: Bundle, embedding: Array | None, statistics: Array
) -> OutOfDistribution:
    """The gate's word; never flagged where a bundle has no gate, or no embedding.

    Args:
        bundle: with its gate.
        embedding: (E,) of the case.
        statistics: see `case_statistics`.
    """
    if bundle.outlier is None or embedding is None:
        return UNKNOWN
    score = float(bundle.outlier.score(embedding, statistics))
    threshold = float(bundle.outlier.threshold)
    return OutOfDistribution(score=score, threshold=threshold, flag=score > threshold)
