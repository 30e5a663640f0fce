"""The stored bytes of one frame, native or encapsulated (PS3.5 Annex A)."""

from __future__ import annotations

from medlens.core import ReadError
from medlens.read.dicom.header import DicomHeader, quiet
from medlens.read.dicom.layout import Layout
from medlens.read.source import Source


def read_frame(
    header: DicomHeader, layout: Layout, frame: int, source: Source
) -> bytes:
    """Bytes of one frame; for 1-bit native pixels from the first to the last byte.

    Raises:
        ReadError: the file ends before the frame does, or its items are damaged.
    """
    if header.length is not None:
        return _read_native(header, layout, frame, source)
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
    if end > length:
        raise ReadError(
            f"{source.case}: Pixel Data (7FE0,0010) has {length:,} bytes; "
            f"{layout.columns} x {layout.rows} pixels need {end:,} up to frame "
            f"{frame}; the DICOM file is truncated or its header is wrong"
        )
    try:
        with header.open(source) as stream:
            stream.seek(header.start + begin)
            data = stream.read(end - begin)
    except OSError as error:
        raise ReadError(
            f"{source.case}: reading stopped ({error.strerror or 'input error'})"
        ) from None
    if len(data) < end - begin:
        raise ReadError(
            f"{source.case}: the DICOM file is truncated: frame {frame} needs "
            f"{end - begin:,} bytes, {len(data):,} are there; export it again"
        )
    return data


def _read_encapsulated(
    header: DicomHeader, layout: Layout, frame: int, source: Source
) -> bytes:
    from pydicom.encaps import get_frame

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
