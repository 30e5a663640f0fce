"""The data set of a DICOM file up to its pixels, parsed within bounds."""

from __future__ import annotations

import struct
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any

import pydicom

from medlens.core import ReadError
from medlens.core.quiet import quiet
from medlens.read import limits
from medlens.read.dicom.numbers import text
from medlens.read.source import Source

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
NATIVE = (IMPLICIT_LITTLE, EXPLICIT_LITTLE, DEFLATED, EXPLICIT_BIG)

_PIXEL_ELEMENTS = {
    (0x7FE0, 0x0010): "PixelData",
    (0x7FE0, 0x0008): "FloatPixelData",
    (0x7FE0, 0x0009): "DoubleFloatPixelData",
}
_UNDEFINED = 0xFFFFFFFF
_CACHED = 4

# One thread parses at a time, so that none parses what another is at. It is pure
# Python: the interpreter lock would serialise it anyway.
_parsing = threading.Lock()
_cache: OrderedDict[tuple[str, int, int], DicomHeader] = OrderedDict()


@dataclass(frozen=True)
class DicomHeader:
    """A parsed data set and where its pixels lie.

    Attributes:
        data: pydicom Dataset without the pixel element.
        transfer_syntax: UID.
        little_endian: byte order of the data set and of native pixels.
        keyword: "PixelData", "FloatPixelData" or "DoubleFloatPixelData".
        words: the pixel element has VR OW, so that big-endian files swap the
            bytes of 8-bit pixels as well (PS3.5 Annex D of old, 8.1.1).
        start: byte at which the value of the pixel element begins.
        length: its bytes; None where it is encapsulated.
        inflated: the data set's bytes where the file was deflated; `start`
            then counts in these.
        size: bytes of the file, or of `inflated`.
    """

    data: Any
    transfer_syntax: str
    little_endian: bool
    keyword: str
    words: bool
    start: int
    length: int | None
    inflated: bytes | None
    size: int

    @contextmanager
    def open(self, source: Source) -> Iterator[IO[bytes]]:
        """The stream that `start` counts in."""
        if self.inflated is not None:
            yield BytesIO(self.inflated)
            return
        with source.path.open("rb") as file:
            yield file


def read_header(source: Source) -> DicomHeader:
    """Parse a DICOM file up to its pixels.

    Headers of the last few files are kept, since frames are opened one by one.

    Raises:
        ReadError: damaged, nested without end, a deflate bomb, or an object
            that has no pixels (the message names its kind).
    """
    with _parsing, quiet():
        if source.stamp in _cache:
            _cache.move_to_end(source.stamp)
            return _cache[source.stamp]
        header = _parse(source)
        if header.inflated is None:
            _cache[source.stamp] = header
        while len(_cache) > _CACHED:
            _cache.popitem(last=False)
        return header


def _parse(source: Source) -> DicomHeader:
    try:
        with source.path.open("rb") as file:
            syntax, place = _read_transfer_syntax(file)
            if syntax != DEFLATED:
                return _parse_stream(file, syntax, None, source.size, source)
            inflated = _inflate(file, place, source)
        stream = BytesIO(inflated)
        return _parse_stream(stream, syntax, inflated, len(inflated), source)
    except ReadError:
        raise
    except RecursionError:
        raise ReadError(
            f"{source.case}: DICOM sequences are nested too deep to be read; "
            "the file is damaged or made to do harm"
        ) from None
    except MemoryError:
        raise
    except Exception as error:  # pydicom raises whatever its parsers raise
        raise ReadError(
            f"{source.case}: the DICOM header is damaged or cut off "
            f"({type(error).__name__} while parsing); export it again"
        ) from None


def _read_transfer_syntax(file: IO[bytes]) -> tuple[str, int]:
    """Transfer Syntax UID of the file meta group and where the group ends.

    PS3.10 7.1: the group is always explicit VR little endian. ("", 0) where
    there is none.
    """
    file.seek(0)
    head = file.read(132)
    place = 132 if head[128:] == b"DICM" else 0
    file.seek(place)
    block, syntax, offset = file.read(64 * 1024), "", 0
    while block[offset : offset + 2] == b"\x02\0" and offset + 12 <= len(block):
        (element,) = struct.unpack_from("<H", block, offset + 2)
        long_form = block[offset + 4 : offset + 6] in (
            b"OB",
            b"UN",
            b"OW",
            b"SQ",
            b"UT",
        )
        if long_form:
            (length,) = struct.unpack_from("<I", block, offset + 8)
            value = offset + 12
        else:
            (length,) = struct.unpack_from("<H", block, offset + 6)
            value = offset + 8
        if element == 0x0010:
            syntax = block[value : value + length].decode("ascii", "ignore")
        offset = value + length
    file.seek(0)
    return syntax.strip(" \0"), place + offset


def _inflate(file: IO[bytes], place: int, source: Source) -> bytes:
    """The deflated data set (PS3.5 A.5), refused where it grows past the limit."""
    file.seek(place)
    packed = file.read(limits.MAX_INFLATED_BYTES)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = inflater.decompress(packed, limits.MAX_INFLATED_BYTES)
    except zlib.error:
        raise ReadError(
            f"{source.case}: the deflated DICOM data set is damaged; export it again"
        ) from None
    if inflater.unconsumed_tail:
        raise ReadError(
            f"{source.case}: the deflated DICOM data set grows past "
            f"{limits.MAX_INFLATED_BYTES >> 20} MiB; it is refused as a bomb"
        )
    return data


def _parse_stream(
    stream: IO[bytes], syntax: str, inflated: bytes | None, size: int, source: Source
) -> DicomHeader:
    data = pydicom.dcmread(stream, stop_before_pixels=True, force=True)
    implicit, little = data.original_encoding
    little = little is not False
    if not syntax:
        syntax = IMPLICIT_LITTLE if implicit else EXPLICIT_LITTLE
        syntax = syntax if little else EXPLICIT_BIG
    found = _pixel_element(stream, implicit=bool(implicit), little=little)
    if found is None:
        raise ReadError(_no_pixels(data, source))
    keyword, words, length = found
    return DicomHeader(
        data, syntax, little, keyword, words, stream.tell(), length, inflated, size
    )


def _pixel_element(
    stream: IO[bytes], *, implicit: bool, little: bool
) -> tuple[str, bool, int | None] | None:
    """Keyword, "is OW" and length of the pixel element where the stream stands."""
    order = "<" if little else ">"
    start = stream.read(8)
    if len(start) < 8:
        return None
    tag = struct.unpack(order + "HH", start[:4])
    # Some writers slip an implicit element into an explicit data set.
    if implicit or not start[4:6].isalpha():
        (length,) = struct.unpack(order + "I", start[4:])
    else:
        (length,) = struct.unpack(order + "I", stream.read(4).ljust(4, b"\0"))
    keyword = _PIXEL_ELEMENTS.get(tag)
    if keyword is None:
        return None
    words = implicit or start[4:6] == b"OW"
    return keyword, words, None if length == _UNDEFINED else length


def _no_pixels(data: Any, source: Source) -> str:
    """What a DICOM object without pixels is, for the message."""
    if len(data) == 0:
        return (
            f"{source.case}: no DICOM element could be read; "
            "the file is damaged, cut off, or no DICOM"
        )
    name = sop_class_name(data)
    if not name and "Rows" not in data:
        name = "DICOM object of unnamed class"
    what = f"is {with_article(name)} without pixels" if name else "has no pixels"
    return (
        f"{source.case}: {what} (no Pixel Data (7FE0,0010)); wanted an image; "
        "leave it out, or export it again if it should be one"
    )


def with_article(name: str) -> str:
    """A class of the standard in a sentence, by how it is spoken.

    >>> [with_article(f"{x} Image") for x in ("MR", "US", "CT", "X-Ray", "Ultrasound")]
    ['an MR Image', 'a US Image', 'a CT Image', 'an X-Ray Image', 'an Ultrasound Image']
    """
    first = name.partition(" ")[0]
    is_spelt = first.isupper() or first.startswith("X-")  # "em ar", "ex ray"
    letters = "AEFHILMNORSX" if is_spelt else "AEIOUaeiou"
    return f"{'an' if name[:1] in letters else 'a'} {name}"


def sop_class_name(data: Any) -> str:
    """The standard's name of the SOP class, "" if unknown.

    Only names of the standard are handed on: the element's own text may hold
    anything.
    """
    from pydicom.uid import UID, UID_dictionary

    meta = getattr(data, "file_meta", None) or {}
    uid = text(data, "SOPClassUID") or text(meta, "MediaStorageSOPClassUID")
    if uid not in UID_dictionary:
        return ""
    return str(UID(uid).name).removesuffix(" Storage")
