"""Figures of a classifier against scikit-learn and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import UsageError
from medlens.metrics import (
    average_precision,
    confusion_matrix,
    count_decisions,
    ece,
    log_losses,
    predictive_values,
    squared_errors,
)
from medlens.metrics import classification as figures
from medlens.metrics.estimate import Estimate
from medlens.metrics.predictive import predictive_estimates

from .phantoms import calibrated, one_hot

decided = st.lists(st.tuples(st.integers(0, 1), st.booleans()), min_size=1, max_size=50)


def totals(rows: list[tuple[int, bool]]) -> tuple[list[int], list[bool], np.ndarray]:
    targets, decisions = map(list, zip(*rows, strict=True))
    return targets, decisions, count_decisions(targets, decisions).sum(axis=0)


def test_counts_by_hand() -> None:
    targets = np.array([1, 1, 0, 0, 1, -1])
    decisions = np.array([1, 0, 1, 0, 1, 1], dtype=bool)
    counts = count_decisions(targets, decisions).sum(axis=0)
    assert counts.tolist() == [2, 1, 1, 1]
    assert figures.sensitivity(counts) == pytest.approx(2 / 3)
    assert figures.specificity(counts) == pytest.approx(1 / 2)
    assert figures.ppv(counts) == pytest.approx(2 / 3)
    assert figures.npv(counts) == pytest.approx(1 / 2)
    assert figures.accuracy(counts) == pytest.approx(3 / 5)
    assert figures.balanced_accuracy(counts) == pytest.approx(7 / 12)


@given(decided)
@settings(max_examples=80)
def test_shares_agree_with_sklearn(rows: list[tuple[int, bool]]) -> None:
    targets, decisions, counts = totals(rows)
    assert figures.accuracy(counts) == pytest.approx(
        reference.accuracy_score(targets, decisions)
    )
    # scikit-learn warns where a single label is all there is; ours is 0 there.
    if len({*targets, *decisions}) > 1:
        expected = reference.matthews_corrcoef(targets, decisions)
        assert figures.matthews(counts) == pytest.approx(expected, abs=1e-12)
    if any(targets) or any(decisions):
        expected = reference.f1_score(targets, decisions, zero_division=0.0)
        assert figures.f1(counts) == pytest.approx(expected)
    if 0 < sum(targets) < len(targets):
        expected = reference.balanced_accuracy_score(targets, decisions)
        assert figures.balanced_accuracy(counts) == pytest.approx(expected)


def test_nothing_to_count_is_nan_not_an_error() -> None:
    counts = np.array([0.0, 0.0, 0.0, 5.0])
    assert math.isnan(figures.sensitivity(counts))
    assert math.isnan(figures.ppv(counts))
    assert math.isnan(figures.f1(counts))
    assert figures.matthews(counts) == 0


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=1, max_size=40)
)
@settings(max_examples=80)
def test_average_precision_agrees_with_sklearn(rows: list[tuple[int, int]]) -> None:
    targets, scores = map(np.array, zip(*rows, strict=True))
    found = average_precision(targets, scores)
    if not targets.any():
        assert math.isnan(found)
    else:
        expected = reference.average_precision_score(targets, scores)
        assert found == pytest.approx(expected, rel=1e-5)


def test_losses_agree_with_sklearn() -> None:
    targets, logits = calibrated(500, seed=1)
    probabilities = 1 / (1 + np.exp(-logits))
    assert squared_errors(targets, probabilities).mean() == pytest.approx(
        reference.brier_score_loss(targets, probabilities)
    )
    assert log_losses(targets, probabilities).mean() == pytest.approx(
        reference.log_loss(targets, probabilities)
    )


def test_losses_of_several_labels() -> None:
    rng = np.random.default_rng(2)
    classes = rng.integers(0, 4, 200)
    probabilities = rng.dirichlet(np.ones(4), 200)
    targets = one_hot(classes, 4)
    assert log_losses(targets, probabilities).mean() == pytest.approx(
        reference.log_loss(classes, probabilities)
    )
    whole = reference.brier_score_loss(
        classes, probabilities, labels=range(4), scale_by_half=True
    )
    assert squared_errors(targets, probabilities).mean() == pytest.approx(whole)


def test_a_certain_mistake_costs_much_but_not_infinitely() -> None:
    loss = log_losses(np.array([1]), np.array([0.0]))
    assert loss[0] == pytest.approx(-math.log(1e-7))


def test_ece_by_hand() -> None:
    # Bins of width 1/2: [0.1, 0.3] with 1 of 2, [0.8, 0.9, 1.0] with 2 of 3.
    targets = np.array([0, 1, 1, 0, 1])
    probabilities = np.array([0.1, 0.3, 0.8, 0.9, 1.0])
    expected = (abs(0.4 - 1) + abs(2.7 - 2)) / 5
    assert ece(targets, probabilities, bins=2) == pytest.approx(expected)
    # Equal mass: the median 0.8 opens the upper bin, so the bins are the same.
    equal = ece(targets, probabilities, bins=2, equal_mass=True)
    assert equal == pytest.approx(expected)
    assert ece(np.r_[targets, -1], np.r_[probabilities, 0.5], bins=2) == pytest.approx(
        expected
    )


def test_ece_of_calibrated_cases_vanishes() -> None:
    targets, logits = calibrated(200_000, seed=3)
    probabilities = 1 / (1 + np.exp(-logits))
    assert ece(targets, probabilities) < 0.01
    assert ece(targets, probabilities, equal_mass=True) < 0.01


def test_debiasing_takes_the_noise_off() -> None:
    plain, debiased = [], []
    for seed in range(60):
        targets, logits = calibrated(150, seed=seed)
        probabilities = 1 / (1 + np.exp(-logits))
        plain.append(ece(targets, probabilities, equal_mass=True))
        debiased.append(ece(targets, probabilities, equal_mass=True, debiased=True))
    assert np.mean(plain) > 0.05
    assert np.mean(debiased) < 0.7 * np.mean(plain)


def test_ece_refuses_no_bins() -> None:
    with pytest.raises(UsageError, match="wanted 1 or more"):
        ece(np.array([1]), np.array([0.5]), bins=0)


def test_confusion_and_multiclass_correlation_agree_with_sklearn() -> None:
    rng = np.random.default_rng(4)
    classes = rng.integers(0, 3, 100)
    decided_ = np.where(rng.random(100) < 0.6, classes, rng.integers(0, 3, 100))
    matrix = confusion_matrix(one_hot(classes, 3), one_hot(decided_, 3).astype(bool))
    assert np.array_equal(matrix, reference.confusion_matrix(classes, decided_))
    assert figures.matthews_multiclass(matrix) == pytest.approx(
        reference.matthews_corrcoef(classes, decided_)
    )


def test_predictive_values_by_hand() -> None:
    # 1 % of 10,000: 90 of 100 found, 495 of 9,900 falsely called.
    ppv, npv = predictive_values(sensitivity=0.9, specificity=0.95, prevalence=0.01)
    assert ppv == pytest.approx(90 / 585)
    assert npv == pytest.approx(9405 / 9415)
    with pytest.raises(UsageError, match=r"prevalence is 1\.5"):
        predictive_values(sensitivity=0.9, specificity=0.9, prevalence=1.5)
    nobody, _ = predictive_values(sensitivity=0.0, specificity=1.0, prevalence=0.1)
    assert math.isnan(nobody)


def test_predictive_estimates_hold_their_value() -> None:
    share = Estimate(0.9, 0.85, 0.94)
    ppv, npv = predictive_estimates(share, Estimate(0.95, 0.93, 0.97), prevalence=0.01)
    assert ppv.value == pytest.approx(90 / 585)
    assert ppv.low < ppv.value < ppv.high
    assert npv.value == pytest.approx(9405 / 9415)
    worst, _ = predictive_values(sensitivity=0.85, specificity=0.93, prevalence=0.01)
    assert ppv.low > worst
    sure, _ = predictive_estimates(share, Estimate(1.0, 0.9, 1.0), prevalence=0.5)
    assert (sure.value, sure.high) == (1.0, 1.0)
    assert sure.low == pytest.approx(0.85 / (0.85 + 0.1))
    with pytest.raises(UsageError, match="between 0 and 1"):
        predictive_estimates(share, share, prevalence=0.0)
