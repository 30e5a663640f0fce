"""Crops are careful: they find what is plain and leave the rest."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import Array, Image
from medlens.prep import volume_crop
from medlens.prep.crop import crop_border, crop_lungs
from medlens.prep.stream import on_stream

from .phantoms import disc, image_of, windowed

crop_body = on_stream(volume_crop.crop_body)
CROPS = [crop_body, crop_border, crop_lungs]


def corner(image: Image) -> tuple[int, int]:
    """Row and column of the source at which an uncalibrated crop starts."""
    x, y, _ = image.geometry.origin
    return round(y), round(x)


def textured(height: int, width: int) -> Array:
    """Grey texture that no border looks like."""
    return (
        np.random.default_rng(0).uniform(0.3, 0.7, (height, width)).astype(np.float32)
    )


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_even_borders_go(level: float) -> None:
    canvas = np.full((200, 240), level, np.float32)
    canvas[30:170, 50:200] = textured(140, 150)
    found = crop_border(windowed(canvas))
    assert corner(found) == (30, 50)
    assert found.array.shape[2:] == (140, 150)


def test_borders_of_two_colours_go() -> None:
    canvas = np.zeros((200, 200), np.float32)
    canvas[:, 160:] = 1.0
    canvas[20:180, 10:160] = textured(160, 150)
    found = crop_border(windowed(canvas))
    assert corner(found) == (20, 10)
    assert found.array.shape[2:] == (160, 150)


def test_the_body_is_found_and_letters_are_not() -> None:
    canvas = np.zeros((256, 256), np.float32)
    canvas[60:188, 80:208] = disc(128) * (disc(128) > 0.3)
    canvas[10:14, 10:30] = 1.0  # a marker such as "R"
    found = crop_body(windowed(canvas), margin=0.0)
    top, left = corner(found)
    # the disc has radius 0.35·128 = 45 about row 123.5 and column 143.5
    assert abs(top - 79) <= 2
    assert abs(left - 99) <= 2
    assert abs(found.array.shape[2] - 90) <= 4


def test_dark_on_white_is_found_too() -> None:
    canvas = np.ones((200, 200), np.float32)
    canvas[50:120, 40:160] = textured(70, 120)
    found = crop_body(windowed(canvas), margin=0.0)
    assert abs(corner(found)[0] - 50) <= 1
    assert abs(found.array.shape[3] - 120) <= 2


def test_a_body_that_fills_the_image_stays_whole() -> None:
    image = windowed(textured(100, 80))
    for crop in CROPS:
        assert crop(image).array.shape == image.array.shape


def test_hounsfield_values_are_cropped_as_they_are() -> None:
    slice_hu = np.full((128, 128), -1000, np.int16)
    slice_hu[30:90, 40:110] = 40
    found = crop_body(image_of(slice_hu, stage="rescaled"), margin=0.0)
    assert corner(found) == (30, 40)
    assert found.array.shape[2:] == (60, 70)
    assert found.array.dtype == np.int16


def test_lungs_are_found_in_a_chest() -> None:
    y, x = np.mgrid[:300, :300]
    chest = np.zeros((300, 300), np.float32)
    chest[:, 20:280] = 0.7
    for centre in (95, 205):
        chest[((y - 130) / 80) ** 2 + ((x - centre) / 38) ** 2 < 1] = 0.25
    found = crop_lungs(windowed(chest), margin=0.0)
    top, left = corner(found)
    assert abs(top - 50) < 12
    assert abs(left - 57) < 12
    # a quarter of the height is added below, for the bases
    assert abs(found.array.shape[2] - 160 * 1.25) < 25
    assert abs(found.array.shape[3] - 186) < 20


def test_one_lung_is_not_enough() -> None:
    y, x = np.mgrid[:300, :300]
    chest = np.random.default_rng(0).uniform(0.6, 0.8, (300, 300)).astype(np.float32)
    chest[((y - 130) / 80) ** 2 + ((x - 95) / 38) ** 2 < 1] = 0.25
    assert crop_lungs(windowed(chest)).array.shape[2:] == (300, 300)


@given(
    st.integers(2, 40),
    st.integers(2, 40),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.integers(0, 2**31),
)
@settings(max_examples=60, deadline=None)
def test_never_empty_whatever_the_image(
    h: int, w: int, level: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    canvas = np.full((h, w), level, np.float32)
    canvas[rng.random((h, w)) < 0.1] = rng.random()
    image = windowed(canvas)
    for crop in CROPS:
        found = crop(image).array
        assert min(found.shape[2:]) >= 1
        assert found[0, 0].size >= 0.1 * h * w


def test_constant_and_colour_images_pass() -> None:
    for crop in CROPS:
        assert crop(windowed(np.zeros((30, 30)))).array.shape == (1, 1, 30, 30)
        rgb = windowed(np.stack([textured(30, 30)] * 3))
        assert crop(rgb).array.shape == (3, 1, 30, 30)


@pytest.mark.parametrize(
    ("folder", "least", "most"),
    # (smallest kept share allowed, largest mean kept share allowed)
    [("xray_pneumonia", 0.5, 1.0), ("mri_tumour_boxes", 0.1, 0.6)],
)
def test_real_images_keep_their_body(
    shared_data: Path, folder: str, least: float, most: float
) -> None:
    paths = sorted((shared_data / folder).rglob("*.jp*g"))
    paths += sorted((shared_data / folder).rglob("*.png"))
    shares = []
    for path in paths[:: max(1, len(paths) // 60)]:
        grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        kept = crop_body(image_of(grey)).array
        # nothing bright is cut off: the crop holds nearly all the light there is
        assert kept.astype(float).sum() > 0.97 * grey.astype(float).sum()
        shares.append(kept[0, 0].size / grey.size)
    assert min(shares) >= least
    assert np.mean(shares) <= most
