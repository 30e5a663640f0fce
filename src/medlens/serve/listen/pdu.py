"""Protocol data units of the DICOM upper layer (PS3.8 section 9.3).

Only what is small is ever held whole; the data of a P-DATA-TF are streamed by
`association.py`, so that its announced length never becomes memory.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from medlens.core import MedlensError

ASSOCIATE_RQ = 0x01
ASSOCIATE_AC = 0x02
ASSOCIATE_RJ = 0x03
P_DATA_TF = 0x04
RELEASE_RQ = 0x05
RELEASE_RP = 0x06
ABORT = 0x07

HEADER = struct.Struct(">BxI")  # type, reserved, length of what follows
PDV_HEADER = struct.Struct(">IBB")  # length from the context on, context, control
IS_COMMAND = 0x01  # bits of the message control header (PS3.8 annex E.2)
IS_LAST = 0x02

# Why a provider aborts (PS3.8 table 9-26).
NOT_SPECIFIED = 0
UNRECOGNIZED_PDU = 1
UNEXPECTED_PDU = 2
INVALID_PARAMETER = 6

PERMANENT, TRANSIENT = 1, 2


class ProtocolError(MedlensError):
    """The other side broke PS3.8 or PS3.7; the association is aborted.

    Args:
        message: what was found and wanted, without anything that was sent.
        reason: of the A-ABORT (PS3.8 table 9-26).
    """

    def __init__(self, message: str, reason: int = INVALID_PARAMETER) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Rejection:
    """Why an association is refused (PS3.8 table 9-21).

    Attributes:
        result: PERMANENT or TRANSIENT.
        source: 1 user, 2 provider (ACSE), 3 provider (presentation).
        reason: by source.
        text: for the log.
    """

    result: int
    source: int
    reason: int
    text: str = ""

    def encode(self) -> bytes:
        """The A-ASSOCIATE-RJ."""
        return HEADER.pack(ASSOCIATE_RJ, 4) + bytes(
            (0, self.result, self.source, self.reason)
        )


APPLICATION_CONTEXT_UNKNOWN = Rejection(PERMANENT, 1, 2, "application context unknown")
CALLING_UNKNOWN = Rejection(PERMANENT, 1, 3, "calling AE title not recognised")
CALLED_UNKNOWN = Rejection(PERMANENT, 1, 7, "called AE title not recognised")
VERSION_UNKNOWN = Rejection(PERMANENT, 2, 2, "protocol version not supported")
LIMIT_EXCEEDED = Rejection(TRANSIENT, 3, 2, "local limit exceeded")


def decode_rejection(body: bytes) -> Rejection:
    """Read the body of an A-ASSOCIATE-RJ.

    Raises:
        ProtocolError: it does not have four bytes.
    """
    if len(body) != 4:
        raise ProtocolError(f"A-ASSOCIATE-RJ has {len(body)} bytes; wanted 4")
    return Rejection(*body[1:])


def encode_abort(reason: int, *, source: int = 2) -> bytes:
    """An A-ABORT; source 0 is the user, 2 the provider."""
    return HEADER.pack(ABORT, 4) + bytes((0, 0, source, reason))


def encode_release_request() -> bytes:
    """An A-RELEASE-RQ."""
    return HEADER.pack(RELEASE_RQ, 4) + bytes(4)


def encode_release_response() -> bytes:
    """An A-RELEASE-RP."""
    return HEADER.pack(RELEASE_RP, 4) + bytes(4)


def encode_data(
    context: int, data: bytes | memoryview, *, is_command: bool, pdu_bytes: int
) -> Iterator[bytes]:
    """P-DATA-TF of one command or data set, one value in each.

    Args:
        context: number of the presentation context.
        data: the whole of it.
        is_command: a command set rather than a data set.
        pdu_bytes: length that the other side takes; 0 for any.
    """
    room = max((pdu_bytes or 1 << 17) - PDV_HEADER.size & ~1, 2)  # fragments are even
    kind = IS_COMMAND if is_command else 0
    for start in range(0, max(len(data), 1), room):
        piece = data[start : start + room]
        control = kind | (IS_LAST if start + room >= len(data) else 0)
        yield b"".join(
            (
                HEADER.pack(P_DATA_TF, len(piece) + PDV_HEADER.size),
                PDV_HEADER.pack(len(piece) + 2, context, control),
                piece,
            )
        )
