"""What a compressed frame says of itself, read before it is decoded.

A JPEG 2000 header of 60,000 x 60,000 inside a data set of 10 x 10 would make
the decoder allocate gigabytes; so size and depth are compared first.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Codestream:
    """Size, depth and colour hints of a JPEG, JPEG-LS or JPEG 2000 stream.

    Attributes:
        rows, columns, components, precision: of the decoded image.
        signed: JPEG 2000 components are signed.
        process: JPEG start-of-frame number (3 lossless, 55 JPEG-LS).
        transform: Adobe colour transform (0 RGB, 1 YCbCr), None if not named.
        ids: component identifiers of a JPEG.
        jfif: a JFIF marker is there, which means YCbCr.
        ends: the end-of-image marker is there.
    """

    rows: int
    columns: int
    components: int
    precision: int
    signed: bool = False
    process: int = -1
    transform: int | None = None
    ids: bytes = b""
    jfif: bool = False
    ends: bool = True


def parse_jpeg(data: bytes) -> Codestream | None:
    """Header of a JPEG (T.81) or JPEG-LS (T.87) stream, None if it has none."""
    if data[:2] != b"\xff\xd8":
        return None
    place, transform, jfif, frame = 2, None, False, None
    try:
        while True:
            if data[place] != 0xFF:
                return None
            code = data[place + 1]
            if code == 0xFF:
                place += 1
                continue
            if code == 0xDA:
                break
            (length,) = struct.unpack_from(">H", data, place + 2)
            body = data[place + 4 : place + 2 + length]
            is_frame = 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC)
            if is_frame or code == 0xF7:
                precision, rows, columns, count = struct.unpack_from(">BHHB", body)
                process = code - 0xC0
                frame = (rows, columns, count, precision, process, body[6::3][:count])
            elif code == 0xEE and body[:5] == b"Adobe" and len(body) >= 12:
                transform = body[11]
            elif code == 0xE0 and body[:4] == b"JFIF":
                jfif = True
            place += 2 + length
    except (struct.error, IndexError):
        return None
    if frame is None:
        return None
    rows, columns, count, precision, process, ids = frame
    ends = data.rfind(b"\xff\xd9", place) >= 0
    return Codestream(
        rows, columns, count, precision, process=process,
        transform=transform, ids=ids, jfif=jfif, ends=ends,
    )  # fmt: skip


def parse_jpeg2000(data: bytes) -> Codestream | None:
    """SIZ segment of a JPEG 2000 codestream (T.800 A.5.1), None if it has none.

    Some writers wrap the codestream in a JP2 box, against PS3.5 A.4.4; so it is
    looked for.
    """
    place = data.find(b"\xff\x4f\xff\x51", 0, 4096)
    if place < 0:
        return None
    try:
        x1, y1, x0, y0 = struct.unpack_from(">IIII", data, place + 8)
        (count,) = struct.unpack_from(">H", data, place + 40)
        depth = data[place + 42]
    except (struct.error, IndexError):
        return None
    return Codestream(
        y1 - y0, x1 - x0, count, (depth & 0x7F) + 1, signed=bool(depth & 0x80)
    )
