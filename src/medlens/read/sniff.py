"""What a file really is, by its first bytes and never by its name."""

from __future__ import annotations

import zlib
from typing import Literal

Kind = Literal["dicom", "png", "jpeg", "tiff", "bmp", "webp", "npz", "nifti", ""]

HEAD_BYTES = 1024
"""How much of a file `sniff` wants to see."""

# Magic bytes of things that are no images for us, with their plain name.
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"GIF8", "a GIF image, which is not read"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 file, which is read inside DICOM only"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 codestream, which is read inside DICOM only"),
    (b"\x93NUMPY", "a NumPy .npy array, which is read inside .npz only"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"MATLAB 5.0", "a MATLAB file"),
    (b"NRRD0", "an NRRD image, which is not read"),
    (b"ObjectType", "a MetaImage header, which is not read"),
    (b"PK\x03\x04", "a ZIP archive without NumPy arrays"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x1f\x8b", "gzip data that is no NIfTI volume"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"\xd0\xcf\x11\xe0", "an Office document"),
    (b"{\\rtf", "an RTF document"),
    (b"SQLite format 3", "an SQLite database"),
)
_EXPLICIT_VRS = frozenset(
    b"AE AS AT CS DA DS DT FL FD IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV "
    b"TM UC UI UL UN UR US UT UV".split()
)


def sniff(head: bytes) -> Kind:
    """The kind of image in a file that starts with `head`, or "" if none.

    A DICOM preamble may hold anything, a TIFF header among them (PS3.10 7.1),
    so "DICM" at byte 128 decides before all other magic numbers.
    """
    if head[128:132] == b"DICM":
        return "dicom"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    if head[:4] == b"PK\x03\x04" and _first_zip_name(head).endswith(b".npy"):
        return "npz"
    if _is_nifti(head) or (head[:2] == b"\x1f\x8b" and _is_nifti(_peek_gzip(head))):
        return "nifti"
    return "dicom" if _is_bare_dicom(head) else ""


_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)


def describe(head: bytes) -> str:
    """What a file that is no image looks like, for a message."""
    if not head:
        return "an empty file (0 bytes)"
    for magic, name in _FOREIGN:
        if head.startswith(magic):
            return name
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "an HTML page"
    if text.startswith((b"<?xml", b"<svg")):
        return "an XML document"
    if text.startswith((b"{", b"[")) and _is_text(head):
        return "a JSON document"
    if not any(head):
        return "nothing but zero bytes"
    return "text" if _is_text(head) else "unknown binary data"


def _is_text(head: bytes) -> bool:
    try:
        # The cut may fall inside a UTF-8 character: the last 3 bytes are spared.
        decoded = head[: max(1, len(head) - 3)].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter in "\t\r\n\f" for letter in decoded)


def _first_zip_name(head: bytes) -> bytes:
    length = int.from_bytes(head[26:28], "little")
    return head[30 : 30 + length]


def _peek_gzip(head: bytes) -> bytes:
    """The first bytes inside gzip data; a few hundred at most."""
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 560)
    except zlib.error:
        return b""


def _is_nifti(head: bytes) -> bool:
    """NIfTI-1 and -2 in one file ("n+1", "n+2") or as a pair ("ni1", "ni2")."""
    first = head[344:348] in (b"n+1\0", b"ni1\0")
    return first or head[4:8] in (b"n+2\0", b"ni2\0")


def _is_bare_dicom(head: bytes) -> bool:
    """A data set without preamble and "DICM": starts with group 2 or 8.

    Explicit VR of either byte order is known by its VR letters; implicit VR by
    an even length that a first element of those groups can have.
    """
    if len(head) < 16:
        return False
    little, big = head[:2] in (b"\x02\0", b"\x08\0"), head[:2] in (b"\0\x02", b"\0\x08")
    if not (little or big):
        return False
    if head[4:6] in _EXPLICIT_VRS:
        return True
    length = int.from_bytes(head[4:8], "little")
    return little and head[3] == 0 and length % 2 == 0 and length <= 256
