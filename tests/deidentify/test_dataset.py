"""What stays true after a patient's identity is gone."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medlens.core import UsageError
from medlens.deidentify import (
    IdentityError,
    Keep,
    Secret,
    deidentify_dataset,
    parse_keep,
    why_held,
)
from medlens.deidentify.dates import shift
from medlens.deidentify.secret import MOST_DAYS

SECRET = Secret(b"k" * 32)
OTHER = Secret(b"l" * 32)


def image(**values: object) -> Dataset:
    data = Dataset()
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    data.SOPInstanceUID, data.SeriesInstanceUID = "1.2.3.4", "1.2.3"
    data.StudyInstanceUID, data.Modality = "1.2", "CT"
    data.PatientID, data.PatientName = "4711", "Doe^Jane"
    for keyword, value in values.items():
        setattr(data, keyword, value)
    return data


def test_references_lead_to_the_same_image() -> None:
    item = Dataset()
    item.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    item.ReferencedSOPInstanceUID = "1.2.3.4"
    first = deidentify_dataset(image(), SECRET)
    second = deidentify_dataset(
        image(SOPInstanceUID="1.2.3.5", ReferencedImageSequence=Sequence([item])),
        SECRET,
    )
    (reference,) = second.ReferencedImageSequence
    assert reference.ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert reference.ReferencedSOPClassUID == item.ReferencedSOPClassUID
    assert second.SeriesInstanceUID == first.SeriesInstanceUID
    assert second.SOPInstanceUID != first.SOPInstanceUID


def test_another_key_gives_other_names_and_uids() -> None:
    first, second = (deidentify_dataset(image(), s) for s in (SECRET, OTHER))
    assert first.PatientID != second.PatientID
    assert first.StudyInstanceUID != second.StudyInstanceUID


def test_one_patient_keeps_one_name_whatever_it_is_called() -> None:
    first = deidentify_dataset(image(), SECRET)
    second = deidentify_dataset(image(PatientName="Doe^J"), SECRET)
    stranger = deidentify_dataset(image(PatientID="4712"), SECRET)
    assert first.PatientID == second.PatientID == second.PatientName
    assert stranger.PatientID != first.PatientID


def test_patients_without_an_id_are_kept_apart_by_their_studies() -> None:
    first = deidentify_dataset(image(PatientID=""), SECRET)
    again = deidentify_dataset(image(PatientID="", SOPInstanceUID="1.2.9"), SECRET)
    other = deidentify_dataset(image(PatientID="", StudyInstanceUID="1.3"), SECRET)
    assert first.PatientID == again.PatientID != other.PatientID


def test_days_between_studies_stay_where_dates_are_shifted() -> None:
    keep = Keep(dates="shift")
    first, second = (
        deidentify_dataset(image(StudyDate=day, StudyTime="101500"), SECRET, keep=keep)
        for day in ("20240228", "20240301")
    )
    days = [
        date(int(d[:4]), int(d[4:6]), int(d[6:]))
        for d in (first.StudyDate, second.StudyDate)
    ]
    assert (days[1] - days[0]).days == 2  # 2024 is a leap year
    assert first.StudyDate < "20240228"
    assert first.StudyTime == "101500"
    assert first.LongitudinalTemporalInformationModified == "MODIFIED"


def test_ages_above_89_are_told_as_89() -> None:
    keep = Keep(patient=True)
    old = deidentify_dataset(
        image(PatientAge="097Y", PatientSex="F"), SECRET, keep=keep
    )
    young = deidentify_dataset(image(PatientAge="003M"), SECRET, keep=keep)
    assert (old.PatientAge, old.PatientSex, young.PatientAge) == ("089Y", "F", "003M")
    assert "PatientAge" not in deidentify_dataset(image(PatientAge="030Y"), SECRET)


@pytest.mark.parametrize(
    ("value", "stays"),
    [("HFS", True), ("SMITH", False), ("SMITH JOHN", False), ("FFDR", True)],
)
def test_code_strings_stay_where_they_are_terms(value: str, stays: bool) -> None:
    clean = deidentify_dataset(image(PatientPosition=value), SECRET)
    assert (clean.PatientPosition == value) is stays


@pytest.mark.parametrize(
    ("maker", "left"),
    [("SIEMENS", "Siemens"), ("GE MEDICAL SYSTEMS", "GE"), ("Smith's clinic", "")],
)
def test_a_maker_is_named_in_our_spelling(maker: str, left: str) -> None:
    assert (
        deidentify_dataset(image(Manufacturer=maker), SECRET).Manufacturer or ""
    ) == (left)


def test_codes_of_the_standard_stay_and_others_go() -> None:
    def code(value: str, scheme: str, meaning: str) -> Sequence:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator = value, scheme
        item.CodeMeaning = meaning
        return Sequence([item])

    known = code("113100", "DCM", "Jane Doe was here")
    clean = deidentify_dataset(image(AnatomicRegionSequence=known), SECRET)
    (item,) = clean.AnatomicRegionSequence
    assert item.CodeMeaning == "Basic Application Confidentiality Profile"
    private = code("JD1", "99HOSP", "Jane Doe")
    clean = deidentify_dataset(image(AnatomicRegionSequence=private), SECRET)
    assert "Jane" not in str(clean)
    assert "JD1" not in str(clean)


def test_the_source_is_not_changed() -> None:
    data = image(PatientComments="x")
    before = data.to_json()
    deidentify_dataset(data, SECRET)
    assert data.to_json() == before


def test_nesting_without_end_is_refused() -> None:
    data = image()
    for _ in range(40):
        outer = Dataset()
        outer.AnatomicRegionSequence = Sequence([data])
        data = outer
    with pytest.raises(IdentityError, match="nested more than 32 deep"):
        deidentify_dataset(data, SECRET)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, ""),
        ({"BurnedInAnnotation": "YES"}, "Burned In Annotation is YES"),
        ({"Modality": "US"}, "modality US often holds text"),
        ({"Modality": "US", "BurnedInAnnotation": "NO"}, ""),
        ({"Modality": ""}, "modality none often holds"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "is a secondary capture"),
        (
            {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.4", "BurnedInAnnotation": "NO"},
            "is a secondary capture",
        ),
        ({"ImageType": ["DERIVED", "SECONDARY"]}, "Image Type says SECONDARY"),
        ({"ConversionType": "WSD"}, "was converted"),
        ({"PhotometricInterpretation": "RGB"}, "a CT in colour"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11"}, "is a report"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.1"}, "holds a document"),
    ],
)
def test_what_a_person_must_look_at(values: dict[str, object], reason: str) -> None:
    held = why_held(image(**values))
    assert held.startswith(reason)
    assert bool(held) is bool(reason)


@given(st.dates(date(1930, 1, 1), date(2090, 1, 1)), st.integers(0, MOST_DAYS))
def test_shifted_days_come_back(day: date, days: int) -> None:
    text = f"{day:%Y%m%d}"
    moved = shift("DA", text, days)
    assert moved is not None
    assert shift("DA", moved, -days) == text


@pytest.mark.parametrize("value", ["", "2024", "20241399", "John", "99999999"])
def test_what_is_no_date_goes(value: str) -> None:
    assert shift("DA", value, 5) is None


def test_options() -> None:
    assert parse_keep("shifted-dates, device") == Keep(dates="shift", device=True)
    assert parse_keep("") == Keep()
    with pytest.raises(UsageError, match="--keep name: wanted some of dates"):
        parse_keep("name")
    with pytest.raises(UsageError, match="wanted one of the two"):
        parse_keep("dates,shifted-dates")
