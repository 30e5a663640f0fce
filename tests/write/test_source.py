"""Foreign headers: whatever they hold, results stay valid and with their patient."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import config
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from medlens.core import ReadError
from medlens.core.diagnosis import Evidence
from medlens.write import (
    to_bytes,
    to_fhir,
    to_presentation_state,
    to_secondary_capture,
    to_segmentation,
    to_structured_report,
)
from medlens.write.source import clean_source, clean_sources, is_in_patient
from medlens.write.stamp import derive_uid
from medlens.write.values import clean_text
from tests.write.answers import mask_assessment, rich_diagnosis
from tests.write.dicom_sources import (
    STUDY,
    enhanced_mr,
    errors_of,
    radiograph,
    reread,
    series,
)


def put(dataset: Dataset, keyword: str, value: bytes) -> None:
    """Set the bytes of an element as a file could hold them."""
    element = dataset[keyword]
    raw = RawDataElement(
        Tag(element.tag), element.VR, len(value), value, 0, False, True
    )
    dataset._dict[Tag(element.tag)] = raw


HOSTILE: dict[str, tuple[bytes, Any]] = {
    # keyword: (bytes in the file, what results hold)
    "PatientName": (b"A" * 300, "A" * 64),
    "PatientID": (b"1\x1b[2J\r\n2\\3", "1 [2J 2"),
    "PatientBirthDate": (b"19991399", ""),
    "PatientSex": (b"MALE", ""),
    "StudyDate": (b"2026-1-2", ""),
    "StudyTime": (b"99:99", ""),
    "AccessionNumber": (b"0123456789abcdefXYZ", "0123456789abcdef"),
    "StudyID": (b"\x00\x00", ""),
    "ReferringPhysicianName": (b"a^b^c^d^e^f^g", "a^b^c^d^e"),
    "StudyDescription": (b"<script>" * 20, ("<script>" * 20)[:64]),
}


@pytest.mark.parametrize("keyword", HOSTILE)
def test_values_are_made_legal_by_the_rule_of_their_vr(keyword: str) -> None:
    source = series(slices=1)[0]
    data, wanted = HOSTILE[keyword]
    put(source, keyword, data)
    assert str(clean_source(source).get(keyword)) == wanted


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PixelSpacing", b"0\\0"),
        ("PixelSpacing", b"nan\\1"),
        ("PixelSpacing", b"1"),
        ("ImagePositionPatient", b"1\\2\\inf"),
        ("ImageOrientationPatient", b"1\\0\\0\\1\\0\\0"),
        ("ImageOrientationPatient", b"5\\0\\0\\0\\5\\0"),
        ("FrameOfReferenceUID", b"../../../x"),
    ],
)
def test_geometry_is_kept_whole_or_not_at_all(
    keyword: str, value: bytes, tmp_path: Path
) -> None:
    sources = series(slices=1)
    put(sources[0], keyword, value)
    cleaned = clean_source(sources[0])
    assert not is_in_patient(cleaned)
    assert "ImagePositionPatient" not in cleaned
    mask = np.ones((1, 24, 32), dtype=np.uint8)
    result = to_segmentation(
        mask_assessment(sources, ["tumour"]),
        Evidence(mask=mask, labels=("background", "tumour")),
        sources,
    )
    assert result is not None
    data = to_bytes(result)
    assert "FrameOfReferenceUID" not in reread(data)
    assert errors_of(data, tmp_path) == []


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SOPInstanceUID"])
@pytest.mark.parametrize("value", [b"", b"../../../x", b"1." * 40 + b"1", b"1.2.a"])
def test_sources_that_nothing_can_point_at_are_refused(
    keyword: str, value: bytes
) -> None:
    sources = series(slices=3)
    put(sources[1], keyword, value)
    with pytest.raises(ReadError, match=f"source 2 of 3: {keyword} is missing or"):
        clean_sources(sources)


def test_sources_of_two_studies_are_refused() -> None:
    sources = series(slices=2)
    sources[1].StudyInstanceUID = "1.2.3"
    with pytest.raises(ReadError, match="belong to several studies"):
        clean_sources(sources)


def test_old_uids_are_pointed_at_as_they_are() -> None:
    """Some devices write a component that starts with 0; it is their name."""
    source = series(slices=1)[0]
    put(source, "SOPInstanceUID", b"1.2.03.4")
    assert clean_source(source).SOPInstanceUID == "1.2.03.4"


@pytest.mark.parametrize("method", [None, "", "profile X"])
def test_a_source_without_identity_says_how(method: str | None, tmp_path: Path) -> None:
    """Patient Identity Removed is YES: De-identification Method is then type 1C."""
    sources = series()
    for source in sources:
        source.PatientIdentityRemoved = "YES"
        if method is not None:
            source.DeidentificationMethod = method
    data = to_bytes(to_structured_report(rich_diagnosis(sources), sources))
    made = reread(data)
    assert made.DeidentificationMethod == (method or "See the source image")
    assert errors_of(data, tmp_path) == []


@pytest.mark.parametrize("has_groups", [True, False])
def test_groups_that_do_not_match_the_frames_give_no_geometry(has_groups: bool) -> None:
    source = enhanced_mr(frames=4)
    groups = source.PerFrameFunctionalGroupsSequence
    source.PerFrameFunctionalGroupsSequence = groups[:3] if has_groups else []
    assert not is_in_patient(clean_source(source))
    assert is_in_patient(clean_source(enhanced_mr(frames=4)))


def all_kinds(sources: list[Dataset], like: list[Dataset]) -> list[bytes]:
    """Every result that the sources allow, of a diagnosis of others like them."""
    diagnosis = rich_diagnosis(like)
    assessment = diagnosis.assessments[0]
    picture = np.zeros((40, 600), dtype=np.uint8)
    made = [
        to_structured_report(diagnosis, sources),
        to_presentation_state(assessment, sources),
        to_secondary_capture(assessment, picture, sources),
    ]
    to_fhir(diagnosis, sources)
    return [to_bytes(result) for result in made if result is not None]


def test_a_header_of_nothing_but_uids_is_enough(tmp_path: Path) -> None:
    whole = series(slices=2)
    bare = []
    for source in whole:
        small = Dataset()
        for keyword in (
            "StudyInstanceUID",
            "SeriesInstanceUID",
            "SOPInstanceUID",
            "SOPClassUID",
            "Modality",
            "InstanceNumber",
        ):
            small[keyword] = source[keyword]
        bare.append(small)
    for data in all_kinds(bare, whole):
        assert errors_of(data, tmp_path) == []


@pytest.mark.parametrize(
    "sop_class",
    ["1.2.840.10008.5.1.4.1.1.6", "1.2.3.4.5", "1.2.840.10008.5.1.4.1.1.77.1.6"],
)
def test_retired_and_private_classes_keep_their_name(sop_class: str) -> None:
    sources = [radiograph()]
    sources[0].SOPClassUID = sop_class
    for data in all_kinds(sources, sources):
        found = [
            item.ReferencedSOPClassUID
            for item in _items(reread(data))
            if item.get("ReferencedSOPInstanceUID") == sources[0].SOPInstanceUID
        ]
        assert found
        assert set(found) == {sop_class}


def _items(dataset: Dataset) -> list[Dataset]:
    found = [dataset]
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                found += _items(item)
    return found


def test_hostile_headers_give_valid_results_and_say_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    sources = series(slices=2)
    for source in sources:
        for keyword, (data, _) in HOSTILE.items():
            put(source, keyword, data)
        put(source, "WindowWidth", b"-5")
        put(source, "RescaleSlope", b"nan")
        put(source, "SeriesNumber", b"99999999999999")
        put(source, "BodyPartExamined", b"the left side of the head")
        put(source, "SpecificCharacterSet", b"ISO 2022 IR 999")
    with caplog.at_level(logging.DEBUG):
        results = all_kinds(sources, series(slices=2))
    for data in results:
        assert errors_of(data, tmp_path) == []
    told = caplog.text + "".join(capfd.readouterr())
    assert "AAAA" not in told
    assert str(series(slices=1)[0].SOPInstanceUID) not in told


_TEXT_TAGS = ("PatientName", "PatientID", "StudyID", "StudyDescription", "PatientSex")


@settings(max_examples=15, deadline=None)
@given(
    values=st.dictionaries(
        st.sampled_from([*HOSTILE, "PixelSpacing", "Rows", "WindowCenter", "Modality"]),
        st.binary(max_size=80),
        min_size=1,
    )
)
def test_no_bytes_break_a_report(values: dict[str, bytes]) -> None:
    sources = series(slices=1)
    for keyword, value in values.items():
        put(sources[0], keyword, value)
    report = to_structured_report(rich_diagnosis(series(slices=1)), sources)
    read = reread(to_bytes(report))
    assert read.StudyInstanceUID == STUDY
    with config.disable_value_validation():
        for keyword in _TEXT_TAGS:
            element: DataElement | None = read.get_item(keyword)
            text = str(read.get(keyword, ""))
            assert element is None or len(text) <= 3 * 64 + 2
            assert not any(ord(letter) < 32 for letter in text)


@given(st.text(max_size=200))
def test_clean_text_is_a_legal_lo(text: str) -> None:
    cleaned = clean_text(text, 64)
    assert len(cleaned) <= 64
    assert cleaned == cleaned.strip()
    assert "\\" not in cleaned
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in cleaned)
    cleaned.encode("utf-8")
    assert clean_text(cleaned, 64) == cleaned


@given(st.lists(st.text(max_size=20), max_size=4))
def test_derived_uids_are_legal_and_tell_parts_apart(parts: list[str]) -> None:
    try:
        "".join(parts).encode()
    except UnicodeEncodeError:
        return
    uid = derive_uid(*parts)
    assert uid.startswith("2.25.")
    assert len(uid) <= 44
    assert derive_uid(*parts) == uid
    assert derive_uid(*parts, "x") != uid
    assert derive_uid("ab", "c") != derive_uid("a", "bc")
