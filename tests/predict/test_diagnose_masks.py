"""Masks → findings with size and place, worked out from boxes of voxels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medlens.core import Geometry, MaskPrediction
from medlens.core.diagnosis import Quantity
from medlens.predict import MaskPredictor
from medlens.predict.diagnose import assess, describe
from medlens.predict.diagnose_masks import find_regions, rounded
from medlens.predict.diagnose_place import Slices
from medlens.predict.regions import measure_regions
from tests.predict.diagnose_kit import LOUD, QUIET, refs
from tests.predict.volume_kit import (
    grey_graph,
    labels_of,
    mask_bundle,
    two_boxes,
    volume_image,
)
from tests.tiny import bundle_of


def masks(
    array: np.ndarray, geometry: Geometry, labels: tuple[str, ...]
) -> MaskPrediction:
    regions = measure_regions(array, geometry, labels=labels)
    return MaskPrediction("case 1", labels, array, regions, QUIET)


def test_boxes_of_voxels_have_the_sizes_and_places_of_boxes() -> None:
    """Grey: 4 x 6 x 8 voxels of 2 x 0.5 x 0.5 mm from (2, 4, 5) on."""
    image = volume_image(two_boxes(), spacing=(2.0, 0.5, 0.5), origin=(-10, 20, 30))
    bundle = mask_bundle(grey_graph(3), (4, 8, 8))
    found, evidence = assess(MaskPredictor(bundle), image, refs(12))
    grey, white = found.findings
    assert (grey.label, grey.is_present, grey.parts) == ("grey", True, 1)
    assert (grey.probability, grey.threshold) == (None, None)
    # between the centres of opposite corners of 6 x 8 voxels, plus what extent adds
    diameter, volume = grey.quantities
    assert volume == Quantity("volume", 4 * 6 * 8 * 0.5 / 1000, "ml")
    assert diameter.kind == "longest_diameter"
    assert 0.5 * np.hypot(5, 7) <= diameter.value <= 0.5 * np.hypot(6, 8)
    # centre of voxels 2..5, 4..9, 5..12: (3.5, 6.5, 8.5)
    assert grey.place.centre_mm == (-10 + 4.2, 20 + 3.2, 30 + 7.0)
    assert grey.slices == (2, 3, 4, 5)
    assert grey.place.slice_index == 2  # all are equal: the first
    assert grey.place.image == refs(12)[2]
    assert grey.place.box == (5, 4, 13, 10)
    assert (white.parts, white.slices) == (2, (7, 8, 11))
    assert white.place.slice_index == 7
    assert white.place.box == (14, 12, 19, 15)
    np.testing.assert_array_equal(evidence.mask, labels_of(two_boxes()))
    assert evidence.labels == ("background", "grey", "white")
    assert found.advice == "refer"


def test_the_key_slice_has_the_largest_area() -> None:
    array = np.zeros((6, 9, 9), np.uint8)
    array[1:4, 2:4, 2:4] = 1
    array[2, 2:7, 3:6] = 1
    answer = masks(array, Geometry.uncalibrated(), ("background", "lesion"))
    slices = Slices(6, refs(6))
    (finding,) = find_regions(answer, Geometry.uncalibrated(), slices)
    assert finding.place.slice_index == 2
    assert finding.place.box == (2, 2, 6, 7)
    assert finding.slices == (1, 2, 3)


def test_without_spacing_voxels_are_counted_and_nothing_is_placed() -> None:
    array = np.zeros((3, 5, 5), np.uint8)
    array[1, 1:3, 1:3] = 1
    answer = masks(array, Geometry.uncalibrated(), ("background", "lesion"))
    (finding,) = find_regions(answer, Geometry.uncalibrated(), Slices(3, refs(3)))
    assert finding.quantities == (Quantity("volume", 4.0, "{pixels}"),)
    assert finding.place.centre_mm is None


def test_an_image_has_areas_and_no_volume() -> None:
    array = np.zeros((1, 20, 20), np.uint8)
    array[0, 5:9, 5:15] = 1
    geometry = Geometry.from_parts(spacing=(1.0, 0.5, 0.25))
    answer = masks(array, geometry, ("background", "lesion"))
    (finding,) = find_regions(answer, geometry, Slices(1, refs(1)))
    assert finding.quantities[-1] == Quantity("area", 40 * 0.125, "mm2")
    assert "volume" not in [q.kind for q in finding.quantities]
    assert (finding.slices, finding.place.slice_index) == ((), None)
    assert finding.place.image == refs(1)[0]


def test_a_label_without_a_voxel_is_absent_and_comes_last() -> None:
    array = np.zeros((2, 5, 5), np.uint8)
    array[0, 2, 2] = 2
    geometry = Geometry.from_parts(spacing=(1.0, 1.0, 1.0))
    answer = masks(array, geometry, ("background", "left kidney", "right kidney"))
    right, left = find_regions(answer, geometry, Slices(2, refs(2)))
    assert (right.label, right.id, right.is_present) == ("right kidney", "2", True)
    assert right.place.laterality == "right"
    assert (left.id, left.is_present, left.parts) == ("1", False, 0)
    assert (left.quantities, left.slices, left.place.image) == ((), (), None)
    assert left.place.laterality == "left"


def test_masks_of_anatomy_are_measurements_and_strangers_outside() -> None:
    labels = ("background", "left kidney")
    array = np.ones((1, 4, 4), np.uint8)
    bundle = replace(
        bundle_of(b"", labels=labels, kind="multiclass"), form="segment", conformal=None
    )
    image = volume_image(array)
    answer = masks(array, image.geometry, labels)
    assert describe(bundle, answer, image, refs(1))[0].advice == "measured"
    loud = replace(answer, out_of_distribution=LOUD)
    found, _ = describe(bundle, loud, image, refs(1))
    assert (found.advice, found.coverage, found.prediction_set) == ("outside", None, ())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, 0.0),
        (12.34567, 12.35),
        (0.000123456, 0.0001235),
        (123456.0, 123500.0),
        (99.996, 100.0),
        (5.0, 5.0),
        (float("inf"), float("inf")),
    ],
)
def test_sizes_have_four_figures(value: float, expected: float) -> None:
    assert rounded(value) == expected


def test_a_large_mask_is_told_soon(record_property: object) -> None:
    import time

    array = np.zeros((300, 512, 512), np.uint8)
    array[100:200, 200:300, 200:300] = 1
    geometry = Geometry.from_parts(spacing=(1.0, 0.7, 0.7))
    regions = measure_regions(array, geometry, labels=("background", "lesion"))
    answer = MaskPrediction("c", ("background", "lesion"), array, regions, QUIET)
    started = time.perf_counter()
    (finding,) = find_regions(answer, geometry, Slices(300, refs(300)))
    seconds = time.perf_counter() - started
    record_property("seconds", round(seconds, 3))  # type: ignore[operator]
    assert finding.slices == tuple(range(100, 200))
    assert seconds < 5
