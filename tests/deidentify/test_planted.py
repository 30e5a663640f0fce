"""A mark in every attribute, at every depth: none of them comes out."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from medlens.deidentify import Keep, Secret, deidentify_file
from tests.deidentify import planted
from tests.deidentify.planted import AGE, DATE, MARK, TIME, UID_ROOT

SECRET = Secret(bytes(range(32)))


@pytest.fixture(scope="module")
def raw() -> bytes:
    """Marks at three depths, in private blocks, overlays, head and preamble."""
    small, deepest, middle, top = Dataset(), Dataset(), Dataset(), Dataset()
    with pydicom.config.disable_value_validation(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # marks are wrong values on purpose
        small.PatientName = small.TextValue = small.PersonName = f"{MARK}small"
        small.CodeValue = small.CodeMeaning = small.CodingSchemeDesignator = f"{MARK}s"
        small.ReferencedSOPInstanceUID, small.UID = f"{UID_ROOT}8", f"{UID_ROOT}9"
        small.ContentDate, small.Modality = DATE, f"{MARK}CS"
        planted.plant(deepest, inside=small)
        planted.plant(middle, inside=small)
        middle.AnatomicRegionSequence = [deepest]
        count = planted.plant(top, inside=small)
        top.AnatomicRegionSequence = [middle]
        assert count > 1500
        planted.image(top)
        preamble = f"{MARK}preamble".encode().ljust(128, b"\0")
        return planted.file_of(top, preamble=preamble)


def marks_in(data: bytes) -> set[bytes]:
    """What was planted and is still there."""
    words = (MARK, UID_ROOT, DATE, DATE + TIME, AGE)
    return {word.encode() for word in words if word.encode() in data}


def test_the_source_holds_all_kinds_of_marks(raw: bytes) -> None:
    assert len(marks_in(raw)) == 5
    assert raw.count(MARK.encode()) > 4000


@pytest.mark.parametrize(
    "keep",
    [Keep(), Keep(dates="shift"), Keep(patient=True)],
    ids=["none", "dates", "p"],
)
def test_no_mark_is_left(raw: bytes, keep: Keep) -> None:
    freed = deidentify_file(raw, SECRET, keep=keep)
    left = marks_in(freed.data)
    # A kept age is an age and no name.
    assert left <= ({AGE.encode()} if keep.patient else set())
    assert freed.held == ""


def test_pixels_stay_and_the_file_can_be_read(raw: bytes) -> None:
    freed = deidentify_file(raw, SECRET)
    again = pydicom.dcmread(io.BytesIO(freed.data))
    assert np.array_equal(again.pixel_array.ravel(), np.arange(16))
    assert again.Modality == "CT"
    assert list(again.ImageType) == ["ORIGINAL", "PRIMARY", "AXIAL"]
    assert again.PatientIdentityRemoved == "YES"
    assert again.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert freed.data[:128] == bytes(128)
    assert not any(element.tag.is_private for element in again)
    assert not any(0x6000 <= element.tag.group <= 0x60FF for element in again)


def test_kept_uids_and_dates_are_what_was_asked_for(raw: bytes) -> None:
    freed = deidentify_file(raw, SECRET, keep=Keep(dates="keep", uids=True))
    source = pydicom.dcmread(io.BytesIO(raw))
    again = pydicom.dcmread(io.BytesIO(freed.data))
    assert again.SOPInstanceUID == source.SOPInstanceUID
    assert again.StudyDate == DATE
    assert not again.PatientBirthDate  # no option of ours keeps it
    assert MARK.encode() not in freed.data
