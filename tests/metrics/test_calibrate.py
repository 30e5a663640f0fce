"""Logits to probabilities."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax

from medlens.core import BundleError, UsageError
from medlens.metrics import Calibration, ece, fit_calibration, log_losses

from .phantoms import calibrated, one_hot, two_columns

PLAIN = Calibration(np.array([0.5, 2.0]), np.array([0.1, -0.3]), "binary")


def test_probabilities_are_softmax_and_sigmoid() -> None:
    logits = np.random.default_rng(0).normal(0, 5, (20, 2))
    scaled = logits * PLAIN.scale + PLAIN.bias
    assert PLAIN.probabilities(logits) == pytest.approx(softmax(scaled, axis=1))
    several = Calibration(PLAIN.scale, PLAIN.bias, "multilabel")
    assert several.probabilities(logits) == pytest.approx(expit(scaled))
    # One case gives what it gives in a batch.
    assert np.array_equal(
        PLAIN.probabilities(logits[3]), PLAIN.probabilities(logits)[3]
    )


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_extreme_logits_do_not_overflow(a: float, b: float) -> None:
    for kind in ("binary", "multilabel"):
        found = Calibration.identity(2, kind=kind).probabilities(np.array([a, b]))
        assert ((found >= 0) & (found <= 1)).all()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_is_recovered(temperature: float) -> None:
    targets, logits = calibrated(4000, seed=1)
    found = fit_calibration(
        two_columns(logits * temperature), one_hot(targets, 2), kind="binary"
    )
    assert 1 / found.scale == pytest.approx([temperature] * 2, rel=0.1)
    assert (found.bias == 0).all()


def test_temperature_is_recovered_for_several_classes() -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(0, 2, (3000, 5))
    classes = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    found = fit_calibration(logits * 2.5, one_hot(classes, 5), kind="multiclass")
    assert 1 / found.scale == pytest.approx([2.5] * 5, rel=0.1)


def test_vector_scaling_recovers_scale_and_bias_of_each_label() -> None:
    columns = [calibrated(6000, seed=seed) for seed in (3, 4)]
    targets = np.stack([column[0] for column in columns], axis=1)
    logits = np.stack([columns[0][1] * 2 + 1, columns[1][1] * 0.8 - 0.5], axis=1)
    found = fit_calibration(logits, targets, kind="multilabel", method="vector")
    assert found.scale == pytest.approx([0.5, 1.25], rel=0.12)
    assert found.bias == pytest.approx([-0.5, 0.625], abs=0.12)


def test_vector_scaling_undoes_a_shifted_prior() -> None:
    targets, logits = calibrated(3000, seed=5)
    columns, reference = two_columns(logits + 1.5), one_hot(targets, 2)
    plain = fit_calibration(columns, reference, kind="binary")
    assert ece(targets, plain.probabilities(columns)[:, 1]) > 0.1
    vector = fit_calibration(columns, reference, kind="binary", method="vector")
    assert ece(targets, vector.probabilities(columns)[:, 1]) < 0.03


def test_fitting_never_harms_the_validation_loss() -> None:
    rng = np.random.default_rng(6)
    classes = rng.integers(0, 3, 60)
    targets = one_hot(classes, 3)
    logits = rng.normal(0, 4, (60, 3)) + 3 * targets
    losses = [
        log_losses(
            targets,
            fit_calibration(
                logits, targets, kind="multiclass", method=method
            ).probabilities(logits),
        ).mean()
        for method in ("none", "temperature", "vector")
    ]
    assert losses[0] >= losses[1] >= losses[2]


def test_perfect_separation_does_not_run_away() -> None:
    targets = np.repeat([0, 1], 20)
    logits = two_columns(np.where(targets == 1, 6.0, -6.0))
    for method in ("temperature", "vector"):
        found = fit_calibration(
            logits, one_hot(targets, 2), kind="binary", method=method
        )
        assert 0.5 < found.scale.min() <= found.scale.max() < 2.5
    wrong = fit_calibration(logits, one_hot(1 - targets, 2), kind="binary")
    # The flattest scale is 1/20, and the prior holds a little against it.
    assert 1 / 20 < wrong.scale[0] < 1 / 10


def test_unread_labels_teach_nothing() -> None:
    targets, logits = calibrated(800, seed=7)
    both = np.stack([targets, np.full(800, -1)], axis=1)
    noise = np.random.default_rng(8).normal(0, 50, 800)
    found = fit_calibration(
        np.stack([logits, noise], axis=1), both, kind="multilabel", method="vector"
    )
    alone = fit_calibration(logits[:, None], targets[:, None], kind="multilabel")
    assert found.scale[0] == pytest.approx(alone.scale[0], rel=0.1)
    assert found.scale[1] == pytest.approx(alone.scale[0], rel=0.1)
    assert found.bias[1] == 0


def test_order_of_cases_is_kept_by_temperature() -> None:
    targets, logits = calibrated(200, seed=9)
    found = fit_calibration(two_columns(logits), one_hot(targets, 2), kind="binary")
    probabilities = found.probabilities(two_columns(logits))[:, 1]
    assert np.array_equal(np.argsort(logits), np.argsort(probabilities))


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (np.zeros((4, 2), dtype=int), "needs exactly one label"),
        (np.full((4, 2), -1), "no labelled validation case"),
        (np.zeros((3, 2), dtype=int), r"\(cases, labels\) for both"),
    ],
)
def test_unusable_validation_cases(targets: np.ndarray, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        fit_calibration(np.zeros((4, 2)), targets, kind="binary")


def test_unknown_method_and_broken_logits() -> None:
    targets = one_hot(np.array([0, 1]), 2)
    with pytest.raises(UsageError, match="temperature, vector or none"):
        fit_calibration(np.zeros((2, 2)), targets, kind="binary", method="magic")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="logit is not finite"):
        fit_calibration(np.full((2, 2), np.nan), targets, kind="binary")
    with pytest.raises(BundleError, match="logit is not finite"):
        PLAIN.probabilities(np.array([1.0, np.inf]))
    with pytest.raises(BundleError, match="wanted 2 labels"):
        PLAIN.probabilities(np.zeros((4, 3)))


def test_constants_are_checked_and_cannot_be_changed() -> None:
    with pytest.raises(BundleError, match="above 0"):
        Calibration(np.array([1.0, 0.0]), np.zeros(2), "binary")
    with pytest.raises(BundleError, match="one number a label"):
        Calibration(np.ones(2), np.zeros(3), "binary")
    with pytest.raises(BundleError, match="must be finite"):
        Calibration(np.ones(2), np.array([0.0, np.nan]), "binary")
    with pytest.raises(BundleError, match="kind 'ternary'"):
        Calibration(np.ones(2), np.zeros(2), "ternary")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="read-only"):
        PLAIN.scale[0] = 3.0


@given(
    st.lists(st.tuples(st.floats(0.01, 50), st.floats(-50, 50)), min_size=1, max_size=6)
)
@settings(max_examples=30)
def test_json_keeps_every_bit(rows: list[tuple[float, float]]) -> None:
    scale, bias = map(np.array, zip(*rows, strict=True))
    before = Calibration(scale, bias, "multilabel")
    after = Calibration.from_json(json.loads(json.dumps(before.to_json())))
    assert np.array_equal(before.scale, after.scale)
    assert np.array_equal(before.bias, after.bias)
