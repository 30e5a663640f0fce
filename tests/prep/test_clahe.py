"""CLAHE against OpenCV and scikit-image where the definitions agree."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import Array
from medlens.prep.clahe import equalise_tiles
from medlens.prep.enhance import clahe


def texture(shape: tuple[int, int], seed: int = 0) -> Array:
    """Smooth random float32 image that fills 0..1."""
    values = np.random.default_rng(seed).random(shape, dtype=np.float32)
    smooth = cv2.GaussianBlur(values, (0, 0), 5)
    return np.asarray((smooth - smooth.min()) / np.ptp(smooth))


@pytest.mark.parametrize("clip", [0.0, 2.0, 4.0])
def test_8_bits_agree_with_opencv(clip: float) -> None:
    # large tiles, because OpenCV hands the clipped rest to the darkest levels
    # first (its issue 25837): up to 255 of a tile's pixels out of place
    values = (texture((1024, 1024)) * 255).astype(np.uint8)
    ours = equalise_tiles(values, span=(0, 255), clip=clip, tiles=8).astype(int)
    theirs = cv2.createCLAHE(clip, (8, 8)).apply(values).astype(int)
    assert np.abs(ours - theirs).max() <= 5
    assert np.abs(ours - theirs).mean() < 1


def test_agrees_with_scikit_image() -> None:
    from skimage.exposure import equalize_adapthist

    values = texture((512, 512))
    # its clip limit is a share of a tile's pixels: 4 mean bins of 256 are 4/256
    theirs = equalize_adapthist(values, kernel_size=64, clip_limit=4 / 256, nbins=256)
    ours = equalise_tiles(values, span=(0, 1), clip=4.0, tiles=8)
    # it also stretches its result to 0..1: compare up to gain and offset
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.99


def test_16_bits_keep_more_than_256_grey_values() -> None:
    values = (texture((256, 256)) * 65535).astype(np.uint16)
    found = equalise_tiles(values, span=(0, 65535), clip=2.0, tiles=8)
    assert found.dtype == np.uint16
    assert len(np.unique(found)) > 10000


@given(st.integers(2, 90), st.integers(2, 90), st.integers(1, 16), st.floats(0, 50))
@settings(max_examples=40, deadline=None)
def test_depths_agree_and_stay_in_range(
    h: int, w: int, tiles: int, clip: float
) -> None:
    unit = texture((h, w)) if min(h, w) > 2 else np.ones((h, w), np.float32)
    deep = np.rint(unit * 65535).astype(np.uint16)
    floats = equalise_tiles(
        deep.astype(np.float32) / 65535, span=(0, 1), clip=clip, tiles=tiles
    )
    integers = equalise_tiles(deep, span=(0, 65535), clip=clip, tiles=tiles)
    assert floats.shape == (h, w)
    assert floats.min() >= 0
    assert floats.max() <= 1 + 1e-6
    # rounding may move a pixel to the next of 256 histogram bins
    np.testing.assert_allclose(integers / 65535, floats, atol=0.02)


def test_without_tiles_it_is_monotone() -> None:
    values = texture((128, 128))
    found = equalise_tiles(values, span=(0, 1), clip=3.0, tiles=1)
    order = np.argsort(values.ravel())
    assert (np.diff(found.ravel()[order]) >= -1e-6).all()


def test_strong_clipping_is_nearly_the_identity() -> None:
    # at clip 1 every bin may hold its fair share only: the mapping is a straight
    # line where the histogram was flat, and near it elsewhere
    ramp = np.tile(np.linspace(0, 1, 256, dtype=np.float32), (256, 1))
    found = equalise_tiles(ramp, span=(0, 1), clip=1.0, tiles=1)
    np.testing.assert_allclose(found, ramp, atol=1 / 128)


def test_contrast_of_a_faint_pattern_rises_by_no_more_than_the_limit() -> None:
    y, x = np.mgrid[:256, :256]
    faint = (0.5 + 0.02 * np.sin(x / 5) * np.sin(y / 7)).astype(np.float32)
    gains = [
        equalise_tiles(faint, span=(0, 1), clip=clip, tiles=4).std() / faint.std()
        for clip in (1.5, 3.0, 6.0)
    ]
    assert gains[0] < gains[1] < gains[2]
    for gain, clip in zip(gains, (1.5, 3.0, 6.0), strict=True):
        # what was cut off comes back as at most one mean bin for every level
        assert 1 < gain <= clip + 1


def test_colour_images_keep_their_hue() -> None:
    base = texture((64, 64))
    rgb = np.stack([base * 0.8, base * 0.4, base * 0.2])[:, None] * 0.6 + 0.1
    found = clahe(rgb.astype(np.float32), clip=2.0, tiles=2)
    assert found.shape == rgb.shape
    # colour differences are those of the input wherever nothing was clipped
    inside = ((found > 0.001) & (found < 0.999)).all(axis=0)
    np.testing.assert_allclose(
        (found[0] - found[2])[inside], (rgb[0] - rgb[2])[inside], atol=1e-5
    )
