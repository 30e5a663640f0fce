"""Tiles cover everything, and their weights sum to one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlens.core import UsageError
from medlens.predict.tiles import build_tiling, cut_tile, gaussian, tile_starts

SIDES = st.integers(1, 24)


@given(SIDES, SIDES, st.floats(0, 0.95))
def test_weights_of_every_voxel_sum_to_one(
    length: int, patch: int, overlap: float
) -> None:
    axis = build_tiling((length, 1, 1), (patch, 1, 1), overlap=overlap).d
    total = np.zeros(axis.padded)
    for start, weights in zip(axis.starts, axis.weights, strict=True):
        assert weights.min() > 0
        total[start : start + patch] += weights
    np.testing.assert_allclose(total, 1, atol=1e-6)
    assert list(axis.starts) == sorted(set(axis.starts))
    assert axis.starts[-1] + patch == axis.padded


def test_starts_worked_out_by_hand() -> None:
    assert tile_starts(4, 4, overlap=0.5) == (0,)
    assert tile_starts(5, 4, overlap=0.5) == (0, 1)
    assert tile_starts(11, 4, overlap=0.0) == (0, 4, 7)
    assert tile_starts(3, 4, overlap=0.5) == (0,)
    assert tile_starts(6, 2, overlap=0.9) == (0, 1, 2, 3, 4)


def test_the_gaussian_is_an_eighth_of_the_patch_wide() -> None:
    weights = gaussian(17)
    assert weights[8] == 1
    np.testing.assert_array_equal(weights, weights[::-1])
    # Two voxels off are 2 / (17 / 8) standard deviations.
    assert weights[10] == pytest.approx(np.exp(-0.5 * (2 * 8 / 17) ** 2))
    assert gaussian(16384).min() >= np.exp(-8)
    assert gaussian(1).tolist() == [1]


def test_what_lies_outside_a_small_volume_is_filled_on_both_sides() -> None:
    volume = np.arange(1, 4, dtype=np.int16).reshape(1, 1, 1, 3)
    tiling = build_tiling((1, 1, 3), (1, 2, 6))
    tile = cut_tile(volume, tiling, (0, 0, 0), fill=-1)
    assert tile.dtype == np.float32
    assert tile[0, 0].tolist() == [[-1, 1, 2, 3, -1, -1], [-1] * 6]


@pytest.mark.parametrize(
    ("shape", "patch", "overlap", "message"),
    [
        ((4, 4), (2, 2, 2), 0.5, r"sliding\.shape is \(4, 4\); wanted three sides"),
        ((4, 4, 4), (2, 0, 2), 0.5, r"sliding\.patch is \(2, 0, 2\); wanted three"),
        ((4, 4, 20000), (2, 2, 2), 0.5, "1 to 16384 voxels"),
        ((4, 4, 4), (2, 2, 2), 1.0, r"sliding\.overlap is 1; wanted 0 or more and"),
        ((4, 4, 4), (2, 2, 2), float("nan"), r"sliding\.overlap is nan; wanted"),
    ],
)
def test_values_out_of_range(
    shape: tuple[int, ...], patch: tuple[int, ...], overlap: float, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        build_tiling(shape, patch, overlap=overlap)
