"""Answers laid back on the source's grid, by geometry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from medlens.core import Array, Geometry, PrepError
from medlens.predict import Sliding, SourceGrid, build_source_grid, predict_volume
from medlens.predict.on_source import lay_on_source
from medlens.predict.tiles import FloatArray


def planes_of(volume: Array) -> Iterator[tuple[int, FloatArray]]:
    for d in range(volume.shape[1]):
        yield d, volume[:, d].astype(np.float32)


def laid(volume: Array, grid: SourceGrid) -> Array:
    """All slices (K, D, H, W); each must come once."""
    found = dict(lay_on_source(planes_of(volume), grid))
    assert sorted(found) == list(range(grid.shape[0]))
    return np.stack([found[d] for d in range(grid.shape[0])], axis=1)


def ramps(shape: tuple[int, int, int]) -> Array:
    """Two layers that sum to 1, linear in the index."""
    d, h, w = np.indices(shape)
    value = (d + 2 * h + 3 * w) / 100
    return np.stack([value, 1 - value])


def test_a_ramp_is_taken_at_the_source_voxels_places() -> None:
    """Linear interpolation of something linear is exact: worked out by hand."""
    spacing, origin = (2.0, 1.5, 1.0), (4.0, -3.0, 7.0)
    prepared = Geometry.from_parts(spacing=spacing, origin=origin)
    # The source is finer along D and coarser along W, and starts one mm inside.
    source = Geometry.from_parts(spacing=(0.5, 1.5, 2.0), origin=(6.0, -1.5, 8.0))
    grid = build_source_grid(
        source, (12, 6, 4), prepared=prepared, prepared_shape=(6, 8, 12)
    )
    found = laid(ramps((6, 8, 12)), grid)
    d, h, w = np.indices((12, 6, 4))
    position = (d * 0.5 + 1) / 2 + 2 * (h + 1) + 3 * (w * 2 + 2)
    np.testing.assert_allclose(found[0], position / 100, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flipped_source(axis: int) -> None:
    shape = (5, 6, 7)
    prepared = Geometry.from_parts(spacing=(1.0, 1.0, 1.0))
    flip = np.eye(4)
    flip[axis, axis], flip[axis, 3] = -1, shape[axis] - 1
    grid = build_source_grid(
        prepared.then(flip), shape, prepared=prepared, prepared_shape=shape
    )
    wanted = np.flip(ramps(shape), axis + 1)
    np.testing.assert_allclose(laid(ramps(shape), grid), wanted, atol=1e-6)


def test_what_was_cropped_away_is_background() -> None:
    prepared = Geometry.from_parts(spacing=(1.0, 1.0, 1.0), origin=(3.0, 2.0, 1.0))
    source = Geometry.from_parts(spacing=(1.0, 1.0, 1.0))
    grid = build_source_grid(
        source, (6, 7, 8), prepared=prepared, prepared_shape=(3, 3, 3)
    )
    volume = np.zeros((2, 3, 3, 3))
    volume[1] = 1
    found = laid(volume, grid)
    wanted = np.zeros((6, 7, 8))
    wanted[1:4, 2:5, 3:6] = 1
    np.testing.assert_array_equal(found[1], wanted)
    np.testing.assert_array_equal(found[0], 1 - wanted)


def test_a_turned_volume_is_refused() -> None:
    turn: Any = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], dtype=float)
    with pytest.raises(PrepError, match="scan 2: the prepared volume's axes are turn"):
        build_source_grid(
            Geometry.from_parts(spacing=(1, 1, 1), direction=turn),
            (9, 9, 9),
            prepared=Geometry.from_parts(spacing=(1, 1, 1)),
            prepared_shape=(9, 9, 9),
            case="scan 2",
        )


def test_a_ball_predicted_at_half_resolution_is_round_again() -> None:
    d, h, w = np.indices((20, 20, 20)) * 2 + 0.5  # centres on the source's grid
    inside = 12 - np.sqrt((d - 19.5) ** 2 + (h - 19.5) ** 2 + (w - 19.5) ** 2)
    fine = Geometry.from_parts(spacing=(1, 1, 1))
    to_fine = np.diag([2.0, 2.0, 2.0, 1.0])
    to_fine[:3, 3] = 0.5
    grid = build_source_grid(
        fine, (40, 40, 40), prepared=fine.then(to_fine), prepared_shape=(20, 20, 20)
    )
    found = predict_volume(
        inside[None].astype(np.float32),
        lambda x: np.concatenate([-x, x], axis=1) / 4,
        labels=2,
        settings=Sliding(patch=(8, 16, 16)),
        grid=grid,
    )
    assert found.shape == (40, 40, 40)
    d, h, w = np.indices((40, 40, 40))
    wanted = (d - 19.5) ** 2 + (h - 19.5) ** 2 + (w - 19.5) ** 2 < 12**2
    dice = 2 * (found & wanted).sum() / (found.sum() + wanted.sum())
    assert dice > 0.98
    stairs = wanted[::2, ::2, ::2].repeat(2, 0).repeat(2, 1).repeat(2, 2)
    assert dice > 2 * (stairs & wanted).sum() / (stairs.sum() + wanted.sum()) + 0.02
