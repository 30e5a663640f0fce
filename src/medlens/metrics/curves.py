"""Curves to draw: ROC, precision-recall, reliability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medlens.core import Array
from medlens.metrics.binning import BINS, bin_cases, bin_edges

POINTS = 200
"""Most points of a curve in `metrics.json`."""


@dataclass(frozen=True)
class Curve:
    """Points of a curve with the threshold of each, strictest threshold first.

    Attributes:
        x, y: (P,) false-positive rate and sensitivity (ROC), or recall and
            precision (PR).
        threshold: (P,) a case is called positive at or above it; the first is
            infinite, where nothing is called.
    """

    x: Array
    y: Array
    threshold: Array


def roc_curve(targets: Array, scores: Array) -> Curve:
    """ROC points from (0, 0) to (1, 1), corners only.

    Args:
        targets: (n,) of 0 and 1, both present; -1 is left out.
        scores: (n,) larger speaks for 1.
    """
    threshold, hits, alarms = _cumulate(targets, scores)
    # A point on the line between its neighbours adds nothing to the drawing;
    # tested on counts, which are exact.
    across, up = np.diff(alarms), np.diff(hits)
    keep = np.r_[True, across[:-1] * up[1:] != up[:-1] * across[1:], True]
    return Curve(
        (alarms / max(alarms[-1], 1.0))[keep],
        (hits / max(hits[-1], 1.0))[keep],
        threshold[keep],
    )


def pr_curve(targets: Array, scores: Array) -> Curve:
    """Recall and precision at every distinct score; starts at (0, 1).

    Args:
        targets: (n,) of 0 and 1, some of them 1; -1 is left out.
        scores: (n,) larger speaks for 1.
    """
    threshold, hits, alarms = _cumulate(targets, scores)
    called = hits + alarms
    precision = np.divide(hits, called, out=np.ones_like(hits), where=called > 0)
    return Curve(hits / max(hits[-1], 1.0), precision, threshold)


def thin(curve: Curve, *, points: int = POINTS) -> Curve:
    """At most `points` points, spread evenly along the curve's length.

    Both ends stay. Even spacing along the length keeps the steep start of a
    good ROC curve, which even spacing along x would lose.
    """
    if len(curve.x) <= points:
        return curve
    steps = np.abs(np.diff(curve.x)) + np.abs(np.diff(curve.y))
    length = np.r_[0.0, np.cumsum(steps)]
    wanted = np.linspace(0.0, length[-1], points)
    kept = np.unique(np.clip(np.searchsorted(length, wanted), 0, len(length) - 1))
    kept[0], kept[-1] = 0, len(length) - 1
    return Curve(curve.x[kept], curve.y[kept], curve.threshold[kept])


@dataclass(frozen=True)
class ReliabilityBin:
    """Cases whose probability lies in low..high.

    Attributes:
        low, high: edges of the bin.
        mean_probability: what was promised.
        observed: share that has the label.
        n: cases.
    """

    low: float
    high: float
    mean_probability: float
    observed: float
    n: int


def reliability(
    targets: Array, probabilities: Array, *, bins: int = BINS, equal_mass: bool = False
) -> list[ReliabilityBin]:
    """Promised against observed, in the bins of the ECE; empty bins left out.

    Args:
        targets: (n,) of 0 and 1; -1 is left out.
        probabilities: (n,) 0..1.
        bins, equal_mass: see `bin_edges`.
    """
    known = np.asarray(targets) >= 0
    targets, probabilities = (
        np.asarray(targets)[known],
        np.asarray(probabilities)[known],
    )
    edges = bin_edges(probabilities, bins=bins, equal_mass=equal_mass)
    counts, mass, observed = np.split(
        bin_cases(targets, probabilities, edges).sum(axis=0), 3
    )
    return [
        ReliabilityBin(
            low=float(edges[index]),
            high=float(edges[index + 1]),
            mean_probability=float(mass[index] / counts[index]),
            observed=float(observed[index] / counts[index]),
            n=int(counts[index]),
        )
        for index in np.flatnonzero(counts)
    ]


def _cumulate(targets: Array, scores: Array) -> tuple[Array, Array, Array]:
    """Thresholds with the numbers of positives and negatives at or above them."""
    known = np.asarray(targets) >= 0
    targets, scores = np.asarray(targets)[known], np.asarray(scores)[known]
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    ordered, present = np.asarray(scores, np.float64)[order], targets[order] == 1
    last = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True])[: len(ordered)]
    hits = np.r_[0.0, np.cumsum(present)[last]]
    alarms = np.r_[0.0, np.cumsum(~present)[last]]
    return np.r_[np.inf, ordered[last]], hits, alarms
