"""Regions of masks: against `measure_extent` on the whole, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from medlens.core import Geometry
from medlens.metrics.masks import measure_extent
from medlens.predict.regions import measure_regions

LABELS = ("background", "one", "two")


def oblique() -> Geometry:
    turn = np.linalg.qr(np.array([[0.8, 0.1, 0.3], [-0.2, 0.9, 0.1], [0.3, 0.2, 0.7]]))
    return Geometry.from_parts(
        spacing=(3.0, 0.7, 0.9), origin=(-12.0, 40.0, 7.5), direction=turn[0]
    )


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_regions_agree_with_the_whole_measured_at_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = (rng.random((5, 9, 8)) < 0.2).astype(np.uint8) * rng.integers(
        1, 3, (5, 9, 8), dtype=np.uint8
    )
    geometry = oblique()
    for k, region in enumerate(measure_regions(mask, geometry, labels=LABELS), start=1):
        whole = mask == k
        parts, count = ndimage.label(whole, np.ones((3, 3, 3)))
        assert (region.voxels, region.parts) == (whole.sum(), count)
        extent = measure_extent(whole, geometry)
        assert region.volume_ml == pytest.approx(extent.volume_ml)
        assert region.centre_mm == pytest.approx(extent.centre)
        sizes = np.bincount(parts.ravel())[1:]
        longest = {
            measure_extent(parts == p + 1, geometry).in_plane.mm  # type: ignore[union-attr]
            for p in np.flatnonzero(sizes == sizes.max())
        }
        found = region.longest_diameter_mm
        assert any(found == pytest.approx(mm) for mm in longest)


def test_a_label_that_is_nowhere_has_no_place() -> None:
    mask = np.zeros((2, 4, 4), np.uint8)
    mask[1, 2, 3] = 2
    one, two = measure_regions(mask, oblique(), labels=LABELS)
    assert (one.voxels, one.volume_ml, one.parts) == (0, 0.0, 0)
    assert one.longest_diameter_mm is one.centre_mm is None
    assert two.centre_mm == pytest.approx(oblique().to_patient(np.array([1, 2, 3])))


def test_without_spacing_there_are_only_counts() -> None:
    mask = np.ones((1, 4, 4), np.uint8)
    one, two = measure_regions(mask, Geometry.uncalibrated(), labels=LABELS)
    assert (one.voxels, one.parts) == (16, 1)
    assert one.volume_ml is one.longest_diameter_mm is one.centre_mm is None
    assert (two.voxels, two.volume_ml) == (0, None)
