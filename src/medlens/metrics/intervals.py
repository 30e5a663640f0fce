"""Intervals in closed form: proportions, means of patients, sums of proportions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from medlens.core import Array, UsageError
from medlens.metrics.estimate import Estimate, undefined

LEVEL = 0.95
"""Confidence level of every interval that medlens prints."""


def z_value(level: float = LEVEL) -> float:
    """Two-sided standard normal quantile; 1.96 for 0.95."""
    # Imported late: statistics costs 10 ms that a cold `predict` does not need.
    from statistics import NormalDist

    if not 0 < level < 1:
        raise UsageError(f"confidence level {level}: wanted a share between 0 and 1")
    return NormalDist().inv_cdf((1 + level) / 2)


def two_sided_p(z: float) -> float:
    """Two-sided p value of a standard normal deviate; never printed as 0."""
    return max(math.erfc(abs(z) / math.sqrt(2)), 1e-300)


def patient_codes(patients: Sequence[str]) -> Array:
    """Patient keys as integers 0..P-1, int64, in order of first appearance.

    A case without a key ("") is a patient of its own, because nothing says
    that it shares one.
    """
    seen: dict[object, int] = {}
    codes = [
        seen.setdefault(patient or (index,), len(seen))
        for index, patient in enumerate(patients)
    ]
    return np.array(codes, dtype=np.int64)


def is_clustered(codes: Array) -> bool:
    """True when a patient has several cases."""
    return bool(len(codes) > len(np.unique(codes)))


def sum_by(codes: Array, values: Array) -> Array:
    """Sums of the rows of `values` by patient.

    Args:
        codes: (n,) integers, 0 or above.
        values: (n,) or (n, q).

    Returns:
        float64, (P,) or (P, q), P the largest code plus one.
    """
    values = np.asarray(values, dtype=np.float64)
    groups = int(codes.max()) + 1 if len(codes) else 0
    if values.ndim == 1:
        return np.bincount(codes, weights=values, minlength=groups)
    return np.stack(
        [np.bincount(codes, weights=column, minlength=groups) for column in values.T],
        axis=1,
    ).reshape(groups, values.shape[1])


def wilson(
    successes: float, total: float, *, level: float = LEVEL
) -> tuple[float, float]:
    """Score interval of a proportion (Wilson 1927); never leaves 0..1.

    Args:
        successes: 0..total; need not be whole (effective counts).
        total: above 0.

    Raises:
        UsageError: the counts do not fit each other.
    """
    if not (total > 0 and 0 <= successes <= total):
        raise UsageError(
            f"wilson: {successes} of {total}; wanted 0 <= successes <= total, total > 0"
        )
    z = z_value(level)
    share = successes / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = (
        z
        / (1 + z * z / total)
        * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    )
    # Exact ends: rounding must not leave 1e-17 where the formula gives 0 or 1.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == total else min(1.0, centre + half)
    return low, high


def proportion(successes: Array, codes: Array, *, of: str = "cases") -> Estimate:
    """Share of successes with an interval that respects patients.

    One case per patient: Wilson. Several: Wilson on the effective number of
    cases, n divided by the design effect of the ratio estimator (Rao & Scott
    1992, Biometrics 48:577). The design effect is never taken below 1; where
    every case has the same outcome it cannot be estimated and the number of
    patients stands in for the number of cases.

    Args:
        successes: (n,) bool, only the cases that the share is about.
        codes: (n,) patient of each of these cases.
        of: what the cases are, for the reason when there are none.
    """
    total = len(successes)
    if total == 0:
        return undefined(f"no {of}")
    share = float(np.mean(successes))
    if not is_clustered(codes):
        low, high = wilson(float(np.sum(successes)), total)
        return Estimate(share, low, high, f"Wilson, {total} {of}")
    patients = len(np.unique(codes))
    effective = min(total, total / _design_effect(successes, codes, patients))
    low, high = wilson(share * effective, effective)
    return Estimate(
        share,
        low,
        high,
        f"Wilson clustered by patient, {total} {of}, {patients} patients",
    )


def _design_effect(successes: Array, codes: Array, patients: int) -> float:
    """Variance of the share over that of independent cases; 1 or above."""
    total = len(successes)
    share = float(np.mean(successes))
    if patients < 2 or share in (0.0, 1.0):
        return total / patients
    _, codes = np.unique(codes, return_inverse=True)
    residuals = sum_by(codes, np.asarray(successes, dtype=np.float64) - share)
    variance = patients / (patients - 1) * float(residuals @ residuals) / total**2
    return max(1.0, variance * total / (share * (1 - share)))


def mean_interval(values: Array, codes: Array) -> tuple[float, float, float]:
    """Mean over cases with its standard error by patient, and degrees of freedom.

    Returns:
        (mean, standard error, patients - 1); the error is NaN for one patient.
    """
    mean = float(np.mean(values))
    _, codes = np.unique(codes, return_inverse=True)
    sums = sum_by(codes, np.asarray(values, dtype=np.float64) - mean)
    patients = len(sums)
    if patients < 2:
        return mean, math.nan, 0.0
    variance = patients / (patients - 1) * float(sums @ sums) / len(values) ** 2
    return mean, math.sqrt(variance), float(patients - 1)


def mean_of_shares(shares: Sequence[Estimate], *, method: str) -> Estimate:
    """Unweighted mean of independent shares from their own intervals (MOVER).

    Method of variance estimates recovery (Zou & Donner 2008, Stat Med
    27:1693): keeps the ends inside 0..1 and does not collapse where a share
    is 0 or 1, as a bootstrap does.
    """
    known = [share for share in shares if share.value is not None]
    if len(known) < len(shares) or not known:
        missing = next((s.reason for s in shares if s.value is None), "no shares")
        return undefined(missing)
    values = np.array([share.value for share in known], dtype=np.float64)
    lows = np.array([share.low for share in known], dtype=np.float64)
    highs = np.array([share.high for share in known], dtype=np.float64)
    mean = float(values.mean())
    below = math.sqrt(float(((values - lows) ** 2).sum())) / len(known)
    above = math.sqrt(float(((highs - values) ** 2).sum())) / len(known)
    return Estimate(mean, max(0.0, mean - below), min(1.0, mean + above), method)
