"""How fine evidence is kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlens.core import Geometry, Image
from medlens.predict.coarse import LARGEST_SIDE, coarsened, plane_for
from tests.predict.volume_kit import volume_image

SIDES = st.integers(1, 5000)


@pytest.mark.parametrize(
    ("planes", "rows", "columns", "most", "plane"),
    [
        (1, 10, 20, 800, (10, 20)),  # 4 bytes each
        (1, 10, 20, 799, (5, 10)),
        (2, 512, 512, 2_000_000, (256, 256)),
        (2, 512, 512, 500_000, (128, 128)),
        (3, 4000, 1000, 1_000_000, (256, 64)),
        (3, 4000, 1000, 11, None),
    ],
)
def test_by_hand(
    planes: int, rows: int, columns: int, most: int, plane: tuple[int, int] | None
) -> None:
    assert plane_for(planes, rows, columns, most=most) == plane


@given(st.integers(1, 100), SIDES, SIDES, st.integers(1, 10**8))
def test_what_is_chosen_fits(planes: int, rows: int, columns: int, most: int) -> None:
    plane = plane_for(planes, rows, columns, most=most)
    if plane is None:
        assert 4 * planes > most  # one cell each is too much
        return
    assert 4 * planes * plane[0] * plane[1] <= most
    if plane != (rows, columns):
        assert max(plane) <= min(LARGEST_SIDE, max(rows, columns))
        assert 4 * planes * rows * columns > most


def test_cells_tile_the_source_from_edge_to_edge() -> None:
    source: Image = volume_image(np.zeros((3, 40, 30), np.uint8))
    grid = coarsened(source, (4, 5))
    assert grid.array.shape == (1, 3, 4, 5)
    into: Geometry = source.geometry
    cells = np.linalg.inv(into.affine) @ grid.geometry.affine
    corners = np.array([[0, -0.5, -0.5, 1], [2, 3.5, 4.5, 1]])
    found = (cells @ corners.T).T[:, :3]
    np.testing.assert_allclose(found, [[0, -0.5, -0.5], [2, 39.5, 29.5]], atol=1e-9)
