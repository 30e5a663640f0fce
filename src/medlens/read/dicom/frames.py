"""The stored bytes of one frame, native or encapsulated (PS3.5 Annex A)."""

from __future__ import annotations

import numpy as np

from medlens.core import ReadError
from medlens.core.quiet import quiet
from medlens.read.dicom.header import NATIVE, DicomHeader
from medlens.read.dicom.layout import Layout
from medlens.read.source import Source


def read_frame(
    header: DicomHeader, layout: Layout, frame: int, source: Source
) -> bytes:
    """Bytes of one frame; for 1-bit native pixels from the first to the last byte.

    Raises:
        ReadError: the file ends before the frame does, or its items are damaged.
    """
    if layout.syntax in NATIVE and header.length is not None:
        return _read_native(header, layout, frame, source)
    if layout.syntax in NATIVE:
        raise ReadError(
            f"{source.case}: Pixel Data (7FE0,0010) is encapsulated, but the transfer "
            "syntax is an uncompressed one; the file contradicts itself"
        )
    return _read_encapsulated(header, layout, frame, source)


def first_bit(layout: Layout, frame: int) -> int:
    """Bit of the first byte at which a native 1-bit frame starts.

    Frames of bit-packed pixels follow each other without padding (PS3.5 8.1.1).
    """
    return layout.frame_bits * frame % 8


def _read_native(
    header: DicomHeader, layout: Layout, frame: int, source: Source
) -> bytes:
    begin = layout.frame_bits * frame // 8
    end = -(-layout.frame_bits * (frame + 1) // 8)
    length = header.length or 0
    swapped = header.words and not header.little_endian and layout.bits_allocated <= 8
    # Swapped bytes come in pairs: start and stop at even ones.
    skip = begin % 2 if swapped else 0
    stop = end + end % 2 if swapped else end
    if end > length:
        raise ReadError(
            f"{source.case}: Pixel Data (7FE0,0010) has {length:,} bytes; "
            f"{layout.columns} x {layout.rows} pixels need {end:,} up to frame "
            f"{frame}; the DICOM file is truncated or its header is wrong"
        )
    try:
        with header.open(source) as stream:
            stream.seek(header.start + begin - skip)
            data = stream.read(stop - begin + skip)
    except OSError as error:
        raise ReadError(
            f"{source.case}: reading stopped ({error.strerror or 'input error'})"
        ) from None
    if len(data) < end - begin:
        raise ReadError(
            f"{source.case}: the DICOM file is truncated: frame {frame} needs "
            f"{end - begin:,} bytes, {len(data):,} are there; export it again"
        )
    if swapped:
        pairs = np.frombuffer(data[: len(data) // 2 * 2], dtype=">u2")
        return pairs.astype("<u2").tobytes()[skip:]
    return data


def _read_encapsulated(
    header: DicomHeader, layout: Layout, frame: int, source: Source
) -> bytes:
    from pydicom.encaps import get_frame

    if header.length is not None and layout.frames == 1:
        bare = _read_bare(header, source)
        if bare:
            return bare
    try:
        with quiet(), header.open(source) as stream:
            table = header.data.get("ExtendedOffsetTable")
            lengths = header.data.get("ExtendedOffsetTableLengths")
            stream.seek(header.start)
            data = get_frame(
                stream,
                frame,
                number_of_frames=layout.frames,
                extended_offsets=(table, lengths) if table and lengths else None,
                endianness="<" if header.little_endian else ">",
            )
    except MemoryError:
        raise
    except Exception:  # pydicom raises whatever its item parser raises
        data = b""
    if not data:
        raise ReadError(
            f"{source.case}: the encapsulated Pixel Data (7FE0,0010) is cut off or "
            f"damaged at frame {frame} of {layout.frames}; export it again"
        )
    return bytes(data)


def _read_bare(header: DicomHeader, source: Source) -> bytes:
    """A JPEG or JPEG 2000 stream stored without its items, b"" if it is not one.

    Against PS3.5 A.4, but unmistakable and seen in the wild.
    """
    with header.open(source) as stream:
        stream.seek(header.start)
        data = stream.read(min(header.length or 0, header.size))
    return data if data[:3] in (b"\xff\xd8\xff", b"\xff\x4f\xff") else b""
