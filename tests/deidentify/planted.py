"""Data sets with a mark in every attribute that the standard knows."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from pydicom.datadict import DicomDictionary, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian

MARK = "QZ"  # starts every mark of text
UID_ROOT = "1.3.6.1.4.1.99999."
DATE, TIME = "19870613", "134657"
AGE = "077Y"
CT = "1.2.840.10008.5.1.4.1.1.2"
TEXTS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT")
LEFT_ALONE = (
    "PixelData",
    "FloatPixelData",
    "DoubleFloatPixelData",
    "SpecificCharacterSet",
)


def marked(number: int, vr: str) -> object | None:
    """A value of a VR that is nowhere else, or None where it is a plain number."""
    text = f"{MARK}{number:05d}"
    if vr in TEXTS:
        return text
    if vr == "UI":
        return f"{UID_ROOT}{number}"
    if vr in ("OB", "UN"):
        return text.encode() + b"\0"
    if vr in ("OW", "OL", "OV", "OF", "OD"):
        return text.encode() + b"\0" * 9
    return {"DA": DATE, "TM": TIME, "DT": DATE + TIME, "AS": AGE}.get(vr)


def every_attribute() -> Iterator[tuple[int, str]]:
    """Tag and VR of all of the data dictionary's attributes that a file may hold."""
    for tag, (_, _, _, retired, keyword) in sorted(DicomDictionary.items()):
        group = tag >> 16
        del retired
        if group >= 8 and keyword and keyword not in LEFT_ALONE and tag & 0xFFFF:
            yield tag, dictionary_VR(tag)


def plant(data: Dataset, *, inside: Dataset | None = None) -> int:
    """Put marks into every attribute; sequences hold a copy of `inside`."""
    count = 0
    for number, (tag, vr) in enumerate(every_attribute()):
        if vr == "SQ":
            items = [inside] if inside is not None else []
            data.add(DataElement(Tag(tag), "SQ", Sequence(items)))
            continue
        value = marked(number, vr)
        if value is not None:
            data.add(DataElement(Tag(tag), vr, value))
            count += 1
    for group in (0x5000, 0x6000, 0x6002):
        data.add(DataElement(Tag(group, 0x0022), "LO", f"{MARK}overlay"))
        data.add(DataElement(Tag(group, 0x3000), "OB", f"{MARK}curve0".encode()))
    data.add(DataElement(Tag(0x0009, 0x0010), "LO", f"{MARK}creator"))
    data.add(DataElement(Tag(0x0009, 0x1001), "LO", f"{MARK}private"))
    data.add(DataElement(Tag(0x4321, 0x0010), "LO", f"{MARK}creator"))
    data.add(DataElement(Tag(0x4321, 0x1001), "UN", f"{MARK}private!".encode()))
    return count


def image(data: Dataset) -> Dataset:
    """What makes it a CT image that can be opened."""
    data.SOPClassUID, data.Modality = CT, "CT"
    data.Rows = data.Columns = 4
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 0
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.BurnedInAnnotation = "NO"
    data.ConversionType = ""
    data.EncapsulatedDocument = None
    del data.EncapsulatedDocument
    data.PixelData = np.arange(16, dtype=np.uint16).tobytes()
    return data


def file_of(data: Dataset, *, preamble: bytes = b"\0" * 128) -> bytes:
    """A Part 10 file whose head is marked, too."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CT
    meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationVersionName = f"{MARK}version"
    meta.SourceApplicationEntityTitle = f"{MARK}sender"
    meta.PrivateInformationCreatorUID = f"{UID_ROOT}7"
    meta.PrivateInformation = f"{MARK}informat".encode()
    file = FileDataset("", data, preamble=preamble, file_meta=meta)
    buffer = io.BytesIO()
    file.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
