"""Prevalence of unlabelled cases."""

from __future__ import annotations

import numpy as np
import pytest

from medlens.core import UsageError
from medlens.metrics import estimate_prior
from medlens.metrics.shift import apply_prior

from .phantoms import binormal


def posterior(scores: np.ndarray, prevalence: float, gap: float = 2.0) -> np.ndarray:
    """True probability of the label for `binormal` scores."""
    odds = prevalence / (1 - prevalence) * np.exp(gap * scores - gap * gap / 2)
    return odds / (1 + odds)


@pytest.mark.parametrize("prevalence", [0.05, 0.3, 0.75])
def test_a_known_prevalence_is_recovered(prevalence: float) -> None:
    targets, scores = binormal(20_000, seed=0, prevalence=prevalence)
    old = posterior(scores, 0.5)
    found = estimate_prior(
        np.stack([1 - old, old], axis=1), np.array([0.5, 0.5]), kind="binary"
    )
    assert found.converged
    assert found.now[1] == pytest.approx(targets.mean(), abs=0.015)
    expected = posterior(scores, prevalence)
    assert np.abs(found.probabilities[:, 1] - expected).max() < 0.03


def test_labels_of_a_multilabel_task_are_estimated_apart() -> None:
    first, scores_a = binormal(20_000, seed=1, prevalence=0.2)
    second, scores_b = binormal(20_000, seed=2, prevalence=0.6)
    old = np.stack([posterior(scores_a, 0.4), posterior(scores_b, 0.4)], axis=1)
    found = estimate_prior(old, np.array([0.4, 0.4]), kind="multilabel")
    assert found.now == pytest.approx([first.mean(), second.mean()], abs=0.015)


def test_no_shift_changes_nothing() -> None:
    probabilities = np.random.default_rng(3).dirichlet(np.ones(4), 50)
    same = apply_prior(
        probabilities, np.full(4, 0.25), np.full(4, 0.25), kind="multiclass"
    )
    assert same == pytest.approx(probabilities)


def test_there_and_back_again() -> None:
    probabilities = np.random.default_rng(4).dirichlet(np.ones(3), 50)
    old, new = np.array([0.2, 0.3, 0.5]), np.array([0.6, 0.3, 0.1])
    there = apply_prior(probabilities, old, new, kind="multiclass")
    back = apply_prior(there, new, old, kind="multiclass")
    assert back == pytest.approx(probabilities)
    assert there.sum(axis=1) == pytest.approx(np.ones(50))


def test_extremes_stay_finite() -> None:
    probabilities = np.array([[1.0, 0.0], [0.0, 1.0]])
    for kind in ("binary", "multilabel"):
        found = estimate_prior(probabilities, np.array([0.0, 1.0]), kind=kind)
        assert np.isfinite(found.probabilities).all()


def test_wrong_use_is_named() -> None:
    with pytest.raises(UsageError, match=r"\(cases, labels\) and \(labels,\)"):
        estimate_prior(np.ones((3, 2)), np.ones(3), kind="binary")
    with pytest.raises(UsageError, match="no cases"):
        estimate_prior(np.ones((0, 2)), np.full(2, 0.5), kind="binary")
