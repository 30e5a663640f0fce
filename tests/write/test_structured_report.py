"""Reports: valid, readable by others, and equal to their diagnosis in every field."""

from __future__ import annotations

import subprocess
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import highdicom as hd
import pytest
from pydicom.dataset import Dataset

from medlens.core import ReadError, UsageError
from medlens.core.diagnosis import Diagnosis, Evidence, Place
from medlens.core.prediction import OutOfDistribution
from medlens.write import (
    read_structured_report,
    to_bytes,
    to_segmentation,
    to_structured_report,
)
from tests.write.answers import images_of, mask_assessment, rich_diagnosis
from tests.write.dicom_sources import (
    FRAME_OF_REFERENCE,
    OBLIQUE,
    enhanced_mr,
    errors_of,
    radiograph,
    reread,
    series,
    ultrasound,
)

SOURCES = {
    "ct": lambda: series(),
    "mr": lambda: series("MR", orientation=OBLIQUE),
    "mr frames": lambda: [enhanced_mr()],
    "dx": lambda: [radiograph()],
    "cr": lambda: [radiograph("CR", laterality="R")],
    "us": lambda: [ultrasound()],
    "us clip": lambda: [ultrasound(frames=3)],
}
WHEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def expected(diagnosis: Diagnosis) -> dict[str, Any]:
    """The diagnosis as plain values, without what stays on this machine."""
    plain = asdict(diagnosis)
    del plain["case"]
    plain["left_out"] = [tuple(pair) for pair in plain["left_out"]]
    for assessment in plain["assessments"]:
        images = [*assessment["images"]]
        images += [f["place"]["image"] for f in assessment["findings"]]
        for image in filter(None, images):
            del image["case"], image["digest"]
        for name in ("images", "findings", "prediction_set", "notes"):
            assessment[name] = list(assessment[name])
        for finding in assessment["findings"]:
            finding["quantities"] = list(finding["quantities"])
    plain["assessments"] = list(plain["assessments"])
    return plain


def read_back(report: Dataset) -> dict[str, Any]:
    found = read_structured_report(reread(to_bytes(report)))
    for name in ("language", "is_verified", "is_preliminary"):
        del found[name]
    return found


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("kind", SOURCES)
def test_reports_are_valid_and_say_every_field(
    kind: str, lang: Any, tmp_path: Path
) -> None:
    sources = SOURCES[kind]()
    diagnosis = rich_diagnosis(sources)
    report = to_structured_report(diagnosis, sources, lang=lang)
    assert read_back(report) == expected(diagnosis)
    assert errors_of(to_bytes(report), tmp_path) == []


def test_it_says_that_no_reader_has_seen_it() -> None:
    sources = series()
    for lang, language, notice in (
        ("en", "en-US", "not verified"),
        ("zh", "zh-CN", "未经核实"),
    ):
        report = to_structured_report(rich_diagnosis(sources), sources, lang=lang)
        found = read_structured_report(report)
        assert (found["is_verified"], found["is_preliminary"]) == (False, True)
        assert found["language"] == language
        assert notice.encode() in to_bytes(report)


def test_another_library_reads_groups_and_places() -> None:
    sources = series()
    report = to_structured_report(rich_diagnosis(sources), sources)
    read = hd.sr.Comprehensive3DSR.from_dataset(reread(to_bytes(report)))
    planar = read.content.get_planar_roi_measurement_groups()
    assert len(planar) == 1
    (region,) = (item.roi.value for item in planar)
    assert region.tolist() == [
        [4.0, 5.5],
        [12.25, 5.5],
        [12.25, 15.0],
        [4.0, 15.0],
        [4.0, 5.5],
    ]
    values = {m.name.meaning: m.value for m in planar[0].get_measurements()}
    assert values["Long axis"] == 12.34567
    assert planar[0].finding_sites[0].laterality.meaning == "Left"
    centre = hd.sr.utils.find_content_items(
        read.content[0], value_type=hd.sr.ValueTypeValues.SCOORD3D, recursive=True
    )
    assert centre[0].value.tolist() == [[1.25, -2.5, 33.75]]
    assert centre[0].frame_of_reference_uid == FRAME_OF_REFERENCE


def test_another_program_reads_the_whole_tree(tmp_path: Path) -> None:
    program = "/usr/bin/dsrdump"
    if not Path(program).exists():
        pytest.skip("dsrdump is not installed (Debian: dcmtk)")
    path = tmp_path / "report.dcm"
    path.write_bytes(to_bytes(to_structured_report(rich_diagnosis(series()), series())))
    told = subprocess.run(
        [program, "+U8", str(path)], capture_output=True, timeout=60, check=False
    )
    assert told.returncode == 0
    assert b"Verification Flag   : UNVERIFIED" in told.stdout
    assert b'"Calibrated probability")="0.912346"' in told.stdout


def test_without_a_place_in_the_patient_it_is_no_3d_report() -> None:
    sources = [radiograph()]
    diagnosis = rich_diagnosis(sources)
    assessment = diagnosis.assessments[0]
    finding = assessment.findings[0]
    lying = replace(finding, place=replace(finding.place, centre_mm=(1.0, 2.0, 3.0)))
    diagnosis = replace(
        diagnosis, assessments=(replace(assessment, findings=(lying,)),)
    )
    report = to_structured_report(diagnosis, sources)
    assert report.SOPClassUID.name == "Comprehensive SR Storage"
    found = read_back(report)["assessments"][0]["findings"][0]
    assert found["place"]["centre_mm"] is None


def test_findings_of_masks_point_at_their_segments(tmp_path: Path) -> None:
    import numpy as np

    sources = series()
    assessment = mask_assessment(sources, ("haemorrhage", "oedema"))
    place = Place(image=images_of(sources)[0], slice_index=0, box=(1.0, 2.0, 5.0, 6.0))
    findings = (replace(assessment.findings[0], place=place), assessment.findings[1])
    assessment = replace(assessment, findings=findings)
    mask = np.zeros((4, 24, 32), dtype=np.uint8)
    mask[0, 2:6, 1:5] = 1
    labels = ("background", "haemorrhage", "oedema")
    evidence = Evidence(mask=mask, labels=labels)
    segmentation = to_segmentation(assessment, evidence, sources)
    assert segmentation is not None
    diagnosis = Diagnosis("study", (assessment,), study_uid=sources[0].StudyInstanceUID)
    report = to_structured_report(diagnosis, sources, segmentations=[segmentation])
    assert errors_of(to_bytes(report), tmp_path) == []
    assert read_back(report) == expected(diagnosis)
    read = hd.sr.ComprehensiveSR.from_dataset(reread(to_bytes(report)))
    (group,) = read.content.get_volumetric_roi_measurement_groups()
    referenced = group.referenced_segment.referenced_sop_instance_uid
    assert referenced == segmentation.SOPInstanceUID
    segment = segmentation.SegmentSequence[0]
    assert group.tracking_uid == segment.TrackingUID
    assert group.tracking_identifier == segment.TrackingID


def test_the_same_answer_is_the_same_bytes() -> None:
    sources = series()
    diagnosis = rich_diagnosis(sources)
    first = to_bytes(to_structured_report(diagnosis, sources, when=WHEN))
    assert to_bytes(to_structured_report(diagnosis, sources, when=WHEN)) == first
    later = to_structured_report(diagnosis, sources)
    assert later.SOPInstanceUID == reread(first).SOPInstanceUID
    other = to_structured_report(replace(diagnosis, has_prior=False), sources)
    assert other.SOPInstanceUID != later.SOPInstanceUID
    named = to_structured_report(diagnosis, sources, key="job 7")
    assert named.SOPInstanceUID != later.SOPInstanceUID
    renamed = to_structured_report(
        replace(diagnosis, has_prior=False), sources, key="job 7"
    )
    assert renamed.SOPInstanceUID == named.SOPInstanceUID


def test_times_are_told_in_the_offset_of_the_study() -> None:
    sources = series(slices=1)
    sources[0].TimezoneOffsetFromUTC = "+0530"
    report = to_structured_report(rich_diagnosis(sources), sources, when=WHEN)
    assert (report.ContentDate, report.ContentTime[:6]) == ("20260304", "103607")
    assert report.TimezoneOffsetFromUTC == "+0530"


def test_numbers_that_are_none_are_left_out() -> None:
    sources = series()
    diagnosis = rich_diagnosis(sources)
    gate = OutOfDistribution(0.5, float("inf"), False)
    assessment = replace(
        diagnosis.assessments[0], out_of_distribution=gate, coverage=float("nan")
    )
    diagnosis = replace(diagnosis, assessments=(assessment,))
    found = read_back(to_structured_report(diagnosis, sources))["assessments"][0]
    assert found["out_of_distribution"] == {
        "score": 0.5,
        "threshold": None,
        "flag": False,
    }
    assert found["coverage"] is None


def test_hostile_words_stay_words(tmp_path: Path) -> None:
    sources = series()
    diagnosis = rich_diagnosis(sources)
    label = "\x1b[2J" + "tumour\n" * 40 + "\\<script>"
    finding = replace(diagnosis.assessments[0].findings[1], label=label)
    assessment = replace(
        diagnosis.assessments[0], findings=(finding,), notes=("\ud800 odd",)
    )
    diagnosis = replace(diagnosis, assessments=(assessment,))
    report = to_structured_report(diagnosis, sources)
    assert errors_of(to_bytes(report), tmp_path) == []
    found = read_back(report)["assessments"][0]
    assert found["findings"][0]["label"].startswith("[2Jtumour tumour")
    assert found["findings"][0]["label"].endswith("\\<script>")
    assert found["notes"] == ["odd"]


def test_what_cannot_be_reported_is_refused_in_words() -> None:
    sources = series()
    diagnosis = rich_diagnosis(sources)
    with pytest.raises(UsageError, match="study 7: no bundle looked at this study"):
        to_structured_report(replace(diagnosis, assessments=()), sources)
    with pytest.raises(ReadError, match="case 3: the diagnosis speaks of this image"):
        to_structured_report(diagnosis, sources[:2])
    with pytest.raises(ReadError, match="no source image was given"):
        to_structured_report(diagnosis, [])
    with pytest.raises(ReadError, match="not a measurement report of medlens"):
        read_structured_report(series()[0])
