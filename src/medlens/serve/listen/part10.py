"""The head of a file: preamble and file meta information (PS3.10 section 7.1)."""

from __future__ import annotations

import struct

from medlens.serve.listen.associate import IMPLEMENTATION_NAME, IMPLEMENTATION_UID

PREAMBLE = bytes(128) + b"DICM"


def encode_head(*, sop_class: str, sop_uid: str, transfer_syntax: str) -> bytes:
    """What stands before a data set in a file.

    It holds nothing of the sender or of the moment, so that the same instance sent
    twice is the same file.

    Args:
        sop_class, sop_uid, transfer_syntax: UIDs, already checked.
    """
    elements = b"".join(
        (
            b"\x02\x00\x01\x00OB\0\0\x02\0\0\0\x00\x01",  # version of the meta group
            _uid(0x0002, sop_class),
            _uid(0x0003, sop_uid),
            _uid(0x0010, transfer_syntax),
            _uid(0x0012, IMPLEMENTATION_UID),
            _element(0x0013, b"SH", _even(IMPLEMENTATION_NAME.encode(), b" ")),
        )
    )
    length = _element(0x0000, b"UL", struct.pack("<I", len(elements)))
    return PREAMBLE + length + elements


def _uid(element: int, uid: str) -> bytes:
    return _element(element, b"UI", _even(uid.encode("ascii"), b"\0"))


def _element(element: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sH", 0x0002, element, vr, len(value)) + value


def _even(value: bytes, pad: bytes) -> bytes:
    return value + pad * (len(value) % 2)
