"""The classical baseline and the majority."""

from __future__ import annotations

import time

import numpy as np
import pytest

from medlens.core import UsageError
from medlens.features import fit_baseline, fit_majority
from medlens.features.baseline import UNKNOWN

RNG = np.random.default_rng(6)


def toy(n: int = 240, n_classes: int = 2, shares=None, noise: float = 0.3):
    """Features whose first columns give the class away."""
    classes = RNG.choice(n_classes, size=n, p=shares)
    table = RNG.normal(size=(n, 12)) * noise
    table[np.arange(n), classes] += 1
    return table, np.eye(n_classes, dtype=np.int8)[classes], classes


@pytest.mark.parametrize(("kind", "n_classes"), [("binary", 2), ("multiclass", 4)])
def test_learns_what_can_be_told_apart(kind, n_classes):
    table, targets, _ = toy(400, n_classes)
    baseline = fit_baseline(table, targets, kind, seed=1)
    new, _, classes = toy(300, n_classes)
    probabilities = baseline.predict(new)
    assert probabilities.shape == (300, n_classes)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.argmax(axis=1) == classes).mean() > 0.9


def test_multilabel_leaves_out_what_is_unknown():
    table = RNG.normal(size=(400, 6))
    truth = (table[:, :3] > 0).astype(np.int8)
    targets = truth.copy()
    targets[::2, 0] = UNKNOWN
    # The unread half of the first label would teach the opposite.
    baseline = fit_baseline(table, targets, "multilabel", seed=0)
    flipped = np.where(targets == UNKNOWN, 1 - truth, targets)
    probabilities = baseline.predict(table)
    assert ((probabilities > 0.5) == truth).mean(axis=0).min() > 0.97
    assert ((probabilities[:, 0] > 0.5) == flipped[:, 0]).mean() < 0.6


def test_same_seed_same_answer():
    table, targets, _ = toy()
    first, second, other = (
        fit_baseline(table, targets, "binary", seed=seed).predict(table)
        for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_probabilities_keep_the_prevalence():
    # Nothing to learn: balanced training alone would answer about one half.
    table = RNG.normal(size=(3000, 5))
    classes = (RNG.random(3000) < 0.1).astype(int)
    targets = np.eye(2, dtype=np.int8)[classes]
    new = RNG.normal(size=(500, 5))
    probabilities = fit_baseline(table, targets, "binary", seed=0).predict(new)
    assert probabilities[:, 1].mean() == pytest.approx(0.1, abs=0.05)


def test_a_rare_class_is_still_found():
    table, targets, _ = toy(600, 2, shares=[0.98, 0.02], noise=0.1)
    probabilities = fit_baseline(table, targets, "binary", seed=0).predict(table)
    rare = targets[:, 1] == 1
    assert probabilities[rare, 1].min() > probabilities[~rare, 1].max()


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_tiny_data(n):
    table, targets, _ = toy(n)
    probabilities = fit_baseline(table, targets, "binary", seed=0).predict(table)
    assert probabilities.shape == (n, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_a_class_without_a_case():
    table, targets, _ = toy(60, 3, shares=[0.5, 0.0, 0.5])
    probabilities = fit_baseline(table, targets, "multiclass", seed=0).predict(table)
    assert (probabilities[:, 1] == 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_labels_without_two_values_get_their_share():
    table = RNG.normal(size=(20, 4))
    targets = np.zeros((20, 3), dtype=np.int8)
    targets[:, 1] = 1
    targets[:, 2] = UNKNOWN
    expected = np.tile([0.0, 1.0, 0.5], (20, 1))
    for fitted in (
        fit_baseline(table, targets, "multilabel", seed=0),
        fit_majority(table, targets, "multilabel"),
    ):
        np.testing.assert_array_equal(fitted.predict(table), expected)


def test_missing_and_infinite_features():
    table, targets, classes = toy()
    table[::7, 3] = np.nan
    table[::5, 4] = np.inf
    probabilities = fit_baseline(table, targets, "binary", seed=0).predict(table)
    assert (probabilities.argmax(axis=1) == classes).mean() > 0.95


def test_majority_by_hand():
    targets = np.array([[1, 0], [1, 0], [0, 1], [1, 0]], dtype=np.int8)
    majority = fit_majority(np.zeros((4, 1)), targets, "binary")
    assert majority.predict(np.zeros((2, 1))).tolist() == [[0.75, 0.25]] * 2


def test_no_rows_to_predict():
    table, targets, _ = toy()
    assert fit_baseline(table, targets, "binary").predict(table[:0]).shape == (0, 2)


@pytest.mark.parametrize(
    ("table", "targets", "kind", "message"),
    [
        (np.zeros(3), np.eye(2), "binary", "table has 1 axes; wanted 2"),
        (np.zeros((3, 2)), np.eye(2), "binary", "targets have shape .*3 rows"),
        (np.zeros((0, 2)), np.zeros((0, 2)), "binary", "at least one"),
        (np.zeros((2, 2)), np.eye(2) * 3, "multilabel", "other values than 1, 0"),
        (np.zeros((2, 2)), np.ones((2, 2)), "binary", "not exactly one 1, as kind"),
        (np.zeros((2, 2)), -np.eye(2), "multiclass", "not exactly one 1"),
    ],
)
def test_what_cannot_be_fitted(table, targets, kind, message):
    for fit in (fit_baseline, fit_majority):
        with pytest.raises(UsageError, match=message):
            fit(table, targets.astype(np.int8), kind)


def test_another_number_of_features():
    table, targets, _ = toy()
    baseline = fit_baseline(table, targets, "binary")
    with pytest.raises(UsageError, match=r"table has 3 features, .* fitted on 12"):
        baseline.predict(np.zeros((2, 3)))


@pytest.mark.slow
def test_large_table_is_quick():
    table = RNG.normal(size=(5000, 150))
    targets = np.eye(2, dtype=np.int8)[(table[:, 0] + table[:, 1] > 0).astype(int)]
    start = time.perf_counter()
    fit_baseline(table, targets, "binary", seed=0)
    assert time.perf_counter() - start < 60
