"""How common the labels are in cases without a reference standard.

EM of Saerens, Latinne & Decaestecker 2002 (Neural Computation 14:21): assumes
that images of each label look as before and only the mix has changed. That
assumption often fails between hospitals, so medlens reports what it finds and
never applies it unasked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medlens.core import Array, UsageError
from medlens.metrics.calibrate import Kind

_STEPS = 1000
_TOLERANCE = 1e-7
_FLOOR = 1e-9


@dataclass(frozen=True)
class PriorShift:
    """Prevalence before and, as estimated, now.

    Attributes:
        before: (K,) prevalence the probabilities were calibrated at.
        now: (K,) estimated prevalence of the cases at hand.
        probabilities: (n, K) as they would be at the new prevalence.
        converged: False when the estimate still moved after 1000 steps.
    """

    before: Array
    now: Array
    probabilities: Array
    converged: bool


def apply_prior(
    probabilities: Array, before: Array, now: Array, *, kind: Kind
) -> Array:
    """Probabilities at another prevalence (Bayes' rule), same shape.

    Args:
        probabilities: (n, K) calibrated at `before`.
        before, now: (K,) prevalence of each label, 0..1.
        kind: softmax tasks share one distribution, multi-label tasks have one
            for each label.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    before = np.clip(np.asarray(before, dtype=np.float64), _FLOOR, 1 - _FLOOR)
    now = np.clip(np.asarray(now, dtype=np.float64), _FLOOR, 1 - _FLOOR)
    present = probabilities * (now / before)
    if kind == "multilabel":
        absent = (1 - probabilities) * ((1 - now) / (1 - before))
        return np.asarray(present / (present + absent))
    return np.asarray(present / present.sum(axis=1, keepdims=True))


def estimate_prior(probabilities: Array, before: Array, *, kind: Kind) -> PriorShift:
    """Prevalence of unlabelled cases by expectation maximisation.

    Args:
        probabilities: (n, K) calibrated, n at least 1.
        before: (K,) prevalence in the validation cases they were calibrated on.
        kind: see `apply_prior`.

    Raises:
        UsageError: shapes do not fit.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    before = np.asarray(before, dtype=np.float64)
    if probabilities.ndim != 2 or probabilities.shape[1:] != before.shape:
        raise UsageError(
            f"prior shift: probabilities {probabilities.shape} and prevalence "
            f"{before.shape}; wanted (cases, labels) and (labels,)"
        )
    if not len(probabilities):
        raise UsageError("prior shift: no cases")
    now, moved, steps = before, np.inf, 0
    while moved > _TOLERANCE and steps < _STEPS:
        previous = now
        now = apply_prior(probabilities, before, previous, kind=kind).mean(axis=0)
        moved, steps = float(np.abs(now - previous).max()), steps + 1
    adjusted = apply_prior(probabilities, before, now, kind=kind)
    return PriorShift(before, now, adjusted, moved <= _TOLERANCE)
