"""A map on the prepared image lands where it belongs on the source."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import Geometry, PrepError
from medlens.prep import geometry as g
from medlens.prep.place import place_on_source

from .phantoms import disc, windowed


def smooth(height: int, width: int) -> np.ndarray:
    """Slow waves in 0..1 that survive a moderate change of grid."""
    y, x = np.mgrid[:height, :width]
    return 0.5 + 0.25 * (np.sin(6 * y / height) + np.cos(5 * x / width))


@given(
    h=st.integers(48, 140),
    w=st.integers(48, 140),
    size=st.integers(40, 160),
    mode=st.sampled_from(["stretch", "fit"]),
    flipped=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_there_and_back_is_the_same(
    h: int, w: int, size: int, mode: str, flipped: bool
) -> None:
    source = windowed(smooth(h, w))
    prepared = g.flip(source) if flipped else source
    prepared = g.resize(prepared, height=size, width=size, mode=mode)
    back = place_on_source(prepared.array[:, 0], prepared, source)
    assert back.shape == (1, h, w)
    inside = np.s_[0, 4:-4, 4:-4]
    # with padding the outermost cells mix with black, so the edge is left out
    np.testing.assert_allclose(back[inside], source.array[:, 0][inside], atol=0.04)


def test_outside_the_crop_is_the_fill_value() -> None:
    source = windowed(smooth(60, 80))
    prepared = g.crop(source, top=10, left=20, bottom=5)
    back = place_on_source(prepared.array[:, 0], prepared, source, fill=-1.0)
    np.testing.assert_allclose(back[0, 10:55, 20:], prepared.array[0, 0], atol=1e-6)
    back[0, 10:55, 20:] = -1
    assert (back == -1).all()


def test_cells_of_a_coarse_map_cover_their_own_field() -> None:
    # 2×2 cells over 8×8 pixels: cell centres lie at 1.5 and 5.5
    source = windowed(smooth(8, 8))
    cells = np.array([[[0.0, 1.0], [2.0, 3.0]]], np.float32)
    found = place_on_source(cells, source, source)[0]
    at = np.clip((np.arange(8) - 1.5) / 4, 0, 1)
    np.testing.assert_allclose(found, 2 * at[:, None] + at[None], atol=1e-6)


def test_a_fine_map_is_antialiased_on_a_coarse_source() -> None:
    source = windowed(smooth(28, 28))
    prepared = g.resize(source, height=224, width=224)
    checks = (np.indices((224, 224)).sum(axis=0) % 2).astype(np.float32)[None]
    found = place_on_source(checks, prepared, source)
    np.testing.assert_allclose(found, 0.5, atol=0.02)


def test_layers_do_not_mix() -> None:
    source = windowed(disc(50))
    prepared = g.resize(source, height=30, width=30)
    maps = np.random.default_rng(0).random((5, 7, 7)).astype(np.float32)
    together = place_on_source(maps, prepared, source)
    assert together.shape == (5, 50, 50)
    for k in range(5):
        alone = place_on_source(maps[k : k + 1], prepared, source)
        np.testing.assert_array_equal(together[k], alone[0])


def test_another_plane_is_refused() -> None:
    source = windowed(disc(20))
    elsewhere = windowed(
        disc(20), geometry=Geometry.from_parts(spacing=(1, 1, 1), origin=(0, 0, 40))
    )
    with pytest.raises(PrepError, match="does not lie in the plane of the source"):
        place_on_source(disc(20)[None], elsewhere, source)
