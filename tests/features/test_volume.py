"""A whole row of features of a volume."""

from __future__ import annotations

import numpy as np
import pytest

from medlens.core import PrepError, ResourceError, UsageError
from medlens.features import VOLUME_FEATURES, measure_volume

RNG = np.random.default_rng(8)


def ball(radius: float, side: int = 48) -> np.ndarray:
    grid = np.mgrid[0:side, 0:side, 0:side] - (side - 1) / 2
    return np.sqrt((grid**2).sum(axis=0)) <= radius


def test_ball_by_geometry():
    mask = ball(20)
    row = measure_volume(mask * 7.0, mask=mask, spacing=(1.0, 1.0, 1.0))
    assert list(row) == list(VOLUME_FEATURES)
    assert row["morph_volume"] == pytest.approx(4 / 3 * np.pi * 8000, rel=0.01)
    # A surface of triangles at 0.5 between voxels is rougher than the ball's.
    assert row["morph_surface_area"] == pytest.approx(4 * np.pi * 400, rel=0.1)
    assert row["morph_maximum_diameter"] == pytest.approx(41, abs=1)
    assert row["morph_centre_shift"] == pytest.approx(0, abs=1e-9)
    assert row["morph_elongation"] == pytest.approx(1, abs=1e-6)
    # A solid ball of radius r has axes of 4 r / √5.
    assert row["morph_major_axis"] == pytest.approx(4 * 20 / 5**0.5, rel=0.01)
    assert row["morph_integrated_intensity"] == pytest.approx(7 * row["morph_volume"])


def test_box_by_hand():
    mask = np.zeros((8, 9, 14), dtype=bool)
    mask[2:6, 1:7, 2:12] = True
    values = np.broadcast_to(np.arange(14.0), mask.shape)
    row = measure_volume(values, mask=mask, spacing=(2.0, 1.0, 0.5))
    assert row["morph_volume_counted"] == 4 * 6 * 10
    assert row["stat_mean"] == pytest.approx(6.5)
    # Intensities 2 … 11 pull the centre by variance / mean along W.
    assert row["morph_centre_shift"] == pytest.approx(0.5 * (99 / 12) / 6.5)
    assert row["morph_volume_density_hull"] == pytest.approx(1, abs=1e-6)
    assert row["morph_volume_density_box"] == pytest.approx(1, abs=0.05)


def test_axes_may_be_swapped():
    values, mask = RNG.normal(size=(9, 11, 7)), ball(5, 11)[1:10, :, 2:9]
    here = measure_volume(values, mask=mask, spacing=(3.0, 1.0, 2.0))
    there = measure_volume(values.T, mask=mask.T, spacing=(2.0, 1.0, 3.0))
    for name in VOLUME_FEATURES:
        assert there[name] == pytest.approx(here[name], rel=0.02, abs=1e-6), name


def test_surroundings_do_not_matter():
    values, mask = RNG.normal(size=(8, 8, 8)), ball(3, 8)
    here = measure_volume(values, mask=mask, spacing=(9.0, 9.0, 9.0))
    wide = np.pad(values, 4, constant_values=np.nan)
    there = measure_volume(wide, mask=np.pad(mask, 4), spacing=(9.0, 9.0, 9.0))
    for name in VOLUME_FEATURES:
        assert there[name] == pytest.approx(here[name], rel=1e-6, abs=1e-9), name


def test_intensity_mask_leaves_the_shape_alone():
    values, mask = RNG.normal(size=(8, 8, 8)), ball(3, 8)
    whole = measure_volume(values, mask=mask, spacing=(1.0, 1.0, 1.0))
    part = measure_volume(
        values, mask=mask, spacing=(1.0, 1.0, 1.0), intensity_mask=mask & (values > 0)
    )
    assert part["morph_volume"] == whole["morph_volume"]
    assert part["stat_minimum"] > 0 > whole["stat_minimum"]


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 5), (1, 1, 6)])
def test_smallest_regions_are_defined(shape):
    row = measure_volume(np.ones(shape), mask=np.ones(shape), spacing=(1.0, 1.0, 1.0))
    assert np.isfinite(list(row.values())).all()


@pytest.mark.parametrize(
    ("array", "mask", "message"),
    [
        (np.zeros((4, 4)), np.ones((4, 4)), r"lung: array has shape \(4, 4\)"),
        (np.zeros((2, 2, 2)), np.ones((2, 2, 3)), r"lung: mask has shape \(2, 2, 3\)"),
        (np.zeros((2, 2, 2)), np.zeros((2, 2, 2)), "lung: mask is empty"),
        (np.full((2, 2, 2), np.nan), np.ones((2, 2, 2)), "lung: 8 of 8 voxels are NaN"),
    ],
)
def test_what_cannot_be_measured(array, mask, message):
    with pytest.raises(PrepError, match=message):
        measure_volume(array, mask=mask, spacing=(1.0, 1.0, 1.0), case="lung")


def test_too_large():
    huge = np.broadcast_to(np.uint8(1), (210, 210, 210))
    with pytest.raises(ResourceError, match=r"box has 210 × 210 × 210 voxels"):
        measure_volume(huge, mask=huge, spacing=(1.0, 1.0, 1.0))


def test_spacing_needs_three_numbers():
    with pytest.raises(UsageError, match="wanted 3 numbers above 0"):
        measure_volume(np.ones((2, 2, 2)), mask=np.ones((2, 2, 2)), spacing=(1.0, 1.0))
