"""Technical header values that an audit may look at, and UIDs kept apart."""

from __future__ import annotations

import hashlib
from typing import Any

from medlens.read.dicom.header import DicomHeader, sop_class_name
from medlens.read.dicom.numbers import text, value_of

# Codes, numbers and makers only: no free text in which a name could stand.
_FACTS = (
    "Modality", "Manufacturer", "ManufacturerModelName", "PhotometricInterpretation",
    "SamplesPerPixel", "Rows", "Columns", "NumberOfFrames", "BitsAllocated",
    "BitsStored", "PixelRepresentation", "ImageType", "ConversionType",
    "BodyPartExamined", "ViewPosition", "Laterality", "ImageLaterality",
    "PatientOrientation", "PatientPosition", "PresentationIntentType",
    "PresentationLUTShape", "PixelIntensityRelationship", "BurnedInAnnotation",
    "LossyImageCompression", "SliceThickness", "SpacingBetweenSlices", "KVP",
    "MagneticFieldStrength", "EchoTime", "RepetitionTime", "InstanceNumber",
)  # fmt: skip
_UIDS = (
    "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID",
    "FrameOfReferenceUID",
)  # fmt: skip


def read_facts(header: DicomHeader, spacing_source: str) -> dict[str, str]:
    """Facts for `Provenance.facts`: printable ASCII, 64 characters at most."""
    found = {keyword: text(header.data, keyword) for keyword in _FACTS}
    found["TransferSyntaxUID"] = header.transfer_syntax
    found["SOPClass"] = sop_class_name(header.data)
    found["SpacingSource"] = spacing_source
    return {keyword: value for keyword, value in found.items() if value}


def read_uids(data: Any) -> dict[str, str]:
    """UIDs for `Provenance.uids`, and a key of the patient.

    "PatientKey" is a digest of Patient ID with its issuer: equal for the
    images of one patient and of no use as a name. It is absent where the
    file has no Patient ID.
    """
    found = {keyword: text(data, keyword) for keyword in _UIDS}
    patient = "\0".join(
        str(value_of(data, keyword) or "")
        for keyword in ("PatientID", "IssuerOfPatientID")
    )
    if patient.strip("\0 "):
        digest = hashlib.blake2b(patient.encode("utf-8", "replace"), digest_size=8)
        found["PatientKey"] = digest.hexdigest()
    return {keyword: value for keyword, value in found.items() if value}
