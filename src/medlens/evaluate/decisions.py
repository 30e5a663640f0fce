"""What thresholds and another prevalence would do on these cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from medlens.core import Array, DataError
from medlens.evaluate.headline import measure_table
from medlens.evaluate.label_figures import share_estimates
from medlens.evaluate.table import CaseTable
from medlens.metrics import Estimate, OperatingPoint, decide, estimate_prior
from medlens.metrics.estimate import rounded, to_json
from medlens.metrics.intervals import mean_of_shares
from medlens.metrics.predictive import PREVALENCES, predictive_estimates

PRIOR_METRICS = ("accuracy", "sensitivity", "specificity", "brier", "log_loss", "ece")


def point_entry(
    table: CaseTable,
    point: OperatingPoint,
    validation_prevalence: Sequence[float] | None,
) -> dict[str, Any]:
    """Entry of `operating_points`: what this threshold does on these cases."""
    if point.label not in table.labels:
        raise DataError(
            f"operating point {point.rule}: label {point.label!r} is not in the table"
        )
    index = table.labels.index(point.label)
    column = np.asarray(table.targets)[:, index]
    shares = share_estimates(
        column, table.probabilities[:, index] >= point.threshold, table.codes
    )
    shares["balanced_accuracy"] = mean_of_shares(
        [shares["sensitivity"], shares["specificity"]], method="MOVER of two Wilson"
    )
    read = column[column >= 0]
    stated = list(PREVALENCES)
    if validation_prevalence is not None and 0 < validation_prevalence[index] < 1:
        stated.append(float(validation_prevalence[index]))
    return {
        "name": point.name,
        "label": point.label,
        "rule": point.rule,
        "threshold": point.threshold,
        "chosen": point.chosen,
        "note": point.note,
        "prevalence": rounded(float(read.mean()) if len(read) else None),
        "metrics": to_json(shares),
        "predictive_values": [
            _predictive_entry(shares, prevalence) for prevalence in sorted(set(stated))
        ],
    }


def _predictive_entry(
    shares: Mapping[str, Estimate], prevalence: float
) -> dict[str, Any]:
    """PPV and NPV that the point's sensitivity and specificity give elsewhere."""
    ppv, npv = predictive_estimates(
        shares["sensitivity"], shares["specificity"], prevalence=prevalence
    )
    return {
        "prevalence": rounded(prevalence),
        "ppv": ppv.to_json(),
        "npv": npv.to_json(),
    }


def prior_shift_entry(
    table: CaseTable,
    points: Sequence[OperatingPoint],
    validation_prevalence: Sequence[float] | None,
    *,
    seed: int,
    resamples: int,
) -> dict[str, Any] | None:
    """Prevalence that EM estimates, and the figures if it were believed."""
    if validation_prevalence is None:
        return None
    before = np.asarray(validation_prevalence, dtype=np.float64)
    shift = estimate_prior(table.probabilities, before, kind=table.kind)
    adjusted = replace(
        table,
        probabilities=shift.probabilities,
        decisions=decide(
            shift.probabilities, points, labels=table.labels, kind=table.kind
        ),
    )
    estimates = measure_table(adjusted, seed=seed, resamples=resamples).headline
    return {
        "applied": False,
        "converged": shift.converged,
        "validation_prevalence": _by_label(table, before),
        "estimated_prevalence": _by_label(table, shift.now),
        "metrics_if_applied": to_json(
            {name: estimates[name] for name in PRIOR_METRICS}
        ),
    }


def _by_label(table: CaseTable, values: Array) -> dict[str, float | None]:
    """A number for each label."""
    return {
        label: rounded(float(value))
        for label, value in zip(table.labels, values, strict=True)
    }
