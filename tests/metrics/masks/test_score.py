"""One case from end to end, and many with their intervals."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from medlens.core import ResourceError, UsageError
from medlens.metrics import PatientBootstrap, masks
from medlens.metrics.masks import (
    compare_surfaces,
    match_lesions,
    score_labels,
    score_masks,
    summarise_masks,
)
from medlens.metrics.masks.grid import MAX_BOX, check_box
from tests.metrics.masks.phantoms import blobs, ellipsoid

SPACING = (2.0, 1.0, 1.0)


def cube(start: int, side: int = 4, shape=(12, 12, 12)) -> np.ndarray:
    mask = np.zeros(shape, dtype=np.uint8)
    mask[start : start + side, 2 : 2 + side, 2 : 2 + side] = 1
    return mask


def test_overlap_by_hand():
    scores = score_masks(cube(2), cube(4), spacing=SPACING)
    assert (scores.n_reference, scores.n_answer, scores.n_both) == (64, 64, 32)
    assert scores.dice == 0.5
    assert scores.jaccard == pytest.approx(1 / 3)
    assert scores.reference_ml == pytest.approx(0.128)
    assert scores.volume_error_ml == 0
    assert scores.diagonal_mm == pytest.approx(np.sqrt(24**2 + 12**2 + 12**2))


def test_volume_error_has_a_sign():
    scores = score_masks(cube(2), cube(2, side=2), spacing=SPACING)
    assert scores.volume_error_ml == pytest.approx((8 - 64) * 2 / 1000)
    assert scores.relative_volume_error == pytest.approx(8 / 64 - 1)


def test_every_label_as_if_alone():
    reference = blobs((8, 20, 20), seed=1) + 2 * blobs((8, 20, 20), seed=2)
    answer = blobs((8, 20, 20), seed=3) + 2 * blobs((8, 20, 20), seed=4)
    labels = {"one": 1, "both": 3, "absent": 9}
    found = score_labels(reference, answer, labels=labels, spacing=SPACING)
    assert list(found) == list(labels)
    for name, value in labels.items():
        pair = reference == value, answer == value
        assert found[name] == score_masks(*pair, spacing=SPACING)
        assert found[name].surface == compare_surfaces(*pair, spacing=SPACING)
        assert found[name].lesions == match_lesions(*pair)
    assert found["absent"].is_absent


def test_empty_masks_have_no_made_up_value():
    nothing = np.zeros((12, 12, 12), dtype=np.uint8)
    neither = score_masks(nothing, nothing, spacing=SPACING)
    assert neither.is_absent
    assert neither.dice is neither.jaccard is neither.surface.surface_dice is None
    assert neither.relative_volume_error is None
    for pair in ((cube(2), nothing), (nothing, cube(2))):
        scores = score_masks(*pair, spacing=SPACING)
        assert scores.dice == scores.jaccard == scores.surface.surface_dice == 0
        assert scores.surface.hd95_mm is scores.surface.mean_distance_mm is None
    assert scores.relative_volume_error is None
    assert scores.volume_error_ml == pytest.approx(0.128)


def test_labels_that_cannot_be():
    for labels in ({}, {"back": 0}, {"a": 1, "b": 1}, {"huge": 70_000}):
        with pytest.raises(UsageError, match="0 is the background"):
            score_labels(cube(2), cube(2), labels=labels, spacing=SPACING)


def test_box_too_large():
    side = round(MAX_BOX ** (1 / 3)) + 1
    with pytest.raises(ResourceError, match=r"fill a box of .* voxels; at most"):
        check_box((slice(0, side),) * 3, case="x")


def test_a_large_ct_takes_seconds():
    spacing = (1.5, 0.8, 0.8)
    shape = (300, 512, 512)
    reference = ellipsoid(shape, (150, 256, 256), (150.0, 120.0, 120.0), spacing)
    answer = np.roll(reference, (2, 3, 0), axis=(0, 1, 2))
    start = time.process_time()
    scores = score_masks(reference, answer, spacing=spacing)
    assert time.process_time() - start < 10
    # The whole is 3 mm and 2.4 mm off: no surface point is farther than that.
    assert scores.surface.hd95_mm <= np.hypot(3, 2.4) + 1e-5
    assert scores.dice == pytest.approx(0.975, abs=0.01)


def three_cases():
    nothing = np.zeros((12, 12, 12), dtype=np.uint8)
    pairs = [(cube(2), cube(2)), (cube(2), cube(4)), (cube(2), nothing)]
    pairs += [(nothing, nothing), (nothing, cube(3))]
    return [score_masks(*pair, spacing=SPACING) for pair in pairs]


def test_means_by_hand():
    scores = three_cases()
    bootstrap = PatientBootstrap.of(["a", "b", "c", "d", "e"])
    found = summarise_masks(scores, bootstrap)
    assert found["dice"].value == pytest.approx((1 + 0.5 + 0 + 0) / 4)
    assert found["dice"].method.startswith("mean of 4 cases")
    diagonal, moved = scores[0].diagonal_mm, scores[1].surface.hd95_mm
    assert found["hd95"].value == pytest.approx((moved + 2 * diagonal) / 4)
    assert "2 with one mask empty count as the image's diagonal" in found["hd95"].method
    assert found["volume_error"].value == pytest.approx(0)
    assert found["absolute_volume_error"].value == pytest.approx(0.128 * 2 / 5)
    assert found["relative_volume_error"].value == pytest.approx(-1 / 3)
    assert found["lesion_sensitivity"].value == pytest.approx(2 / 3)
    assert found["false_positives_per_case"].value == pytest.approx(1 / 5)
    assert found["presence_sensitivity"].value == pytest.approx(2 / 3)
    assert found["presence_specificity"].value == pytest.approx(1 / 2)
    for estimate in found.values():
        assert estimate.low <= estimate.value <= estimate.high


def test_patients_widen_the_interval():
    scores = three_cases()[:2] * 20
    alone = summarise_masks(scores, PatientBootstrap.of([f"{i}" for i in range(40)]))
    few = summarise_masks(
        scores, PatientBootstrap.of([f"{i % 2}{i // 20}" for i in range(40)])
    )
    assert few["dice"].value == alone["dice"].value == pytest.approx(0.75)
    widths = [table["dice"].high - table["dice"].low for table in (few, alone)]
    assert widths[0] > 2 * widths[1]


def test_none_made_up_is_no_proof():
    scores = three_cases()[:1] * 10
    found = summarise_masks(scores, PatientBootstrap.of(list("abcdefghij")))
    false = found["false_positives_per_case"]
    # Exact Poisson: 3.689 events at most when none is seen.
    assert (false.value, false.low) == (0, 0)
    assert false.high == pytest.approx(0.3689, abs=1e-4)
    assert found["lesion_sensitivity"].low < 0.75
    assert found["presence_specificity"].reason == "no cases without the label"


def test_nothing_to_average():
    found = summarise_masks(three_cases()[3:4], PatientBootstrap.of(["a"]))
    assert found["dice"].value is None
    assert found["dice"].reason == "no case has the label in reference or answer"
    assert found["hd95"].value is None
    assert found["lesion_sensitivity"].reason == "no lesions"


def test_patients_must_fit():
    with pytest.raises(UsageError, match="5 cases have scores, the bootstrap has 2"):
        summarise_masks(three_cases(), PatientBootstrap.of(["a", "b"]))


def test_docs_name_every_figure():
    page = Path(__file__).parents[3] / "docs" / "metrics.md"
    text = page.read_text(encoding="utf-8")
    found = summarise_masks(three_cases()[:1], PatientBootstrap.of(["a"]))
    for name in [*found, *(n for n in masks.__all__ if n[0].islower())]:
        assert f"`{name}`" in text, name
