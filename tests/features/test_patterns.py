"""Local binary patterns, Gabor energies, wavelet energies."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from medlens.features.names import GABOR_WAVELENGTHS, WAVELET_LEVELS
from medlens.features.patterns import (
    BANDWIDTH,
    gabor_energies,
    local_binary_patterns,
    measure_gabor,
    measure_lbp,
    measure_wavelets,
)
from medlens.features.region import read_region

RNG = np.random.default_rng(9)


def region_of(array, mask=None):
    return read_region(array, mask, case="case 1")


def test_patterns_against_skimage():
    from skimage.feature import local_binary_pattern

    image = RNG.integers(0, 1000, size=(41, 37))
    expected = local_binary_pattern(image, 8, 1, method="uniform")
    inner = (slice(1, -1), slice(1, -1))
    # Theirs rounds the places of the points to 5 digits.
    same = local_binary_patterns(image.astype(float))[inner] == expected[inner]
    assert same.mean() > 0.999


def test_patterns_by_hand():
    image = np.full((3, 3), 5.0)
    assert (local_binary_patterns(image) == 8).all()
    image[1, 1] = 9
    assert local_binary_patterns(image)[1, 1] == 0
    image[0] = 20
    # The upper row is brighter: above, and both interpolated corners.
    assert local_binary_patterns(image)[1, 1] == 3


def test_patterns_ignore_order_keeping_changes_and_turns():
    image = RNG.integers(0, 60, size=(30, 26)).astype(float)
    before = measure_lbp(region_of(image))
    assert measure_lbp(region_of(image * 4 + 512)) == before
    assert measure_lbp(region_of(np.rot90(image).copy())) == before
    assert measure_lbp(region_of(image.T.copy())) == before


@pytest.mark.parametrize("wavelength", GABOR_WAVELENGTHS)
def test_gabor_against_opencv_kernels(wavelength):
    image = RNG.normal(size=(80, 90)).astype(np.float32)
    sigma = BANDWIDTH * wavelength
    reach = int(np.ceil(3 * sigma))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    envelope = np.exp(-(x**2 + y**2) / (2 * sigma**2))
    envelope /= envelope.sum()
    for angle, energy in gabor_energies(image, wavelength).items():
        turn = np.deg2rad(angle)
        phase = 2 * np.pi / wavelength * (x * np.cos(turn) + y * np.sin(turn))
        even = envelope * np.cos(phase)
        even -= even.sum() * envelope
        answers = [
            cv2.filter2D(image, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT_101)
            for kernel in (even, envelope * np.sin(phase))
        ]
        np.testing.assert_allclose(energy, answers[0] ** 2 + answers[1] ** 2, atol=2e-5)


@pytest.mark.parametrize("angle", [0, 90])
def test_a_wave_answers_in_its_own_channel(angle):
    rows, columns = np.mgrid[0:128, 0:128]
    wave = np.sin(2 * np.pi / 8 * (columns if angle == 0 else rows))
    found = measure_gabor(region_of(wave))
    strongest = max(found, key=found.__getitem__)
    assert strongest == f"gabor_8px_{angle}"
    # An amplitude of 1 answers with one half, squared; the mirrored border less.
    energy = gabor_energies(wave, 8)[angle][32:-32, 32:-32]
    np.testing.assert_allclose(energy, 0.25, rtol=2e-3)
    assert found[strongest] == pytest.approx(0.5, rel=0.1)


def test_gabor_turns_with_the_image():
    image = RNG.normal(size=(64, 64))
    before = measure_gabor(region_of(image))
    after = measure_gabor(region_of(np.rot90(image).copy()))
    for wavelength in GABOR_WAVELENGTHS:
        for angle in (0, 45, 90, 135):
            turned = after[f"gabor_{wavelength}px_{(angle + 90) % 180}"]
            assert turned == pytest.approx(
                before[f"gabor_{wavelength}px_{angle}"], rel=1e-4
            )


def test_gabor_and_wavelets_ignore_brightness_and_contrast():
    image = RNG.normal(size=(48, 40))
    region, changed = region_of(image), region_of(image * 1000 + 12345)
    for measure in (measure_gabor, measure_wavelets):
        before, after = measure(region), measure(changed)
        for name, value in before.items():
            assert after[name] == pytest.approx(value, rel=1e-4), name


def test_wavelets_against_pywavelets():
    pywt = pytest.importorskip("pywt")
    image = RNG.normal(size=(64, 96))
    found = measure_wavelets(region_of(image))
    scaled = (image - image.mean()) / image.std()
    details = pywt.wavedec2(scaled, "haar", level=WAVELET_LEVELS)[1:][::-1]
    for level, bands in enumerate(details, start=1):
        for band, detail in zip(
            ("horizontal", "vertical", "diagonal"), bands, strict=True
        ):
            expected = (detail**2).mean() / 4**level
            assert found[f"wavelet_{level}_{band}"] == pytest.approx(expected)


def test_wavelet_energies_share_the_variance():
    image = RNG.normal(size=(16, 16))
    found = measure_wavelets(region_of(image))
    # Four levels of 16 × 16 leave only the mean, which is 0.
    assert sum(found.values()) == pytest.approx(1)


def test_what_lies_outside_the_mask_has_little_say():
    image = RNG.normal(size=(64, 64))
    mask = np.zeros((64, 64), dtype=bool)
    mask[16:48, 16:48] = True
    loud = np.where(mask, image, 1e6)
    quiet = np.where(mask, image, image[mask].max())
    for measure in (measure_gabor, measure_wavelets):
        assert measure(region_of(loud, mask)) == measure(region_of(quiet, mask))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 2), (5, 3)])
@pytest.mark.parametrize("constant", [True, False])
def test_small_images_are_defined(shape, constant):
    region = region_of(np.full(shape, 0.1) if constant else RNG.normal(size=shape))
    found = measure_lbp(region) | measure_gabor(region) | measure_wavelets(region)
    assert np.isfinite(list(found.values())).all()
    if constant:
        assert found["lbp_8"] == 1
        assert not any(measure_gabor(region).values())
