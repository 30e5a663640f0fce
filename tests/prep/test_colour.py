"""Colour spaces against their definitions and scikit-image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import Array
from medlens.prep import colour

from .phantoms import colours

Convert = Callable[[Array], Array]
PAIRS: list[tuple[Convert, Convert, float]] = [
    (colour.rgb_to_ybr, colour.ybr_to_rgb, 1e-5),
    (colour.rgb_to_hsv, colour.hsv_to_rgb, 1e-5),
    # OpenCV's tables put L*a*b* right to half a unit of 100
    (colour.rgb_to_lab, colour.lab_to_rgb, 5e-3),
]


@pytest.mark.parametrize(("there", "back", "room"), PAIRS)
def test_there_and_back_is_the_same(there: Convert, back: Convert, room: float) -> None:
    rgb = colours()
    np.testing.assert_allclose(back(there(rgb)), rgb, atol=room)


@pytest.mark.parametrize("there", [pair[0] for pair in PAIRS])
def test_every_space_lies_in_0_to_1(there: Convert) -> None:
    found = there(colours(40))
    assert found.min() >= -0.002
    # CB and CR of pure blue and red reach 255.5 of 255 (PS3.3 C.7.6.3.1.2)
    assert found.max() <= 1.0025


def test_ybr_by_the_standards_numbers() -> None:
    # PS3.3 C.7.6.3.1.2 for 8 bits: red is Y 76.2, CB 85.0, CR 255.5
    red = np.array([1, 0, 0], np.float32).reshape(3, 1, 1, 1)
    found = colour.rgb_to_ybr(red).reshape(3) * 255
    np.testing.assert_allclose(found, [76.245, 84.97, 255.5], atol=0.02)


def test_ybr_agrees_with_pydicom() -> None:
    from pydicom.pixels.processing import convert_color_space

    rgb = (colours() * 255).round().astype(np.uint8)
    pydicom_ybr = convert_color_space(
        np.moveaxis(rgb[:, 0], 0, -1), "RGB", "YBR_FULL"
    ).astype(float)
    ours = np.moveaxis(colour.rgb_to_ybr(rgb.astype(np.float32) / 255)[:, 0], 0, -1)
    # pydicom rounds to integers and clips at 255
    np.testing.assert_allclose(ours * 255, pydicom_ybr, atol=1.01)


def test_hsv_and_lab_agree_with_scikit_image() -> None:
    from skimage.color import rgb2hsv, rgb2lab

    rgb = colours()
    last = np.moveaxis(rgb[:, 0], 0, -1)
    hsv = np.moveaxis(rgb2hsv(last), -1, 0)
    ours = colour.rgb_to_hsv(rgb)[:, 0]
    turn = np.abs(hsv[0] - ours[0])
    assert np.minimum(turn, 1 - turn).max() < 1e-4
    np.testing.assert_allclose(ours[1:], hsv[1:], atol=1e-5)
    lab = rgb2lab(last) * [1 / 100, 1 / 255, 1 / 255] + [0, 128 / 255, 128 / 255]
    np.testing.assert_allclose(
        colour.rgb_to_lab(rgb)[:, 0], np.moveaxis(lab, -1, 0), atol=4e-3
    )


def test_grey_by_hand_and_back() -> None:
    rgb = np.array([200, 100, 50], np.uint8).reshape(3, 1, 1, 1)
    # 0.299·200 + 0.587·100 + 0.114·50 = 124.2
    assert colour.rgb_to_grey(rgb).tolist() == [[[[124]]]]
    grey = np.arange(6, dtype=np.uint16).reshape(1, 1, 2, 3)
    np.testing.assert_array_equal(colour.rgb_to_grey(colour.grey_to_rgb(grey)), grey)


@given(st.sampled_from([np.uint8, np.uint16, np.int16, np.float32]), st.integers(1, 3))
@settings(max_examples=12, deadline=None)
def test_grey_keeps_depth_and_slices(dtype: type, slices: int) -> None:
    rgb = (colours(4) * 100).astype(dtype).repeat(slices, axis=1)
    grey = colour.rgb_to_grey(rgb)
    assert grey.shape == (1, slices, 4, 4)
    assert grey.dtype == dtype


def test_optical_density_of_a_tenth_is_one() -> None:
    light = np.array([1, 0.1, 0.01, 0, 2], np.float32).reshape(1, 1, 1, 5)
    density = colour.optical_density(light, darkest=0.001).reshape(-1)
    np.testing.assert_allclose(density, [0, 1, 2, 3, 0], atol=1e-6)


def test_select_channel() -> None:
    rgb = colours()
    np.testing.assert_array_equal(colour.select_channel(rgb, index=2), rgb[2:])
