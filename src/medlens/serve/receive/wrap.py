"""Ordinary files as DICOM: who and what they are, and names that a digest gives.

Nothing of the clock and of this version goes into a wrapped data set: the same file
with the same details is the same instance, however often it is uploaded.
"""

from __future__ import annotations

import dataclasses
import re
import uuid
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from medlens.core import MedlensError

IMPLEMENTATION = "2.25.191434361597569506690862095830299839473"
"""Implementation Class UID of files that are written here."""

EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_NAMES = uuid.UUID("6d65646c-656e-5377-a261-700000000001")
_TEXT = re.compile(r"[^\x00-\x1f\x7f\\]*")
_CODE = re.compile(r"[A-Z0-9_ ]*")
_DATE = re.compile(r"(?:\d{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))?")
_LONGEST_GROUP = 64


class WrapError(MedlensError):
    """A file, or what was said of it, cannot be put into DICOM."""


@dataclass(frozen=True)
class Details:
    """What the sender says of a file that has no header of its own.

    Attributes:
        patient_id: "" makes one of the file's digest, so that two unnamed files are
            never one patient.
        patient_name: groups of a DICOM name apart by "^".
        birth_date, study_date: YYYYMMDD or "".
        sex: "M", "F", "O" or "".
        accession_number: of the order.
        study: a word of the sender's; files with the same word and patient are one
            study. "" makes each file a study of its own.
        study_description, series_description: free text.
        modality: "CT", "MR", "DX", …; "" leaves it to the wrapper.
        body_part: Body Part Examined, as the standard writes it ("CHEST").
        laterality: "L", "R" or "".
        view_position: "PA", "AP", "LL", …, or "".
    """

    patient_id: str = field(default="", repr=False)
    patient_name: str = field(default="", repr=False)
    birth_date: str = field(default="", repr=False)
    sex: str = field(default="", repr=False)
    accession_number: str = field(default="", repr=False)
    study: str = field(default="", repr=False)
    study_date: str = field(default="", repr=False)
    study_description: str = field(default="", repr=False)
    series_description: str = field(default="", repr=False)
    modality: str = ""
    body_part: str = ""
    laterality: str = ""
    view_position: str = ""

    def __post_init__(self) -> None:
        for name, (longest, pattern, wanted) in _RULES.items():
            value = getattr(self, name)
            if len(value) > longest or not pattern.fullmatch(value):
                raise WrapError(
                    f"{name}: {len(value)} characters that it cannot hold; wanted "
                    f"{wanted}, at most {longest}"
                )
        groups = re.split(r"[\^=]", self.patient_name)
        if len(groups) > 15 or max(map(len, groups)) > _LONGEST_GROUP:
            raise WrapError(
                "patient_name: has a part that is too long; wanted at most "
                f"{_LONGEST_GROUP} characters each, apart by '^'"
            )


_FREE = "text without control characters and backslash"
_CAPITALS = "capital letters and digits"
_RULES: dict[str, tuple[int, re.Pattern[str], str]] = {
    "patient_id": (64, _TEXT, _FREE),
    "patient_name": (194, _TEXT, _FREE),
    "birth_date": (8, _DATE, "YYYYMMDD"),
    "sex": (1, re.compile("[MFO]?"), "M, F or O"),
    "accession_number": (16, _TEXT, _FREE),
    "study": (64, _TEXT, _FREE),
    "study_date": (8, _DATE, "YYYYMMDD"),
    "study_description": (64, _TEXT, _FREE),
    "series_description": (64, _TEXT, _FREE),
    "modality": (16, _CODE, _CAPITALS),
    "body_part": (16, _CODE, _CAPITALS),
    "laterality": (1, re.compile("[LR]?"), "L or R"),
    "view_position": (16, _CODE, _CAPITALS),
}


def derive_uid(*parts: object) -> str:
    """A UID that the parts alone decide (PS3.5 B.2: 2.25 and a UUID).

    >>> derive_uid("a", 1) == derive_uid("a", 1)
    True
    """
    name = "\0".join(str(part).replace("\0", "") for part in parts)
    return f"2.25.{uuid.uuid5(_NAMES, name).int}"


@dataclass(frozen=True)
class Wrapping:
    """The names under which one file is wrapped.

    Attributes:
        digest: SHA-256 of the file.
        details: what the sender said.
    """

    digest: str
    details: Details

    @property
    def patient_id(self) -> str:
        """As given, or one that belongs to this file alone."""
        return self.details.patient_id or f"FILE-{self.digest[:16].upper()}"

    @property
    def study_uid(self) -> str:
        """The same for all files with one patient and one word for the study."""
        return derive_uid("study", self.patient_id, self.details.study or self.digest)

    def uid(self, *parts: object) -> str:
        """Of a series, instance or frame of reference; other details, other UIDs."""
        said = dataclasses.astuple(self.details)
        return derive_uid(self.digest, *said, "", *parts)


def begin_dataset(
    wrapping: Wrapping, *, sop_class: str, series: int, instance: int, modality: str
) -> Any:
    """A pydicom Dataset with the patient, study, series and instance in it.

    Args:
        wrapping: names and details.
        sop_class: UID of the storage class.
        series: counted from 0 within the file.
        instance: counted from 0 within the series.
        modality: of the series.
    """
    from pydicom.dataset import Dataset

    details, data = wrapping.details, Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID = sop_class
    data.SOPInstanceUID = wrapping.uid("instance", series, instance)
    data.StudyInstanceUID = wrapping.study_uid
    data.SeriesInstanceUID = wrapping.uid("series", series)
    data.PatientID = wrapping.patient_id
    data.PatientName = details.patient_name
    data.PatientBirthDate, data.PatientSex = details.birth_date, details.sex
    data.StudyDate, data.StudyTime = details.study_date, ""
    data.StudyID, data.ReferringPhysicianName = "", ""
    data.AccessionNumber = details.accession_number
    if details.study_description:
        data.StudyDescription = details.study_description
    if details.series_description:
        data.SeriesDescription = details.series_description
    data.Modality, data.Manufacturer = modality, "medlens"
    data.SeriesNumber, data.InstanceNumber = series + 1, instance + 1
    if details.body_part:
        data.BodyPartExamined = details.body_part
    if details.laterality:
        data.Laterality = details.laterality
    if details.view_position:
        data.ViewPosition = details.view_position
    return data


def to_part10(data: Any) -> bytes:
    """The data set as a Part-10 file, explicit VR little endian."""
    from pydicom import dcmwrite
    from pydicom.dataset import FileMetaDataset

    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = data.SOPClassUID
    meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    meta.TransferSyntaxUID = EXPLICIT_LITTLE
    meta.ImplementationClassUID = IMPLEMENTATION
    meta.ImplementationVersionName = "MEDLENS"
    data.file_meta = meta
    buffer = BytesIO()
    dcmwrite(buffer, data, enforce_file_format=True)
    return buffer.getvalue()


def as_decimal(value: float) -> str:
    """A number in the 16 characters of a DS, as near as they allow."""
    from pydicom.valuerep import format_number_as_ds

    return str(format_number_as_ds(float(value) + 0.0))
