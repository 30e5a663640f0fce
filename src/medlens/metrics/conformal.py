"""Prediction sets that hold the true label as often as they promise.

Split conformal prediction for each label on its own (Vovk 2012, "label
conditional"; score 1 - probability, Sadinle et al. 2019): of the cases that truly
have a label, at least the stated share gets a set that holds it, whatever the
network and however rare the label. The same definition serves binary,
multi-class and multi-label tasks.

With several cases a patient, each patient has the same weight and new patients
are what the promise is about (hierarchical conformal prediction, Lee, Barber &
Willett 2023); with one case each this is the usual rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from medlens.core import Array, BundleError, UsageError
from medlens.metrics.fields import freeze, read_number, read_object, read_vector


@dataclass(frozen=True)
class ConformalSets:
    """A label is in a case's set when its probability reaches the threshold.

    A set of several labels, or an empty one, says "unsure": several labels are
    plausible, or none is as plausible as it is in its own cases.

    Attributes:
        thresholds: (K,) 0..1; 0 for a label with too few validation cases to
            promise anything, which is then in every set.
        coverage: the promised share, between 0 and 1.
    """

    thresholds: Array
    coverage: float

    def __post_init__(self) -> None:
        thresholds = np.array(self.thresholds, dtype=np.float64)
        if thresholds.ndim != 1 or not len(thresholds):
            raise BundleError("conformal sets: wanted one threshold a label")
        if not ((thresholds >= 0) & (thresholds <= 1)).all():
            raise BundleError("conformal sets: a threshold is outside 0..1")
        if not 0 < self.coverage < 1:
            raise BundleError(
                f"conformal sets: coverage {self.coverage}; wanted between 0 and 1"
            )
        object.__setattr__(self, "thresholds", freeze(thresholds))

    def sets(self, probabilities: Array) -> Array:
        """Which labels each set holds: bool, shaped as the (..., K) input."""
        probabilities = np.asarray(probabilities)
        if probabilities.ndim == 0 or probabilities.shape[-1] != len(self.thresholds):
            raise BundleError(
                f"conformal sets: probabilities of shape {probabilities.shape}, "
                f"wanted {len(self.thresholds)} labels on the last axis"
            )
        held: Array = probabilities >= self.thresholds
        return held

    def to_json(self) -> dict[str, Any]:
        """JSON object for `bundle.json`."""
        return {
            "coverage": self.coverage,
            "thresholds": [float(value) for value in self.thresholds],
        }

    @classmethod
    def from_json(cls, data: object) -> ConformalSets:
        """Conformal sets from a parsed JSON object, checked.

        Raises:
            BundleError: keys, types or ranges are wrong.
        """
        where = "conformal sets"
        entry = read_object(data, where=where, keys=("coverage", "thresholds"))
        return cls(
            thresholds=read_vector(
                entry["thresholds"], where=f"{where}.thresholds", low=0, high=1
            ),
            coverage=read_number(
                entry["coverage"], where=f"{where}.coverage", low=0, high=1
            ),
        )


def fit_conformal(
    probabilities: Array,
    targets: Array,
    *,
    coverage: float = 0.9,
    codes: Array | None = None,
) -> ConformalSets:
    """Conformal sets from validation cases that are new to the network.

    Args:
        probabilities: (n, K) calibrated.
        targets: (n, K) of 1, 0 and -1.
        coverage: promised share, between 0 and 1.
        codes: (n,) patient of each case; None for one case each.

    Raises:
        UsageError: shapes differ or the coverage is no share.
    """
    probabilities, targets = np.asarray(probabilities), np.asarray(targets)
    if probabilities.ndim != 2 or probabilities.shape != targets.shape:
        raise UsageError(
            f"conformal sets: probabilities {probabilities.shape} and targets "
            f"{targets.shape}; wanted (cases, labels) for both"
        )
    if not 0 < coverage < 1:
        raise UsageError(f"conformal sets: coverage {coverage}; wanted between 0 and 1")
    codes = np.arange(len(targets)) if codes is None else np.asarray(codes)
    thresholds = [
        _lowest_kept(column[present], codes[present], coverage=coverage)
        for column, present in zip(probabilities.T, (targets == 1).T, strict=True)
    ]
    return ConformalSets(np.array(thresholds), coverage)


def _lowest_kept(probabilities: Array, codes: Array, *, coverage: float) -> float:
    """Largest threshold that keeps the promised share of patients.

    Every patient weighs 1 / (P + 1), shared by their cases; the remaining
    1 / (P + 1) is the patient to come, who may be worse than all others.
    """
    if not len(probabilities):
        return 0.0
    _, members, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    order = np.argsort(-probabilities, kind="stable")
    weights = 1 / sizes[members[order]] / (len(sizes) + 1)
    reached = np.cumsum(weights) >= coverage - 1e-12
    if not reached.any():
        return 0.0
    return float(np.clip(probabilities[order][np.argmax(reached)], 0.0, 1.0))
