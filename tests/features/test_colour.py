"""Colour moments."""

from __future__ import annotations

import numpy as np
import pytest

from medlens.features.colour import measure_colour
from medlens.features.region import read_region


def test_by_hand():
    array = np.array([[[4.0, 2.0]], [[2.0, 2.0]], [[1.0, 0.0]]])
    found = measure_colour(read_region(array, None, case="case 1"))
    assert found["colour_red_mean"] == 3
    assert found["colour_red_std"] == 1
    assert found["colour_green_std"] == 0
    assert found["colour_blue_mean"] == 0.5
    assert found["colour_saturation_mean"] == pytest.approx((3 / 4 + 1) / 2)


def test_grey_image_has_equal_channels_and_no_saturation():
    grey = np.random.default_rng(0).normal(size=(6, 5))
    found = measure_colour(read_region(grey, None, case="case 1"))
    as_rgb = np.broadcast_to(np.abs(grey), (3, 6, 5))
    coloured = measure_colour(read_region(as_rgb, None, case="case 1"))
    assert found["colour_red_skewness"] == found["colour_blue_skewness"]
    assert found["colour_saturation_mean"] == coloured["colour_saturation_mean"] == 0


def test_only_the_mask_counts():
    array = np.zeros((3, 4, 4))
    array[0, :2] = 10
    mask = np.zeros((4, 4), dtype=bool)
    mask[:2] = True
    found = measure_colour(read_region(array, mask, case="case 1"))
    assert found["colour_red_mean"] == 10
    assert found["colour_saturation_mean"] == 1


def test_black_has_no_saturation():
    found = measure_colour(read_region(np.zeros((3, 2, 2)), None, case="case 1"))
    assert not any(found.values())
