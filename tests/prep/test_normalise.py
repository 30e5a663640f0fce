"""Values of different scanners on one scale."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.prep import volume_values
from medlens.prep.normalise import fixed_range, statistics
from medlens.prep.stream import on_stream

from .phantoms import image_of

z_score = on_stream(volume_values.z_score)


def test_fixed_range_by_hand() -> None:
    image = image_of(np.array([[-1024, 0], [400, 3000]], np.int16), stage="rescaled")
    shown = fixed_range(image, low=-100, high=300).array.reshape(-1)
    np.testing.assert_allclose(shown, [0, 0.25, 1, 1], atol=1e-7)


def test_fixed_range_with_no_width_is_black() -> None:
    image = image_of(np.array([[1, 2], [3, 4]], np.uint8))
    assert fixed_range(image, low=2, high=2).array.max() == 0


@given(gain=st.floats(0.01, 100), offset=st.floats(-500, 500))
@settings(max_examples=30, deadline=None)
def test_z_score_forgets_gain_and_offset(gain: float, offset: float) -> None:
    values = np.random.default_rng(0).normal(0, 1, (16, 16))
    plain = z_score(image_of(values.astype(np.float32))).array
    scaled = z_score(image_of((values * gain + offset).astype(np.float32))).array
    # float32 keeps 7 digits of offset; the rest of the room is for that
    np.testing.assert_allclose(plain, scaled, atol=1e-4 + 1e-6 * abs(offset) / gain)


def test_z_score_puts_the_mean_in_the_middle() -> None:
    # mean 4, deviation 2: 4 → 0.5, 6 → one of three deviations above
    values = np.array([[2, 6], [2, 6]], np.uint8)
    shown = z_score(image_of(values), clip=3).array.reshape(-1)
    np.testing.assert_allclose(shown, np.tile([0.5 - 1 / 6, 0.5 + 1 / 6], 2), atol=1e-6)


def test_z_score_of_the_foreground_leaves_the_background_out() -> None:
    head = np.zeros((20, 20), np.float32)
    head[5:15, 5:15] = np.random.default_rng(0).normal(100, 10, (10, 10))
    shown = z_score(image_of(head), foreground=True).array[0, 0]
    np.testing.assert_allclose(shown[5:15, 5:15].mean(), 0.5, atol=1e-3)
    assert shown[0, 0] == 0


def test_constant_images_become_the_middle() -> None:
    flat = image_of(np.full((5, 5), 9, np.uint8))
    assert np.all(z_score(flat).array == 0.5)
    assert np.all(z_score(flat, foreground=True).array == 0.5)


def test_statistics_by_hand() -> None:
    image = image_of(np.array([[100, 120], [140, 60]], np.uint8))
    shown = statistics(image, mean=100, deviation=20, clip=2).array.reshape(-1)
    np.testing.assert_allclose(shown, [0.5, 0.75, 1, 0], atol=1e-6)
