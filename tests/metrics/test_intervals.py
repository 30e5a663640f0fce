"""Intervals in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from medlens.core import UsageError
from medlens.metrics import Estimate, patient_codes, proportion, wilson
from medlens.metrics.intervals import (
    is_clustered,
    mean_of_shares,
    sum_by,
    two_sided_p,
    z_value,
)


def test_wilson_known_value() -> None:
    # Newcombe 1998 (Stat Med 17:857), table I: 81 of 263 and 0 of 20.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_symmetric_and_holds_the_share(counts: tuple[int, int]) -> None:
    successes, total = counts
    low, high = wilson(successes, total)
    assert 0 <= low <= successes / total <= high <= 1
    mirrored = wilson(total - successes, total)
    assert mirrored == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(("successes", "total"), [(3, 2), (-1, 5), (0, 0)])
def test_wilson_refuses_impossible_counts(successes: int, total: int) -> None:
    with pytest.raises(UsageError, match="0 <= successes <= total"):
        wilson(successes, total)


def test_normal_quantile_and_p_value() -> None:
    assert z_value(0.95) == pytest.approx(norm.ppf(0.975))
    assert two_sided_p(1.7) == pytest.approx(2 * norm.sf(1.7))
    assert two_sided_p(60.0) > 0
    with pytest.raises(UsageError, match="between 0 and 1"):
        z_value(1.0)


def test_a_case_without_patient_is_its_own() -> None:
    codes = patient_codes(["a", "", "b", "a", ""])
    assert codes.tolist() == [0, 1, 2, 0, 3]
    assert is_clustered(codes)
    assert not is_clustered(codes[:3])


def test_sum_by_patient() -> None:
    codes = np.array([0, 1, 0, 2])
    values = np.array([[1.0, 10], [2, 20], [3, 30], [4, 40]])
    assert sum_by(codes, values).tolist() == [[4, 40], [2, 20], [4, 40]]
    assert sum_by(codes, values[:, 0]).tolist() == [4, 2, 4]


def test_proportion_is_wilson_with_one_case_a_patient() -> None:
    found = proportion(np.arange(263) < 81, np.arange(263))
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert found.method == "Wilson, 263 cases"


def test_proportion_of_identical_copies_counts_patients() -> None:
    successes = np.repeat(np.arange(60) < 40, 5)
    found = proportion(successes, np.repeat(np.arange(60), 5))
    # Design effect of 5 perfectly alike cases is 5, up to P / (P - 1).
    assert (found.low, found.high) == pytest.approx(wilson(40, 60), abs=3e-3)
    assert "60 patients" in found.method


def test_proportion_without_failures_falls_back_to_patients() -> None:
    found = proportion(np.ones(50, dtype=bool), np.repeat(np.arange(10), 5))
    assert (found.value, found.low) == (1.0, pytest.approx(wilson(10, 10)[0]))


def test_clustered_proportion_covers() -> None:
    covered = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        rates = rng.beta(4, 1, 80)
        codes = np.repeat(np.arange(80), 4)
        successes = rng.random(320) < rates[codes]
        found = proportion(successes, codes)
        covered.append(found.low <= 0.8 <= found.high)
    assert np.mean(covered) >= 0.91


def test_no_cases_is_undefined() -> None:
    found = proportion(np.array([], dtype=bool), np.array([], dtype=int), of="wolves")
    assert (found.value, found.reason) == (None, "no wolves")


def test_mover_of_equal_shares() -> None:
    share = Estimate(0.8, 0.7, 0.88)
    found = mean_of_shares([share, share], method="m")
    # Two independent halves: the distance shrinks by the root of 2.
    assert found.value == pytest.approx(0.8)
    assert found.low == pytest.approx(0.8 - 0.1 / 2**0.5)
    assert found.high == pytest.approx(0.8 + 0.08 / 2**0.5)
    missing = mean_of_shares([share, Estimate(None, reason="no cats")], method="m")
    assert (missing.value, missing.reason) == (None, "no cats")


def test_estimate_to_json_is_strict() -> None:
    assert Estimate(0.12345678, float("nan"), float("inf"), "m").to_json() == {
        "value": 0.123457,
        "low": None,
        "high": None,
        "method": "m",
    }
    assert Estimate(None, reason="no cats").to_json()["reason"] == "no cats"
