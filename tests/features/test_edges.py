"""Gradients, Canny, orientations, HOG."""

from __future__ import annotations

import numpy as np
import pytest

from medlens.features.edges import (
    find_canny,
    gradient,
    hog,
    measure_edges,
    measure_hog,
)
from medlens.features.region import read_region

RNG = np.random.default_rng(5)


def region_of(array, mask=None):
    return read_region(array, mask, case="case 1")


@pytest.mark.parametrize("kernel", ["sobel", "scharr"])
def test_gradient_of_a_ramp_is_its_slope(kernel):
    rows, columns = np.mgrid[0:12, 0:15]
    along_w, along_h = gradient(3.0 * columns - 2.0 * rows, kernel)
    np.testing.assert_allclose(along_w[1:-1, 1:-1], 3)
    np.testing.assert_allclose(along_h[1:-1, 1:-1], -2)


@pytest.mark.parametrize("kernel", ["sobel", "scharr"])
def test_gradient_against_skimage(kernel):
    from skimage import filters

    image = RNG.normal(size=(20, 17))
    along_w, along_h = gradient(image, kernel)
    inner = (slice(1, -1), slice(1, -1))
    theirs = getattr(filters, kernel)
    # Theirs is half the slope per pixel.
    np.testing.assert_allclose(along_h[inner], theirs(image, axis=0)[inner] / 2)
    np.testing.assert_allclose(along_w[inner], theirs(image, axis=1)[inner] / 2)


def test_a_constant_added_changes_no_gradient():
    image = RNG.integers(0, 4096, size=(33, 21)).astype(float)
    before = measure_edges(region_of(image))
    after = measure_edges(region_of(image + 1024))
    for name, value in before.items():
        assert after[name] == pytest.approx(value, rel=1e-9, abs=1e-12), name


def test_scale_scales_the_gradient_and_leaves_the_shares():
    image = RNG.normal(size=(33, 21))
    before = measure_edges(region_of(image))
    after = measure_edges(region_of(image * 8))
    for name, value in before.items():
        shares = name.startswith(("edge_orientation", "edge_coh", "edge_canny"))
        factor = 1 if shares else 8
        assert after[name] == pytest.approx(value * factor, abs=1e-12), name


def test_turning_by_a_right_angle():
    image = RNG.normal(size=(32, 24))
    before = measure_edges(region_of(image))
    after = measure_edges(region_of(np.rot90(image).copy()))
    for name, value in before.items():
        if name.startswith("edge_orientation_") and name[-1].isdigit():
            continue
        tolerance = 0.02 if "canny" in name else 1e-9
        assert after[name] == pytest.approx(value, rel=1e-9, abs=tolerance), name
    for step in range(8):
        turned = after[f"edge_orientation_{(step + 4) % 8}"]
        assert turned == pytest.approx(before[f"edge_orientation_{step}"])


def test_one_straight_edge():
    image = np.zeros((40, 60))
    image[:, 30:] = 100
    found = measure_edges(region_of(image))
    assert found["edge_canny_density"] == pytest.approx(1 / 60)
    assert found["edge_orientation_0"] == pytest.approx(1)
    assert found["edge_orientation_entropy"] == 0
    assert found["edge_coherence"] == pytest.approx(1)
    assert found["edge_sobel_maximum"] == pytest.approx(50)


def test_canny_of_a_square_is_its_outline():
    image = np.zeros((64, 64))
    image[16:48, 16:48] = 1
    edges = find_canny(region_of(image))
    rows, columns = np.nonzero(edges)
    assert 4 * 28 <= edges.sum() <= 4 * 36
    reach = np.maximum(np.abs(rows - 31.5), np.abs(columns - 31.5))
    assert ((reach > 13) & (reach < 18)).all()


def test_random_directions_have_no_coherence():
    found = measure_edges(region_of(RNG.normal(size=(200, 200))))
    assert found["edge_coherence"] < 0.05
    assert found["edge_orientation_entropy"] > 2.9


@pytest.mark.parametrize(("cells", "bins"), [(3, 8), (4, 9), (1, 6)])
def test_hog_against_skimage(cells, bins):
    from skimage.feature import hog as theirs

    image = RNG.normal(size=(cells * 9, cells * 7))
    expected = theirs(
        image,
        orientations=bins,
        pixels_per_cell=(9, 7),
        cells_per_block=(cells, cells),
        block_norm="L2-Hys",
        feature_vector=False,
    )
    found = hog(image, cells=cells, bins=bins)
    np.testing.assert_allclose(found, expected[0, 0], atol=2e-5)


def test_hog_of_the_mask_is_that_of_its_box():
    image = RNG.normal(size=(50, 40))
    mask = np.zeros((50, 40), dtype=bool)
    mask[10:34, 5:29] = True
    here = measure_hog(region_of(image, mask))
    alone = measure_hog(region_of(image[10:34, 5:29]))
    for name, value in alone.items():
        assert here[name] == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 2), (5, 4), (3, 64)])
@pytest.mark.parametrize("fill", ["constant", "noise"])
def test_small_images_are_defined(shape, fill):
    image = np.full(shape, 7.0) if fill == "constant" else RNG.normal(size=shape)
    region = region_of(image)
    found = measure_edges(region) | measure_hog(region)
    assert np.isfinite(list(found.values())).all()
    if fill == "constant":
        assert not any(found.values())
