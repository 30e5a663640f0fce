"""What DICOM objects of a report share: whose they are and what they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from medlens.core.diagnosis import ImageRef
from medlens.write.reading.content import Report, digest_of
from medlens.write.source import PATIENT_AND_STUDY, clean_source
from medlens.write.stamp import Kind, Stamp, make_stamp, seal
from medlens.write.values import clean_text, clean_value

ANONYMOUS = "-"


@dataclass(frozen=True)
class Basis:
    """What a report is about.

    Attributes:
        header: of one image of the study, as it came; pixels are not needed.
        images: every image of the study that did not come from this service.
        series: UID of each of their series → its modality.
        predecessor: the SR of the signed report whose place this one takes, or None.
    """

    header: Dataset = field(repr=False)
    images: tuple[ImageRef, ...] = field(default=(), repr=False)
    series: dict[str, str] = field(default_factory=dict, repr=False)
    predecessor: ImageRef | None = field(default=None, repr=False)


def stamp_of(kind: Kind, report: Report, source: Dataset) -> Stamp:
    """The identity of an object of a report; the same report has the same."""
    key = "\n".join(
        (
            "reading",
            str(source.StudyInstanceUID),
            f"{report.version} {'signed' if report.is_signed else 'draft'}",
            digest_of(report.content),
            report.author,
            report.made_at.isoformat(),
        )
    )
    return make_stamp(
        kind,
        report,
        [source],
        key=key,
        lang=report.content.lang,
        when=report.made_at,
    )


def begin(kind: Kind, sop_class: str, report: Report, basis: Basis) -> Any:
    """A data set with file meta, patient, study, series and equipment, and its stamp.

    Raises:
        ReadError: the header has no usable UIDs.
    """
    source = clean_source(basis.header)
    stamp = stamp_of(kind, report, source)
    made = Dataset()
    for keyword in PATIENT_AND_STUDY:
        if keyword in source:
            setattr(made, keyword, source[keyword].value)
    made.StudyInstanceUID = source.StudyInstanceUID
    made.SOPClassUID, made.SOPInstanceUID = sop_class, stamp.instance_uid
    words = stamp.arguments()
    made.SeriesInstanceUID = words["series_instance_uid"]
    made.SeriesNumber = words["series_number"]
    made.SeriesDescription = words["series_description"]
    made.InstanceNumber = report.version
    made.Manufacturer = words["manufacturer"]
    made.ManufacturerModelName = words["manufacturer_model_name"]
    made.DeviceSerialNumber = words["device_serial_number"]
    made.SoftwareVersions = words["software_versions"]
    made.ContentDate = made.ContentTime = ""  # `finish` sets all times
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID = sop_class
    made.file_meta.MediaStorageSOPInstanceUID = stamp.instance_uid
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return made, stamp, source


def finish(made: Dataset, stamp: Stamp, source: Dataset) -> Dataset:
    """With its times and its character set."""
    return seal(made, stamp, [source])


def evidence(study_uid: str, images: Sequence[ImageRef]) -> list[Dataset]:
    """Hierarchical SOP Instance Reference Macro (PS3.3 C.17.2.1)."""
    by_series: dict[str, dict[str, ImageRef]] = {}
    for image in images:
        members = by_series.setdefault(image.series_uid, {})
        members[image.sop_instance_uid] = image
    study = Dataset()
    study.StudyInstanceUID = study_uid
    study.ReferencedSeriesSequence = []
    for uid, members in by_series.items():
        series = Dataset()
        series.SeriesInstanceUID = uid
        series.ReferencedSOPSequence = [reference(each) for each in members.values()]
        study.ReferencedSeriesSequence.append(series)
    return [study]


def reference(image: ImageRef) -> Dataset:
    """Class and UID of an instance."""
    made = Dataset()
    made.ReferencedSOPClassUID = image.sop_class_uid
    made.ReferencedSOPInstanceUID = image.sop_instance_uid
    return made


def person_name(account: str) -> str:
    """The name of an account as a PN: one component, without marks of its own.

    >>> person_name("dr.wang"), person_name("a^b=c")
    ('dr.wang', 'a b c')
    """
    plain = account.replace("^", " ").replace("=", " ")
    return clean_text(plain, 64) or ANONYMOUS


def organization(header: Dataset) -> str:
    """To whom the reader answers: the institution of the images, or "-"."""
    found: str | None = clean_value(header, "InstitutionName")
    return found or ANONYMOUS
