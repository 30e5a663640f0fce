"""First-order features: hand-worked, against scipy, and limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from medlens.features.intensity import (
    measure_histogram,
    measure_moments,
    measure_statistics,
    measure_volume_histogram,
)
from medlens.features.names_ibsi import INTENSITY

HAND = np.array([1.0, 1.0, 2.0, 4.0, 7.0])


def test_statistics_by_hand():
    found = measure_statistics(HAND)
    assert found["stat_mean"] == pytest.approx(3)
    assert found["stat_variance"] == pytest.approx((4 + 4 + 1 + 1 + 16) / 5)
    assert found["stat_median"] == 2
    assert found["stat_range"] == 6
    assert found["stat_interquartile_range"] == pytest.approx(3)
    assert found["stat_mean_absolute_deviation"] == pytest.approx(10 / 5)
    assert found["stat_median_absolute_deviation"] == pytest.approx(9 / 5)
    # Between P10 = 1 and P90 = 5.8 lie 1, 1, 2, 4 with mean 2.
    assert found["stat_robust_mean_absolute_deviation"] == pytest.approx(1)
    assert found["stat_quartile_dispersion"] == pytest.approx(3 / 5)
    assert found["stat_energy"] == 71
    assert found["stat_root_mean_square"] == pytest.approx((71 / 5) ** 0.5)


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=30))
@settings(max_examples=60, deadline=None)
def test_moments_against_scipy(values):
    array = np.array(values)
    if np.ptp(array) < 1e-3:
        return
    mean, deviation, skewness, kurtosis = measure_moments(array)
    assert mean == pytest.approx(array.mean())
    assert deviation == pytest.approx(array.std())
    assert skewness == pytest.approx(stats.skew(array), rel=1e-6, abs=1e-9)
    assert kurtosis == pytest.approx(stats.kurtosis(array), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, -7.0, 1e30])
def test_constant_region_is_defined(value):
    found = measure_statistics(np.full(13, value))
    assert np.isfinite(list(found.values())).all()
    assert found["stat_variance"] == found["stat_skewness"] == 0
    assert found["stat_kurtosis"] == 0


def test_histogram_by_hand():
    found = measure_histogram(np.array([1, 1, 1, 1, 3, 4, 4, 4]))
    assert found["ih_mode"] == 1
    assert found["ih_uniformity"] == pytest.approx((16 + 1 + 9) / 64)
    expected = -(0.5 * np.log2(0.5) + 1 / 8 * np.log2(1 / 8) + 3 / 8 * np.log2(3 / 8))
    assert found["ih_entropy"] == pytest.approx(expected)
    # Counts 4, 0, 1, 3 have gradients -4, -1.5, 1.5, 2.
    assert found["ih_minimum_gradient"] == -4
    assert found["ih_minimum_gradient_level"] == 1
    assert found["ih_maximum_gradient"] == 2
    assert found["ih_maximum_gradient_level"] == 4


def test_mode_of_equals_is_the_one_near_the_mean():
    assert measure_histogram(np.array([1, 1, 5, 5, 9, 9, 9, 1]))["ih_mode"] == 1
    assert measure_histogram(np.array([1, 1, 5, 5, 9, 9]))["ih_mode"] == 5


def test_volume_histogram_by_hand():
    # Levels 1 … 11 once each: fraction (level − 1) / 10.
    found = measure_volume_histogram(np.arange(1, 12))
    assert found["ivh_volume_at_10"] == pytest.approx(10 / 11)
    assert found["ivh_volume_at_90"] == pytest.approx(2 / 11)
    assert found["ivh_intensity_at_10"] == 11
    assert found["ivh_intensity_at_90"] == 3
    assert found["ivh_volume_difference"] == pytest.approx(8 / 11)
    assert found["ivh_intensity_difference"] == 8


def test_one_level():
    levels = np.full(5, 3)
    found = measure_histogram(levels) | measure_volume_histogram(levels)
    assert np.isfinite(list(found.values())).all()
    assert found["ih_entropy"] == 0
    assert found["ivh_volume_at_10"] == 1


def test_names():
    found = measure_statistics(HAND)
    levels = HAND.astype(int)
    found |= measure_histogram(levels) | measure_volume_histogram(levels)
    assert set(found) == set(INTENSITY)
