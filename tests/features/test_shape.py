"""Morphology in the plane: hand-worked, against scikit-image, and laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.features import find_foreground, measure_shape

RNG = np.random.default_rng(2)


def disc(radius: float, side: int = 128) -> np.ndarray:
    rows, columns = np.mgrid[0:side, 0:side] - (side - 1) / 2
    return np.hypot(rows, columns) <= radius


def blobs(seed: int, shape: tuple[int, int] = (40, 52)) -> np.ndarray:
    import cv2

    noise = np.random.default_rng(seed).normal(size=shape)
    mask = cv2.GaussianBlur(noise, (0, 0), 2.0) > 0.05
    mask[0, 0] = True
    return mask


def test_rectangle_by_hand():
    mask = np.zeros((20, 30), dtype=bool)
    mask[4:10, 5:17] = True
    found = measure_shape(mask, spacing=(2.0, 0.5))
    assert found["shape_area"] == 6 * 12
    assert found["shape_area_share"] == pytest.approx(72 / 600)
    assert found["shape_bounding_height"] == 12
    assert found["shape_bounding_width"] == 6
    assert found["shape_extent"] == found["shape_solidity"] == 1
    assert found["shape_feret_maximum"] == pytest.approx(np.hypot(12, 6))
    assert found["shape_feret_minimum"] == pytest.approx(6)
    assert found["shape_euler_number"] == found["shape_components"] == 1
    # A uniform rectangle of side s has variance s² / 12, so an axis of 2s / √3.
    assert found["shape_major_axis"] == pytest.approx(2 * 12 / 3**0.5)
    assert found["shape_minor_axis"] == pytest.approx(2 * 6 / 3**0.5)
    assert found["shape_elongation"] == pytest.approx(0.5)
    assert found["shape_eccentricity"] == pytest.approx(0.75**0.5)


def test_disc_is_round():
    found = measure_shape(disc(40))
    assert found["shape_circularity"] == pytest.approx(1, abs=0.02)
    assert found["shape_perimeter"] == pytest.approx(2 * np.pi * 40, rel=0.02)
    assert found["shape_area"] == pytest.approx(np.pi * 1600, rel=0.01)
    assert found["shape_eccentricity"] == pytest.approx(0, abs=1e-6)
    assert found["shape_feret_maximum"] == pytest.approx(80, abs=2)
    assert found["shape_feret_minimum"] == pytest.approx(80, abs=2)
    assert found["shape_thickness_maximum"] == pytest.approx(40, abs=1)


def test_perimeter_of_an_ellipse_seen_through_uneven_spacing():
    # A disc of radius 30 mm, sampled at 1 × 0.5 mm.
    rows, columns = np.mgrid[-40:41, -80:81]
    mask = np.hypot(rows * 1.0, columns * 0.5) <= 30
    found = measure_shape(mask, spacing=(1.0, 0.5))
    assert found["shape_perimeter"] == pytest.approx(2 * np.pi * 30, rel=0.03)
    assert found["shape_circularity"] == pytest.approx(1, abs=0.06)
    assert found["shape_elongation"] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("seed", range(6))
def test_against_skimage(seed):
    from skimage.measure import euler_number, label, perimeter_crofton, regionprops

    mask = blobs(seed)
    found = measure_shape(mask)
    theirs = regionprops(mask.astype(np.uint8))[0]
    assert found["shape_area"] == theirs.area
    # Theirs takes pixels as points, ours as squares of variance 1 / 12.
    for axis in ("major", "minor"):
        points = getattr(theirs, f"axis_{axis}_length")
        expected = (points**2 + 16 / 12) ** 0.5
        assert found[f"shape_{axis}_axis"] == pytest.approx(expected)
    assert found["shape_eccentricity"] == pytest.approx(theirs.eccentricity, rel=0.01)
    assert found["shape_extent"] == pytest.approx(theirs.extent)
    assert found["shape_euler_number"] == euler_number(mask, connectivity=2)
    assert found["shape_components"] == label(mask, connectivity=2).max()
    padded = np.pad(mask, 2)
    assert found["shape_perimeter"] == pytest.approx(perimeter_crofton(padded, 4))
    # Theirs takes the outline through the pixels' edges, ours their corners.
    assert found["shape_feret_maximum"] == pytest.approx(
        theirs.feret_diameter_max, abs=1.0
    )
    assert found["shape_convex_area"] == pytest.approx(theirs.area_convex, rel=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_openings_against_skimage(seed):
    from skimage.morphology import disk, opening

    mask = blobs(seed)
    found = measure_shape(mask)
    left, padded = 1.0, np.pad(mask, 20)
    for radius in (1, 2, 4, 8, 16):
        share = opening(padded, disk(radius)).sum() / mask.sum()
        left -= found[f"shape_opening_{radius}"]
        assert left == pytest.approx(share, abs=1e-9)
    assert found["shape_opening_rest"] == pytest.approx(left)


@given(st.integers(0, 500), st.floats(0.1, 10.0))
@settings(max_examples=25, deadline=None)
def test_spacing_scales_lengths_and_areas(seed, scale):
    mask = blobs(seed, (20, 24))
    before = measure_shape(mask, spacing=(1.0, 1.5))
    after = measure_shape(mask, spacing=(scale, 1.5 * scale))
    lengths = ("perimeter", "major_axis", "minor_axis", "feret_maximum")
    lengths += ("feret_minimum", "bounding_height", "bounding_width")
    powers = {f"shape_{name}": 1 for name in lengths}
    powers |= {"shape_area": 2, "shape_convex_area": 2}
    for name, value in before.items():
        expected = value * scale ** powers.get(name, 0)
        assert after[name] == pytest.approx(expected, rel=1e-7, abs=1e-7), name


@given(st.integers(0, 500))
@settings(max_examples=25, deadline=None)
def test_turning_and_moving_change_nothing(seed):
    mask = blobs(seed, (20, 24))
    before = measure_shape(mask)
    turned = measure_shape(np.rot90(mask).copy())
    moved = measure_shape(np.pad(mask, ((3, 0), (0, 5))))
    swapped = {
        "shape_bounding_height": "shape_bounding_width",
        "shape_bounding_width": "shape_bounding_height",
    }
    for name, value in before.items():
        assert turned[swapped.get(name, name)] == pytest.approx(value, abs=1e-7), name
        if name != "shape_area_share":
            assert moved[name] == pytest.approx(value, abs=1e-7), name


def test_holes_and_components():
    mask = np.zeros((20, 20), dtype=bool)
    mask[2:9, 2:9] = True
    mask[4:6, 4:6] = False
    mask[12:14, 12:14] = True
    mask[14, 14] = True  # touches at a corner: the same component
    found = measure_shape(mask)
    assert found["shape_components"] == 2
    assert found["shape_euler_number"] == 1
    assert found["shape_largest_share"] == pytest.approx(45 / 50)


@pytest.mark.parametrize("shape", [(1, 1), (1, 8), (8, 1), (2, 2)])
def test_smallest_regions_are_defined(shape):
    found = measure_shape(np.ones(shape, dtype=bool))
    assert np.isfinite(list(found.values())).all()
    assert found["shape_solidity"] == pytest.approx(1)
    assert found["shape_area"] == np.prod(shape)


def test_otsu_against_skimage():
    from skimage.filters import threshold_otsu

    image = np.concatenate([RNG.normal(20, 5, 4000), RNG.normal(80, 9, 2000)])
    image = image.reshape(60, 100)
    expected = image > threshold_otsu(image, nbins=256)
    assert (find_foreground(image) == expected).mean() > 0.995


def test_foreground_of_a_constant_image_is_all_of_it():
    assert find_foreground(np.full((4, 5), 3.0)).all()


def test_foreground_looks_only_inside_the_mask():
    image = np.zeros((10, 10))
    image[:5] = 1
    image[9] = 100
    mask = np.ones((10, 10), dtype=bool)
    mask[9] = False
    np.testing.assert_array_equal(find_foreground(image, mask), image == 1)
