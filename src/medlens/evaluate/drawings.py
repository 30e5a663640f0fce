"""Entries of `metrics.json` that are drawn: curves and reliability."""

from __future__ import annotations

from typing import Any

import numpy as np

from medlens.evaluate.headline import top_label
from medlens.evaluate.table import CaseTable
from medlens.metrics.curves import Curve, pr_curve, reliability, roc_curve, thin
from medlens.metrics.estimate import rounded


def reliability_entries(table: CaseTable) -> list[dict[str, Any]]:
    """Promised against observed: positive label, most probable label, or all."""
    targets, probabilities = np.asarray(table.targets), table.probabilities
    if table.kind == "binary":
        index = table.positive_index
        bins = reliability(targets[:, index], probabilities[:, index])
    elif table.kind == "multiclass":
        bins = reliability(*top_label(table))
    else:
        bins = reliability(targets.ravel(), np.asarray(probabilities).ravel())
    return [
        {
            "low": rounded(entry.low),
            "high": rounded(entry.high),
            "mean_probability": rounded(entry.mean_probability),
            "observed": rounded(entry.observed),
            "n": entry.n,
        }
        for entry in bins
    ]


def curve_entries(table: CaseTable) -> dict[str, Any]:
    """ROC and PR of each label that has cases with and without it."""
    labels = [table.positive] if table.kind == "binary" else list(table.labels)
    curves = {}
    for label in labels:
        index = table.labels.index(label)
        column = np.asarray(table.targets)[:, index]
        if not ((column == 1).any() and (column == 0).any()):
            continue
        scores = table.probabilities[:, index]
        curves[label] = {
            "roc": _curve(thin(roc_curve(column, scores)), x="fpr", y="tpr"),
            "pr": _curve(thin(pr_curve(column, scores)), x="recall", y="precision"),
        }
    return curves


def _curve(curve: Curve, *, x: str, y: str) -> dict[str, list[float | None]]:
    """Curve as lists; the infinite first threshold becomes null."""
    named = {x: curve.x, y: curve.y, "threshold": curve.threshold}
    return {key: [rounded(float(v)) for v in values] for key, values in named.items()}
