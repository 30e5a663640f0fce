"""Curves to draw."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as reference

from medlens.metrics import auroc
from medlens.metrics.curves import pr_curve, reliability, roc_curve, thin

from .phantoms import binormal, calibrated


def test_roc_corners_are_points_of_sklearn() -> None:
    targets, scores = binormal(200, seed=0)
    scores = np.round(scores, 1)
    curve = roc_curve(targets, scores)
    every = np.stack(
        reference.roc_curve(targets, scores, drop_intermediate=False), axis=1
    )
    points = np.stack([curve.x, curve.y, curve.threshold], axis=1)
    gaps = np.abs(points[1:, None] - every[None, 1:]).max(axis=2).min(axis=1)
    assert gaps.max() < 1e-12
    assert len(points) < len(every)
    assert (curve.x[0], curve.y[0], curve.threshold[0]) == (0, 0, np.inf)


def test_area_under_the_drawn_curve_is_the_auroc() -> None:
    targets, scores = binormal(5000, seed=1)
    curve = roc_curve(targets, scores)
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(auroc(targets, scores))
    drawn = thin(curve)
    assert len(drawn.x) <= 200
    assert np.trapezoid(drawn.y, drawn.x) == pytest.approx(
        auroc(targets, scores), abs=2e-3
    )


def test_pr_points_are_those_of_sklearn() -> None:
    targets, scores = binormal(100, seed=2)
    curve = pr_curve(targets, scores)
    precision, recall, _ = reference.precision_recall_curve(targets, scores)
    assert curve.x == pytest.approx(recall[::-1])
    assert curve.y == pytest.approx(precision[::-1])


def test_thinning_keeps_both_ends_and_order() -> None:
    targets, scores = binormal(3000, seed=3)
    curve = pr_curve(targets, scores)
    drawn = thin(curve, points=50)
    assert len(drawn.x) <= 50
    assert (drawn.x[0], drawn.x[-1]) == (curve.x[0], curve.x[-1])
    assert (np.diff(drawn.x) >= 0).all()
    assert thin(drawn, points=50) is drawn


def test_reliability_counts_every_case_once() -> None:
    targets, logits = calibrated(1000, seed=4)
    probabilities = 1 / (1 + np.exp(-logits))
    bins = reliability(np.r_[targets, -1], np.r_[probabilities, 0.5])
    assert sum(entry.n for entry in bins) == 1000
    assert all(entry.low <= entry.mean_probability <= entry.high for entry in bins)
    observed = sum(entry.observed * entry.n for entry in bins)
    assert observed == pytest.approx(targets.sum())
    equal = reliability(targets, probabilities, bins=10, equal_mass=True)
    assert {entry.n for entry in equal} == {100}
