"""Each denoiser lowers the noise, keeps the mean, and does what it says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from medlens.core import Array
from medlens.prep import denoise

from .phantoms import disc, noisy_disc

SIGMA = 0.05
DENOISERS: dict[str, Callable[[Array], Array]] = {
    "median": lambda a: denoise.median(a, size=5),
    "gaussian": lambda a: denoise.gaussian(a, sigma=1.0),
    "bilateral": lambda a: denoise.bilateral(a, size=7, sigma_value=0.2),
    "nl_means": denoise.nl_means,
    "total_variation": lambda a: denoise.total_variation(a, weight=0.1),
    "wavelet": denoise.wavelet,
    "anisotropic": lambda a: denoise.anisotropic(a, contrast=0.15),
}


@pytest.mark.parametrize("name", DENOISERS)
def test_noise_falls_and_the_mean_stays(name: str) -> None:
    noisy = noisy_disc(SIGMA)[None, None]
    smooth = DENOISERS[name](noisy)
    # the flat ground left of the disc, where all that varies is noise
    before, after = noisy[0, 0, :, 4:16].var(), smooth[0, 0, :, 4:16].var()
    assert after < 0.4 * before
    assert abs(smooth.mean() - noisy.mean()) < 2e-3
    assert np.mean((smooth - disc()) ** 2) < 0.6 * np.mean((noisy - disc()) ** 2)


@pytest.mark.parametrize("name", DENOISERS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
def test_depth_shape_and_input_are_kept(name: str, dtype: type) -> None:
    values = (disc(32) * 200).astype(dtype)[None, None].repeat(2, axis=1)
    before = values.copy()
    run = getattr(denoise, name)
    spans = {} if name in ("median", "gaussian") else {"span": (0.0, 255.0)}
    smooth = run(values, **spans)
    assert smooth.shape == values.shape
    assert smooth.dtype == dtype
    np.testing.assert_array_equal(values, before)
    np.testing.assert_array_equal(smooth[:, 0], smooth[:, 1])


@pytest.mark.parametrize("name", [n for n in DENOISERS if n != "median"])
def test_strength_means_the_same_at_every_depth(name: str) -> None:
    unit = np.clip(noisy_disc(SIGMA, 48), 0, 1)[None, None]
    deep = np.rint(unit * 65535).astype(np.uint16)
    run = DENOISERS[name]
    if name == "gaussian":
        found = run(deep)
    else:
        options = {"bilateral": {"size": 7, "sigma_value": 0.2}}.get(name, {})
        options |= {"total_variation": {"weight": 0.1}}.get(name, {})
        options |= {"anisotropic": {"contrast": 0.15}}.get(name, {})
        found = getattr(denoise, name)(deep, span=(0.0, 65535.0), **options)
    np.testing.assert_allclose(found / 65535, run(unit), atol=2e-3)


@pytest.mark.parametrize("size", [3, 5, 7, 9])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
def test_median_equals_scipy(size: int, dtype: type) -> None:
    from scipy.ndimage import median_filter

    values = np.random.default_rng(0).integers(0, 120, (40, 33)).astype(dtype)
    found = denoise.median(values[None, None], size=size)[0, 0]
    np.testing.assert_array_equal(found, median_filter(values, size, mode="nearest"))


def test_median_takes_salt_and_pepper_away() -> None:
    flat = np.full((40, 40), 1000, np.uint16)
    spoilt = flat.copy()
    spoilt[::5, ::5] = 65535
    np.testing.assert_array_equal(denoise.median(spoilt[None, None])[0, 0], flat)


def test_gaussian_of_an_impulse_has_the_right_spread() -> None:
    impulse = np.zeros((61, 61), np.float32)
    impulse[30, 30] = 1
    found = denoise.gaussian(impulse[None, None], sigma=3.0)[0, 0]
    y = np.arange(61) - 30
    spread = np.sqrt((found.sum(axis=1) * y**2).sum() / found.sum())
    assert spread == pytest.approx(3.0, rel=0.02)


def test_diffusion_keeps_the_mean_to_the_last_digit_and_edges_standing() -> None:
    noisy = noisy_disc(SIGMA)
    smooth = denoise.anisotropic(noisy[None, None], contrast=0.15)[0, 0]
    assert smooth.mean(dtype=float) == pytest.approx(noisy.mean(dtype=float), abs=1e-7)
    # the step between disc (0.7) and ground (0.2) is still there
    row = smooth[64]
    assert row[26] - row[14] > 0.45


@pytest.mark.parametrize("sigma", [0.01, 0.03, 0.1])
def test_noise_level_of_white_noise(sigma: float) -> None:
    noise = np.random.default_rng(0).normal(0.5, sigma, (128, 128)).astype(np.float32)
    assert denoise.noise_level(noise) == pytest.approx(sigma, rel=0.03)


@pytest.mark.parametrize("name", DENOISERS)
def test_constant_and_tiny_images_pass_through(name: str) -> None:
    for shape in ((2, 2), (9, 2), (16, 16)):
        flat = np.full((1, 1, *shape), 0.25, np.float32)
        np.testing.assert_allclose(DENOISERS[name](flat), flat, atol=1e-5)
