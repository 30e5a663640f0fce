"""Any bytes: no exception, no answer 0000 without a kept instance, nothing left."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medlens.serve.listen import dimse, pdu
from medlens.serve.listen.admission import Admission
from medlens.serve.listen.associate import AssociateRequest
from medlens.serve.listen.association import Association, Terms
from medlens.serve.listen.reception import Desk
from medlens.serve.listen.wire import Wire
from medlens.serve.settings import Limits
from medlens.serve.store.blobs import Blobs
from tests.serve.dicom_files import CT
from tests.serve.listen.scu import CONTEXTS, Shelf, data_set, sop_uid

LIMITS = Limits(association_s=2.0, idle_s=2.0, pdu_bytes=4096, instance_mb=1)
REQUEST = AssociateRequest("MEDLENS", "TEST", CONTEXTS, 16384).encode()
STORE = dimse.encode_store_request(message_id=1, sop_class=CT, sop_uid=sop_uid())
ECHO = dimse.encode_echo_request(message_id=2)
PARTS = [
    REQUEST,
    *pdu.encode_data(1, ECHO, is_command=True, pdu_bytes=4096),
    *pdu.encode_data(3, STORE, is_command=True, pdu_bytes=4096),
    *pdu.encode_data(3, data_set(), is_command=False, pdu_bytes=4096),
    *pdu.encode_data(3, data_set(), is_command=False, pdu_bytes=200),
    pdu.encode_release_request(),
    pdu.encode_abort(0, source=0),
]


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Blobs:
    """Where drafts grow."""
    return Blobs(tmp_path_factory.mktemp("fuzz"))


def talk(sent: bytes, blobs: Blobs, errors: list[str]) -> tuple[bytes, Shelf]:
    """What an association answers to bytes, and what it kept."""
    shelf = Shelf()
    desk = Desk(shelf, blobs, LIMITS.instance_mb << 20, threading.BoundedSemaphore(1))
    terms = Terms(Admission("MEDLENS", ()), desk, LIMITS, threading.Event())
    ours, theirs = socket.socketpair()
    association = Association(Wire(ours), "127.0.0.1", terms)
    thread = threading.Thread(target=association.run)
    thread.start()
    answer = b""
    with theirs:
        theirs.settimeout(10)
        try:
            theirs.sendall(sent)
            theirs.shutdown(socket.SHUT_WR)
            while more := theirs.recv(65536):
                answer += more
        except ConnectionError:
            errors.append("reset")  # it had aborted and stopped reading
    thread.join(10)
    assert not thread.is_alive()
    return answer, shelf


def successes(answer: bytes) -> int:
    """C-STORE-RSP with status 0000 among the PDUs of an answer."""
    found = 0
    for kind, body in pdus(answer):
        if kind == pdu.P_DATA_TF:
            is_store = struct.pack("<HHIH", 0, 0x0100, 2, 0x8001) in body
            found += is_store and struct.pack("<HHIH", 0, 0x0900, 2, 0) in body
    return found


def pdus(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each whole PDU."""
    start = 0
    while start + 6 <= len(data):
        kind, length = struct.unpack(">BxI", data[start : start + 6])
        assert start + 6 + length <= len(data)
        yield kind, data[start + 6 : start + 6 + length]
        start += 6 + length
    assert start == len(data)


def check(sent: bytes, blobs: Blobs, caplog: pytest.LogCaptureFixture) -> None:
    """Send, and hold the promises."""
    caplog.clear()
    answer, shelf = talk(sent, blobs, [])
    assert successes(answer) <= len(shelf.files)
    assert list(blobs.incoming.iterdir()) == []
    assert not [r for r in caplog.records if r.levelname == "ERROR"]


FUZZ = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@given(sent=st.binary(max_size=300))
@FUZZ
def test_any_bytes(sent: bytes, blobs: Blobs, caplog: pytest.LogCaptureFixture) -> None:
    check(sent, blobs, caplog)


@given(parts=st.lists(st.sampled_from(PARTS), max_size=8))
@FUZZ
def test_good_pdus_in_any_order(
    parts: list[bytes], blobs: Blobs, caplog: pytest.LogCaptureFixture
) -> None:
    check(REQUEST + b"".join(parts), blobs, caplog)


@given(data=st.data())
@FUZZ
def test_a_good_conversation_with_damage(
    data: st.DataObject, blobs: Blobs, caplog: pytest.LogCaptureFixture
) -> None:
    sent = bytearray(b"".join(PARTS[:4]))
    start = data.draw(st.sampled_from([0, len(REQUEST)]))
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(start, len(sent) - 1))
        kind = data.draw(st.sampled_from(["set", "cut", "insert"]))
        if kind == "set":
            sent[place] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del sent[place : place + data.draw(st.integers(1, 40))]
        else:
            sent[place:place] = data.draw(st.binary(min_size=1, max_size=40))
        if len(sent) <= start:
            break
    check(bytes(sent), blobs, caplog)


def test_the_undamaged_conversation_is_a_success(blobs: Blobs) -> None:
    answer, shelf = talk(b"".join(PARTS[:4]), blobs, [])
    assert successes(answer) == 1
    assert len(shelf.files) == 1
