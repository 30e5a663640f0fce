"""PPV and NPV at a prevalence that is stated, not the one of the sample."""

from __future__ import annotations

import math

from medlens.core import UsageError
from medlens.metrics.estimate import Estimate, undefined

PREVALENCES = (0.01, 0.05, 0.1, 0.2, 0.5)
"""From screening to a referral clinic; what a report tabulates."""


def predictive_values(
    *, sensitivity: float, specificity: float, prevalence: float
) -> tuple[float, float]:
    """PPV and NPV that sensitivity and specificity give at a stated prevalence.

    Args:
        sensitivity, specificity, prevalence: 0..1.

    Returns:
        (PPV, NPV), NaN where nobody is called positive (or negative).

    Raises:
        UsageError: a share lies outside 0..1.
    """
    for name, share in (
        ("sensitivity", sensitivity),
        ("specificity", specificity),
        ("prevalence", prevalence),
    ):
        if not 0 <= share <= 1:
            raise UsageError(f"predictive values: {name} is {share}; wanted 0..1")
    true_positive = sensitivity * prevalence
    false_positive = (1 - specificity) * (1 - prevalence)
    true_negative = specificity * (1 - prevalence)
    false_negative = (1 - sensitivity) * prevalence
    called, passed = true_positive + false_positive, true_negative + false_negative
    return (
        true_positive / called if called > 0 else math.nan,
        true_negative / passed if passed > 0 else math.nan,
    )


def predictive_estimates(
    sensitivity: Estimate, specificity: Estimate, *, prevalence: float
) -> tuple[Estimate, Estimate]:
    """PPV and NPV with intervals, at a stated prevalence.

    The likelihood ratio's interval is put together on the log scale from those
    of sensitivity and specificity (MOVER, Zou & Donner 2008), so it respects
    patients where they do; Bayes' rule turns it into a predictive value.

    Args:
        sensitivity, specificity: with their intervals.
        prevalence: strictly between 0 and 1; taken as known.

    Raises:
        UsageError: the prevalence is no share.
    """
    if not 0 < prevalence < 1:
        raise UsageError(f"prevalence {prevalence}: wanted between 0 and 1")
    odds = prevalence / (1 - prevalence)
    missed, alarms = _complement(sensitivity), _complement(specificity)
    return (
        _from_ratio(sensitivity, alarms, odds, nothing="no case is called positive"),
        _from_ratio(
            specificity, missed, 1 / odds, nothing="no case is called negative"
        ),
    )


def _complement(share: Estimate) -> Estimate:
    """One minus a share, interval turned round."""
    if share.value is None or share.low is None or share.high is None:
        return share
    return Estimate(1 - share.value, 1 - share.high, 1 - share.low, share.method)


def _from_ratio(
    right: Estimate, wrong: Estimate, odds: float, *, nothing: str
) -> Estimate:
    """Predictive value of the likelihood ratio right / wrong."""
    if right.value is None or wrong.value is None:
        return undefined(right.reason or wrong.reason)
    if right.value == 0 and wrong.value == 0:
        return undefined(nothing)
    low, high = _ratio_interval(right, wrong)
    return Estimate(
        _share_of_odds(odds * _quotient(right.value, wrong.value)),
        _share_of_odds(odds * low),
        _share_of_odds(odds * high),
        "Bayes' rule at the stated prevalence; MOVER on the log likelihood ratio",
    )


def _ratio_interval(above: Estimate, below: Estimate) -> tuple[float, float]:
    """Interval of a ratio of two independent shares."""
    values = [above.value, above.low, above.high, below.value, below.low, below.high]
    a, a_low, a_high, b, b_low, b_high = (float(value or 0.0) for value in values)
    if min(a, a_low, b, b_low) <= 0:
        # No logarithm of 0: both at their worst, and at their best, instead.
        return _quotient(a_low, b_high), _quotient(a_high, b_low)
    centre = math.log(a / b)
    below_by = math.hypot(math.log(a / a_low), math.log(b_high / b))
    above_by = math.hypot(math.log(a_high / a), math.log(b / b_low))
    return math.exp(centre - below_by), math.exp(centre + above_by)


def _quotient(above: float, below: float) -> float:
    """Quotient that is infinite where the divisor is 0."""
    return above / below if below > 0 else math.inf


def _share_of_odds(odds: float) -> float:
    """odds / (1 + odds), 1 for infinite odds."""
    return odds / (1 + odds) if math.isfinite(odds) else 1.0
