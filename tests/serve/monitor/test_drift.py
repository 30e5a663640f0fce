"""The test for drift: its chance of a false alarm, and what it finds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import PermutationMethod, anderson_ksamp

from medlens.core import Array, UsageError
from medlens.serve.monitor.drift import Shift, compare_samples

NAMES = ("a", "b", "c", "d", "e", "f")


def related(generator: np.random.Generator, cases: int, *, move: float = 0.0) -> Array:
    """(cases, 6): heavy-tailed features that share half of their variance."""
    common = generator.standard_t(3, (cases, 1))
    return np.asarray(common + generator.standard_t(3, (cases, len(NAMES))) + move)


def test_of(before: Array, now: Array, *, seed: int, rounds: int) -> Shift:
    return compare_samples(
        dict(zip(NAMES, before.T, strict=True)),
        dict(zip(NAMES, now.T, strict=True)),
        seed=seed,
        rounds=rounds,
    )


test_of.__test__ = False  # type: ignore[attr-defined]


def test_without_a_change_p_is_small_as_rarely_as_it_says() -> None:
    generator = np.random.default_rng(7)
    trials = 600
    values = np.array([
        test_of(
            related(generator, 40), related(generator, 20), seed=each, rounds=199
        ).p_value
        for each in range(trials)
    ])  # fmt: skip
    for level in (0.05, 0.2, 0.5):
        share = float(np.mean(values <= level))
        # Four standard deviations of a binomial around the stated level.
        slack = 4 * (level * (1 - level) / trials) ** 0.5
        assert abs(share - level) < slack, (level, share)


def test_a_coarse_feature_gives_no_more_alarms() -> None:
    """With ties the chance is at most what is stated."""
    generator = np.random.default_rng(8)
    trials = 400
    hits = 0
    for each in range(trials):
        before = {"x": generator.binomial(1, 0.1, 40).astype(float)}
        now = {"x": generator.binomial(1, 0.1, 20).astype(float)}
        hits += compare_samples(before, now, seed=each, rounds=199).p_value <= 0.05
    assert hits <= 0.05 * trials + 4 * (0.05 * 0.95 * trials) ** 0.5


def test_one_feature_agrees_with_scipy() -> None:
    generator = np.random.default_rng(9)
    before = np.round(generator.normal(size=60), 1)  # with ties
    now = np.round(generator.normal(0.45, 1, 40), 1)
    ours = compare_samples({"x": before}, {"x": now}, seed=1, rounds=3999)
    theirs = anderson_ksamp(
        [before, now],
        variant="right",
        method=PermutationMethod(n_resamples=3999, rng=np.random.default_rng(2)),
    )
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=0.012)
    assert 0.001 < ours.p_value < 0.2


def test_a_change_is_found_and_named() -> None:
    generator = np.random.default_rng(10)
    before, now = related(generator, 200), related(generator, 60)
    now[:, 3] *= 4.0  # spread alone: means and medians stay
    shift = test_of(before, now, seed=3, rounds=3999)
    assert shift.p_value <= 0.001
    assert shift.features[0].name == "d"
    assert shift.features[1].p_value > 0.05


def test_monotone_scales_change_nothing() -> None:
    generator = np.random.default_rng(11)
    before, now = related(generator, 50), related(generator, 30, move=0.5)
    plain = test_of(before, now, seed=4, rounds=399)
    curved = test_of(np.arctan(before), np.arctan(now), seed=4, rounds=399)
    assert plain.p_value == curved.p_value


def test_what_never_varies_says_nothing() -> None:
    same = {"x": np.ones(30), "y": np.zeros(30)}
    shift = compare_samples(same, {k: v[:10] for k, v in same.items()}, seed=0)
    assert shift.p_value == 1.0
    assert [each.p_value for each in shift.features] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"x": np.ones(3)}, {"y": np.ones(3)}),
        ({"x": np.ones(3)}, {"x": np.ones(0)}),
        ({"x": np.ones(3), "y": np.ones(2)}, {"x": np.ones(3), "y": np.ones(3)}),
        ({}, {}),
    ],
)
def test_samples_that_do_not_fit(
    before: dict[str, Array], now: dict[str, Array]
) -> None:
    with pytest.raises(UsageError, match=r"drift: wanted"):
        compare_samples(before, now, seed=0)
