"""Masks that readers draw: valid, on the pixel that was meant, and theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pytest
from pydicom.dataset import Dataset

from medlens.core import UsageError
from medlens.core.diagnosis import Assessment
from medlens.write import to_bytes
from medlens.write.drawn import Drawing, to_drawn_segmentation
from tests.write.answers import mask_assessment
from tests.write.dicom_sources import (
    OBLIQUE,
    enhanced_mr,
    errors_of,
    radiograph,
    reread,
    series,
    ultrasound,
)


def plane_of(source: Dataset, *points: tuple[int, int]) -> Any:
    plane = np.zeros((source.Rows, source.Columns), bool)
    for row, column in points:
        plane[row, column] = True
    return plane


def write(sources: list[Dataset], assessment: Assessment, **more: Any) -> Dataset:
    planes = more.pop("planes")
    drawing = Drawing(planes, "haemorrhage", "2", "Dr. One^Two", **more)
    made = to_drawn_segmentation(
        assessment, drawing, sources, key="k", series_key="s", number=3
    )
    return reread(to_bytes(made))


@pytest.mark.parametrize(
    "sources",
    [[radiograph()], series("CT", slices=4),
     series("MR", slices=4, orientation=OBLIQUE), [enhanced_mr()], [ultrasound()]],
    ids=["radiograph", "ct", "oblique", "enhanced", "ultrasound"],
)  # fmt: skip
def test_it_is_valid_and_lies_where_it_was_drawn(
    sources: list[Dataset], tmp_path: Path
) -> None:
    assessment = mask_assessment(sources, ("haemorrhage",))
    last = len(assessment.images) - 1
    plane = plane_of(sources[0], (3, 5), (4, 5))
    found = write(sources, assessment, planes={last: plane})
    assert errors_of(to_bytes(found), tmp_path) == []
    assert (int(found.NumberOfFrames), len(found.SegmentSequence)) == (1, 1)
    assert np.array_equal(found.pixel_array.astype(bool), plane)
    derived = found.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0]
    (source,) = derived.SourceImageSequence
    image = assessment.images[last]
    assert source.ReferencedSOPInstanceUID == image.sop_instance_uid


def test_it_says_who_drew_it_and_on_what(tmp_path: Path) -> None:
    sources = series("CT", slices=3)
    assessment = mask_assessment(sources, ("haemorrhage",))
    planes = {1: plane_of(sources[0], (1, 1))}
    drawn = write(sources, assessment, planes=planes)
    (segment,) = drawn.SegmentSequence
    assert segment.SegmentAlgorithmType == "MANUAL"
    assert "SegmentationAlgorithmIdentificationSequence" not in segment
    assert "SegmentAlgorithmName" not in segment
    assert (segment.SegmentLabel, drawn.SeriesNumber) == ("haemorrhage", 9007)
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodingSchemeDesignator == "SCT"
    assert drawn.InstanceNumber == 3
    assert str(drawn.ContentCreatorName) == "Dr. One Two^"
    changed = write(sources, assessment, planes=planes, is_changed=True)
    (segment,) = changed.SegmentSequence
    assert segment.SegmentAlgorithmType == "SEMIAUTOMATIC"
    assert errors_of(to_bytes(changed), tmp_path) == []
    assert hd.seg.Segmentation.from_dataset(changed).segment_numbers == [1]


def test_empty_planes_are_no_frames_and_nothing_at_all_is_refused() -> None:
    sources = series("CT", slices=3)
    assessment = mask_assessment(sources, ("haemorrhage",))
    empty = plane_of(sources[0])
    found = write(
        sources, assessment, planes={0: empty, 2: plane_of(sources[0], (1, 2))}
    )
    assert int(found.NumberOfFrames) == 1
    with pytest.raises(UsageError, match="no pixel is inside"):
        write(sources, assessment, planes={0: empty})


def test_a_drawing_of_another_size_is_refused() -> None:
    sources = series("CT", slices=3)
    assessment = mask_assessment(sources, ("haemorrhage",))
    with pytest.raises(UsageError, match="wanted a mask on the source's own grid"):
        write(sources, assessment, planes={0: np.ones((5, 5), bool)})


def test_equal_drawings_in_two_studies_have_no_equal_uids() -> None:
    """Results are counted from 1 in every installation."""
    uids = []
    for study in ("1.2.1", "1.2.2", "1.2.2"):
        source = radiograph()
        source.StudyInstanceUID = study
        assessment = mask_assessment([source], ("haemorrhage",))
        made = write([source], assessment, planes={0: plane_of(source, (1, 1))})
        uids.append(made.SOPInstanceUID)
    assert uids[0] != uids[1] == uids[2]
