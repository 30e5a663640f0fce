"""Changes of values, each against what its numbers say."""

from __future__ import annotations

import numpy as np
import pytest

from medlens.prep import augment_tone as tone
from medlens.prep.colour import rgb_to_hsv

from .phantoms import colours, noisy_disc

CASE = noisy_disc(0.05, 64)[None].clip(0, 1)
RNG = np.random.default_rng(0)
SHAPE = (1, 64, 64)


def test_brightness_and_contrast_by_hand() -> None:
    np.testing.assert_allclose(tone.apply_brightness(CASE, shift=0.1), CASE + 0.1)
    found = tone.apply_contrast(CASE, factor=1.5)
    assert found.mean() == pytest.approx(CASE.mean(), abs=1e-5)
    assert found.std() == pytest.approx(1.5 * CASE.std(), rel=1e-5)


def test_gamma_by_hand() -> None:
    values = np.array([[[-0.1, 0.0, 0.25, 1.0]]], np.float32)
    found = tone.apply_gamma(values, exponent=0.5)
    np.testing.assert_allclose(found.reshape(-1), [0, 0, 0.5, 1], atol=1e-6)


@pytest.mark.parametrize("size", [16, 300, 1200])
def test_noise_has_its_deviation_and_no_mean(size: int) -> None:
    flat = np.full((1, size, size), 0.5, np.float32)
    noise = tone.apply_noise(flat, deviation=0.05, start=tone.POOL - 7) - flat
    assert noise.std() == pytest.approx(0.05, rel=0.1)
    assert abs(noise.mean()) < 5 * 0.05 / size


def test_noise_starts_anywhere_and_differs() -> None:
    drawn = [tone.draw_noise(RNG, SHAPE, sigma=0.1) for _ in range(200)]
    assert len({d["start"] for d in drawn}) > 195
    assert 0.09 < max(d["deviation"] for d in drawn) <= 0.1


def test_blur_lowers_and_sharpen_raises_detail() -> None:
    detail = np.diff(CASE, axis=2).std()
    assert np.diff(tone.apply_blur(CASE, sigma=1.0), axis=2).std() < 0.5 * detail
    assert np.diff(tone.apply_sharpen(CASE, amount=0.5), axis=2).std() > 1.2 * detail
    np.testing.assert_allclose(tone.apply_sharpen(CASE, amount=0.0), CASE, atol=1e-6)


def test_low_resolution_keeps_shape_and_mean_and_loses_detail() -> None:
    found = tone.apply_low_resolution(CASE, factor=4.0)
    assert found.shape == CASE.shape
    assert found.mean() == pytest.approx(CASE.mean(), abs=2e-3)
    assert np.diff(found, axis=2).std() < 0.6 * np.diff(CASE, axis=2).std()
    np.testing.assert_allclose(tone.apply_low_resolution(CASE, factor=1.0), CASE)


def test_colour_jitter_turns_hue_and_keeps_grey_and_mean() -> None:
    rgb = colours(20)[:, 0]
    turned = tone.apply_colour_jitter(rgb, turn=2 * np.pi / 3, factor=1.0)
    # a third of a turn about the grey axis moves red to green, green to blue
    np.testing.assert_allclose(turned, rgb[[2, 0, 1]], atol=1e-5)
    np.testing.assert_allclose(turned.mean(axis=0), rgb.mean(axis=0), atol=1e-5)
    grey = tone.apply_colour_jitter(rgb, turn=0.3, factor=0.0)
    np.testing.assert_allclose(
        grey, np.broadcast_to(rgb.mean(axis=0), rgb.shape), atol=1e-5
    )
    stronger = tone.apply_colour_jitter(rgb * 0.5 + 0.2, turn=0.0, factor=1.3)
    before = rgb_to_hsv((rgb * 0.5 + 0.2)[:, None])[1].mean()
    assert rgb_to_hsv(stronger[:, None].clip(0, 1))[1].mean() > before


def test_colour_jitter_leaves_grey_images_alone() -> None:
    np.testing.assert_array_equal(
        tone.apply_colour_jitter(CASE, turn=1.0, factor=2.0), CASE
    )


def test_draws_stay_inside_their_limits() -> None:
    def drawn(function, key, **limits):  # type: ignore[no-untyped-def]
        return [function(RNG, SHAPE, **limits)[key] for _ in range(300)]

    assert np.abs(drawn(tone.draw_brightness, "shift", limit=0.2)).max() <= 0.2
    for function, key in (
        (tone.draw_contrast, "factor"),
        (tone.draw_gamma, "exponent"),
    ):
        found = drawn(function, key, limit=0.25)
        assert min(found) >= 1 / 1.25
        assert 1.2 < max(found) <= 1.25
        assert abs(np.mean(np.log(found))) < 0.05
    assert max(drawn(tone.draw_blur, "sigma", sigma=2.0)) <= 2.0
    assert max(drawn(tone.draw_low_resolution, "factor", factor=3.0)) <= 3.0
    assert max(drawn(tone.draw_sharpen, "amount", amount=0.4)) <= 0.4
    turns = drawn(tone.draw_colour_jitter, "turn", hue=10.0)
    assert np.degrees(np.abs(turns)).max() <= 10
