"""Average precision, also for many resamples at once."""

from __future__ import annotations

import numpy as np

from medlens.core import Array
from medlens.metrics.classification import ratio


def average_precision(targets: Array, scores: Array) -> float:
    """Area under the precision-recall steps, without interpolation.

    Mean over positives of the precision at their score; tied scores enter
    together. Larger scores speak for 1; -1 among the targets is left out.
    """
    known = np.asarray(targets) >= 0
    ranking = ScoreRanking.of(np.asarray(targets)[known], np.asarray(scores)[known])
    weights = np.ones((1, int(known.sum())), dtype=np.float32)
    return float(ranking.average_precision(weights)[0])


class ScoreRanking:
    """Cases sorted once by score, so that resamples need no sorting again.

    Attributes:
        order: (n,) case indices, highest score first.
        present: (n,) float32, 1 where the case at that rank has the label.
        last: ends of the runs of tied scores in `order`.
    """

    def __init__(self, order: Array, present: Array, last: Array) -> None:
        self.order, self.present, self.last = order, present, last

    @classmethod
    def of(cls, targets: Array, scores: Array) -> ScoreRanking:
        """Ranking of (n,) targets in 0, 1 by (n,) scores."""
        order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
        ordered = np.asarray(scores)[order]
        last = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True])
        present = (np.asarray(targets)[order] == 1).astype(np.float32)
        return cls(order, present, last[: len(order)])

    def average_precision(self, weights: Array) -> Array:
        """Average precision for (b, n) case weights given in ranked order.

        Returns:
            (b,) float64, NaN where no weight lies on a positive.
        """
        if not len(self.order):
            return np.full(len(weights), np.nan)
        # Counts stay below 2**24, so float32 holds them exactly.
        hits = np.cumsum(weights * self.present, axis=1)[:, self.last]
        called = np.cumsum(weights, axis=1)[:, self.last]
        gained = np.diff(hits, axis=1, prepend=np.float32(0))
        precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
        area = np.einsum("bi,bi->b", gained, precision, dtype=np.float64)
        return ratio(area, hits[:, -1].astype(np.float64))
