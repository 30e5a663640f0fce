"""Small files made in code, with pixels known by construction."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

SECRET = "PLANTED^NAME"
SECRET_ID = "PLANTED-ID-4711"


def dicom(
    pixels: np.ndarray | bytes,
    *,
    syntax: str = ExplicitVRLittleEndian,
    frames: list[bytes] | None = None,
    **elements: Any,
) -> Dataset:
    """A secondary-capture data set around `pixels`, (H, W), (H, W, 3) or bytes.

    Elements given as None are removed; `frames` are encapsulated as they are.
    """
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    data.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["medlens"])
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID
    data.PatientName, data.PatientID = SECRET, SECRET_ID
    data.Modality = "OT"
    if isinstance(pixels, np.ndarray):
        bits = pixels.dtype.itemsize * 8
        data.Rows, data.Columns = pixels.shape[:2]
        data.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
        data.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
        if pixels.ndim == 3:
            data.PlanarConfiguration = 0
        data.BitsAllocated, data.BitsStored, data.HighBit = bits, bits, bits - 1
        data.PixelRepresentation = int(pixels.dtype.kind == "i")
        pixels = pixels.tobytes()
    data.PixelData = encapsulate(frames) if frames is not None else pixels
    data["PixelData"].VR = "OB" if frames is not None else "OW"
    for keyword, value in elements.items():
        if value is None:
            delattr(data, keyword)
        else:
            setattr(data, keyword, value)
    return data


def save(data: Dataset, path: Path) -> Path:
    """Write a data set as a DICOM file."""
    data.save_as(path, enforce_file_format=True)
    return path


def to_bytes(data: Dataset) -> bytes:
    """The file that `save` would write."""
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, data, enforce_file_format=True)
    return buffer.getvalue()


def sequence(**elements: Any) -> Any:
    """A sequence of one item."""
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return pydicom.Sequence([item])


def png_chunk(name: bytes, data: bytes) -> bytes:
    """One PNG chunk with its checksum."""
    crc = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + crc


def png(width: int, height: int, bits: int, colour: int, rows: bytes) -> bytes:
    """A PNG whose rows are already filtered; any size may be claimed."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def ramp(rows: int = 24, columns: int = 32, dtype: Any = np.uint8) -> np.ndarray:
    """Every value different from its neighbours, over the whole range of dtype."""
    info = np.iinfo(dtype)
    line = np.linspace(info.min, info.max, rows * columns)
    return np.rint(line).astype(dtype).reshape(rows, columns)
