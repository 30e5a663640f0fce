"""Grey levels from intensities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import UsageError
from medlens.features import discretise
from medlens.features.levels import crop_to_region


def test_fixed_number_by_hand():
    values = np.array([[0.0, 1.0, 2.4], [2.5, 7.4, 10.0]])
    levels = discretise(values, np.ones((2, 3), bool), bins=4)
    assert levels.tolist() == [[1, 1, 1], [2, 3, 4]]


def test_fixed_width_by_hand():
    values = np.array([-1010.0, -1000.0, -975.1, -975.0, 0.0])
    levels = discretise(values, np.ones(5, bool), bin_width=25.0, lower=-1000.0)
    assert levels.tolist() == [1, 1, 1, 2, 41]


def test_outside_is_zero_and_does_not_set_the_range():
    values = np.array([1.0, 2.0, 1e9, np.nan])
    levels = discretise(values, np.array([True, True, False, False]), bins=2)
    assert levels.tolist() == [1, 2, 0, 0]


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40),
    st.integers(1, 64),
)
@settings(max_examples=60, deadline=None)
def test_levels_keep_order_and_range(values, bins):
    array = np.array(values)
    levels = discretise(array, np.ones(array.shape, bool), bins=bins)
    assert levels.min() == 1
    assert levels.max() == (bins if array.max() > array.min() else 1)
    order = np.argsort(array, kind="stable")
    assert (np.diff(levels[order]) >= 0).all()


@pytest.mark.parametrize("bins", [0, -3, 5000])
def test_bins_out_of_range(bins):
    with pytest.raises(UsageError, match=r"bins is .*; wanted 1 to 4096"):
        discretise(np.zeros(3), np.ones(3, bool), bins=bins)


@pytest.mark.parametrize("width", [0.0, -1.0, np.nan, np.inf])
def test_width_out_of_range(width):
    with pytest.raises(UsageError, match=r"bin_width is .*; wanted a number above 0"):
        discretise(np.zeros(3), np.ones(3, bool), bin_width=width)


def test_width_that_gives_too_many_levels():
    with pytest.raises(UsageError, match="into more than 4096 levels"):
        discretise(np.array([0.0, 1e9]), np.ones(2, bool), bin_width=1.0)


def test_crop_keeps_the_region():
    levels = np.zeros((5, 6), dtype=np.int64)
    levels[1:3, 2:5] = [[1, 0, 2], [3, 1, 0]]
    assert crop_to_region(levels).tolist() == [[1, 0, 2], [3, 1, 0]]
