"""Checks before anything is measured."""

from __future__ import annotations

import numpy as np
import pytest

from medlens.core import PrepError, ResourceError, UsageError
from medlens.features.region import MAX_PIXELS, check_spacing, read_region


@pytest.mark.parametrize("shape", [(5,), (2, 5, 5), (4, 5, 5), (1, 1, 5, 5)])
def test_wrong_shape(shape):
    with pytest.raises(PrepError, match=r"case 7: array has shape .*pick a slice"):
        read_region(np.zeros(shape), None, case="case 7")


@pytest.mark.parametrize("shape", [(0, 5), (3, 0, 0)])
def test_no_pixel(shape):
    with pytest.raises(PrepError, match=r"case 7: array .* no pixel at all"):
        read_region(np.zeros(shape), None, case="case 7")


def test_too_large_is_refused_before_work():
    huge = np.broadcast_to(np.uint8(0), (20_000, 20_000))
    with pytest.raises(ResourceError, match=rf"at most {MAX_PIXELS} pixels"):
        read_region(huge, None, case="case 7")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_values_that_are_no_numbers(bad):
    array = np.zeros((4, 4))
    array[1, 1] = bad
    with pytest.raises(PrepError, match="case 7: 1 of 16 pixels are NaN, infinite"):
        read_region(array, None, case="case 7")


def test_bad_values_outside_the_mask_become_the_mean():
    array = np.array([[1.0, 3.0], [np.nan, np.inf]])
    region = read_region(array, np.array([[1, 1], [0, 0]]), case="case 7")
    assert region.grey.tolist() == [[1, 3], [2, 2]]


def test_complex_values():
    with pytest.raises(PrepError, match="type complex128; features need real numbers"):
        read_region(np.zeros((4, 4), complex), None, case="case 7")


def test_mask_of_another_shape():
    with pytest.raises(PrepError, match=r"mask has shape \(4, 5\), the image \(4, 4\)"):
        read_region(np.zeros((4, 4)), np.ones((4, 5)), case="case 7")


def test_empty_mask():
    with pytest.raises(PrepError, match="case 7: mask is empty; leave it out"):
        read_region(np.zeros((4, 4)), np.zeros((4, 4)), case="case 7")


@pytest.mark.parametrize("spacing", [(1.0,), (1.0, 0.0), (1.0, np.nan), (-1.0, 1.0)])
def test_spacing(spacing):
    with pytest.raises(UsageError, match="wanted 2 numbers above 0, in mm"):
        check_spacing(spacing, 2)


def test_grey_of_colour_is_luma():
    array = np.array([100.0, 50.0, 10.0])[:, None, None] * np.ones((3, 2, 2))
    region = read_region(array, None, case="case 7")
    np.testing.assert_allclose(region.grey, 0.299 * 100 + 0.587 * 50 + 0.114 * 10)
    assert region.is_flat


def test_the_image_is_not_changed():
    array = np.array([[1.0, np.nan]])
    read_region(array, np.array([[1, 0]]), case="case 7")
    assert np.isnan(array[0, 1])
