"""What readers said as a structured report: valid, whole, and read back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from highdicom import sr
from pydicom.dataset import Dataset

from medlens.core import UsageError
from medlens.core.diagnosis import Diagnosis
from medlens.write import to_bytes
from medlens.write.codes import PROCEDURES
from medlens.write.corrections import Said, to_corrections_report
from medlens.write.drawn import Drawing, to_drawn_segmentation
from medlens.write.stamp import tracking_of
from tests.write.answers import mask_assessment
from tests.write.dicom_sources import (
    enhanced_mr,
    errors_of,
    radiograph,
    reread,
    series,
)

AT = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
BOX = (3.0, 4.0, 10.0, 12.0)


def told(sources: list[Dataset]) -> tuple[Diagnosis, list[Said]]:
    """Four readers' words of every kind on one answer."""
    assessment = mask_assessment(sources, ("haemorrhage", "kidney"))
    ids = [finding.id for finding in assessment.findings]
    plane = np.zeros((sources[0].Rows, sources[0].Columns), bool)
    plane[2:4, 2:5] = True
    last = len(assessment.images) - 1
    mask = to_drawn_segmentation(
        assessment, Drawing({last: plane}, "odd word", "+9", "two"), sources,
        key="m", series_key="s",
    )  # fmt: skip
    where = assessment.images[last]
    return Diagnosis("study 1", (assessment,)), [
        Said(0, ids[0], "accept", "haemorrhage", True, "one", AT),
        Said(0, ids[1], "reject", "kidney", False, "one", AT),
        Said(0, ids[0], "correct", "odd word", True, "two", AT, where, BOX),
        Said(0, "+9", "add", "odd word", True, "two", AT, where, BOX, mask),
    ]


def write(sources: list[Dataset], said: list[Said], diagnosis: Diagnosis) -> Dataset:
    made = to_corrections_report(diagnosis, said, sources, key="k", when=AT)
    return reread(to_bytes(made))


def values(group: Dataset, code: str) -> list[Any]:
    """What the items of a group say under a concept."""
    found = []
    for item in group.ContentSequence:
        if item.ConceptNameCodeSequence[0].CodeValue != code:
            continue
        for name in ("TextValue", "UID", "PersonName"):
            if name in item:
                found.append(str(item[name].value))
        if "ConceptCodeSequence" in item:
            found.append(item.ConceptCodeSequence[0].CodeValue)
    return found


def groups_of(report: Dataset) -> list[Dataset]:
    (measured,) = [
        item for item in report.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeValue == "126010"
    ]  # fmt: skip
    return list(measured.ContentSequence)


@pytest.mark.parametrize(
    "sources",
    [[radiograph()], series("CT", slices=3), [enhanced_mr()]],
    ids=["radiograph", "ct", "enhanced"],
)
@pytest.mark.parametrize("count", [1, 2, 4])
def test_it_is_valid(sources: list[Dataset], count: int, tmp_path: Path) -> None:
    diagnosis, said = told(sources)
    report = write(sources, said[:count], diagnosis)
    assert errors_of(to_bytes(report), tmp_path) == []
    read = sr.ComprehensiveSR.from_dataset(report)
    assert read.content.get_observer_contexts()
    assert (report.SeriesNumber, report.Modality) == (9008, "SR")


def test_every_word_is_in_it_with_who_and_when() -> None:
    sources = series("CT", slices=3)
    diagnosis, said = told(sources)
    groups = groups_of(write(sources, said, diagnosis))
    assert [values(g, "VERDICT") for g in groups] == [
        ["ACCEPTED"], ["REJECTED"], ["CORRECTED"], ["ADDED"],
    ]  # fmt: skip
    assert [values(g, "121008") for g in groups] == [
        [x] for x in ("one^", "one^", "two^", "two^")
    ]
    assert [values(g, "PRESENCE") for g in groups] == [
        ["52101004"], ["2667000"], ["52101004"], ["52101004"],
    ]  # fmt: skip
    assert [values(g, "LABEL") for g in groups] == [
        ["haemorrhage"], ["kidney"], ["odd word"], ["odd word"],
    ]  # fmt: skip
    assert [values(g, "OLD_LABEL") for g in groups] == [[], [], ["haemorrhage"], []]
    (assessment,) = diagnosis.assessments
    assert [values(g, "112040")[0] for g in groups] == [
        tracking_of(assessment, word.finding)[0] for word in said
    ]
    assert {str(g.ObservationDateTime) for g in groups} == {"20261128093000+0000"}


def test_boxes_and_masks_point_at_their_images() -> None:
    sources = series("CT", slices=3)
    diagnosis, said = told(sources)
    written = write(sources, said, diagnosis)
    report = sr.ComprehensiveSR.from_dataset(written)
    (planar,) = report.content.get_planar_roi_measurement_groups()
    assert planar.roi.GraphicData == [3, 4, 10, 4, 10, 12, 3, 12, 3, 4]
    image = planar.roi.ContentSequence[0].ReferencedSOPSequence[0]
    assert said[2].image is not None
    assert image.ReferencedSOPInstanceUID == said[2].image.sop_instance_uid
    assert len(report.content.get_volumetric_roi_measurement_groups()) == 1
    assert said[3].mask is not None
    (segment,) = [
        item.ReferencedSOPSequence[0]
        for item in groups_of(written)[3].ContentSequence
        if item.ConceptNameCodeSequence[0].CodeValue == "121191"  # Referenced Segment
    ]
    assert segment.ReferencedSOPInstanceUID == said[3].mask.SOPInstanceUID
    assert segment.ReferencedSegmentNumber == 1
    referenced = {
        item.ReferencedSOPInstanceUID
        for study in report.CurrentRequestedProcedureEvidenceSequence
        for each in study.ReferencedSeriesSequence
        for item in each.ReferencedSOPSequence
    }
    assert said[3].mask.SOPInstanceUID in referenced


def test_the_same_words_have_the_same_bytes() -> None:
    sources = [radiograph()]
    diagnosis, said = told(sources)
    one, two = (write(sources, said, diagnosis) for _ in "ab")
    assert to_bytes(one) == to_bytes(two)
    with pytest.raises(UsageError, match="no reader has said anything yet"):
        write(sources, [], diagnosis)


def test_equal_numbers_in_two_studies_give_no_equal_uids() -> None:
    """Results and words are counted from 1 in every installation."""
    uids = set()
    for study, at in (("1.2.1", AT), ("1.2.2", AT), ("1.2.2", AT + timedelta(1))):
        source = radiograph()
        source.StudyInstanceUID = study
        diagnosis, said = told([source])
        made = to_corrections_report(diagnosis, said, [source], key="k", when=at)
        again = to_corrections_report(diagnosis, said, [source], key="k", when=at)
        assert made.SOPInstanceUID == again.SOPInstanceUID
        uids |= {str(made.SOPInstanceUID), str(made.SeriesInstanceUID)}
    assert len(uids) == 6


def test_procedures_stand_in_the_order_of_the_answer() -> None:
    """Of a set the order, and with it the bytes, would differ between processes."""
    source = radiograph()
    diagnosis, said = told([source])
    modalities = ("US", "MG", "CT", "MR", "DX")
    each = tuple(replace(diagnosis.assessments[0], modality=m) for m in modalities)
    words = [replace(said[0], assessment=at) for at in range(len(each))]
    report = write([source], words, replace(diagnosis, assessments=each))
    procedures = [
        item.ConceptCodeSequence[0].CodeValue
        for item in report.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeValue == "121058"
    ]
    assert procedures == [PROCEDURES[m].value for m in modalities]
