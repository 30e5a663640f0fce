"""Valid DICOM images of each kind, made in code, that results are written for.

`dciodvfy` finds no error in any of them (tests/write/test_dicom_sources.py), so that
an error in a result is the writer's own.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian

CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "DX": "1.2.840.10008.5.1.4.1.1.1.1",
    "US": "1.2.840.10008.5.1.4.1.1.6.1",
    "US frames": "1.2.840.10008.5.1.4.1.1.3.1",
    "MR frames": "1.2.840.10008.5.1.4.1.1.4.1",
}
STUDY = "1.2.826.0.1.3680043.8.498.1"
FRAME_OF_REFERENCE = "1.2.826.0.1.3680043.8.498.2"
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
# Rows run to the patient's left and head, columns to the back: no axis is straight.
OBLIQUE = (0.8, 0.0, 0.6, 0.36, 0.8, -0.48)
SPACING = (0.5, 0.25)  # between rows, between columns
GAP = 2.5
CORNER = (-10.0, -20.0, 30.0)


def series(
    modality: str = "CT",
    *,
    slices: int = 4,
    shape: tuple[int, int] = (24, 32),
    orientation: tuple[float, ...] = AXIAL,
    descending: bool = False,
) -> list[Dataset]:
    """A series of slices, first to last by Instance Number.

    Args:
        modality: "CT" or "MR".
        slices: how many.
        shape: rows, columns.
        orientation: direction of rows and of columns.
        descending: the last instance lies lowest along the normal.
    """
    normal = np.cross(orientation[:3], orientation[3:])
    images = []
    for index in range(slices):
        image = _image(modality, number=index + 1, shape=shape)
        step = -index if descending else index
        image.ImagePositionPatient = [
            float(f"{v:.6f}") for v in np.array(CORNER) + normal * GAP * step
        ]
        image.ImageOrientationPatient = list(orientation)
        image.PixelSpacing = list(SPACING)
        image.SliceThickness = GAP
        _add_slice_module(image, modality)
        images.append(image)
    return images


def radiograph(
    modality: str = "DX", *, photometric: str = "MONOCHROME1", laterality: str = ""
) -> Dataset:
    """A CR or DX image of the chest, or of a hand where `laterality` is given."""
    image = _image(modality, number=1, shape=(40, 32), photometric=photometric)
    image.BodyPartExamined = "HAND" if laterality else "CHEST"
    image.PixelSpacing = None
    del image.PixelSpacing
    image.ImagerPixelSpacing = [0.2, 0.2]
    del image.FrameOfReferenceUID, image.PositionReferenceIndicator
    image.WindowCenter, image.WindowWidth = 2048.0, 4096.0
    image.PatientOrientation = ["L", "F"]
    if modality == "CR":
        image.ViewPosition = "PA"
        if laterality:
            image.Laterality = laterality
    else:
        _add_dx_modules(image, photometric, laterality)
    return image


def ultrasound(*, frames: int = 1, is_colour: bool = True) -> Dataset:
    """An ultrasound image or clip."""
    name = "US frames" if frames > 1 else "US"
    image = _image(
        name,
        number=1,
        shape=(24, 32),
        frames=frames,
        photometric="RGB" if is_colour else "MONOCHROME2",
        bits=8,
    )
    image.ImageType = ["ORIGINAL", "PRIMARY", "", "0001"]
    image.LossyImageCompression = "00"
    image.PatientOrientation = ""
    if is_colour:
        image.UltrasoundColorDataPresent = 1
    if frames > 1:
        image.FrameTime = 40.0
        image.FrameIncrementPointer = 0x00181063
    del image.FrameOfReferenceUID, image.PositionReferenceIndicator
    return image


def enhanced_mr(
    *, frames: int = 4, orientation: tuple[float, ...] = AXIAL, descending: bool = False
) -> Dataset:
    """A multi-frame MR volume with functional groups of geometry and window.

    The one kind that is not whole: dozens of attributes of its pulse sequence, which
    no result copies, are left out.
    """
    image = _image("MR frames", number=1, shape=(24, 32), frames=frames)
    image.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    shared = Dataset()
    plane = Dataset()
    plane.ImageOrientationPatient = list(orientation)
    shared.PlaneOrientationSequence = [plane]
    measures = Dataset()
    measures.PixelSpacing = list(SPACING)
    measures.SliceThickness = GAP
    shared.PixelMeasuresSequence = [measures]
    window = Dataset()
    window.WindowCenter, window.WindowWidth = 500.0, 1000.0
    shared.FrameVOILUTSequence = [window]
    image.SharedFunctionalGroupsSequence = [shared]
    normal = np.cross(orientation[:3], orientation[3:])
    groups = []
    for index in range(frames):
        step = -index if descending else index
        position = Dataset()
        position.ImagePositionPatient = [
            float(f"{v:.6f}") for v in np.array(CORNER) + normal * GAP * step
        ]
        group = Dataset()
        group.PlanePositionSequence = [position]
        groups.append(group)
    image.PerFrameFunctionalGroupsSequence = groups
    return image


def _image(
    name: str,
    *,
    number: int,
    shape: tuple[int, int],
    frames: int = 1,
    photometric: str = "MONOCHROME2",
    bits: int = 12,
) -> Dataset:
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SpecificCharacterSet = "ISO_IR 192"
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.SOPClassUID = CLASSES[name]
    image.SOPInstanceUID = f"{STUDY}.{list(CLASSES).index(name)}.1.{number}"
    image.StudyDate, image.StudyTime = "20260102", "030405"
    image.ContentDate, image.ContentTime = "20260102", "030406"
    image.AcquisitionNumber = 1
    image.AccessionNumber = "A1"
    image.Modality = name[:2]
    image.Manufacturer = "Phantom"
    image.ReferringPhysicianName = "Doctor^Refers"
    image.StudyDescription = "A study"
    image.SeriesDescription = "A series"
    image.PatientName = "Phantom^Petra=范^彼=はん^ぺ"
    image.PatientID = "P-1"
    image.PatientBirthDate, image.PatientSex = "19700203", "F"
    image.BodyPartExamined = "HEAD"
    image.PatientPosition = "HFS"
    image.StudyInstanceUID = STUDY
    image.SeriesInstanceUID = f"{STUDY}.{list(CLASSES).index(name)}.1"
    image.StudyID, image.SeriesNumber, image.InstanceNumber = "S1", 3, number
    image.FrameOfReferenceUID = FRAME_OF_REFERENCE
    image.PositionReferenceIndicator = ""
    _add_pixels(image, number, shape, frames, photometric, bits)
    return image


def _add_pixels(
    image: Dataset,
    number: int,
    shape: tuple[int, int],
    frames: int,
    photometric: str,
    bits: int,
) -> None:
    samples = 3 if photometric == "RGB" else 1
    image.SamplesPerPixel, image.PhotometricInterpretation = samples, photometric
    if samples == 3:
        image.PlanarConfiguration = 0
    if frames > 1:
        image.NumberOfFrames = frames
    image.Rows, image.Columns = shape
    image.BitsAllocated = 8 if bits <= 8 else 16
    image.BitsStored, image.HighBit, image.PixelRepresentation = bits, bits - 1, 0
    rng = np.random.default_rng(number)
    dtype = np.uint8 if bits <= 8 else np.uint16
    values = rng.integers(0, 2**bits, (frames, *shape, samples)).astype(dtype)
    image.PixelData = values.tobytes()


def _add_slice_module(image: Dataset, modality: str) -> None:
    if modality == "CT":
        image.RescaleIntercept, image.RescaleSlope = -1024.0, 1.0
        image.RescaleType = "HU"
        image.KVP = 120.0
        image.WindowCenter, image.WindowWidth = 40.0, 400.0
    else:
        image.ScanningSequence, image.SequenceVariant = "SE", "NONE"
        image.ScanOptions, image.MRAcquisitionType = "", "2D"
        image.EchoTime, image.EchoTrainLength, image.RepetitionTime = 10.0, 1, 500.0
        image.WindowCenter, image.WindowWidth = 500.0, 1000.0


def _add_dx_modules(image: Dataset, photometric: str, laterality: str) -> None:
    image.ImageType = ["ORIGINAL", "PRIMARY"]
    del image.PatientPosition
    image.PresentationIntentType = "FOR PRESENTATION"
    image.PixelIntensityRelationship = "LOG"
    image.PixelIntensityRelationshipSign = -1
    image.RescaleIntercept, image.RescaleSlope = 0.0, 1.0
    image.RescaleType = "US"
    is_inverse = photometric == "MONOCHROME1"
    image.PresentationLUTShape = "INVERSE" if is_inverse else "IDENTITY"
    image.LossyImageCompression = "00"
    image.BurnedInAnnotation = "NO"
    image.DetectorType = "DIRECT"
    image.ImageLaterality = laterality or "U"
    image.AnatomicRegionSequence = [
        _code("85562004", "Hand") if laterality else _code("51185008", "Chest")
    ]
    image.AcquisitionContextSequence = []


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = value, "SCT"
    item.CodeMeaning = meaning
    return item


def file_bytes(image: Dataset) -> bytes:
    """The image as a file."""
    buffer = io.BytesIO()
    dcmwrite(buffer, image, enforce_file_format=True)
    return buffer.getvalue()


def validator() -> str:
    """Path of dciodvfy (Debian: dicom3tools), or a skip."""
    found = shutil.which("dciodvfy")
    if found is None:
        pytest.skip("dciodvfy is not installed (Debian: dicom3tools)")
    return found


def errors_of(data: bytes, folder: Path) -> list[str]:
    """What `dciodvfy` calls an error in a file, without values."""
    path = folder / "checked.dcm"
    path.write_bytes(data)
    told = subprocess.run(
        [validator(), str(path)], capture_output=True, timeout=120, check=False
    )
    text = (told.stdout + told.stderr).decode("utf-8", "replace")
    assert re.search(r"^[A-Z]\w+$", text, re.MULTILINE), "the validator saw no IOD"
    return [line for line in text.splitlines() if line.startswith("Error")]


def reread(data: bytes) -> Dataset:
    """What another program would see of a result."""
    return dcmread(io.BytesIO(data))
