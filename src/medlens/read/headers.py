"""Size, depth and completeness of PNG, JPEG, BMP and WebP, without decoding.

OpenCV fills the missing part of a cut-off JPEG with grey and says nothing, and
allocates before it checks; so the headers are walked here first.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from medlens.core import ReadError
from medlens.read.sniff import Kind


@dataclass(frozen=True)
class Header:
    """What a raster file says of itself.

    Attributes:
        rows, columns: as stored, before any turn.
        samples: per pixel, alpha not counted.
        bits: per sample as stored.
        alpha: there is an alpha channel or a transparent colour.
        orientation: EXIF Orientation, 1…8.
        process: JPEG start-of-frame number (0 baseline … 15), else -1.
        palette: colours stand in a table.
    """

    rows: int
    columns: int
    samples: int
    bits: int
    alpha: bool = False
    orientation: int = 1
    process: int = -1
    palette: bool = False


def read_header(data: bytes, kind: Kind, case: str) -> Header:
    """The header of a PNG, JPEG, BMP or WebP file.

    Args:
        data: the whole file.
        kind: from `sniff`.
        case: local key, for messages.

    Raises:
        ReadError: the file is cut off or its structure is damaged.
    """
    parse = {
        "png": _read_png,
        "jpeg": _read_jpeg,
        "bmp": _read_bmp,
        "webp": _read_webp,
    }
    try:
        return parse[kind](data, case)
    except (struct.error, IndexError):
        raise _cut_off(kind, case, len(data)) from None


def _cut_off(kind: str, case: str, size: int) -> ReadError:
    return ReadError(
        f"{case}: the {kind.upper()} file is truncated after {size:,} bytes; "
        "copy or export it again"
    )


def _read_png(data: bytes, case: str) -> Header:
    """PNG (ISO/IEC 15948): walk the chunks to IEND, checking each CRC."""
    view = memoryview(data)
    header, transparent, orientation, place = None, False, 1, 8
    while True:
        length, name = struct.unpack_from(">I4s", data, place)
        end = place + 12 + length
        if end > len(data):
            raise _cut_off("png", case, len(data))
        (crc,) = struct.unpack_from(">I", data, end - 4)
        if zlib.crc32(view[place + 4 : end - 4]) != crc:
            raise ReadError(
                f"{case}: the PNG file is damaged (checksum of a "
                f"{name.decode('ascii', 'replace')} chunk is wrong); copy it again"
            )
        if name == b"IHDR":
            header = struct.unpack_from(">IIBB", data, place + 8)
        elif name == b"tRNS":
            transparent = True
        elif name == b"eXIf":
            orientation = exif_orientation(data[place + 8 : end - 4])
        elif name == b"IEND":
            break
        place = end
    if header is None:
        raise ReadError(f"{case}: the PNG file has no IHDR chunk; it is damaged")
    columns, rows, bits, colour = header
    samples = {0: 1, 2: 3, 3: 3, 4: 1, 6: 3}.get(colour, 0)
    if samples == 0 or bits not in (1, 2, 4, 8, 16):
        raise ReadError(f"{case}: the PNG header names no known pixel format")
    alpha = transparent or colour in (4, 6)
    return Header(rows, columns, samples, bits, alpha, orientation, palette=colour == 3)


def _read_jpeg(data: bytes, case: str) -> Header:
    """JPEG (ITU-T T.81 Annex B): walk the segments to the first scan."""
    place, frame, orientation = 2, None, 1
    while True:
        while data[place] == 0xFF and data[place + 1] == 0xFF:  # fill bytes
            place += 1
        mark, code = data[place], data[place + 1]
        if mark != 0xFF:
            raise ReadError(f"{case}: the JPEG file is damaged before its pixels")
        if code == 0xD9:
            raise ReadError(f"{case}: the JPEG file ends before any pixels")
        if code == 0x01 or 0xD0 <= code <= 0xD8:
            place += 2
            continue
        (length,) = struct.unpack_from(">H", data, place + 2)
        # SOF0…SOF15 without DHT (C4), JPG (C8) and DAC (CC)
        if 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
            frame = (code - 0xC0, *struct.unpack_from(">BHHB", data, place + 4))
        elif code == 0xE1 and data[place + 4 : place + 10] == b"Exif\0\0":
            orientation = exif_orientation(data[place + 10 : place + 2 + length])
        elif code == 0xDA:
            break
        place += 2 + length
    if frame is None:
        raise ReadError(f"{case}: the JPEG file has no frame header; it is damaged")
    # Inside a scan FF is always followed by 00 or RSTn, so the last FFD9 after
    # its start is the true end; a thumbnail's lies before it.
    if data.rfind(b"\xff\xd9", place) < 0:
        raise _cut_off("jpeg", case, len(data))
    process, bits, rows, columns, samples = frame
    return Header(
        rows, columns, samples, bits, orientation=orientation, process=process
    )


def _read_bmp(data: bytes, case: str) -> Header:
    """Windows bitmap: file header, then a core or information header."""
    offset, size = struct.unpack_from("<II", data, 10)
    if size == 12:
        columns, rows, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression = 0
    else:
        columns, rows, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    columns, rows = abs(columns), abs(rows)
    stride = (columns * bits + 31) // 32 * 4
    if compression in (0, 3) and offset + stride * rows > len(data):
        raise _cut_off("bmp", case, len(data))
    return Header(rows, columns, 3, 8, palette=bits <= 8)


def _read_webp(data: bytes, case: str) -> Header:
    """WebP container: RIFF chunks VP8, VP8L or VP8X (RFC 9649)."""
    (size,) = struct.unpack_from("<I", data, 4)
    if size + 8 > len(data):
        raise _cut_off("webp", case, len(data))
    name = data[12:16]
    if name == b"VP8X":
        flags = data[20]
        if flags & 0x02:
            raise ReadError(f"{case}: an animated WebP is not read; save one picture")
        columns = 1 + int.from_bytes(data[24:27], "little")
        rows = 1 + int.from_bytes(data[27:30], "little")
        turned = _webp_orientation(data) if flags & 0x08 else 1
        return Header(rows, columns, 3, 8, bool(flags & 0x10), turned)
    if name == b"VP8L":
        (packed,) = struct.unpack_from("<I", data, 21)
        columns, rows = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
        return Header(rows, columns, 3, 8, bool(packed >> 28 & 1))
    columns, rows = struct.unpack_from("<HH", data, 26)
    return Header(rows & 0x3FFF, columns & 0x3FFF, 3, 8)


def _webp_orientation(data: bytes) -> int:
    place = 12
    while place + 8 <= len(data):
        (length,) = struct.unpack_from("<I", data, place + 4)
        if data[place : place + 4] == b"EXIF":
            block = data[place + 8 : place + 8 + length]
            return exif_orientation(block.removeprefix(b"Exif\0\0"))
        place += 8 + length + length % 2
    return 1


def exif_orientation(block: bytes) -> int:
    """Orientation 1…8 in an EXIF block (a small TIFF file), 1 if none is there."""
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return 1
    try:
        (place,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, place)
        for index in range(count):
            entry = place + 2 + 12 * index
            tag, kind, _, value = struct.unpack_from(order + "HHIH", block, entry)
            if tag == 274 and kind == 3:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass  # a damaged EXIF block costs the turn, not the picture
    return 1
