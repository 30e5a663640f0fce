"""Slices that hear the slices beside them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlens.core import UsageError
from medlens.metrics.neighbours import (
    MOST_WEIGHT,
    fit_neighbours,
    hear_neighbours,
    own_weights,
)


def test_by_hand() -> None:
    values = np.array([[4.0, 0.0], [0.0, 8.0], [2.0, 0.0]])
    found = hear_neighbours(values, 0.25)
    # ends hear themselves: (4 + 8 + 0)/4, (4 + 0 + 2)/4, (0 + 4 + 2)/4
    np.testing.assert_allclose(found[:, 0], [3.0, 1.5, 1.5])
    np.testing.assert_allclose(found[:, 1], [2.0, 4.0, 2.0])
    np.testing.assert_allclose(own_weights(3, 0.25), [0.75, 0.5, 0.75])


@given(
    st.integers(1, 30),
    st.floats(0, MOST_WEIGHT),
    st.integers(0, 1000),
    st.floats(-5, 5),
)
def test_laws(count: int, weight: float, seed: int, level: float) -> None:
    values = np.random.default_rng(seed).normal(size=(count, 2))
    found = hear_neighbours(values, weight)
    # the sum stays, a level stays, what is heard never lies outside what was said
    np.testing.assert_allclose(found.sum(axis=0), values.sum(axis=0), atol=1e-9)
    flat = hear_neighbours(np.full((count, 1), level), weight)
    np.testing.assert_allclose(flat, level, atol=1e-12)
    assert found.min() >= values.min() - 1e-12
    assert found.max() <= values.max() + 1e-12
    # a slice alone: all other slices silent leaves its own weight
    for t in range(count):
        alone = np.zeros((count, 1))
        alone[t] = 1
        heard = hear_neighbours(alone, weight)[t, 0]
        assert heard == pytest.approx(own_weights(count, weight)[t])


def test_one_slice_has_no_neighbours() -> None:
    one = np.array([[3.0, -1.0]], np.float32)
    assert hear_neighbours(one, 0.3) is one
    np.testing.assert_array_equal(own_weights(1, 0.3), [1.0])


@pytest.mark.parametrize("kind", ["binary", "multilabel"])
def test_the_weight_is_fitted_to_what_slices_share(kind: str) -> None:
    rng = np.random.default_rng(0)
    runs, shuffled, truths, mixed = [], [], [], []
    for _ in range(40):
        truth = np.zeros(24, np.int8)
        start = rng.integers(0, 16)
        truth[start : start + 8] = 1  # a lesion goes on over slices
        score = 2.0 * (truth - 0.5) + rng.normal(size=24) * 1.5
        logits = np.stack([-score, score], axis=1)
        targets = np.stack([1 - truth, truth], axis=1).astype(np.int8)
        order = rng.permutation(24)
        runs.append(logits)
        truths.append(targets)
        shuffled.append(logits[order])
        mixed.append(targets[order])
    assert fit_neighbours(runs, truths, kind=kind) >= 0.25  # type: ignore[arg-type]
    # in an order that says nothing neighbours only disturb
    assert fit_neighbours(shuffled, mixed, kind=kind) <= 0.05  # type: ignore[arg-type]


def test_slices_without_a_label_speak_and_are_not_counted() -> None:
    score = np.array([9.0, -9.0, 9.0, -9.0, 9.0, -9.0])
    logits = np.stack([-score, score], axis=1)
    targets = np.array([[0, 1], [-1, -1]] * 3, np.int8)
    # only the slices that are right have labels: hearing the others would cost
    assert fit_neighbours([logits], [targets], kind="binary") == 0.0


@pytest.mark.parametrize("weight", [-0.1, 0.34, float("nan")])
def test_weights_out_of_range_are_refused(weight: float) -> None:
    with pytest.raises(UsageError, match=r"a weight of .*; wanted 0 to 0.3333"):
        hear_neighbours(np.zeros((3, 2)), weight)
