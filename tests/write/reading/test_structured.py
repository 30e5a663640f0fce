"""The SR of a report: valid, verified, and word for word what was signed."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom as hd
import pytest
from pydicom.dataset import Dataset

from medlens.core.diagnosis import ImageRef
from medlens.core.errors import ReadError
from medlens.write import to_bytes
from medlens.write.reading.structured import BASIC_TEXT_SR, to_report_sr
from tests.write.dicom_sources import (
    OBLIQUE,
    enhanced_mr,
    errors_of,
    radiograph,
    reread,
    series,
    ultrasound,
)
from tests.write.reading.reports import FROM_OLDER, WHEN, basis_of, report_of

SOURCES = {
    "ct": lambda: series(),
    "mr": lambda: series("MR", orientation=OBLIQUE),
    "mr frames": lambda: [enhanced_mr()],
    "dx": lambda: [radiograph()],
    "us clip": lambda: [ultrasound(frames=3)],
}
EARLIER = ImageRef("", BASIC_TEXT_SR, "1.2.826.0.1.3680043.8.498.77", "1.2.3.4")


def told(report: Dataset) -> dict[str, list[str]]:
    """Heading → the words below it, as the file holds them."""
    return {
        item.ConceptNameCodeSequence[0].CodeMeaning: [
            each.TextValue for each in item.ContentSequence
        ]
        for item in report.ContentSequence
        if item.ValueType == "CONTAINER"
    }


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("kind", SOURCES)
def test_it_is_valid(kind: str, lang: Any, tmp_path: Path) -> None:
    basis = basis_of(SOURCES[kind]())
    for report in (
        report_of(lang),
        report_of(lang, is_signed=False),
        report_of(lang, version=2, amends=1, reason="left out the left kidney 漏写"),
        report_of(lang, drafted=FROM_OLDER),
    ):
        before = EARLIER if report.amends else None
        made = to_report_sr(report, replace(basis, predecessor=before))
        assert errors_of(to_bytes(made), tmp_path) == []


def test_it_says_what_was_signed() -> None:
    made = reread(to_bytes(to_report_sr(report_of(), basis_of(series()))))
    assert told(made) == {
        "Indications for Procedure": ["Cough for three days."],
        "Current Procedure Descriptions": ["CT, head, 4 images."],
        "Findings": [
            "Haemorrhage on the left. [AI, accepted]\r\nNo fracture.",
            "Sinuses clear.",
        ],
        "Previous Findings": ["Compared with the prior study. [AI]"],
        "Impressions": ["Haemorrhage."],
    }
    assert made.ContentTemplateSequence[0].TemplateIdentifier == "2000"
    assert (made.SeriesNumber, made.InstanceNumber, made.Modality) == (9005, 1, "SR")
    remarks = [i.TextValue for i in made.ContentSequence if i.ValueType == "TEXT"]
    assert remarks == [
        "[AI]: first proposed by software, taken over by who signed.",
        "Written with research software, not a medical device.",
    ]


def test_it_says_that_a_newer_result_was_there() -> None:
    report = report_of(drafted=FROM_OLDER)
    made = reread(to_bytes(to_report_sr(report, basis_of(series()))))
    remarks = {
        item.ConceptNameCodeSequence[0].CodeValue: item.TextValue
        for item in made.ContentSequence
        if item.ValueType == "TEXT"
    }
    assert remarks["DRAFTED_FROM"] == (
        "Drafted from AI result 4 of 2026-03-03 20:00:01 UTC. When this version was "
        "made there was a newer AI result, 9 of 2026-03-04 01:02:03 UTC, that the "
        "draft does not contain."
    )


def test_a_signed_one_is_verified_by_its_signer() -> None:
    sources = series()
    sources[0].InstitutionName = "A clinic"
    made = to_report_sr(report_of(), basis_of(sources))
    assert (made.CompletionFlag, made.VerificationFlag) == ("COMPLETE", "VERIFIED")
    assert made.PreliminaryFlag == "FINAL"
    (verifier,) = made.VerifyingObserverSequence
    assert verifier.VerifyingObserverName == "dr.wang"
    assert verifier.VerifyingOrganization == "A clinic"
    assert "PredecessorDocumentsSequence" not in made
    draft = to_report_sr(report_of(is_signed=False), basis_of(sources))
    assert (draft.CompletionFlag, draft.VerificationFlag) == ("PARTIAL", "UNVERIFIED")
    assert draft.PreliminaryFlag == "PRELIMINARY"
    assert "VerifyingObserverSequence" not in draft
    assert draft.SOPInstanceUID != made.SOPInstanceUID


def test_times_are_told_in_the_offset_of_the_study() -> None:
    sources = series(slices=1)
    sources[0].TimezoneOffsetFromUTC = "+0530"
    made = to_report_sr(report_of(), basis_of(sources))
    assert (made.ContentDate, made.ContentTime[:6]) == ("20260304", "103607")
    (verifier,) = made.VerifyingObserverSequence
    assert verifier.VerificationDateTime == "20260304103607"


def test_it_points_at_all_images_and_at_the_one_before() -> None:
    sources = series()
    basis = basis_of(sources, predecessor=EARLIER)
    made = to_report_sr(report_of(version=2, amends=1), basis)
    (study,) = made.CurrentRequestedProcedureEvidenceSequence
    (of_series,) = study.ReferencedSeriesSequence
    found = [e.ReferencedSOPInstanceUID for e in of_series.ReferencedSOPSequence]
    assert found == [source.SOPInstanceUID for source in sources]
    (before,) = made.PredecessorDocumentsSequence
    assert before.StudyInstanceUID == sources[0].StudyInstanceUID
    (of_series,) = before.ReferencedSeriesSequence
    assert of_series.SeriesInstanceUID == EARLIER.series_uid
    (document,) = of_series.ReferencedSOPSequence
    assert document.ReferencedSOPInstanceUID == EARLIER.sop_instance_uid


def test_the_same_report_is_the_same_bytes() -> None:
    basis = basis_of(series())
    first = to_bytes(to_report_sr(report_of(), basis))
    assert to_bytes(to_report_sr(report_of(), basis)) == first
    uid = reread(first).SOPInstanceUID
    for changes in (
        {"version": 2},
        {"author": "dr.li"},
        {"made_at": WHEN.replace(second=8)},
    ):
        other = to_report_sr(report_of(**changes), basis)
        assert other.SOPInstanceUID != uid


def test_another_program_reads_the_whole_tree(tmp_path: Path) -> None:
    program = "/usr/bin/dsrdump"
    if not Path(program).exists():
        pytest.skip("dsrdump is not installed (Debian: dcmtk)")
    path = tmp_path / "report.dcm"
    path.write_bytes(to_bytes(to_report_sr(report_of("zh"), basis_of(series()))))
    ran = subprocess.run(
        [program, "+U8", str(path)], capture_output=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert b"Verification Flag   : VERIFIED" in ran.stdout
    assert "左侧出血".encode() in ran.stdout


def test_another_library_reads_it() -> None:
    made = reread(to_bytes(to_report_sr(report_of(), basis_of(series()))))
    root = hd.sr.ContentSequence.from_sequence(made.ContentSequence)
    items = hd.sr.utils.find_content_items(
        made, value_type=hd.sr.ValueTypeValues.TEXT, recursive=True
    )
    assert len(root) == 10
    assert len(items) == 8


def test_hostile_words_stay_words(tmp_path: Path) -> None:
    content = replace(
        report_of().content,
        findings="\x1b[2J\\<script>&amp;\x85\n\n\n" + "x" * 20_000,
        impression="",
    )
    report = report_of(content=content, author="a^b=c\\d" + "é" * 20)
    made = to_report_sr(report, basis_of(series()))
    assert errors_of(to_bytes(made), tmp_path) == []
    found = told(reread(to_bytes(made)))
    assert found["Findings"] == [" [2J\\<script>&amp;", "x" * 20_000]
    assert "Impressions" not in found


def test_a_header_without_uids_is_refused() -> None:
    sources = series(slices=1)
    basis = basis_of(sources)
    del sources[0].StudyInstanceUID
    with pytest.raises(ReadError, match="StudyInstanceUID is missing or is no UID"):
        to_report_sr(report_of(), basis)
