"""An association: what it keeps, what it answers, and when it ends."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from medlens.core import ResourceError
from medlens.serve.listen import dimse, pdu
from medlens.serve.listen.associate import Context
from medlens.serve.receive.receipt import Receipt
from medlens.serve.settings import Limits
from tests.serve.dicom_files import CT, EXPLICIT
from tests.serve.listen.scu import (
    Running,
    data_set,
    listen,
    sop_uid,
    wait_until,
)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A listener whose intake remembers."""
    with listen(tmp_path) as made:
        yield made


def test_echo_store_and_release(running: Running) -> None:
    with running.sender() as sender:
        accept = sender.associate()
        assert accept.results == {1: (0, EXPLICIT), 3: (0, EXPLICIT)}
        assert accept.pdu_bytes == 1 << 20
        assert sender.echo() == 0
        assert sender.store(data_set(), sop_uid()) == 0
        sender.release()
    assert running.shelf.announced == [(CT, sop_uid())]
    assert running.shelf.peers == ["TEST"]
    assert running.drafts() == []


def test_the_file_is_the_data_set_under_a_head_of_its_own(
    running: Running, tmp_path: Path
) -> None:
    data = data_set(7)
    for _ in range(2):  # and the same by two associations, of other AE titles
        with running.sender() as sender:
            sender.associate(calling=f"TEST{_}")
            assert sender.store(data, sop_uid(7)) == 0
    first, second = running.shelf.files
    assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()
    assert first.endswith(data)
    (tmp_path / "kept.dcm").write_bytes(first)
    read = dcmread(tmp_path / "kept.dcm")
    assert first[:128] == bytes(128)
    meta = read.file_meta
    assert meta.FileMetaInformationGroupLength == len(first) - len(data) - 144
    assert meta.FileMetaInformationVersion == b"\0\1"
    assert meta.MediaStorageSOPClassUID == CT
    assert meta.MediaStorageSOPInstanceUID == sop_uid(7) == read.SOPInstanceUID
    assert meta.TransferSyntaxUID == EXPLICIT
    assert "SourceApplicationEntityTitle" not in meta


def test_fragments_of_any_size_make_the_same_file(running: Running) -> None:
    data = data_set()
    with running.sender() as sender:
        sender.associate()
        for size in (8, 12, 100, 10_000):
            sender.pdu_bytes = size
            assert sender.store(data, sop_uid()) == 0
    assert len(set(running.shelf.files)) == 1


def test_several_values_in_one_pdu(running: Running) -> None:
    data = data_set()
    command = dimse.encode_store_request(message_id=9, sop_class=CT, sop_uid=sop_uid())
    values = [(command, 3), (data[:10], 0), (b"", 0), (data[10:], 2)]
    body = b"".join(
        struct.pack(">IBB", len(value) + 2, 3, control) + value
        for value, control in values
    )
    with running.sender() as sender:
        sender.associate()
        sender.send(struct.pack(">BxI", 4, len(body)) + body)
        answer = sender.answer()
    assert answer[0x0120] == b"\x09\0"
    assert answer[0x0900] == b"\0\0"
    assert answer[0x1000].rstrip(b"\0").decode() == sop_uid()
    assert running.shelf.files[0].endswith(data)


def test_messages_sent_before_the_answer_are_answered_in_order(
    running: Running,
) -> None:
    with running.sender() as sender:
        sender.associate()
        for number in (1, 2, 3):
            sender.send_store(data_set(number), sop_uid(number))
        found = [sender.answer()[0x0120] for _ in range(3)]
    assert found == [b"\1\0", b"\2\0", b"\3\0"]


@pytest.mark.parametrize(
    ("receipt", "status"),
    [
        (Receipt("stored"), 0x0000),
        (Receipt("duplicate"), 0x0000),
        (Receipt("conflict", "another"), 0x0111),
        (Receipt("refused", "full", is_full=True), 0xA700),
        (Receipt("refused", "no DICOM"), 0xC000),
        (Receipt("refused", "other", sop_class=CT, sop_uid="1.2.99.9"), 0xA900),
        (Receipt("refused", "odd", sop_class=CT, sop_uid=sop_uid()), 0xC000),
    ],
)
def test_status_of_each_outcome(
    running: Running, receipt: Receipt, status: int
) -> None:
    running.shelf.outcome = receipt
    with running.sender() as sender:
        sender.associate()
        assert sender.store(data_set(), sop_uid()) == status
        assert sender.echo() == 0


def test_an_intake_that_fails_is_no_success_and_tells_nothing(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    running.shelf.error = RuntimeError("Doe^Jane is in the way")
    with running.sender() as sender:
        sender.associate()
        sender.send_store(data_set(), sop_uid())
        answer = sender.answer()
    assert answer[0x0900] == b"\x10\x01"
    assert answer[0x0902].strip() == b"not kept; send again"
    assert "intake failed with RuntimeError" in caplog.text
    assert "Doe" not in caplog.text
    assert running.drafts() == []


def test_a_full_disk_is_out_of_resources(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise ResourceError("store: full")

    with running.sender() as sender:
        sender.associate()
        with monkeypatch.context() as patched:
            patched.setattr("medlens.serve.store.blobs.Draft.write", full)
            assert sender.store(data_set(), sop_uid()) == 0xA700
        with monkeypatch.context() as patched:
            patched.setattr("medlens.serve.store.blobs.Blobs.draft", full)
            assert sender.store(data_set(), sop_uid()) == 0xA700
        assert sender.store(data_set(), sop_uid()) == 0
    assert len(running.shelf.files) == 1
    assert running.shelf.refused == ["no space; send again later"] * 2


def test_an_instance_over_the_limit_is_refused_and_the_next_taken(
    tmp_path: Path,
) -> None:
    with listen(tmp_path, limits=Limits(instance_mb=1)) as running:
        with running.sender() as sender:
            sender.associate()
            large = data_set(1, pixels=bytes((1 << 20) + 2))
            assert sender.store(large, sop_uid()) == 0xA700
            assert sender.store(data_set(2), sop_uid(2)) == 0
        assert [uid for _, uid in running.shelf.announced] == [sop_uid(2)]
        assert running.shelf.refused == ["instance is over instance_mb"]


def test_what_a_command_may_not_say(running: Running) -> None:
    mr = "1.2.840.10008.5.1.4.1.1.4"
    with running.sender() as sender:
        sender.associate()
        for uid in ("../../../x", "", "1.2.x", "1" * 65, "1.2\\1.3", "/etc/passwd"):
            assert sender.store(data_set(), uid) == 0x0117
        assert sender.store(data_set(), sop_uid(), sop_class=mr) == 0x0122
        assert sender.store(data_set(), sop_uid(), context=1) == 0x0122
        assert sender.echo(context=3) == 0x0122
        assert sender.store(data_set(), sop_uid()) == 0
    assert len(running.shelf.files) == 1
    assert len(running.shelf.refused) == 8
    assert running.drafts() == []


def command_of(field: int, data_set_type: int, *, message_id: int = 5) -> bytes:
    """A command set of any kind."""
    elements = b"".join(
        struct.pack("<HHIH", 0, element, 2, value)
        for element, value in (
            (0x0100, field),
            (0x0120 if field & 0x8000 or field == 0x0FFF else 0x0110, message_id),
            (0x0800, data_set_type),
        )
    )
    return struct.pack("<HHII", 0, 0, 4, len(elements)) + elements


def test_other_services_are_answered_and_cancel_is_not(running: Running) -> None:
    with running.sender() as sender:
        sender.associate()
        sender.send_set(3, command_of(0x0020, 1))  # C-FIND-RQ and its data set
        for piece in pdu.encode_data(3, b"abcd", is_command=False, pdu_bytes=0):
            sender.send(piece)
        assert sender.status() == 0x0211
        sender.send_set(3, command_of(0x0FFF, 0x0101))
        assert sender.echo() == 0
        sender.send_set(3, command_of(1, 0x0101))  # a C-STORE-RQ without data
        assert sender.status() == 0xC000
        sender.send_set(1, command_of(0x8030, 0x0101))
        assert sender.aborted() == pdu.INVALID_PARAMETER


def value(data: bytes, *, context: int = 3, control: int, length: int = -1) -> bytes:
    """A P-DATA-TF of one value, whose length may lie."""
    size = len(data) + 2 if length < 0 else length
    return (
        struct.pack(">BxI", 4, len(data) + 6)
        + struct.pack(">IBB", size, context, control)
        + data
    )


STORE = dimse.encode_store_request(message_id=1, sop_class=CT, sop_uid=sop_uid())


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (struct.pack(">BxI", 4, 0xFFFFFFFF), 6),
        (struct.pack(">BxI", 4, 0), 6),
        (struct.pack(">BxI", 4, 3) + b"abc", 6),
        (value(b"abcd", control=3, length=1), 6),
        (value(b"abcd", control=3, length=7), 6),
        (value(b"abcd", control=3, length=0xFFFFFFFF), 6),
        (value(STORE, context=5, control=3), 6),
        (value(b"abcd", control=2), 6),  # a data set without a command
        (value(STORE, control=3) + value(STORE, control=3), 6),
        (value(STORE, control=3) + value(b"ab", context=1, control=0), 6),
        (value(STORE[:40], control=1) + value(b"ab", control=0), 6),
        (value(bytes(16 * 1024 + 2), control=1), 6),
        (value(b"", control=3), 6),
        (value(b"abcdefgh", control=3), 6),
        (struct.pack(">BxI", 1, 4) + bytes(4), 2),
        (struct.pack(">BxI", 2, 4) + bytes(4), 2),
        (struct.pack(">BxI", 6, 4) + bytes(4), 2),
        (struct.pack(">BxI", 0, 4) + bytes(4), 1),
        (struct.pack(">BxI", 99, 0xFFFFFFFF), 1),
        (struct.pack(">BxI", 5, 0xFFFFFFFF), 6),
        (value(STORE, control=3) + pdu.encode_release_request(), 2),
    ],
)
def test_what_breaks_the_rules_aborts_and_keeps_nothing(
    running: Running, sent: bytes, reason: int
) -> None:
    with running.sender() as sender:
        sender.associate()
        sender.send(sent)
        assert sender.aborted() == reason
    wait_until(lambda: not running.drafts())
    assert running.shelf.files == []


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (struct.pack(">BxI", 1, 0xFFFFFFFF), 6),
        (struct.pack(">BxI", 4, 0xFFFFFFFF), 2),
        (struct.pack(">BxI", 5, 4) + bytes(4), 2),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(90), 1),
        (struct.pack(">BxI", 1, 0), 6),
    ],
)
def test_what_may_not_come_first(running: Running, sent: bytes, reason: int) -> None:
    with running.sender() as sender:
        sender.send(sent)
        assert sender.aborted() == reason


@pytest.mark.parametrize("end", ["abort", "close", "reset"])
def test_a_store_that_is_cut_off_leaves_nothing(running: Running, end: str) -> None:
    with running.sender() as sender:
        sender.associate()
        sender.send(value(STORE, control=3) + value(data_set(), control=0))
        wait_until(running.drafts)
        if end == "abort":
            sender.send(pdu.encode_abort(0, source=0))
            assert sender.read()[0] == 0
        elif end == "reset":
            linger = struct.pack("ii", 1, 0)
            sender.connection.setsockopt(1, 13, linger)  # SOL_SOCKET, SO_LINGER
        sender.close()
        wait_until(lambda: not running.drafts())
    assert running.shelf.files == []


def test_who_is_refused_and_how(running: Running) -> None:
    cases = [
        ({"called": "OTHER"}, (1, 1, 7)),
        ({"called": ""}, (1, 1, 7)),
        ({"calling": ""}, (1, 1, 3)),
        ({"calling": "A\\B"}, (1, 1, 3)),
        ({"calling": "A\nB"}, (1, 1, 3)),
        ({"application_context": "1.2.3"}, (1, 1, 2)),
        ({"version": 2}, (1, 2, 2)),
    ]
    for changes, wanted in cases:
        with running.sender() as sender:
            kind, body = sender.request(**changes)
            assert (kind, tuple(body[1:])) == (pdu.ASSOCIATE_RJ, wanted), changes
            assert sender.read()[0] == 0


def test_an_association_of_which_nothing_is_accepted_stands(running: Running) -> None:
    with running.sender() as sender:
        accept = sender.associate(
            contexts=(Context(1, "1.2.840.10008.9", (EXPLICIT,)),)
        )
        assert accept.results == {1: (3, "")}
        sender.send(value(STORE, context=1, control=3))
        assert sender.aborted() == pdu.INVALID_PARAMETER


def test_the_other_sides_pdu_length_is_kept(running: Running) -> None:
    with running.sender() as sender:
        sender.associate(pdu_bytes=32)
        sender.send_set(1, dimse.encode_echo_request(message_id=1))
        joined = b""
        for _ in range(20):
            kind, body = sender.read()
            assert kind == pdu.P_DATA_TF
            assert len(body) <= 32
            joined += body[6:]
            if body[5] & 2:
                break
    assert joined.endswith(struct.pack("<HHIH", 0, 0x0900, 2, 0))


def test_every_wait_has_a_deadline(tmp_path: Path) -> None:
    limits = Limits(association_s=0.3, idle_s=0.5)
    with listen(tmp_path, limits=limits) as running:
        with running.sender() as silent:
            assert silent.aborted() == 0
        with running.sender() as half:
            half.send(b"\x01\x00\x00\x00")
            assert half.aborted() == 0
        with running.sender() as idle:
            idle.associate()
            assert idle.aborted() == 0
        with running.sender() as slow:
            slow.associate()
            slow.send(value(STORE, control=3) + value(data_set(), control=0)[:20])
            assert slow.aborted() == 0
        wait_until(lambda: not running.drafts())
