"""Area under the ROC curve: value, variance by patient, paired comparison.

DeLong, DeLong & Clarke-Pearson 1988 (Biometrics 44:837); ranks as in Sun & Xu
2014 (IEEE Signal Process Lett 21:1389), so n log n instead of n²; patients with
several cases as in Obuchowski 1997 (Biometrics 53:567), which is DeLong's
variance when every patient has one case.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from medlens.core import Array, UsageError
from medlens.metrics.estimate import Difference, Estimate, undefined
from medlens.metrics.intervals import is_clustered, sum_by, two_sided_p, z_value

NO_CLASSES = "needs cases with and without the label"
NO_RANKS = "every case has the same score, so exactly chance"


def midranks(values: Array) -> Array:
    """Ranks 1..n of (n,) values as float64; tied values share their mean rank."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sizes = np.diff(np.r_[starts, len(values)])
    ranks = np.empty(len(values), dtype=np.float64)
    ranks[order] = np.repeat(starts + (sizes + 1) / 2, sizes)
    return ranks


def placements(targets: Array, scores: Array) -> Array:
    """For each case, the share of the other class on its right side.

    A positive's placement is the share of negatives that score lower, a
    negative's the share of positives that score higher; ties count half. Both
    classes have the AUROC as their mean.

    Args:
        targets: (n,) of 0 and 1, both present.
        scores: (n,) finite; larger speaks for 1.
    """
    is_positive = np.asarray(targets) == 1
    positives, negatives = int(is_positive.sum()), int((~is_positive).sum())
    ranks = midranks(scores)
    shares = np.empty(len(scores), dtype=np.float64)
    shares[is_positive] = (
        ranks[is_positive] - midranks(scores[is_positive])
    ) / negatives
    shares[~is_positive] = (
        1 - (ranks[~is_positive] - midranks(scores[~is_positive])) / positives
    )
    return shares


def auroc(targets: Array, scores: Array) -> float:
    """Chance that a case with the label scores above one without; ties half.

    Args:
        targets: (n,) of 0 and 1; -1 (not read) is left out.
        scores: (n,) finite.

    Returns:
        0..1, or NaN unless both classes are present.
    """
    targets, scores, _ = _read_cases(targets, scores, np.arange(len(targets)))
    if not _has_both(targets):
        return math.nan
    return float(placements(targets, scores)[targets == 1].mean())


def auroc_covariance(
    targets: Array, scores: Array, codes: Array
) -> tuple[Array, Array]:
    """AUROC of several scores on the same cases and their covariance by patient.

    Args:
        targets: (n,) of 0 and 1, both present.
        scores: (n, M), one column a model.
        codes: (n,) patient of each case.

    Returns:
        (M,) AUROC and (M, M) covariance; the covariance is NaN where a class
        has a single patient.
    """
    targets = np.asarray(targets)
    _, codes = np.unique(codes, return_inverse=True)
    shares = np.stack([placements(targets, column) for column in scores.T], axis=1)
    is_positive = targets == 1
    areas = shares[is_positive].mean(axis=0)
    centred = shares - areas
    positive = sum_by(codes, np.where(is_positive[:, None], centred, 0.0))
    negative = sum_by(codes, np.where(is_positive[:, None], 0.0, centred))
    m, n = int(is_positive.sum()), int((~is_positive).sum())
    with_positive = len(np.unique(codes[is_positive]))
    with_negative = len(np.unique(codes[~is_positive]))
    patients = len(positive)
    if min(with_positive, with_negative) < 2:
        return areas, np.full((len(areas), len(areas)), np.nan)
    # Obuchowski 1997, S10, S01 and S11; S11 is 0 when no patient has both.
    cross = positive.T @ negative * (patients / (patients - 1)) / (m * n)
    covariance = (
        positive.T @ positive * (with_positive / (with_positive - 1)) / m**2
        + negative.T @ negative * (with_negative / (with_negative - 1)) / n**2
        + cross
        + cross.T
    )
    return areas, covariance


def auroc_interval(targets: Array, scores: Array, codes: Array) -> Estimate:
    """AUROC with a 95 % interval that respects patients.

    The interval is symmetric on the logit scale (Pepe 2003, §5.2), which keeps
    it inside 0..1 and near its nominal coverage close to 1. Where the sample
    gives no variance (perfect separation, one patient in a class) the interval
    of Newcombe 2006 (Stat Med 25:559, method 5) stands in, on patient counts.
    Equal scores rank nothing: 0.5 in every sample, without an interval.

    Args:
        targets: (n,) of 0 and 1; -1 is left out.
        scores: (n,) finite.
        codes: (n,) patient of each case.
    """
    targets, scores, codes = _read_cases(targets, scores, codes)
    if not _has_both(targets):
        return undefined(NO_CLASSES)
    if not np.ptp(scores) > 0:
        return Estimate(0.5, method=NO_RANKS)
    areas, covariance = auroc_covariance(targets, scores[:, None], codes)
    value, variance = float(areas[0]), float(covariance[0, 0])
    name = "clustered DeLong (Obuchowski)" if is_clustered(codes) else "DeLong"
    if not variance > 1e-12 or not 0 < value < 1:
        positives = len(np.unique(codes[targets == 1]))
        negatives = len(np.unique(codes[targets == 0]))
        low, high = newcombe_interval(value, positives, negatives)
        return Estimate(value, low, high, "Newcombe method 5")
    low, high = logit_interval(value, math.sqrt(variance))
    return Estimate(value, low, high, f"{name}, logit scale")


def macro_auroc_interval(targets: Array, scores: Array, codes: Array) -> Estimate:
    """Mean AUROC over labels, one against the rest, with an interval by patient.

    The variance is that of the mean placement of each patient over all labels
    (infinitesimal jackknife), so the dependence between labels is in it.

    Args:
        targets: (n, K) of 0, 1 and -1 (not read).
        scores: (n, K) finite.
        codes: (n,) patient of each case.
    """
    value, influence, used = _macro_influence(targets, scores)
    if not used:
        return undefined("no label has cases with and without it")
    name = f"mean of {len(used)} labels"
    if len(used) < targets.shape[1]:
        name += f" (of {targets.shape[1]}: the others lack one class)"
    if all(_is_constant(targets[:, label], scores[:, label]) for label in used):
        return Estimate(0.5, method=NO_RANKS)
    error = _patient_error(influence, codes)
    if not error > 1e-6 or not 0 < value < 1:
        smallest = [
            (len(np.unique(codes[column == 1])), len(np.unique(codes[column == 0])))
            for column in (targets[:, label] for label in used)
        ]
        low, high = newcombe_interval(value, *min(smallest, key=min))
        return Estimate(value, low, high, f"{name}; Newcombe method 5")
    low, high = logit_interval(value, error)
    return Estimate(value, low, high, f"{name}; DeLong by patient, logit scale")


def compare_auroc(
    targets: Array, first: Array, second: Array, codes: Array
) -> Difference:
    """AUROC of `first` minus that of `second` on the same cases, tested.

    Paired DeLong test, clustered by patient where one has several cases.

    Args:
        targets: (n,) or, for the mean over labels, (n, K); -1 is left out.
        first, second: scores of the same shape.
        codes: (n,) patient of each case.
    """
    if np.ndim(targets) == 2:
        return _compare_macro(targets, first, second, codes)
    both = np.stack([first, second], axis=1)
    targets, both, codes = _read_cases(targets, both, codes)
    if not _has_both(targets):
        return Difference(None, reason=NO_CLASSES)
    areas, covariance = auroc_covariance(targets, both, codes)
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    name = "clustered paired DeLong" if is_clustered(codes) else "paired DeLong"
    return _tested(float(areas[0] - areas[1]), variance, name)


def logit_interval(value: float, error: float) -> tuple[float, float]:
    """95 % interval symmetric on the logit scale; value strictly in 0..1."""
    centre = math.log(value / (1 - value))
    half = z_value() * error / (value * (1 - value))
    low, high = (_expit(centre - half), _expit(centre + half))
    return low, high


def newcombe_interval(
    value: float, positives: int, negatives: int
) -> tuple[float, float]:
    """Interval of an AUROC from its value and the class sizes alone.

    Score interval with the variance of Hanley & McNeil 1982 at the candidate
    value (Newcombe 2006, method 5); does not collapse at 0 or 1.
    """
    z = z_value()
    balanced = (positives + negatives) / 2 - 1

    def is_outside(area: float) -> bool:
        spread = 1 + balanced * ((1 - area) / (2 - area) + area / (1 + area))
        return abs(value - area) > z * math.sqrt(
            area * (1 - area) * spread / (positives * negatives)
        )

    return _edge(is_outside, value, 0.0), _edge(is_outside, value, 1.0)


def _edge(is_outside: Callable[[float], bool], inside: float, outside: float) -> float:
    """Where a predicate turns true between two points, by bisection."""
    for _ in range(60):
        middle = (inside + outside) / 2
        if is_outside(middle):
            outside = middle
        else:
            inside = middle
    return inside


def _read_cases(
    targets: Array, scores: Array, codes: Array
) -> tuple[Array, Array, Array]:
    """Arrays of the cases that somebody has read, checked."""
    targets, scores = np.asarray(targets), np.asarray(scores, dtype=np.float64)
    codes = np.asarray(codes)
    if len(targets) != len(scores) or len(targets) != len(codes):
        raise UsageError(
            f"auroc: {len(targets)} targets, {len(scores)} scores, {len(codes)} "
            "patients; wanted as many of each"
        )
    known = targets >= 0
    if not np.isfinite(scores[known]).all():
        raise UsageError("auroc: a score is not finite; wanted numbers for all cases")
    return targets[known], scores[known], codes[known]


def _has_both(targets: Array) -> bool:
    """True when there are cases with and without the label."""
    return bool((targets == 1).any() and (targets == 0).any())


def _is_constant(targets: Array, scores: Array) -> bool:
    """True when all cases that somebody has read have one score."""
    return not np.ptp(np.asarray(scores)[np.asarray(targets) >= 0]) > 0


def _macro_influence(targets: Array, scores: Array) -> tuple[float, Array, list[int]]:
    """Mean AUROC, (n,) influence of each case on it, and the labels it is over."""
    used, areas = [], []
    influence = np.zeros(len(targets), dtype=np.float64)
    for label in range(targets.shape[1]):
        known = np.flatnonzero(targets[:, label] >= 0)
        column = targets[known, label]
        if not _has_both(column):
            continue
        shares = placements(column, np.asarray(scores[known, label], dtype=np.float64))
        area = float(shares[column == 1].mean())
        sizes = np.where(column == 1, (column == 1).sum(), (column == 0).sum())
        influence[known] += (shares - area) / sizes
        used.append(label)
        areas.append(area)
    if not used:
        return math.nan, influence, used
    return float(np.mean(areas)), influence / len(used), used


def _patient_error(influence: Array, codes: Array) -> float:
    """Standard error of a sum of influences, patients independent."""
    _, codes = np.unique(codes, return_inverse=True)
    sums = sum_by(codes, influence)
    if len(sums) < 2:
        return math.nan
    return math.sqrt(len(sums) / (len(sums) - 1) * float(sums @ sums))


def _compare_macro(
    targets: Array, first: Array, second: Array, codes: Array
) -> Difference:
    """`compare_auroc` for the mean over labels."""
    value_a, influence_a, used = _macro_influence(targets, first)
    value_b, influence_b, _ = _macro_influence(targets, second)
    if not used:
        return Difference(None, reason="no label has cases with and without it")
    error = _patient_error(influence_a - influence_b, codes)
    name = f"paired DeLong by patient, mean of {len(used)} labels"
    return _tested(value_a - value_b, error**2, name)


def _tested(value: float, variance: float, name: str) -> Difference:
    """Difference with its normal interval and test."""
    if math.isnan(variance):
        reason = "one patient in a class: no interval"
        return Difference(value, method=name, reason=reason)
    # Rounding leaves 1e-19 where two models give the same ranks.
    error = math.sqrt(max(variance, 0.0))
    if error < 1e-9:
        p_value = 1.0 if abs(value) < 1e-12 else None
        return Difference(value, value, value, p_value, name)
    half = z_value() * error
    low, high = max(-1.0, value - half), min(1.0, value + half)
    return Difference(value, low, high, two_sided_p(value / error), name)


def _expit(value: float) -> float:
    """Logistic function that does not overflow."""
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    return math.exp(value) / (1 + math.exp(value))
