"""Segmentations: valid, on the voxel that was meant, coded, and quick."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pytest
from pydicom.dataset import Dataset

from medlens.core import Array, ReadError, UsageError
from medlens.core.diagnosis import Evidence
from medlens.write import empty_labels, to_bytes, to_segmentation
from tests.write.answers import mask_assessment
from tests.write.dicom_sources import (
    AXIAL,
    CORNER,
    GAP,
    OBLIQUE,
    SPACING,
    enhanced_mr,
    errors_of,
    radiograph,
    reread,
    series,
    ultrasound,
)

LABELS = ("background", "haemorrhage", "kidney", "odd word")
SHAPE = (4, 24, 32)


def two_boxes() -> Array:
    """Haemorrhage in slices 1 and 2, the odd word in slice 3; no kidney."""
    mask = np.zeros(SHAPE, dtype=np.uint8)
    mask[1:3, 5:9, 10:20] = 1
    mask[3, 20, 30] = 3
    return mask


def write(sources: list[Dataset], mask: Array, labels: Any = LABELS) -> Dataset:
    assessment = mask_assessment(sources, labels[1:])
    result = to_segmentation(assessment, Evidence(mask=mask, labels=labels), sources)
    assert result is not None
    return reread(to_bytes(result))


def patient_points(segmentation: Dataset, segment: int) -> list[tuple[float, ...]]:
    """Voxel centres of a segment in the patient, by the standard's equation
    (PS3.3 C.7.6.2.1.1) and nothing of this package."""
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    frames = np.atleast_3d(segmentation.pixel_array)
    frames = frames.reshape(-1, segmentation.Rows, segmentation.Columns)
    spacing = [float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing]
    axes = np.array(
        shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float
    )
    points = []
    groups = segmentation.PerFrameFunctionalGroupsSequence
    for frame, group in zip(frames, groups, strict=True):
        identity = group.SegmentIdentificationSequence[0]
        if identity.ReferencedSegmentNumber != segment:
            continue
        corner = np.array(
            group.PlanePositionSequence[0].ImagePositionPatient, dtype=float
        )
        for row, column in np.argwhere(frame):
            point = (
                corner + axes[:3] * column * spacing[1] + axes[3:] * row * spacing[0]
            )
            points.append(tuple(np.round(point, 4)))
    return sorted(points)


def expected_points(
    mask: Array, value: int, orientation: Any, *, descending: bool = False
) -> list[tuple[float, ...]]:
    """The same from the numbers that the phantom was made with."""
    right, down = np.array(orientation[:3]), np.array(orientation[3:])
    normal = np.cross(right, down) * (-1 if descending else 1)
    return sorted(
        tuple(
            np.round(
                np.array(CORNER)
                + normal * GAP * d
                + down * SPACING[0] * h
                + right * SPACING[1] * w,
                4,
            )
        )
        for d, h, w in np.argwhere(mask == value)
    )


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("orientation", [AXIAL, OBLIQUE])
@pytest.mark.parametrize("kind", ["CT", "MR", "frames"])
def test_each_voxel_lies_where_it_was(
    kind: str, orientation: Any, descending: bool, tmp_path: Path
) -> None:
    turned = {"orientation": orientation, "descending": descending}
    sources = [enhanced_mr(**turned)] if kind == "frames" else series(kind, **turned)
    result = write(sources, two_boxes())
    for segment, value in ((1, 1), (2, 3)):
        wanted = expected_points(two_boxes(), value, orientation, descending=descending)
        assert patient_points(result, segment) == wanted
    assert errors_of(to_bytes(result), tmp_path) == []


def test_sources_may_come_in_any_order() -> None:
    sources = series()
    shuffled = [sources[i] for i in (2, 0, 3, 1)]
    assessment = mask_assessment(sources, LABELS[1:])
    evidence = Evidence(mask=two_boxes(), labels=LABELS)
    result = to_segmentation(assessment, evidence, shuffled)
    assert result is not None
    wanted = expected_points(two_boxes(), 1, AXIAL)
    assert patient_points(reread(to_bytes(result)), 1) == wanted


def test_frames_point_at_the_image_they_lie_on() -> None:
    sources = series()
    result = write(sources, two_boxes())
    found = [
        (
            group.SegmentIdentificationSequence[0].ReferencedSegmentNumber,
            str(
                group.DerivationImageSequence[0]
                .SourceImageSequence[0]
                .ReferencedSOPInstanceUID
            ),
        )
        for group in result.PerFrameFunctionalGroupsSequence
    ]
    uids = [str(source.SOPInstanceUID) for source in sources]
    assert sorted(found) == [(1, uids[1]), (1, uids[2]), (2, uids[3])]


def test_another_library_reads_the_mask_back() -> None:
    sources = series()
    read = hd.seg.Segmentation.from_dataset(write(sources, two_boxes()))
    pixels = read.get_pixels_by_source_instance(
        [source.SOPInstanceUID for source in sources],
        combine_segments=True,
        assert_missing_frames_are_empty=True,
    )
    wanted = np.where(two_boxes() == 3, 2, two_boxes())
    assert np.array_equal(pixels, wanted)


def test_segments_are_coded_and_tracked() -> None:
    result = write(series(), two_boxes())
    first, second = result.SegmentSequence
    assert first.SegmentLabel == "haemorrhage"
    assert first.SegmentedPropertyTypeCodeSequence[0].CodeValue == "50960005"
    category = first.SegmentedPropertyCategoryCodeSequence[0]
    assert category.CodeMeaning == "Morphologically Abnormal Structure"
    odd = second.SegmentedPropertyTypeCodeSequence[0]
    assert (odd.CodingSchemeDesignator, odd.CodeMeaning) == ("99MEDLENS", "odd word")
    assert second.SegmentedPropertyCategoryCodeSequence[0].CodeMeaning == "Tissue"
    assert first.TrackingUID != second.TrackingUID
    assert (first.TrackingID, second.TrackingID) == ("head-3 1", "head-3 3")
    algorithm = first.SegmentationAlgorithmIdentificationSequence[0]
    assert algorithm.AlgorithmName == "head-3"
    assert "ab" * 32 in algorithm.AlgorithmParameters


def test_empty_labels_are_left_out_and_named() -> None:
    evidence = Evidence(mask=two_boxes(), labels=LABELS)
    assert empty_labels(evidence) == ("kidney",)
    nothing = Evidence(mask=np.zeros(SHAPE, dtype=np.uint8), labels=LABELS)
    assert empty_labels(nothing) == LABELS[1:]
    sources = series()
    assessment = mask_assessment(sources, LABELS[1:])
    assert to_segmentation(assessment, nothing, sources) is None
    assert empty_labels(Evidence()) == ()


@pytest.mark.parametrize(
    "make",
    [
        radiograph,
        lambda: radiograph("CR", laterality="L"),
        ultrasound,
        lambda: ultrasound(frames=3),
    ],
)
def test_images_without_a_place_keep_their_pixels(make: Any, tmp_path: Path) -> None:
    image = make()
    assessment = mask_assessment([image], LABELS[1:2])
    frame = assessment.images[-1:]
    assessment = replace(assessment, images=frame)
    mask = np.zeros((1, image.Rows, image.Columns), dtype=np.uint8)
    mask[0, 3:6, 4] = 1
    evidence = Evidence(mask=mask, labels=LABELS[:2])
    result = to_segmentation(assessment, evidence, [image])
    assert result is not None
    data = to_bytes(result)
    assert errors_of(data, tmp_path) == []
    read = reread(data)
    assert "FrameOfReferenceUID" not in read
    assert np.array_equal(read.pixel_array.reshape(mask.shape), mask)
    source = read.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0]
    reference = source.SourceImageSequence[0]
    assert reference.ReferencedSOPInstanceUID == image.SOPInstanceUID
    assert reference.ReferencedSOPClassUID == image.SOPClassUID
    assert reference.get("ReferencedFrameNumber") == frame[0].frame


def test_masks_that_do_not_fit_are_refused_in_words() -> None:
    sources = series()
    assessment = mask_assessment(sources, LABELS[1:])
    with pytest.raises(UsageError, match="case 1: no mask to write"):
        to_segmentation(assessment, Evidence(), sources)
    wrong = Evidence(mask=two_boxes()[:3], labels=LABELS)
    with pytest.raises(UsageError, match=r"mask is \(3, 24, 32\) and the images"):
        to_segmentation(assessment, wrong, sources)
    few = Evidence(mask=two_boxes(), labels=LABELS[:3])
    with pytest.raises(UsageError, match="holds 3 where there are 3 labels"):
        to_segmentation(assessment, few, sources)
    good = Evidence(mask=two_boxes(), labels=LABELS)
    with pytest.raises(ReadError, match="case 4: the assessment speaks of this image"):
        to_segmentation(assessment, good, sources[:3])
    sources[1].ImageOrientationPatient = list(OBLIQUE)
    with pytest.raises(UsageError, match="case 2: this slice is not parallel"):
        to_segmentation(assessment, good, sources)
    clip = ultrasound(frames=4)
    with pytest.raises(UsageError, match="4 slices without a place in the patient"):
        to_segmentation(mask_assessment([clip], LABELS[1:]), good, [clip])


def test_large_volumes_are_quick() -> None:
    """512 × 512 × 300 took 3.2 s on a slow core; twenty would be a slow path."""
    sources = series(slices=300, shape=(512, 512))
    for source in sources:
        del source.PixelData
    mask = np.zeros((300, 512, 512), dtype=np.uint8)
    mask[50:250, 100:300, 100:300] = 1
    assessment = mask_assessment(sources, LABELS[1:2])
    start = time.process_time()
    evidence = Evidence(mask=mask, labels=LABELS[:2])
    assert to_segmentation(assessment, evidence, sources) is not None
    assert time.process_time() - start < 20
