"""Autocorrelation and peaks against sums written out."""

from __future__ import annotations

import numpy as np
import pytest

from medlens.features.spatial import (
    PEAK_RADIUS_MM,
    measure_autocorrelation,
    measure_peaks,
)


@pytest.mark.parametrize("seed", range(4))
def test_autocorrelation_against_the_double_sum(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(4, 5, 6)) * 100 + 1000
    mask = rng.random((4, 5, 6)) > 0.4
    spacing = (3.0, 0.7, 1.1)
    places = np.argwhere(mask) * spacing
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    weight, x = 1 / distance, values[mask]
    centred = x - x.mean()
    n, total, squares = len(x), weight.sum(), (centred**2).sum()
    moran = n / total * (weight * np.outer(centred, centred)).sum() / squares
    geary = (n - 1) / (2 * total) * (weight * np.subtract.outer(x, x) ** 2).sum()
    found = measure_autocorrelation(values, mask, spacing=spacing)
    assert found["morph_moran"] == pytest.approx(moran)
    assert found["morph_geary"] == pytest.approx(geary / squares)


def test_constant_region_has_none():
    found = measure_autocorrelation(
        np.full((3, 3, 3), 0.1), np.ones((3, 3, 3), bool), spacing=(1.0, 1.0, 1.0)
    )
    assert found == {"morph_moran": 0.0, "morph_geary": 0.0}


def test_peaks_against_plain_means():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(7, 8, 9))
    mask = rng.random(values.shape) > 0.5
    spacing = (3.0, 2.5, 2.0)
    everywhere = np.argwhere(np.ones(values.shape)) * spacing
    means = [
        values.ravel()[
            np.linalg.norm(everywhere - place, axis=1) <= PEAK_RADIUS_MM
        ].mean()
        for place in np.argwhere(mask) * spacing
    ]
    found = measure_peaks(values, mask, spacing=spacing)
    assert found["peak_global"] == pytest.approx(max(means))
    assert found["peak_local"] == pytest.approx(means[values[mask].argmax()])


def test_unknown_voxels_are_left_out():
    values = np.full((3, 3, 3), 5.0)
    values[0] = np.nan
    mask = np.isfinite(values)
    values[2, 2, 2] = 6.0
    found = measure_peaks(values, mask, spacing=(1.0, 1.0, 1.0))
    assert found["peak_local"] == pytest.approx((17 * 5 + 6) / 18)


def test_coarse_grid_keeps_the_voxel_itself():
    values = np.arange(27.0).reshape(3, 3, 3)
    found = measure_peaks(values, values > 3, spacing=(50.0, 50.0, 50.0))
    assert found["peak_local"] == found["peak_global"] == pytest.approx(26)
