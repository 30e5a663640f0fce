"""Doubt that metrics.json does not carry: bands around curves and bins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlens.evaluate import CaseTable
from medlens.metrics import patient_codes
from medlens.report.load import RunFolder

Floats = NDArray[np.float64]
GRID = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class Band:
    """A 95 % band on `GRID`; `low` and `high` are (101,)."""

    low: Floats
    high: Floats


@dataclass(frozen=True)
class Scores:
    """What predictions.csv says about one label in one split.

    Attributes:
        truth: (n,) bool, the reference standard.
        probabilities: (n,) 0..1.
        patients: (n,) int, cases that are not independent share a number.
    """

    truth: NDArray[np.bool_]
    probabilities: Floats
    patients: NDArray[np.int64]


def find_scores(run: RunFolder, label: str, *, split: str) -> Scores | None:
    """Scores of a label, or None when predictions.csv cannot give them."""
    table = run.predictions
    if table is None or label not in table.labels:
        return None
    column = np.asarray(table.targets)[:, table.labels.index(label)]
    # An evaluation may leave the split of its cases unnamed.
    inside = np.isin(np.array(table.splits), (split, ""))
    rows = np.flatnonzero(inside & (column >= 0))
    truth = column[rows] == 1
    if not truth.any() or truth.all():
        return None
    chances = np.asarray(table.probabilities)[rows, table.labels.index(label)]
    return Scores(truth, chances, _units(run, table, rows))


def _units(
    run: RunFolder, table: CaseTable, rows: NDArray[np.intp]
) -> NDArray[np.int64]:
    """Independent units of the cases: groups of splits.csv, else patients."""
    home = dict(
        zip(run.splits.get("case", []), run.splits.get("group", []), strict=False)
    )
    names = [home.get(table.cases[row], "") or table.patients[row] for row in rows]
    codes: NDArray[np.int64] = patient_codes(names)
    return codes


def bootstrap_bands(scores: Scores, *, seed: int = 0) -> tuple[Band, Band]:
    """Pointwise 95 % bands of the ROC and the precision–recall curve.

    Patients (groups, where near-duplicates tie patients), not cases, are drawn
    with replacement: percentile bootstrap, Efron & Tibshirani 1993, ch. 13.

    Returns:
        Sensitivity over 1 − specificity, and precision over recall, on `GRID`.
    """
    order = np.argsort(-scores.probabilities, kind="stable")
    truth, ranked = scores.truth[order], scores.probabilities[order]
    patients = scores.patients[order]
    # A threshold cannot part equal scores: only the last of each run counts.
    ends = np.append(np.nonzero(np.diff(ranked))[0], len(ranked) - 1)
    draws = 300 if len(truth) <= 200_000 else 60
    count = int(patients.max()) + 1
    generator = np.random.default_rng(seed)
    rocs, precisions = [], []
    for _ in range(draws):
        drawn = np.bincount(generator.integers(0, count, count), minlength=count)
        weights = drawn[patients].astype(np.float64)
        true_positives = np.cumsum(weights * truth)[ends]
        false_positives = np.cumsum(weights * ~truth)[ends]
        if true_positives[-1] == 0 or false_positives[-1] == 0:
            continue  # a draw with one label only has no curve
        rocs.append(_sensitivity(true_positives, false_positives))
        precisions.append(_precision(true_positives, false_positives))
    return _percentiles(rocs), _percentiles(precisions)


def _sensitivity(true_positives: Floats, false_positives: Floats) -> Floats:
    rates = false_positives / false_positives[-1]
    place = np.searchsorted(rates, GRID, side="right") - 1
    found = true_positives / true_positives[-1]
    return np.where(place >= 0, found[np.maximum(place, 0)], 0.0)


def _precision(true_positives: Floats, false_positives: Floats) -> Floats:
    recall = true_positives / true_positives[-1]
    place = np.minimum(np.searchsorted(recall, GRID, side="left"), len(recall) - 1)
    total = true_positives + false_positives
    precision = true_positives / np.maximum(total, 1e-12)
    # Before the first drawn case nothing was called positive: take the first.
    first = int(np.argmax(total > 0))
    return precision[np.maximum(place, first)]


def _percentiles(curves: list[Floats]) -> Band:
    if not curves:
        return Band(np.zeros_like(GRID), np.ones_like(GRID))
    low, high = np.percentile(np.stack(curves), (2.5, 97.5), axis=0)
    return Band(low, high)
