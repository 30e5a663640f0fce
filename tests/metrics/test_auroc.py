"""AUROC, its variance by patient and paired comparison."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from medlens.core import UsageError
from medlens.metrics import auroc, auroc_interval, compare_auroc, macro_auroc_interval
from medlens.metrics.auroc import (
    auroc_covariance,
    midranks,
    newcombe_interval,
    placements,
)

from .phantoms import Floats, Ints, binormal, binormal_auroc

# Positives 0.8, 0.4, 0.9; negatives 0.3, 0.5, 0.1, 0.4. Worked by hand: 10.5 of
# 12 pairs are in order; V10 = 1, 5/8, 1; V01 = 1, 2/3, 1, 5/6.
HAND_TARGETS = np.array([1, 0, 0, 1, 0, 1, 0])
HAND_SCORES = np.array([0.8, 0.3, 0.5, 0.4, 0.1, 0.9, 0.4])
HAND_VARIANCE = 0.046875 / 3 + (0.0763888889 / 3) / 4

scored = st.lists(
    st.tuples(st.integers(0, 1), st.integers(-8, 8)), min_size=4, max_size=40
).filter(lambda rows: 0 < sum(t for t, _ in rows) < len(rows))


def split_rows(rows: list[tuple[int, int]]) -> tuple[Ints, Floats]:
    targets, scores = zip(*rows, strict=True)
    return np.array(targets), np.array(scores, dtype=float)


def delong_by_definition(targets: Ints, scores: Floats) -> float:
    """DeLong's variance from the n² table of pairs."""
    positive, negative = scores[targets == 1], scores[targets == 0]
    table = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    by_positive, by_negative = table.mean(axis=1), table.mean(axis=0)
    return float(
        by_positive.var(ddof=1) / len(positive)
        + by_negative.var(ddof=1) / len(negative)
    )


def obuchowski_by_definition(targets: Ints, scores: Floats, codes: Ints) -> float:
    """Obuchowski's variance cluster by cluster, as printed in the paper."""
    positive, negative = targets == 1, targets == 0
    m, n = positive.sum(), negative.sum()
    pairs = (scores[:, None] > scores) + 0.5 * (scores[:, None] == scores)
    v10 = pairs[:, negative].mean(axis=1)
    v01 = 1 - pairs[:, positive].mean(axis=1)
    area = v10[positive].mean()
    s10 = s01 = s11 = 0.0
    clusters = np.unique(codes)
    for cluster in clusters:
        own = codes == cluster
        a = v10[own & positive].sum() - (own & positive).sum() * area
        b = v01[own & negative].sum() - (own & negative).sum() * area
        s10, s01, s11 = s10 + a * a, s01 + b * b, s11 + a * b
    i10, i01 = len(np.unique(codes[positive])), len(np.unique(codes[negative]))
    i = len(clusters)
    s10 *= i10 / ((i10 - 1) * m)
    s01 *= i01 / ((i01 - 1) * n)
    s11 *= i / (i - 1)
    return float(s10 / m + s01 / n + 2 * s11 / (m * n))


def test_hand_worked_example() -> None:
    areas, covariance = auroc_covariance(
        HAND_TARGETS, HAND_SCORES[:, None], np.arange(7)
    )
    assert areas[0] == pytest.approx(10.5 / 12)
    assert covariance[0, 0] == pytest.approx(HAND_VARIANCE)
    expected = np.array([1, 1, 2 / 3, 5 / 8, 1, 1, 5 / 6])
    assert placements(HAND_TARGETS, HAND_SCORES) == pytest.approx(expected)


def test_midranks_agree_with_scipy() -> None:
    values = np.random.default_rng(0).integers(0, 30, 500).astype(float)
    assert np.array_equal(midranks(values), rankdata(values))


@given(scored)
@settings(max_examples=60, deadline=None)
def test_value_agrees_with_sklearn(rows: list[tuple[int, int]]) -> None:
    targets, scores = split_rows(rows)
    assert auroc(targets, scores) == pytest.approx(roc_auc_score(targets, scores))


@given(scored)
@settings(max_examples=60, deadline=None)
def test_monotone_transform_keeps_area_and_interval(
    rows: list[tuple[int, int]],
) -> None:
    targets, scores = split_rows(rows)
    codes = np.arange(len(targets))
    moved = auroc_interval(targets, np.exp(scores / 3) - 5, codes)
    assert moved == auroc_interval(targets, scores, codes)


@given(scored)
@settings(max_examples=60, deadline=None)
def test_turning_scores_round_mirrors_the_interval(rows: list[tuple[int, int]]) -> None:
    targets, scores = split_rows(rows)
    codes = np.arange(len(targets))
    plain = auroc_interval(targets, scores, codes)
    turned = auroc_interval(targets, -scores, codes)
    if np.ptp(scores) == 0:
        assert (plain, plain.low) == (turned, None)
        return
    assert turned.value == pytest.approx(1 - plain.value, abs=1e-9)
    assert turned.low == pytest.approx(1 - plain.high, abs=1e-6)
    assert turned.high == pytest.approx(1 - plain.low, abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_variance_is_delongs_with_one_case_a_patient(seed: int) -> None:
    targets, scores = binormal(80, seed=seed)
    scores = np.round(scores, 1)
    _, covariance = auroc_covariance(targets, scores[:, None], np.arange(80))
    assert covariance[0, 0] == pytest.approx(delong_by_definition(targets, scores))


@pytest.mark.parametrize("seed", range(5))
def test_clustered_variance_is_obuchowskis(seed: int) -> None:
    targets, scores = binormal(90, seed=seed)
    codes = np.random.default_rng(seed).integers(0, 30, 90)
    _, covariance = auroc_covariance(targets, np.round(scores, 1)[:, None], codes)
    expected = obuchowski_by_definition(targets, np.round(scores, 1), codes)
    assert covariance[0, 0] == pytest.approx(expected)


def test_copies_of_a_case_do_not_narrow_the_interval() -> None:
    targets, scores = binormal(100, seed=3)
    single = auroc_interval(targets, scores, np.arange(100))
    many = auroc_interval(
        np.tile(targets, 4), np.tile(scores, 4), np.tile(np.arange(100), 4)
    )
    naive = auroc_interval(np.tile(targets, 4), np.tile(scores, 4), np.arange(400))
    assert many.low == pytest.approx(single.low, abs=2e-3)
    assert many.high == pytest.approx(single.high, abs=2e-3)
    assert naive.high - naive.low < 0.6 * (single.high - single.low)
    assert "clustered" in many.method
    assert "clustered" not in single.method


def test_variance_close_to_hanley_mcneil() -> None:
    targets, scores = binormal(4000, seed=1, gap=1.5)
    areas, covariance = auroc_covariance(targets, scores[:, None], np.arange(4000))
    area, m, n = areas[0], (targets == 1).sum(), (targets == 0).sum()
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    expected = (
        area * (1 - area) + (m - 1) * (q1 - area**2) + (n - 1) * (q2 - area**2)
    ) / (m * n)
    assert covariance[0, 0] == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(("gap", "n"), [(1.0, 60), (2.5, 120), (3.5, 200)])
def test_interval_covers_the_truth(gap: float, n: int) -> None:
    truth = binormal_auroc(gap)
    covered = []
    for seed in range(300):
        targets, scores = binormal(n, seed=seed, gap=gap)
        found = auroc_interval(targets, scores, np.arange(n))
        covered.append(found.low <= truth <= found.high)
    # 95 % less three standard errors of 300 draws.
    assert np.mean(covered) >= 0.91


def test_clustered_interval_covers_where_the_naive_one_does_not() -> None:
    truth, covered, naive = binormal_auroc(math.sqrt(2)), [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        codes = np.repeat(np.arange(60), 4)
        targets = np.repeat(rng.integers(0, 2, 60), 4)
        # Half of the variance belongs to the patient; in all it is 1 + 1.
        noise = np.repeat(rng.normal(size=60), 4) + rng.normal(size=240)
        scores = noise + 2 * targets
        found = auroc_interval(targets, scores, codes)
        covered.append(found.low <= truth <= found.high)
        found = auroc_interval(targets, scores, np.arange(240))
        naive.append(found.low <= truth <= found.high)
    assert np.mean(covered) >= 0.91
    assert np.mean(naive) < 0.85


def test_perfect_separation_still_has_doubt() -> None:
    targets = np.array([0] * 20 + [1] * 20)
    found = auroc_interval(targets, np.arange(40.0), np.arange(40))
    assert (found.value, found.high) == (1.0, 1.0)
    # Hanley-McNeil variance at the limit gives 0.905 for 20 against 20.
    assert found.low == pytest.approx(newcombe_interval(1.0, 20, 20)[0])
    assert 0.85 < found.low < 0.95
    fewer = auroc_interval(targets, np.arange(40.0), np.arange(40) // 4)
    assert fewer.low < found.low


def test_newcombe_ends_solve_their_equation() -> None:
    low, high = newcombe_interval(0.9, 30, 50)
    for end in (low, high):
        spread = 1 + 39 * ((1 - end) / (2 - end) + end / (1 + end))
        error = math.sqrt(end * (1 - end) * spread / (30 * 50))
        assert abs(0.9 - end) == pytest.approx(1.959964 * error, rel=1e-4)


def test_one_class_is_undefined_with_a_reason() -> None:
    found = auroc_interval(np.ones(5, dtype=int), np.arange(5.0), np.arange(5))
    assert found.value is None
    assert "with and without" in found.reason
    assert math.isnan(auroc(np.zeros(3, dtype=int), np.arange(3.0)))


def test_equal_scores_are_chance_exactly_and_need_no_interval() -> None:
    """The majority class gives every case one score: 0.5 in any sample."""
    targets, codes = np.arange(40) % 2, np.arange(40) // 4
    flat = auroc_interval(targets, np.full(40, 0.7), codes)
    assert (flat.value, flat.low, flat.high) == (0.5, None, None)
    assert "exactly chance" in flat.method
    both = np.stack([targets, 1 - targets], axis=1)
    mean = macro_auroc_interval(both, np.tile([0.2, 0.8], (40, 1)), codes)
    assert (mean.value, mean.low, mean.high) == (0.5, None, None)
    # One score that differs, of a case that somebody has read, is a ranking.
    scores = np.full(40, 0.7)
    scores[3] = 0.8
    assert auroc_interval(targets, scores, codes).low is not None
    targets = np.where(np.arange(40) == 3, -1, targets)
    assert auroc_interval(targets, scores, codes).low is None


def test_unread_cases_are_left_out() -> None:
    targets = np.r_[HAND_TARGETS, -1, -1]
    scores = np.r_[HAND_SCORES, 99.0, np.nan]
    assert auroc(targets, scores) == pytest.approx(0.875)


def test_wrong_input_is_named() -> None:
    with pytest.raises(UsageError, match="7 targets, 6 scores"):
        auroc(HAND_TARGETS, HAND_SCORES[:6])
    with pytest.raises(UsageError, match="score is not finite"):
        auroc(HAND_TARGETS, np.full(7, np.nan))


def test_difference_of_equal_models_is_zero() -> None:
    targets, scores = binormal(100, seed=0)
    found = compare_auroc(targets, scores, np.exp(scores), np.arange(100))
    assert (found.value, found.p_value) == (0.0, 1.0)


def test_paired_error_is_that_of_a_bootstrap() -> None:
    targets, first = binormal(300, seed=4, gap=2.0)
    second = first + np.random.default_rng(1).normal(0, 1, 300)
    found = compare_auroc(targets, first, second, np.arange(300))
    rng = np.random.default_rng(2)
    drawn = [rng.integers(0, 300, 300) for _ in range(400)]
    gaps = [auroc(targets[i], first[i]) - auroc(targets[i], second[i]) for i in drawn]
    error = (found.high - found.low) / 2 / 1.959964
    assert error == pytest.approx(np.std(gaps), rel=0.15)
    assert found.p_value < 0.01


def test_test_of_equal_models_keeps_its_level() -> None:
    rejected = 0
    for seed in range(300):
        targets, truth = binormal(120, seed=seed, gap=1.5)
        rng = np.random.default_rng(seed + 1000)
        first, second = truth + rng.normal(size=(2, 120))
        found = compare_auroc(targets, first, second, np.arange(120))
        rejected += found.p_value < 0.05
    assert 3 <= rejected <= 27


def test_macro_is_the_mean_and_close_to_one_label() -> None:
    targets, scores = binormal(400, seed=5)
    two = np.stack([1 - targets, targets], axis=1)
    found = macro_auroc_interval(
        two, np.stack([-scores, scores], axis=1), np.arange(400)
    )
    single = auroc_interval(targets, scores, np.arange(400))
    # Both labels of a binary task are the same question asked twice.
    assert found.value == pytest.approx(single.value)
    assert found.low == pytest.approx(single.low, abs=1e-3)
    assert found.high == pytest.approx(single.high, abs=1e-3)


def test_macro_says_which_labels_are_missing() -> None:
    targets, scores = binormal(60, seed=6)
    both = np.stack([targets, np.zeros(60, dtype=int)], axis=1)
    found = macro_auroc_interval(
        both, np.stack([scores, scores], axis=1), np.arange(60)
    )
    assert found.value == pytest.approx(auroc(targets, scores))
    assert "mean of 1 labels (of 2" in found.method
    nothing = macro_auroc_interval(both[:, 1:], scores[:, None], np.arange(60))
    assert nothing.value is None


def test_macro_difference_agrees_with_the_single_label() -> None:
    targets, first = binormal(300, seed=7)
    second = first + np.random.default_rng(3).normal(0, 1, 300)
    codes = np.arange(300)
    single = compare_auroc(targets, first, second, codes)
    macro = compare_auroc(targets[:, None], first[:, None], second[:, None], codes)
    assert macro.value == pytest.approx(single.value)
    assert macro.p_value == pytest.approx(single.p_value, rel=0.05)


def test_time_grows_like_n_log_n() -> None:
    targets, scores = binormal(200_000, seed=8)
    found = auroc_interval(targets, scores, np.arange(200_000))
    assert found.value == pytest.approx(binormal_auroc(2.0), abs=0.005)
