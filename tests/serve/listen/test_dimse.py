"""Command sets, held against pynetdicom's."""

from __future__ import annotations

import contextlib
import struct
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynetdicom.dimse_messages import C_ECHO_RQ, C_STORE_RQ, C_STORE_RSP
from pynetdicom.dimse_primitives import C_ECHO, C_STORE
from pynetdicom.dsutils import decode

from medlens.serve.listen import dimse
from medlens.serve.listen.dimse import Answer, Command, decode_command, encode_response
from medlens.serve.listen.pdu import ProtocolError


def command_of(message: C_STORE_RQ | C_ECHO_RQ) -> bytes:
    """The command set of a message of pynetdicom."""
    joined = b""
    for primitive in message.encode_msg(1, 0):
        for _, value in primitive.presentation_data_value_list:
            if value[0] & 1:
                joined += value[1:]
    return joined


def test_a_store_of_theirs_is_read() -> None:
    primitive = C_STORE()
    primitive.MessageID, primitive.Priority = 7, 2
    primitive.AffectedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    primitive.AffectedSOPInstanceUID = "1.2.3.4.5"
    primitive.MoveOriginatorApplicationEntityTitle = "MOVER"
    primitive.MoveOriginatorMessageID = 3
    primitive.DataSet = BytesIO(b"\x08\x00\x18\x00\x02\x00\x00\x001.")
    message = C_STORE_RQ()
    message.primitive_to_message(primitive)
    assert decode_command(command_of(message)) == Command(
        dimse.C_STORE_RQ, 7, "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.5", True
    )


def test_an_echo_of_theirs_is_read() -> None:
    primitive = C_ECHO()
    primitive.MessageID = 65535
    primitive.AffectedSOPClassUID = "1.2.840.10008.1.1"
    message = C_ECHO_RQ()
    message.primitive_to_message(primitive)
    found = decode_command(command_of(message))
    assert found == Command(dimse.C_ECHO_RQ, 65535, "1.2.840.10008.1.1", "", False)


@given(
    status=st.sampled_from([0, 0x0110, 0x0111, 0xA700, 0xA900, 0xC000]),
    message=st.integers(0, 65535),
    comment=st.text(max_size=90),
)
@settings(deadline=None)
def test_our_answer_is_read_by_them(status: int, message: int, comment: str) -> None:
    command = Command(dimse.C_STORE_RQ, message, "1.2.840.1", "1.2.33", True)
    data = encode_response(command, Answer(status, comment))
    length = struct.unpack("<HHII", data[:12])[3]
    assert length == len(data) - 12
    message_read = C_STORE_RSP()
    message_read.command_set = decode(BytesIO(data), True, True)
    read = message_read.message_to_primitive()
    assert read.Status == status
    assert read.MessageIDBeingRespondedTo == message
    assert read.AffectedSOPClassUID == "1.2.840.1"
    assert read.AffectedSOPInstanceUID == "1.2.33"
    if comment:
        assert len(str(message_read.command_set.ErrorComment)) <= 64


def test_uids_that_are_none_are_not_sent_back() -> None:
    command = Command(dimse.C_STORE_RQ, 1, "1" * 65, "9" * 5000, True)
    assert len(encode_response(command, Answer(0))) < 100


@given(data=st.binary(max_size=200))
@settings(max_examples=400)
def test_any_bytes_are_a_command_or_a_protocol_error(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        assert 0 <= decode_command(data).field <= 0xFFFF


def test_what_is_no_command_set_is_told() -> None:
    good = dimse.encode_echo_request(message_id=1)
    with pytest.raises(ProtocolError, match=r"\(0000,0100\) is no 16-bit number"):
        decode_command(b"")
    with pytest.raises(ProtocolError, match="within an element's header"):
        decode_command(good + b"\0")
    with pytest.raises(ProtocolError, match="longer than the set"):
        decode_command(good + struct.pack("<HHI", 0, 0x1000, 0xFFFFFFFF))
    with pytest.raises(ProtocolError, match="ascending order"):
        decode_command(good + good)
    with pytest.raises(ProtocolError, match="group 0000"):
        decode_command(good + struct.pack("<HHI", 8, 0x1000, 0))
