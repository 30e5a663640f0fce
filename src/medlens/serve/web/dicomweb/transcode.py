"""Stored instances as Explicit VR Little Endian, pixels decoded."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from medlens.core import Array, MedlensError, ReadError
from medlens.core.quiet import quiet
from medlens.read.dicom.codecs import decode_frame, is_known
from medlens.read.dicom.frames import first_bit, read_frame
from medlens.read.dicom.header import NATIVE, DicomHeader, read_header
from medlens.read.dicom.layout import Layout, read_layout
from medlens.read.dicom.values import to_stored
from medlens.read.source import Source, open_source
from medlens.serve.web.dicomweb.dataset import MAX_WHOLE, check_size, open_dataset
from medlens.serve.web.dicomweb.work import heavy

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
_LOSSY = tuple(f"1.2.840.10008.1.2.4.{end}" for end in (50, 51, 81, 91, 93, 203))
_LOSSY_VIDEO = "1.2.840.10008.1.2.4.10"  # MPEG-2, MPEG-4, HEVC: 100 to 108
_WORDS = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}


def is_lossy(syntax: str) -> bool:
    """Whether a transfer syntax may have lost something when it was compressed."""
    return syntax in _LOSSY or syntax.startswith(_LOSSY_VIDEO)


def can_convert(syntax: str) -> bool:
    """Whether instances of a transfer syntax can be given as explicit VR."""
    return is_known(syntax)


def open_pixels(path: Path) -> tuple[Source, DicomHeader, Layout]:
    """A stored file up to its pixels.

    Raises:
        ReadError: it has none, or they contradict the header.
    """
    source = open_source(path, "the instance")
    header = read_header(source)
    with quiet():
        return source, header, read_layout(header, source.case)


def frame_values(
    source: Source, header: DicomHeader, layout: Layout, frame: int
) -> tuple[Array, str]:
    """Stored values of a frame, (H, W) or (H, W, 3), and the colour space they are in.

    Raises:
        ReadError: the frame cannot be decoded.
    """
    data = read_frame(header, layout, frame, source)
    start = first_bit(layout, frame) if layout.syntax in NATIVE else 0
    stored = decode_frame(data, layout, start, source.case)
    return to_stored(stored, layout), stored.colour


def native_frame(
    source: Source, header: DicomHeader, layout: Layout, frame: int
) -> bytes:
    """A frame as native little-endian bytes (PS3.5 8.1), laid out as its header says.

    JPEG in YBR comes out in RGB, as every decoder gives it.

    Raises:
        ReadError: as `frame_values`.
    """
    is_plain = layout.syntax in NATIVE and layout.syntax != EXPLICIT_BIG
    if is_plain and layout.bits_allocated > 1:
        return read_frame(header, layout, frame, source)
    values, _ = frame_values(source, header, layout, frame)
    if layout.samples == 3 and layout.planar:
        values = np.moveaxis(values, -1, 0)
    return _packed(values, layout)


def _packed(values: Array, layout: Layout) -> bytes:
    if layout.bits_allocated == 1:
        bits = np.packbits(values.reshape(-1).astype(np.uint8), bitorder="little")
        return bits.tobytes()
    if layout.is_float:
        return values.astype(f"<f{layout.bits_allocated // 8}").tobytes()
    kind = "i" if layout.signed else "u"
    return values.astype(f"<{kind}{layout.bits_allocated // 8}").tobytes()


def to_explicit_little(path: Path, syntax: str) -> bytes:
    """A stored file as a Part-10 file in Explicit VR Little Endian.

    Args:
        path: of the file.
        syntax: its transfer syntax.

    Raises:
        MedlensError: it cannot be converted, or is too large for it.
    """
    with heavy():
        check_size(path)
        data = open_dataset(path, with_pixels=syntax in NATIVE)
        try:
            with quiet():
                if syntax == EXPLICIT_BIG:
                    _swap(data)
                elif syntax not in NATIVE:
                    _decompress(data, path)
                return _write(data)
        except (MedlensError, MemoryError):
            raise
        except Exception as error:  # pydicom raises whatever its writers raise
            raise ReadError(
                f"the instance cannot be converted ({type(error).__name__}); ask for "
                "it as it is stored (transfer-syntax=*)"
            ) from None


def _decompress(data: Any, path: Path) -> None:
    source, header, layout = open_pixels(path)
    size = layout.frames * layout.rows * layout.columns * layout.samples
    size = size * max(8, layout.bits_allocated) // 8
    if size > MAX_WHOLE:
        raise ReadError(
            f"the pixels need {size >> 20:,} MiB; up to {MAX_WHOLE >> 20} MiB are "
            "decoded at once; ask for frames"
        )
    pieces, colour = [], ""
    for frame in range(layout.frames):
        values, colour = frame_values(source, header, layout, frame)
        pieces.append(_packed(values, layout))
    pixels = b"".join(pieces)
    data.PixelData = pixels + b"\0" * (len(pixels) % 2)
    data["PixelData"].VR = "OB" if layout.bits_allocated <= 8 else "OW"
    if layout.samples == 3:
        data.PlanarConfiguration = 0
        data.PhotometricInterpretation = "RGB" if colour == "RGB" else "YBR_FULL"
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in data:
            delattr(data, keyword)


def _swap(data: Any) -> None:
    """Words of a big-endian data set turned round; numbers pydicom turns itself."""
    for element in data:
        if element.VR == "SQ":
            for item in element.value:
                _swap(item)
        elif element.VR in _WORDS and element.value:
            width = _WORDS[element.VR]
            whole = len(element.value) // width * width
            words = np.frombuffer(element.value[:whole], f">u{width}")
            element.value = words.astype(f"<u{width}").tobytes()


def _write(data: Any) -> bytes:
    from pydicom import dcmwrite
    from pydicom.dataset import Dataset, FileMetaDataset

    # A data set of its own: the old one remembers how it was encoded.
    copy = Dataset()
    copy.update({element.tag: element for element in data})
    old = getattr(data, "file_meta", None) or FileMetaDataset()
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = data.SOPClassUID
    meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    meta.TransferSyntaxUID = EXPLICIT_LITTLE
    for keyword in ("SourceApplicationEntityTitle",):
        if keyword in old:
            setattr(meta, keyword, getattr(old, keyword))
    copy.file_meta = meta
    buffer = BytesIO()
    dcmwrite(buffer, copy, enforce_file_format=True)
    return buffer.getvalue()
