"""Bootstrap of patients."""

from __future__ import annotations

import time

import numpy as np
import pytest

from medlens.core import UsageError
from medlens.metrics import PatientBootstrap, average_precision, bootstrap_estimate
from medlens.metrics.bootstrap import affordable_resamples, percentile_estimate
from medlens.metrics.classification import count_decisions, ratio, sensitivity
from medlens.metrics.ranking import ScoreRanking

from .phantoms import binormal, calibrated


def mean_rows(values: np.ndarray) -> np.ndarray:
    return np.stack([values, np.ones(len(values))], axis=1)


def mean_of(sums: np.ndarray) -> np.ndarray:
    return ratio(sums[:, 0], sums[:, 1])


def test_each_resample_draws_as_many_patients() -> None:
    bootstrap = PatientBootstrap.of(["a", "b", "a", "c", ""], seed=1)
    weights = np.concatenate(list(bootstrap.weights()))
    assert weights.shape == (1000, 4)
    assert (weights.sum(axis=1) == 4).all()
    assert weights.mean() == pytest.approx(1.0)


def test_seed_decides_and_blocks_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=(50, 2))
    codes = np.arange(50) // 2
    whole = PatientBootstrap(codes, seed=3).sums(values)
    assert np.array_equal(whole, PatientBootstrap(codes, seed=3).sums(values))
    assert not np.array_equal(whole, PatientBootstrap(codes, seed=4).sums(values))
    # Sets too large to keep are drawn again in the same way.
    monkeypatch.setattr("medlens.metrics.bootstrap._KEPT", 0)
    assert np.array_equal(whole, PatientBootstrap(codes, seed=3).sums(values))


def test_cases_of_a_patient_are_drawn_together() -> None:
    bootstrap = PatientBootstrap(np.array([0, 1, 0, 1, 2]), seed=0)
    for block in bootstrap.case_weights(np.arange(5)):
        assert np.array_equal(block[:, 0], block[:, 2])
        assert np.array_equal(block[:, 1], block[:, 3])


def test_error_of_a_mean_is_the_textbook_one() -> None:
    values = np.random.default_rng(5).normal(3, 2, 400)
    found = bootstrap_estimate(
        mean_rows(values), mean_of, PatientBootstrap(np.arange(400))
    )
    expected = 1.959964 * values.std() / 20
    assert (found.high - found.low) / 2 == pytest.approx(expected, rel=0.1)


def test_copies_of_patients_do_not_narrow() -> None:
    values = np.random.default_rng(6).normal(size=100)
    single = bootstrap_estimate(
        mean_rows(values), mean_of, PatientBootstrap(np.arange(100))
    )
    many = bootstrap_estimate(
        mean_rows(np.tile(values, 3)),
        mean_of,
        PatientBootstrap(np.tile(np.arange(100), 3)),
    )
    assert (many.low, many.high) == pytest.approx((single.low, single.high))


def test_resamples_without_the_label_are_left_out() -> None:
    targets, decisions = np.r_[1, np.zeros(30, dtype=int)], np.ones(31, dtype=bool)
    found = bootstrap_estimate(
        count_decisions(targets, decisions),
        sensitivity,
        PatientBootstrap(np.arange(31)),
    )
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


def test_many_patients_get_fewer_resamples() -> None:
    assert affordable_resamples(100) == affordable_resamples(40_000) == 1000
    assert affordable_resamples(100_000) == 400
    assert affordable_resamples(10**7) == 200
    assert affordable_resamples(100, wanted=50) == 50


def test_undefined_and_single_patient() -> None:
    bootstrap = PatientBootstrap(np.zeros(3, dtype=int))
    assert percentile_estimate(0.5, np.ones(1000), bootstrap).low is None
    missing = percentile_estimate(float("nan"), np.ones(1000), bootstrap, reason="none")
    assert (missing.value, missing.reason) == (None, "none")
    with pytest.raises(UsageError, match="0 cases"):
        PatientBootstrap(np.array([], dtype=int))


def test_ranked_resamples_are_those_of_repeated_cases() -> None:
    targets, scores = binormal(60, seed=2)
    scores = np.round(scores, 1)
    ranking = ScoreRanking.of(targets, scores)
    bootstrap = PatientBootstrap(np.arange(60) // 2, resamples=20, seed=9)
    weights = np.concatenate(list(bootstrap.case_weights(np.arange(60))))
    fast = ranking.average_precision(weights[:, ranking.order])
    for row, value in zip(weights.astype(int), fast, strict=True):
        repeated = np.repeat(np.arange(60), row)
        expected = average_precision(targets[repeated], scores[repeated])
        assert value == pytest.approx(expected, rel=1e-5)


def test_a_thousand_resamples_of_5000_cases_are_quick() -> None:
    targets, logits = calibrated(5000, seed=0)
    bootstrap = PatientBootstrap(np.arange(5000))
    started = time.process_time()
    bootstrap.sums(count_decisions(targets, logits > 0))
    ranking = ScoreRanking.of(targets, logits)
    for block in bootstrap.case_weights(ranking.order):
        ranking.average_precision(block)
    assert time.process_time() - started < 2.0
