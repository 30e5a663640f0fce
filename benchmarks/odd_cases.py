"""One hundred odd studies: what a hospital's network really sends.

Each is a list of files with the way they come in and what may become of them. Made
from phantoms, and from real files where there are any.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CR = "1.2.840.10008.5.1.4.1.1.1"
DX = "1.2.840.10008.5.1.4.1.1.1.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
US = "1.2.840.10008.5.1.4.1.1.6.1"
SC = "1.2.840.10008.5.1.4.1.1.7"
SR = "1.2.840.10008.5.1.4.1.1.88.11"
KO = "1.2.840.10008.5.1.4.1.1.88.59"
PR = "1.2.840.10008.5.1.4.1.1.11.1"
PDF = "1.2.840.10008.5.1.4.1.1.104.1"


@dataclass(frozen=True)
class Odd:
    """One study.

    Attributes:
        name: what is odd about it.
        files: bytes of each file, in the order in which they come.
        way: "dicom" for C-STORE, "stow", or "upload".
        may_answer: whether a bundle for chest radiographs may answer it; None where
            the files say too little to tell.
        study_uid: "" where it has none that could be looked up.
    """

    name: str
    files: tuple[bytes, ...]
    way: str
    may_answer: bool | None
    study_uid: str = ""


def odd_studies(real: Path | None, *, seed: int = 0) -> list[Odd]:
    """A hundred of them; the same for the same seed and files.

    Args:
        real: folder of real images, or None.
        seed: of the phantoms' noise.
    """
    found = [*_made(np.random.default_rng(seed))]
    if real is not None:
        found += list(_real(real))
    rng = np.random.default_rng(seed + 1)
    while len(found) < 100:
        number = len(found)
        found.append(_chest(f"good chest {number}", rng))
    return found[:100]


def bytes_of(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """A Part 10 file, even of a data set that is wrong on purpose."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", SC)
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", generate_uid())
    file = FileDataset("", dataset, preamble=b"\0" * 128, file_meta=meta)
    buffer = io.BytesIO()
    file.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def radiograph(rng: np.random.Generator, *, side: int = 512, **changes: Any) -> Dataset:
    """A chest radiograph with a bright spot, and the changes asked for.

    A change to None deletes the attribute.
    """
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = DX, generate_uid()
    data.StudyInstanceUID, data.SeriesInstanceUID = generate_uid(), generate_uid()
    data.PatientID, data.PatientName = "ODD", "Odd^Case"
    data.PatientBirthDate, data.PatientSex = "19600101", "O"
    data.StudyDate, data.StudyTime, data.AccessionNumber = "20260102", "101500", "A1"
    data.StudyID = "1"
    data.ReferringPhysicianName = ""
    data.Modality, data.BodyPartExamined, data.ViewPosition = "DX", "CHEST", "PA"
    data.SeriesNumber, data.InstanceNumber = 1, 1
    data.Manufacturer = "Phantom"
    data.PresentationIntentType = "FOR PRESENTATION"
    data.PixelSpacing = [0.5, 0.5]
    data.PhotometricInterpretation, data.SamplesPerPixel = "MONOCHROME2", 1
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 0
    pixels = rng.integers(200, 600, (side, side), dtype=np.uint16)
    y, x = np.mgrid[:side, :side]
    pixels[(y - side // 3) ** 2 + (x - side // 2) ** 2 < (side // 10) ** 2] = 3000
    data.Rows, data.Columns = side, side
    data.PixelData = pixels.tobytes()
    for keyword, value in changes.items():
        if value is None:
            data.pop(keyword, None)
        else:
            setattr(data, keyword, value)
    return data


def _chest(name: str, rng: np.random.Generator, **changes: Any) -> Odd:
    data = radiograph(rng, **changes)
    return Odd(name, (bytes_of(data),), "dicom", True, data.StudyInstanceUID)


def _wrong(name: str, rng: np.random.Generator, **changes: Any) -> Odd:
    data = radiograph(rng, **changes)
    return Odd(
        name, (bytes_of(data),), "dicom", False, data.get("StudyInstanceUID", "")
    )


def _slices(
    rng: np.random.Generator, places: list[float], sop_class: str = CT, **changes: Any
) -> tuple[tuple[bytes, ...], str]:
    """CT slices at these positions along z."""
    first = radiograph(rng, side=64, SOPClassUID=sop_class, Modality="CT")
    files = []
    for number, z in enumerate(places):
        one = radiograph(
            rng,
            side=64,
            SOPClassUID=sop_class,
            Modality="CT",
            StudyInstanceUID=first.StudyInstanceUID,
            SeriesInstanceUID=first.SeriesInstanceUID,
            BodyPartExamined="HEAD",
            ViewPosition=None,
            FrameOfReferenceUID=first.SOPInstanceUID,
            ImagePositionPatient=[0, 0, z],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
            RescaleIntercept=-1024,
            RescaleSlope=1,
            SliceThickness=5,
            InstanceNumber=number + 1,
            **changes,
        )
        files.append(bytes_of(one))
    return tuple(files), first.StudyInstanceUID


def _made(rng: np.random.Generator) -> Iterator[Odd]:
    yield from _odd_radiographs(rng)
    yield from _other_parts(rng)
    yield from _odd_series(rng)
    yield from _no_images(rng)
    yield from _damaged(rng)
    yield from _twice(rng)
    yield from _pictures(rng)


def _odd_radiographs(rng: np.random.Generator) -> Iterator[Odd]:
    """Chest radiographs all the same, and to be answered."""
    yield _chest("MONOCHROME1", rng, PhotometricInterpretation="MONOCHROME1")
    yield _chest("12 bits", rng, BitsStored=12, HighBit=11)
    yield _chest("no spacing", rng, PixelSpacing=None)
    yield _chest("no body part's case", rng, BodyPartExamined="chest")
    yield _chest("no birth date", rng, PatientBirthDate="")
    yield _chest("no patient ID", rng, PatientID="")
    yield _chest("CR", rng, SOPClassUID=CR, Modality="CR")
    yield _chest("lateral view", rng, ViewPosition="LL")
    yield _chest("tall", rng, Rows=256, Columns=1024)
    yield _chest("tiny", rng, side=16)
    yield _chest("large", rng, side=3000)
    yield _chest("script in the name", rng, PatientName="<script>alert(1)</script>")
    yield _chest("SQL in the name", rng, PatientName="'; DROP TABLE studies; --")
    yield _chest("Chinese name", rng, SpecificCharacterSet="ISO_IR 192",
                 PatientName="Wang^XiaoDong=王^小东")  # fmt: skip
    yield _chest("unknown character set", rng, SpecificCharacterSet="KLINGON")
    yield _chest("impossible date", rng, StudyDate="20261399")
    yield _chest("long description", rng, StudyDescription="x" * 64)
    yield _chest("window of width 0", rng, WindowCenter="100", WindowWidth="0")
    yield _wrong("slope 0", rng, RescaleSlope=0, RescaleIntercept=0)
    yield _chest("one grey value", rng, PixelData=b"\x10\0" * (512 * 512))


def _other_parts(rng: np.random.Generator) -> Iterator[Odd]:
    """Images of something else."""
    for part in ("KNEE", "HAND", "SKULL", "ABDOMEN", "PELVIS", "FOOT"):
        yield _wrong(f"radiograph of {part}", rng, BodyPartExamined=part)
    yield _wrong("mammogram", rng, Modality="MG", BodyPartExamined="BREAST")
    yield _wrong("MR knee", rng, SOPClassUID=MR, Modality="MR", BodyPartExamined="KNEE")
    yield _wrong("ultrasound", rng, SOPClassUID=US, Modality="US",
                 BodyPartExamined="ABDOMEN")  # fmt: skip
    yield _wrong("secondary capture", rng, SOPClassUID=SC, Modality="OT",
                 BodyPartExamined=None)  # fmt: skip
    yield _wrong("no modality", rng, Modality=None)
    yield _wrong("foreign modality", rng, Modality="ECG")


def _odd_series(rng: np.random.Generator) -> Iterator[Odd]:
    even = [5.0 * i for i in range(12)]
    for name, places in (
        ("head CT", even),
        ("missing slices", even[:4] + even[7:]),
        ("uneven slices", [i**1.5 for i in range(12)]),
        ("doubled slices", even + even[:3]),
        ("single slice", [0.0]),
        ("two slices", [0.0, 5.0]),
        ("slices in a random order", list(rng.permutation(even))),
    ):
        files, study = _slices(rng, places)
        yield Odd(f"CT: {name}", files, "dicom", False, study)
    files, study = _slices(rng, [0.0], ImageComments="scout")
    scout = pydicom.dcmread(io.BytesIO(files[0]))
    scout.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    yield Odd("CT: scout alone", (bytes_of(scout),), "dicom", False, study)


def _no_images(rng: np.random.Generator) -> Iterator[Odd]:
    for name, sop_class, modality in (
        ("report", SR, "SR"),
        ("key objects", KO, "KO"),
        ("presentation state", PR, "PR"),
    ):
        bare = {"PixelData": None, "Rows": None, "Columns": None}
        yield _wrong(
            f"no image: {name}", rng, SOPClassUID=sop_class, Modality=modality, **bare
        )
    yield _wrong(
        "no image: PDF",
        rng,
        SOPClassUID=PDF,
        Modality="DOC",
        PixelData=None,
        EncapsulatedDocument=b"%PDF-1.4\n",
        MIMETypeOfEncapsulatedDocument="application/pdf",
    )
    for name, text in (
        ("text", b"Dear colleague, here are the images.\n"),
        ("page", b"<!doctype html><script>alert(1)</script>"),
        ("JSON", json.dumps({"a": 1}).encode()),
        ("nothing", b""),
        ("zeros", bytes(4096)),
        ("program", b"\x7fELF" + bytes(512)),
    ):
        yield Odd(f"no image: {name}", (text,), "upload", False)


def _damaged(rng: np.random.Generator) -> Iterator[Odd]:
    whole = radiograph(rng)
    raw = bytes_of(whole)
    for name, cut in (("half", len(raw) // 2), ("a few bytes", 40), ("a header", 600)):
        yield Odd(f"truncated to {name}", (raw[:cut],), "upload", False)
    yield _wrong("pixels too short", rng, PixelData=b"\0\0" * 100)
    yield _wrong("no pixels", rng, PixelData=None)
    yield _wrong("no rows", rng, Rows=None)
    yield _wrong("no bits", rng, BitsAllocated=None)
    yield _wrong("65535 rows", rng, Rows=65535)
    yield _wrong("2^31 - 1 frames", rng, NumberOfFrames=2**31 - 1)
    yield _wrong("3 samples announced", rng, SamplesPerPixel=3,
                 PhotometricInterpretation="RGB", PlanarConfiguration=0)  # fmt: skip
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        data = radiograph(rng, **{keyword: None})
        yield Odd(f"no {keyword}", (bytes_of(data),), "upload", False)
    data = radiograph(rng, StudyInstanceUID="1.2.840")
    bad = bytes_of(data).replace(b"1.2.840\0", b"../../x\0", 1)
    yield Odd("a path as UID", (bad,), "upload", False)


def _twice(rng: np.random.Generator) -> Iterator[Odd]:
    data = radiograph(rng)
    raw = bytes_of(data)
    yield Odd("the same twice", (raw, raw), "dicom", True, data.StudyInstanceUID)
    other = pydicom.dcmread(io.BytesIO(raw))
    other.PixelData = bytes(len(data.PixelData))
    yield Odd("two under one UID", (raw, bytes_of(other)), "dicom", True,
              data.StudyInstanceUID)  # fmt: skip
    first = radiograph(rng, PatientID="P1")
    second = radiograph(rng, PatientID="P2",
                        StudyInstanceUID=first.StudyInstanceUID)  # fmt: skip
    yield Odd("two patients in one study", (bytes_of(first), bytes_of(second)),
              "dicom", True, first.StudyInstanceUID)  # fmt: skip


def _pictures(rng: np.random.Generator) -> Iterator[Odd]:
    import cv2

    grey = rng.integers(0, 255, (64, 64), dtype=np.uint8)
    png = cv2.imencode(".png", grey)[1].tobytes()
    yield Odd("PNG", (png,), "upload", False)
    yield Odd("half a PNG", (png[: len(png) // 2],), "upload", False)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.dcm", bytes_of(radiograph(rng)))
        archive.writestr("readme.txt", "hello")
    yield Odd("zip with a path that climbs", (buffer.getvalue(),), "upload", True)


def _real(folder: Path) -> Iterator[Odd]:
    """Files of the collection of odd DICOM, each a study of its own."""
    for path in sorted((folder / "dicom_variety").rglob("*")):
        if path.is_file() and path.stat().st_size < 5_000_000:
            yield Odd(f"real: {path.name}", (path.read_bytes(),), "upload", None)
    head = sorted((folder / "ct_head_series_dicom").rglob("*"))
    files = tuple(path.read_bytes() for path in head if path.is_file())
    if files:
        yield Odd("real: head CT, uneven", files, "dicom", False)
