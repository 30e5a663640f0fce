"""Text beside the image in compressed pixels, and text after it.

JPEG has COM and APPn segments (ITU-T T.81 B.2.4), also between and after its scans;
JPEG 2000 has COM in its main header and in those of its tile-parts (T.800 A.9.2).
Their text is overwritten with zeros, and so is whatever follows the end of an image, so
that no length and no pixel changes. What is neither of the two, nor RLE (PS3.5 Annex
G), may hold text in ways of its own and is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from medlens.deidentify.dataset import IdentityError

SOS, EOI = 0xDA, 0xD9
COM_JPEG, COM_J2K = 0xFE, 0x64
APPS = frozenset(range(0xE0, 0xF0))
ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # TEM and restarts have no length
SPARED = frozenset({0xE0, 0xE8, 0xEE})
"""JFIF, JPEG-LS's colour transform (SPIFF) and Adobe: they say what colours mean, and
are spared where they are no longer than what they define."""
LONGEST_SPARED = 34
JPEG_START, J2K_START = b"\xff\xd8", b"\xff\x4f\xff\x51"
SOT, SOD, EOC = 0x90, 0x93, b"\xff\xd9"
RLE_HEADER, MOST_SEGMENTS = 64, 15

ITEM, DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
LOST = "the header of a compressed frame cannot be followed to its end"
DAMAGED = "its compressed pixels are damaged; leave it out"
STRANGE = (
    "its compressed pixels are neither JPEG, JPEG 2000 nor RLE, and may hold text; "
    "leave it out, or convert it first"
)


def blank_items(pixels: bytes, *, is_rle: bool = False) -> bytes:
    """Encapsulated pixel data (PS3.5 A.4) with no text beside its images.

    Lengths stay, so offset tables stay true. An image may lie in several fragments.

    Args:
        pixels: from the offset table on.
        is_rle: by the transfer syntax.

    Raises:
        IdentityError: the items are damaged, an image is of no kind that can be looked
            through, or a header cannot be followed.
    """
    spans = _spans(pixels)
    result = bytearray(pixels[: spans[-1].end] if spans else b"")
    if spans:
        _check_table(pixels, spans)
    for first, last in _images(pixels, spans[1:], is_rle=is_rle):
        parts = spans[1:][first:last]
        whole = b"".join(pixels[each.start : each.end] for each in parts)
        clean = _blank_rle(whole) if is_rle else blank_comments(whole)
        at = 0
        for each in parts:
            size = each.end - each.start
            result[each.start : each.end] = clean[at : at + size]
            at += size
    return bytes(result) + DELIMITER + bytes(4)


@dataclass(frozen=True)
class _Span:
    """Where the value of an item lies."""

    start: int
    end: int


def _spans(pixels: bytes) -> list[_Span]:
    found: list[_Span] = []
    at = 0
    while at < len(pixels) and pixels[at : at + 4] != DELIMITER:
        length = int.from_bytes(pixels[at + 4 : at + 8], "little")
        start, at = at + 8, at + 8 + length
        if pixels[start - 8 : start - 4] != ITEM or at > len(pixels):
            raise IdentityError(DAMAGED)
        found.append(_Span(start, at))
    return found


def _check_table(pixels: bytes, spans: list[_Span]) -> None:
    """The offset table holds places of fragments and nothing else."""
    table = pixels[spans[0].start : spans[0].end]
    places = {each.start - 8 - spans[0].end for each in spans[1:]}
    words = [
        int.from_bytes(table[at : at + 4], "little") for at in range(0, len(table), 4)
    ]
    if len(table) % 4 or not places.issuperset(words):
        raise IdentityError(DAMAGED)


def _images(
    pixels: bytes, spans: list[_Span], *, is_rle: bool
) -> list[tuple[int, int]]:
    """First fragment of each image, and the one after its last."""
    starts = [
        at
        for at, span in enumerate(spans)
        if is_rle or _is_start(pixels[span.start : span.start + 4])
    ]
    if spans and (not starts or starts[0]):
        raise IdentityError(STRANGE)
    return list(zip(starts, [*starts[1:], len(spans)], strict=True))


def _is_start(head: bytes) -> bool:
    return head[:2] == JPEG_START or head == J2K_START


def blank_comments(image: bytes) -> bytes:
    """One image's bytes, with no text beside it or after it.

    Raises:
        IdentityError: it is neither JPEG nor JPEG 2000, or cannot be followed.
    """
    if image[:2] == JPEG_START:
        return _blank_jpeg(image)
    if image[:4] == J2K_START:
        return _blank_j2k(image)
    raise IdentityError(STRANGE)


def _blank_jpeg(data: bytes) -> bytes:
    result = bytearray(data)
    at = 2
    while True:
        code, at = _marker(data, at)
        if code == EOI:
            return bytes(result[:at]) + bytes(len(result) - at)
        if code in ALONE:
            continue
        end = _segment_end(data, at)
        if _is_jpeg_text(code, end - at):
            result[at + 2 : end] = bytes(end - at - 2)
        at = _next_marker(data, end) if code == SOS else end


def _marker(data: bytes, at: int) -> tuple[int, int]:
    """The code of the marker here, fill bytes passed over, and where it ends."""
    while data[at : at + 2] == b"\xff\xff":
        at += 1
    if at + 2 > len(data) or data[at] != 0xFF or not data[at + 1]:
        raise IdentityError(LOST)
    return data[at + 1], at + 2


def _segment_end(data: bytes, at: int) -> int:
    length = int.from_bytes(data[at : at + 2], "big")
    if length < 2 or at + length > len(data):
        raise IdentityError(LOST)
    return at + length


def _next_marker(data: bytes, at: int) -> int:
    """Where coded data ends. JPEG stuffs a zero byte after 255, JPEG-LS a zero bit."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise IdentityError(LOST)
        following = data[at + 1]
        if following >= 0x80 and following not in ALONE:
            return at
        at += 2 if following in ALONE else 1


def _is_jpeg_text(code: int, length: int) -> bool:
    if code in SPARED and length <= LONGEST_SPARED:
        return False
    return code == COM_JPEG or code in APPS


def _blank_j2k(data: bytes) -> bytes:
    """Main header, then tile-parts: each a header and as many bytes as SOT says."""
    result = bytearray(data)
    at = _blank_header(data, result, 2)
    while data[at : at + 2] == bytes((0xFF, SOT)):
        length = int.from_bytes(data[at + 6 : at + 10], "big")
        last = data.rfind(EOC)  # length 0: all until the end (T.800 A.4.2)
        end = at + length if length else last
        if end > len(data) or end < at + 12:
            raise IdentityError(LOST)
        _blank_header(data, result, at + 12)
        at = end
    if data[at : at + 2] != EOC:
        raise IdentityError(LOST)
    return bytes(result[: at + 2]) + bytes(len(result) - at - 2)


def _blank_header(data: bytes, result: bytearray, at: int) -> int:
    """Comments until a tile-part or its data starts, which is where it ends."""
    while True:
        code, after = _marker(data, at)
        if code in (SOT, SOD):
            return at
        end = _segment_end(data, after)
        if code == COM_J2K:  # two bytes say what kind of comment
            result[min(after + 4, end) : end] = bytes(max(0, end - after - 4))
        at = end


def _blank_rle(data: bytes) -> bytes:
    """Words of the header beyond its segments (PS3.5 G.5)."""
    count = int.from_bytes(data[:4], "little")
    if len(data) < RLE_HEADER or not 1 <= count <= MOST_SEGMENTS:
        raise IdentityError(DAMAGED)
    used = 4 + 4 * count
    places = [int.from_bytes(data[at : at + 4], "little") for at in range(4, used, 4)]
    if places[0] != RLE_HEADER or any(place > len(data) for place in places):
        raise IdentityError(DAMAGED)
    return data[:used] + bytes(RLE_HEADER - used) + data[RLE_HEADER:]
