"""Comments inside compressed pixels, which hold text beside the image.

JPEG has COM and APPn segments (ITU-T T.81 B.2.4), JPEG 2000 has COM (T.800 A.9.2).
Their text is overwritten with zeros, so that no length and no pixel changes.
"""

from __future__ import annotations

from collections.abc import Callable

from medlens.deidentify.dataset import IdentityError

SOS = 0xDA
COM_JPEG, COM_J2K = 0xFE, 0x64
APPS = frozenset(range(0xE0, 0xF0))
SPARED = frozenset({0xE0, 0xE8, 0xEE})
"""JFIF, JPEG-LS's colour transform (SPIFF) and Adobe: they say what colours mean, and
are spared where they are no longer than what they define."""
LONGEST_SPARED = 34
J2K_START, J2K_TILE = b"\xff\x4f\xff\x51", 0x90


ITEM, DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"


def blank_items(pixels: bytes) -> bytes:
    """Encapsulated pixel data (PS3.5 A.4) with no text beside its images.

    Lengths stay, so offset tables stay true.

    Raises:
        IdentityError: the items are damaged, or a header cannot be followed.
    """
    result = bytearray(pixels)
    at, number = 0, 0
    while at + 8 <= len(result):
        if result[at : at + 4] == DELIMITER:
            break
        length = int.from_bytes(result[at + 4 : at + 8], "little")
        start, end = at + 8, at + 8 + length
        if result[at : at + 4] != ITEM or end > len(result):
            raise IdentityError("its compressed pixels are damaged; leave it out")
        if number:  # the first item is the offset table
            result[start:end] = blank_comments(bytes(result[start:end]))
        at, number = end, number + 1
    return bytes(result)


def blank_comments(fragment: bytes) -> bytes:
    """One fragment's bytes, with no text beside the image.

    Bytes that are neither JPEG nor JPEG 2000 come back as they are.

    Raises:
        IdentityError: the header does not end inside the fragment.
    """
    if fragment[:2] == b"\xff\xd8":
        return _blank(fragment, _is_jpeg_text, SOS)
    if fragment[:4] == J2K_START:
        return _blank(fragment, lambda code, _: code == COM_J2K, J2K_TILE)
    return fragment


def _is_jpeg_text(code: int, length: int) -> bool:
    if code in SPARED and length <= LONGEST_SPARED:
        return False
    return code == COM_JPEG or code in APPS


def _blank(data: bytes, is_text: Callable[[int, int], bool], last: int) -> bytes:
    result = bytearray(data)
    at = 2
    while at + 4 <= len(result) and result[at] == 0xFF:
        code = result[at + 1]
        if code == 0xFF:  # fill byte
            at += 1
            continue
        if code == last:
            return bytes(result)
        length = int.from_bytes(result[at + 2 : at + 4], "big")
        end = at + 2 + length
        if length < 2 or end > len(result):
            break
        if is_text(code, length):
            keep = 6 if last == J2K_TILE else 4  # J2K: two bytes say what kind
            result[at + keep : end] = bytes(max(0, end - at - keep))
        at = end
    raise IdentityError(
        "the header of a compressed frame cannot be followed to its end"
    )
