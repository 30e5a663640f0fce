"""Prediction sets that keep their promise."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import BundleError, UsageError
from medlens.metrics import ConformalSets, fit_conformal

from .phantoms import one_hot


def draw(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three classes, the last one rare and hard; probabilities overconfident."""
    rng = np.random.default_rng(seed)
    classes = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    logits = rng.normal(0, 1.5, (n, 3)) + 2.0 * one_hot(classes, 3)
    logits[classes == 2] *= 0.5
    powers = np.exp(2 * logits)
    return one_hot(classes, 3), powers / powers.sum(axis=1, keepdims=True)


def test_threshold_is_the_finite_sample_order_statistic() -> None:
    probabilities = np.arange(1, 20)[:, None] / 20
    targets = np.ones((19, 1), dtype=int)
    # 19 cases at 90 %: ceil(20 × 0.9) = 18 of them are kept, all but the lowest.
    found = fit_conformal(probabilities, targets, coverage=0.9)
    assert found.thresholds == pytest.approx([2 / 20])
    assert found.sets(probabilities).sum() == 18


def test_too_few_cases_promise_nothing_and_hold_everything() -> None:
    probabilities = np.linspace(0.5, 1, 8)[:, None]
    found = fit_conformal(probabilities, np.ones((8, 1), dtype=int), coverage=0.9)
    assert found.thresholds.tolist() == [0.0]
    absent = fit_conformal(probabilities, np.zeros((8, 1), dtype=int))
    assert absent.sets(np.array([0.0])).tolist() == [True]


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_every_label_is_covered_on_average(coverage: float) -> None:
    held = []
    for seed in range(60):
        targets, probabilities = draw(400, seed)
        found = fit_conformal(probabilities, targets, coverage=coverage)
        fresh_targets, fresh = draw(2000, seed + 500)
        sets = found.sets(fresh)
        held.append([sets[fresh_targets[:, k] == 1, k].mean() for k in range(3)])
    means = np.mean(held, axis=0)
    assert (means >= coverage - 0.012).all()
    # Exact up to 1 / (n + 1), so not wasteful: the rare label has 40 cases.
    assert (means <= coverage + 0.04).all()


@given(st.integers(5, 60), st.floats(0.5, 0.95), st.integers(0, 5))
@settings(max_examples=40)
def test_calibration_cases_are_covered(n: int, coverage: float, seed: int) -> None:
    probabilities = np.random.default_rng(seed).random((n, 1))
    found = fit_conformal(probabilities, np.ones((n, 1), dtype=int), coverage=coverage)
    assert found.sets(probabilities).mean() >= coverage


def test_one_patient_with_many_cases_does_not_set_the_threshold() -> None:
    probabilities = np.r_[np.full(100, 0.01), np.linspace(0.5, 0.9, 99)][:, None]
    targets = np.ones((199, 1), dtype=int)
    codes = np.r_[np.zeros(100, dtype=int), np.arange(1, 100)]
    naive = fit_conformal(probabilities, targets, coverage=0.9)
    by_patient = fit_conformal(probabilities, targets, coverage=0.9, codes=codes)
    assert naive.thresholds[0] == pytest.approx(0.01)
    assert by_patient.thresholds[0] > 0.5


def test_unread_labels_do_not_count() -> None:
    probabilities = np.r_[np.linspace(0.1, 1, 50), np.zeros(50)][:, None]
    targets = np.r_[np.ones(50, dtype=int), np.full(50, -1)][:, None]
    found = fit_conformal(probabilities, targets)
    alone = fit_conformal(probabilities[:50], targets[:50])
    assert found.thresholds == pytest.approx(alone.thresholds)


def test_wrong_use_is_named() -> None:
    with pytest.raises(UsageError, match=r"coverage 1\.0"):
        fit_conformal(np.ones((3, 2)), np.ones((3, 2)), coverage=1.0)
    with pytest.raises(UsageError, match=r"\(cases, labels\) for both"):
        fit_conformal(np.ones((3, 2)), np.ones((3, 3)))
    with pytest.raises(BundleError, match="wanted 2 labels"):
        ConformalSets(np.array([0.1, 0.2]), 0.9).sets(np.zeros((4, 3)))
    with pytest.raises(BundleError, match=r"outside 0\.\.1"):
        ConformalSets(np.array([0.1, 1.2]), 0.9)
    with pytest.raises(BundleError, match="one threshold a label"):
        ConformalSets(np.array([]), 0.9)
    with pytest.raises(BundleError, match="coverage 0"):
        ConformalSets(np.array([0.5]), 0.0)


def test_json_keeps_every_bit() -> None:
    before = ConformalSets(np.array([0.1, 1 / 3]), 0.9)
    after = ConformalSets.from_json(json.loads(json.dumps(before.to_json())))
    assert np.array_equal(before.thresholds, after.thresholds)
    assert after.coverage == 0.9
