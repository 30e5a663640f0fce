"""Expected calibration error: promised against observed, in bins."""

from __future__ import annotations

import math

import numpy as np

from medlens.core import Array, UsageError
from medlens.metrics.bootstrap import PatientBootstrap
from medlens.metrics.classification import ratio

BINS = 15
"""Bins of the calibration error, equal width (Guo et al. 2017)."""


def bin_edges(
    probabilities: Array, *, bins: int = BINS, equal_mass: bool = False
) -> Array:
    """Edges of the bins of a calibration error, (bins + 1,) or fewer when tied.

    Args:
        probabilities: (n,) 0..1.
        bins: how many.
        equal_mass: bins of equal numbers of cases instead of equal width.
    """
    if bins < 1:
        raise UsageError(f"calibration bins: {bins}; wanted 1 or more")
    if not equal_mass or len(probabilities) == 0:
        return np.linspace(0, 1, bins + 1)
    inner = np.quantile(probabilities, np.linspace(0, 1, bins + 1)[1:-1])
    return np.unique(np.r_[0.0, inner, 1.0])


def bin_cases(targets: Array, probabilities: Array, edges: Array) -> Array:
    """(n, 3 × bins) per case: counts, probabilities and targets in its bin.

    Bins are [low, high), the last one [low, high]. The sums of these rows are
    all that `calibration_error` needs, also in a resample.
    """
    bins = len(edges) - 1
    chosen = np.clip(
        np.searchsorted(edges, probabilities, side="right") - 1, 0, bins - 1
    )
    rows = np.zeros((len(chosen), 3, bins), dtype=np.float64)
    index = np.arange(len(chosen))
    rows[index, 0, chosen] = 1.0
    rows[index, 1, chosen] = probabilities
    rows[index, 2, chosen] = np.asarray(targets) == 1
    return rows.reshape(len(chosen), 3 * bins)


def calibration_error(binned: Array) -> Array:
    """Σ |mean probability - observed share| × share of cases, over bins.

    Args:
        binned: (..., 3 × bins) sums of `bin_cases` over cases.

    Returns:
        (...) in 0..1; NaN without cases.
    """
    counts, probabilities, observed = np.split(binned, 3, axis=-1)
    return ratio(np.abs(probabilities - observed).sum(axis=-1), counts.sum(axis=-1))


def calibration_noise(
    binned: Array, bootstrap: PatientBootstrap, *, n: Array | float
) -> Array:
    """(resamples,) calibration errors that chance alone would give these cases.

    The gaps of each patient keep their size and get a random sign, which is
    what calibrated probabilities would look like.

    Args:
        binned: (n, 3 × bins) rows of `bin_cases`.
        bootstrap: of the same cases.
        n: cases that the rows are about.
    """
    _, probabilities, observed = np.split(binned, 3, axis=-1)
    gaps = bootstrap.flipped(probabilities - observed)
    return ratio(np.abs(gaps).sum(axis=-1), np.asarray(n))


def ece(
    targets: Array,
    probabilities: Array,
    *,
    bins: int = BINS,
    equal_mass: bool = False,
    debiased: bool = False,
) -> float:
    """Expected calibration error of one label.

    Args:
        targets: (n,) of 0 and 1; -1 is left out.
        probabilities: (n,) 0..1.
        bins, equal_mass: see `bin_edges`.
        debiased: take the sampling noise off: root of the squared gaps less
            their binomial variance (Kumar, Liang & Ma 2019), never below 0.
    """
    known = np.asarray(targets) >= 0
    targets, probabilities = (
        np.asarray(targets)[known],
        np.asarray(probabilities)[known],
    )
    edges = bin_edges(probabilities, bins=bins, equal_mass=equal_mass)
    sums = bin_cases(targets, probabilities, edges).sum(axis=0)
    if not debiased:
        return float(calibration_error(sums))
    counts, mass, observed = np.split(sums, 3)
    enough = counts >= 2
    counts, mass, observed = counts[enough], mass[enough], observed[enough]
    if not len(counts):
        return math.nan
    share = observed / counts
    squared = (mass / counts - share) ** 2 - share * (1 - share) / (counts - 1)
    return math.sqrt(max(0.0, float(np.average(squared, weights=counts))))
