"""Command sets of C-ECHO and C-STORE (PS3.7 sections 6.3 and 9.3).

A command set is implicit little endian, group 0000, and small: anything else is not
read but refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from medlens.serve.listen.pdu import ProtocolError

COMMAND_BYTES = 16 * 1024
"""Largest command set taken: those of a C-STORE have some 300 bytes."""

ELEMENT = struct.Struct("<HHI")
NO_DATA_SET = 0x0101

C_STORE_RQ = 0x0001
C_ECHO_RQ = 0x0030
C_CANCEL_RQ = 0x0FFF
IS_RESPONSE = 0x8000

# PS3.7 annex C and PS3.4 table B.2-1.
SUCCESS = 0x0000
PROCESSING_FAILURE = 0x0110
DUPLICATE_SOP_INSTANCE = 0x0111
INVALID_SOP_INSTANCE = 0x0117
SOP_CLASS_NOT_SUPPORTED = 0x0122
UNRECOGNIZED_OPERATION = 0x0211
OUT_OF_RESOURCES = 0xA700
DATA_SET_MISMATCH = 0xA900
CANNOT_UNDERSTAND = 0xC000

GROUP_LENGTH = 0x0000
AFFECTED_SOP_CLASS = 0x0002
COMMAND_FIELD = 0x0100
MESSAGE_ID = 0x0110
MESSAGE_ID_RESPONDED = 0x0120
PRIORITY = 0x0700
DATA_SET_TYPE = 0x0800
STATUS = 0x0900
ERROR_COMMENT = 0x0902
AFFECTED_SOP_INSTANCE = 0x1000


@dataclass(frozen=True)
class Command:
    """What a message asks for.

    Attributes:
        field: kind of message.
        message_id: comes back in the answer.
        sop_class, sop_uid: affected, "" where missing.
        has_data_set: a data set follows.
    """

    field: int
    message_id: int
    sop_class: str
    sop_uid: str
    has_data_set: bool


@dataclass(frozen=True)
class Answer:
    """How a message ended.

    Attributes:
        status: see the constants above.
        comment: for a person; only its first 64 characters are sent.
    """

    status: int
    comment: str = ""


def decode_command(data: bytes) -> Command:
    """Read a command set.

    Raises:
        ProtocolError: it is none, or lacks what every message has.
    """
    values = _read_elements(data)
    field = _number(values, COMMAND_FIELD)
    data_set = _number(values, DATA_SET_TYPE)
    is_answered = field & IS_RESPONSE or field == C_CANCEL_RQ
    message = _number(values, MESSAGE_ID_RESPONDED if is_answered else MESSAGE_ID)
    return Command(
        field,
        message,
        _uid(values.get(AFFECTED_SOP_CLASS, b"")),
        _uid(values.get(AFFECTED_SOP_INSTANCE, b"")),
        data_set != NO_DATA_SET,
    )


def encode_store_request(*, message_id: int, sop_class: str, sop_uid: str) -> bytes:
    """Command set of a C-STORE-RQ of medium priority."""
    return _encode(
        (AFFECTED_SOP_CLASS, _padded(sop_class)),
        (COMMAND_FIELD, _short(C_STORE_RQ)),
        (MESSAGE_ID, _short(message_id)),
        (PRIORITY, _short(0)),
        (DATA_SET_TYPE, _short(0)),
        (AFFECTED_SOP_INSTANCE, _padded(sop_uid)),
    )


def encode_echo_request(*, message_id: int) -> bytes:
    """Command set of a C-ECHO-RQ."""
    return _encode(
        (AFFECTED_SOP_CLASS, _padded("1.2.840.10008.1.1")),
        (COMMAND_FIELD, _short(C_ECHO_RQ)),
        (MESSAGE_ID, _short(message_id)),
        (DATA_SET_TYPE, _short(NO_DATA_SET)),
    )


def encode_response(command: Command, answer: Answer) -> bytes:
    """Command set that answers a request, with the UIDs that it named."""
    parts = [
        (COMMAND_FIELD, _short(command.field | IS_RESPONSE)),
        (MESSAGE_ID_RESPONDED, _short(command.message_id)),
        (DATA_SET_TYPE, _short(NO_DATA_SET)),
        (STATUS, _short(answer.status)),
    ]
    if answer.comment:
        text = "".join(
            c if " " <= c <= "~" and c != "\\" else "?" for c in answer.comment[:64]
        ).encode()
        parts.append((ERROR_COMMENT, text + b" " * (len(text) % 2)))
    if 0 < len(command.sop_class) <= 64:
        parts.insert(0, (AFFECTED_SOP_CLASS, _padded(command.sop_class)))
    if 0 < len(command.sop_uid) <= 64:
        parts.append((AFFECTED_SOP_INSTANCE, _padded(command.sop_uid)))
    return _encode(*parts)


def _read_elements(data: bytes) -> dict[int, bytes]:
    """Element number → value; in ascending order, all of group 0000."""
    values: dict[int, bytes] = {}
    start, before = 0, -1
    while start < len(data):
        if start + ELEMENT.size > len(data):
            raise ProtocolError("command set ends within an element's header")
        group, element, length = ELEMENT.unpack_from(data, start)
        start += ELEMENT.size
        if group or element <= before:
            raise ProtocolError("command set: wanted group 0000 in ascending order")
        if length > len(data) - start:
            raise ProtocolError("command set: an element is longer than the set")
        values[element] = data[start : start + length]
        start, before = start + length, element
    return values


def _number(values: dict[int, bytes], element: int) -> int:
    value = values.get(element, b"")
    if len(value) != 2:
        raise ProtocolError(f"command set: (0000,{element:04X}) is no 16-bit number")
    return int.from_bytes(value, "little")


def _uid(value: bytes) -> str:
    """As text, whatever it holds; it is judged where it would be used."""
    return value.decode("latin-1").rstrip("\0 ")


def _encode(*elements: tuple[int, bytes]) -> bytes:
    body = b"".join(_elements(elements))
    return b"".join(_elements([(GROUP_LENGTH, struct.pack("<I", len(body)))])) + body


def _elements(elements: Iterable[tuple[int, bytes]]) -> Iterable[bytes]:
    for element, value in elements:
        yield ELEMENT.pack(0, element, len(value)) + value


def _short(number: int) -> bytes:
    return struct.pack("<H", number)


def _padded(uid: str) -> bytes:
    value = uid.encode("latin-1", "replace")
    return value + b"\0" * (len(value) % 2)
