"""Texture features: hand-worked, against scikit-image, and limits."""

from __future__ import annotations

import numpy as np
import pytest

from medlens.features import measure_texture
from medlens.features.matrices import SizeMatrix, count_pairs
from medlens.features.names_ibsi import TEXTURE
from medlens.features.texture import (
    measure_cooccurrence,
    measure_sizes,
    measure_tone_differences,
)

RNG = np.random.default_rng(11)


def test_cooccurrence_by_hand():
    # p = [[1/2, 1/8], [1/8, 1/4]]
    found = measure_cooccurrence(np.array([[4.0, 1.0], [1.0, 2.0]]))
    mean = 1 * 5 / 8 + 2 * 3 / 8
    variance = 5 / 8 * (1 - mean) ** 2 + 3 / 8 * (2 - mean) ** 2
    assert found["glcm_joint_maximum"] == 0.5
    assert found["glcm_joint_average"] == pytest.approx(mean)
    assert found["glcm_joint_variance"] == pytest.approx(variance)
    assert found["glcm_joint_entropy"] == pytest.approx(1 / 2 + 2 * 3 / 8 + 2 / 4)
    assert found["glcm_contrast"] == pytest.approx(1 / 4)
    assert found["glcm_inverse_difference"] == pytest.approx(3 / 4 + 1 / 8)
    assert found["glcm_inverse_difference_normalised"] == pytest.approx(3 / 4 + 1 / 6)
    assert found["glcm_inverse_variance"] == pytest.approx(1 / 4)
    assert found["glcm_autocorrelation"] == pytest.approx(1 / 2 + 2 / 4 + 4 / 4)
    assert found["glcm_correlation"] == pytest.approx((2 - mean**2) / variance)
    assert found["glcm_sum_average"] == pytest.approx(2 * mean)


def test_independent_levels_have_no_mutual_information():
    marginal = np.array([0.2, 0.3, 0.5])
    found = measure_cooccurrence(np.outer(marginal, marginal))
    assert found["glcm_information_correlation_1"] == pytest.approx(0, abs=1e-12)
    assert found["glcm_information_correlation_2"] == pytest.approx(0, abs=1e-6)
    assert found["glcm_correlation"] == pytest.approx(0, abs=1e-12)


def test_against_skimage():
    from skimage.feature import graycomatrix, graycoprops

    image = RNG.integers(1, 9, size=(23, 31))
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    theirs = graycomatrix(
        (image - 1).astype(np.uint8), [1], angles, levels=8, symmetric=True
    )
    merged = theirs.sum(axis=(2, 3))
    # Their diagonal offset rounds to the neighbouring pixel, as ours is.
    np.testing.assert_array_equal(count_pairs(image), merged)
    shares = (merged / merged.sum())[:, :, None, None]
    found = measure_texture(image)
    for ours, name in [
        ("contrast", "contrast"),
        ("dissimilarity", "dissimilarity"),
        ("inverse_difference_moment", "homogeneity"),
        ("angular_second_moment", "ASM"),
        ("correlation", "correlation"),
        ("joint_entropy", "entropy"),
    ]:
        expected = graycoprops(shares, name)[0, 0]
        expected /= np.log(2) if name == "entropy" else 1
        assert found[f"glcm_{ours}"] == pytest.approx(expected), ours


def test_sizes_by_hand():
    # Two runs of level 1 (lengths 1 and 2), one of level 3 (length 2).
    matrix = SizeMatrix(
        np.array([1, 1, 3]), np.array([1, 2, 2]), np.array([1.0, 1.0, 1.0]), 5
    )
    found = measure_sizes(matrix, "glrlm")
    assert found["glrlm_short_runs_emphasis"] == pytest.approx((1 + 1 / 4 + 1 / 4) / 3)
    assert found["glrlm_long_runs_emphasis"] == pytest.approx((1 + 4 + 4) / 3)
    assert found["glrlm_low_grey_level_run_emphasis"] == pytest.approx((2 + 1 / 9) / 3)
    assert found["glrlm_long_run_high_grey_level_emphasis"] == pytest.approx(
        (1 + 4 + 36) / 3
    )
    assert found["glrlm_grey_level_nonuniformity"] == pytest.approx((4 + 1) / 3)
    assert found["glrlm_run_length_nonuniformity"] == pytest.approx((1 + 4) / 3)
    assert found["glrlm_run_percentage"] == pytest.approx(3 / 5)
    assert found["glrlm_run_entropy"] == pytest.approx(np.log2(3))
    assert len(found) == 16


def test_tone_differences_by_hand():
    # Levels 1 and 3, two voxels each, every voxel 1 away from its neighbours.
    found = measure_tone_differences(
        np.array([2.0, 0.0, 2.0]), np.array([2.0, 0.0, 2.0])
    )
    assert found["ngtdm_coarseness"] == pytest.approx(1 / 2)
    assert found["ngtdm_contrast"] == pytest.approx((2 * 0.25 * 4) / 2 * (4 / 4))
    assert found["ngtdm_busyness"] == pytest.approx(2 / (2 * abs(0.5 - 1.5)))
    assert found["ngtdm_complexity"] == pytest.approx(2 * 2 * (1 + 1) / 1 / 4)
    assert found["ngtdm_strength"] == pytest.approx(2 * 1 * 4 / 4)


@pytest.mark.parametrize("shape", [(1, 1), (4, 5), (3, 3, 3), (1, 7)])
def test_uniform_region(shape):
    found = measure_texture(np.full(shape, 1))
    assert list(found) == list(dict.fromkeys(found))
    assert set(found) == set(TEXTURE)
    assert np.isfinite(list(found.values())).all()
    assert found["glcm_joint_entropy"] == 0
    assert found["glcm_correlation"] == 1
    assert found["glcm_angular_second_moment"] == 1
    assert found["ngtdm_coarseness"] == 1e6
    assert found["glszm_large_zone_emphasis"] == np.prod(shape) ** 2


def test_turning_changes_nothing():
    levels = RNG.integers(0, 7, size=(17, 12))
    here, turned = measure_texture(levels), measure_texture(np.rot90(levels).copy())
    for name, value in here.items():
        assert turned[name] == pytest.approx(value, rel=1e-10, abs=1e-12), name


def test_a_flat_volume_has_the_features_of_its_slice():
    levels = RNG.integers(1, 5, size=(9, 8))
    plane, volume = measure_texture(levels), measure_texture(levels[None])
    unchanged = [name for name in plane if name.startswith(("glcm", "ngtdm", "ngldm"))]
    unchanged += [name for name in plane if name.startswith("glszm")]
    for name in unchanged:
        assert volume[name] == pytest.approx(plane[name]), name
