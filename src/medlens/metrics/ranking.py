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
        present: (p,) ranks of the cases that have the label.
        last: (g,) last rank of each run of tied scores that holds one of them.
        starts: (g,) where each of these runs begins in `present`.
    """

    def __init__(
        self, order: Array, present: Array, last: Array, starts: Array
    ) -> None:
        self.order, self.present, self.last, self.starts = order, present, last, starts

    @classmethod
    def of(cls, targets: Array, scores: Array) -> ScoreRanking:
        """Ranking of (n,) targets in 0, 1 by (n,) scores."""
        order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
        ordered = np.asarray(scores)[order]
        ends = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True])[: len(order)]
        present = np.flatnonzero(np.asarray(targets)[order] == 1)
        runs, starts = np.unique(np.searchsorted(ends, present), return_index=True)
        return cls(order, present, ends[runs], starts)

    def average_precision(self, weights: Array) -> Array:
        """Average precision for (b, n) case weights given in ranked order.

        Returns:
            (b,) float64, NaN where no weight lies on a case with the label.
        """
        if not len(self.present):
            return np.full(len(weights), np.nan)
        # Counts stay below 2**24, so float32 holds them exactly.
        called = np.cumsum(weights, axis=1, dtype=np.float32)[:, self.last]
        gained = np.add.reduceat(weights[:, self.present], self.starts, axis=1)
        hits = np.cumsum(gained, axis=1, dtype=np.float32)
        precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
        area = np.einsum("bi,bi->b", gained, precision, dtype=np.float64)
        return ratio(area, hits[:, -1])
