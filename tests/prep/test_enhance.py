"""Histogram equalisation and matching, gamma, unsharp masking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.prep import enhance

from .phantoms import disc

RNG = np.random.default_rng(0)
SKEWED = (RNG.random((96, 96)) ** 1.5).astype(np.float32)[None, None]
MONOTONE = {
    "equalise": enhance.equalise,
    "gamma": lambda a, **k: enhance.gamma(a, gamma=0.6, **k),
    "match_histogram": lambda a, **k: enhance.match_histogram(
        a, quantiles=[0.1, 0.2, 0.8, 1.0], **k
    ),
}


@pytest.mark.parametrize("name", MONOTONE)
def test_global_steps_keep_the_order_of_values(name: str) -> None:
    found = MONOTONE[name](SKEWED)
    order = np.argsort(SKEWED.ravel(), kind="stable")
    assert (np.diff(found.ravel()[order]) >= -1e-6).all()


@pytest.mark.parametrize("name", MONOTONE)
def test_integer_depth_is_kept(name: str) -> None:
    deep = np.rint(SKEWED * 65535).astype(np.uint16)
    found = MONOTONE[name](deep, span=(0.0, 65535.0))
    assert found.dtype == np.uint16
    np.testing.assert_allclose(found / 65535, MONOTONE[name](SKEWED), atol=1e-3)


def test_equalised_values_are_spread_evenly() -> None:
    found = np.sort(enhance.equalise(SKEWED).ravel())
    np.testing.assert_allclose(found, np.linspace(0, 1, found.size), atol=0.01)


def test_equalise_agrees_with_opencv_on_8_bits() -> None:
    import cv2

    values = np.rint(SKEWED * 255).astype(np.uint8)
    ours = enhance.equalise(values, span=(0.0, 255.0))[0, 0].astype(int)
    theirs = cv2.equalizeHist(values[0, 0]).astype(int)
    # 4,096 levels between which we interpolate, 256 in OpenCV
    assert np.abs(ours - theirs).max() <= 2


def test_equalise_of_a_constant_changes_nothing() -> None:
    flat = np.full((1, 1, 8, 8), 0.3, np.float32)
    np.testing.assert_array_equal(enhance.equalise(flat), flat)


def test_matching_gives_the_references_distribution() -> None:
    reference = (RNG.random((80, 80)) * 0.5 + 0.2).astype(np.float32)
    quantiles = enhance.quantiles_of(reference[None, None])
    found = enhance.match_histogram(SKEWED, quantiles=quantiles)
    for q in (0.1, 0.5, 0.9):
        assert np.quantile(found, q) == pytest.approx(
            np.quantile(reference, q), abs=0.01
        )


def test_matching_agrees_with_scikit_image() -> None:
    from skimage.exposure import match_histograms

    reference = (RNG.random((96, 96)) ** 0.5).astype(np.float32)
    quantiles = enhance.quantiles_of(reference[None, None], count=257)
    ours = enhance.match_histogram(SKEWED, quantiles=quantiles)[0, 0]
    np.testing.assert_allclose(
        ours, match_histograms(SKEWED[0, 0], reference), atol=0.02
    )


def test_matching_an_image_to_itself_changes_little() -> None:
    quantiles = enhance.quantiles_of(SKEWED, count=257)
    np.testing.assert_allclose(
        enhance.match_histogram(SKEWED, quantiles=quantiles), SKEWED, atol=0.01
    )


@given(st.floats(0.1, 10))
@settings(max_examples=20, deadline=None)
def test_gamma_undoes_its_inverse(gamma: float) -> None:
    values = np.linspace(0.05, 1, 64, dtype=np.float32).reshape(1, 1, 8, 8)
    there = enhance.gamma(values, gamma=gamma)
    back = enhance.gamma(there, gamma=1 / gamma)
    seen = there > 1e-6  # below that float32 has nothing to go back from
    np.testing.assert_allclose(back[seen], values[seen], rtol=1e-3)


def test_gamma_by_hand() -> None:
    values = np.array([[0, 64], [128, 255]], np.uint8)[None, None]
    found = enhance.gamma(values, span=(0.0, 255.0), gamma=2.0)
    # (64/255)²·255 = 16.06; (128/255)²·255 = 64.25
    assert found.reshape(-1).tolist() == [0, 16, 64, 255]


def test_unsharp_raises_edges_and_leaves_flats_alone() -> None:
    values = disc()[None, None]
    sharp = enhance.unsharp(values, sigma=2.0, amount=1.0)
    assert sharp[0, 0, 64, 2] == pytest.approx(0.2, abs=1e-4)
    assert (
        np.abs(np.diff(sharp[0, 0, 64])).max() > np.abs(np.diff(values[0, 0, 64])).max()
    )
    np.testing.assert_allclose(enhance.unsharp(values, amount=0.0), values, atol=1e-6)


def test_luma_steps_leave_grey_pixels_grey() -> None:
    grey = np.repeat(SKEWED, 3, axis=0)
    found = enhance.equalise(grey)
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)
    np.testing.assert_allclose(found[0], enhance.equalise(SKEWED)[0], atol=1e-4)
