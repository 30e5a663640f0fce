"""Another model on the same cases, beside the bundle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from medlens.core import Array
from medlens.evaluate.headline import measure_table
from medlens.evaluate.table import CaseTable
from medlens.metrics import Difference, compare_auroc, decide
from medlens.metrics.bootstrap import RESAMPLES
from medlens.metrics.estimate import to_json

BASELINE_METRICS = (
    "auroc",
    "average_precision",
    "accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "brier",
    "log_loss",
    "ece",
)


def measure_baseline(
    table: CaseTable,
    probabilities: Array,
    *,
    decisions: Array | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Entry of `baselines`: another model on the same cases, and the gap to it.

    Args:
        table: what the bundle said.
        probabilities: (n, K) of the other model for the same cases.
        decisions: (n, K) bool; by default the most probable label, or 0.5 for
            multi-label tasks.

    Returns:
        metrics, and auroc_difference: bundle minus baseline.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    if decisions is None:
        decisions = decide(probabilities, (), labels=table.labels, kind=table.kind)
    read = table.is_read
    other = replace(table, probabilities=probabilities, decisions=decisions).select(
        read
    )
    estimates = measure_table(other, seed=seed, resamples=resamples).headline
    return {
        "metrics": to_json({name: estimates[name] for name in BASELINE_METRICS}),
        "auroc_difference": auroc_difference(table.select(read), other).to_json(),
    }


def auroc_difference(first: CaseTable, second: CaseTable) -> Difference:
    """AUROC of the first table minus the second's; equal cases in equal order."""
    columns: Any = slice(None)
    if first.kind == "binary":
        columns = first.positive_index
    return compare_auroc(
        np.asarray(first.targets)[:, columns],
        np.asarray(first.probabilities)[:, columns],
        np.asarray(second.probabilities)[:, columns],
        first.codes,
    )
