"""Volume, centre and diameters of shapes that geometry knows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import Geometry, PrepError
from medlens.metrics.masks import Extent, measure_extent
from tests.metrics.masks.phantoms import blobs, ellipsoid


def turned(angle: float, spacing=(3.0, 0.8, 0.8), origin=(10.0, -20.0, 30.0)):
    """An oblique geometry."""
    c, s = np.cos(angle), np.sin(angle)
    about_x = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    about_z = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    axes = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    return Geometry.from_parts(
        spacing=spacing, origin=origin, direction=about_x @ about_z @ axes
    )


def slow_longest(mask: np.ndarray, geometry: Geometry, axes=(0, 1, 2)) -> float:
    """Largest distance between all outer faces, pair by pair."""
    padded = np.pad(mask, 1)
    ends = []
    for place in np.argwhere(padded):
        for step in [sign * np.eye(3)[axis] for axis in axes for sign in (1, -1)]:
            if not padded[tuple((place + step).astype(int))]:
                ends.append(place + step / 2 - 1)
    points = geometry.to_patient(np.array(ends))
    return float(np.linalg.norm(points[:, None] - points[None], axis=2).max())


def test_row_of_voxels():
    mask = np.zeros((3, 4, 14), dtype=bool)
    mask[1, 2, 2:12] = True
    geometry = Geometry.from_parts(spacing=(5.0, 1.0, 0.5), origin=(100.0, 0.0, -7.0))
    found = measure_extent(mask, geometry)
    assert found.volume_ml == pytest.approx(10 * 2.5 / 1000)
    assert found.centre == pytest.approx((100 + 6.5 * 0.5, 2.0, -2.0))
    assert found.in_plane_slice == 1
    assert found.in_plane.mm == pytest.approx(5.0)
    x = sorted(end[0] for end in found.in_plane.ends)
    assert x == pytest.approx([100.75, 105.75])


def test_one_voxel():
    mask = np.zeros((5, 5, 5), dtype=bool)
    mask[2, 3, 4] = True
    found = measure_extent(mask, Geometry.from_parts(spacing=(4.0, 2.0, 1.0)))
    assert found.longest.mm == pytest.approx(4.0)
    assert found.in_plane.mm == pytest.approx(2.0)
    assert found.centre == pytest.approx((4.0, 6.0, 8.0))


def test_ellipsoid_in_an_oblique_volume():
    geometry = turned(0.4)
    middle, radii = (12.0, 40.0, 38.0), (30.0, 18.0, 24.0)
    mask = ellipsoid((26, 80, 80), middle, radii, geometry.spacing)
    found = measure_extent(mask, geometry)
    assert found.volume_ml == pytest.approx(
        4 / 3 * np.pi * 30 * 18 * 24 / 1000, rel=0.01
    )
    assert found.centre == pytest.approx(
        geometry.to_patient(np.array(middle)), abs=0.05
    )
    assert found.longest.mm == pytest.approx(60, abs=3)
    assert found.in_plane.mm == pytest.approx(48, abs=0.9)
    assert found.in_plane_slice in (11, 12, 13)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), angle=st.floats(0, 3), shear=st.floats(-0.4, 0.4))
def test_longest_by_brute_force(seed, angle, shear):
    mask = blobs((4, 7, 6), seed=seed, share=0.2)
    affine = turned(angle).affine.copy()
    affine[:3, 0] += shear * affine[:3, 1]  # gantry tilt
    geometry = Geometry(affine)
    found = measure_extent(mask, geometry)
    assert found.longest.mm == pytest.approx(slow_longest(mask, geometry))
    planes = [
        slow_longest(mask[d : d + 1], geometry, axes=(1, 2))
        for d in range(4)
        if mask[d].any()
    ]
    assert found.in_plane.mm == pytest.approx(max(planes))
    for diameter in (found.longest, found.in_plane):
        assert np.linalg.norm(np.subtract(*diameter.ends)) == pytest.approx(diameter.mm)
    indices = np.argwhere(mask).mean(axis=0)
    assert found.centre == pytest.approx(geometry.to_patient(indices))


def test_same_as_the_ibsi_diameter():
    from medlens.features import measure_volume

    mask = blobs((9, 10, 11), seed=4)
    spacing = (2.0, 1.0, 1.5)
    row = measure_volume(mask * 1.0, mask=mask, spacing=spacing)
    found = measure_extent(mask, Geometry.from_parts(spacing=spacing))
    assert found.longest.mm == pytest.approx(row["morph_maximum_diameter"], rel=1e-5)
    assert found.volume_ml * 1000 == pytest.approx(row["morph_volume_counted"])


def test_radiograph_is_measured_in_its_plane():
    mask = np.zeros((6, 7), dtype=bool)
    mask[1:4, 2:6] = True
    found = measure_extent(mask, Geometry.from_parts(spacing=(50.0, 1.0, 1.0)))
    assert found.longest == found.in_plane
    assert found.longest.mm == pytest.approx(np.hypot(2, 4))


def test_nothing_there():
    mask = np.zeros((3, 3, 3), dtype=bool)
    assert measure_extent(mask, turned(0.1)) == Extent(0.0)


def test_no_millimetres():
    with pytest.raises(PrepError, match="film: the image has no physical spacing"):
        measure_extent(np.eye(3, dtype=int), Geometry.uncalibrated(), case="film")
    with pytest.raises(PrepError, match="mask has values of type float64"):
        measure_extent(np.ones((3, 3)), turned(0))
