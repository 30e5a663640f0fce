"""Hostile senders: memory stays small, and real clients are served meanwhile."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from medlens.serve.listen import dimse, pdu
from medlens.serve.listen.associate import Context
from medlens.serve.settings import Limits
from medlens.serve.store.store import open_store
from medlens.serve.store.tables import instances, refusals
from tests.serve.dicom_files import CT, element, part10
from tests.serve.listen.scu import (
    Process,
    data_of,
    data_set,
    listen_apart,
    sop_uid,
    wait_until,
)

MEMORY_MB = 1024
NUMBERS = iter(range(1000, 100_000))


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A listener in a process of its own, all of whose memory is watched."""
    limits = Limits(free_mb=1, idle_s=30)
    with listen_apart(tmp_path_factory.mktemp("hostile"), limits) as made:
        yield made


@pytest.fixture(autouse=True)
def watch(process: Process) -> Iterator[None]:
    """After each attack the process is small and a real client is served."""
    yield
    assert process.peak_mb() < MEMORY_MB
    real_clients(process)


def real_clients(process: Process) -> None:
    """echoscu and storescu, within seconds; our own sender where there is no dcmtk."""
    number = next(NUMBERS)
    begin = time.monotonic()
    if shutil.which("storescu") is None:
        with process.sender() as sender:
            sender.associate()
            assert sender.echo() == 0
            assert sender.store(data_set(number), sop_uid(number)) == 0
    else:
        path = process.folder.parent / f"real-{number}.dcm"
        path.write_bytes(part10(number))
        for command in (("echoscu",), ("storescu",)):
            rest = ["-aec", "MEDLENS", "127.0.0.1", str(process.port)]
            rest += [str(path)] if command == ("storescu",) else []
            environment = {**os.environ, "TCP_NODELAY": "1"}
            done = subprocess.run(
                [*command, *rest], env=environment, timeout=30, check=False
            )
            assert done.returncode == 0, command
    assert time.monotonic() - begin < 10
    assert is_kept(process, sop_uid(number))


def is_kept(process: Process, uid: str) -> bool:
    """Whether an instance is in the index and its file is there."""
    store = open_store(process.folder, migrate=False)
    try:
        with store.read() as connection:
            query = sa.select(instances.c.digest).where(instances.c.sop_uid == uid)
            digest = connection.execute(query).scalar()
        return digest is not None and store.blobs.path_of(digest).exists()
    finally:
        store.close()


def reasons(process: Process) -> list[str]:
    """Why things were refused, newest last."""
    store = open_store(process.folder, migrate=False)
    try:
        with store.read() as connection:
            query = sa.select(refusals.c.reason).order_by(refusals.c.id)
            return list(connection.execute(query).scalars())
    finally:
        store.close()


def drafts(process: Process) -> list[Path]:
    """Files on their way in."""
    return list((process.folder / "incoming").iterdir())


def test_a_pdu_of_4_gib_before_an_association(process: Process) -> None:
    with process.sender() as sender:
        sender.send(struct.pack(">BxI", 1, 0xFFFFFFFF))
        sender.connection.settimeout(5)
        try:
            for _ in range(400):
                sender.send(bytes(1 << 20))
        except OSError:
            pass  # it had closed long before
        else:
            pytest.fail("400 MB were taken before any association")


def test_a_pdu_of_4_gib_in_an_association(process: Process) -> None:
    with process.sender() as sender:
        sender.associate()
        sender.send(struct.pack(">BxI", 4, 0xFFFFFFFF))
        assert sender.aborted() == pdu.INVALID_PARAMETER


def test_200_idle_connections_and_200_idle_associations(process: Process) -> None:
    with ExitStack() as opened:
        idle = [opened.enter_context(process.sender()) for _ in range(200)]
        real_clients(process)
        for sender in idle[:80]:
            sender.associate()
        real_clients(process)
        idle[0].send(b"\x04")
        assert idle[1].echo() == 0


def test_50_slow_senders_in_the_middle_of_a_store(process: Process) -> None:
    command = dimse.encode_store_request(message_id=1, sop_class=CT, sop_uid=sop_uid())
    with ExitStack() as opened:
        slow = [opened.enter_context(process.sender()) for _ in range(50)]
        for sender in slow:
            sender.associate()
            sender.send_set(3, command)
            sender.send(struct.pack(">BxIIBB", 4, 1 << 19, (1 << 19) - 4, 3, 0))
        for _ in range(5):
            for sender in slow:
                sender.send(b"\0")
            time.sleep(0.2)
        real_clients(process)
    wait_until(lambda: not drafts(process))


def test_a_port_scan(process: Process) -> None:
    for _ in range(300):
        socket.create_connection(("127.0.0.1", process.port), 5).close()


def test_connections_that_reset(process: Process) -> None:
    for _ in range(100):
        sender = process.sender()
        sender.send(b"\x01\x00\x00")
        sender.connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        sender.close()


def test_bombs_of_command_sets(process: Process) -> None:
    for bomb in (
        struct.pack("<HHI", 0, 0x1000, 0xFFFFFFFE),
        b"".join(struct.pack("<HHI", 0, 2 * n, 0) for n in range(2000)),
        struct.pack("<HHI", 0, 0x0100, 0) * 1000,
    ):
        with process.sender() as sender:
            sender.associate()
            sender.send_set(3, bomb)
            assert sender.aborted() == pdu.INVALID_PARAMETER
    with process.sender() as sender:  # a command that never ends
        sender.associate()
        part = bytes(8000)
        piece = struct.pack(">BxIIBB", 4, len(part) + 6, len(part) + 2, 3, 1) + part
        for _ in range(3):
            sender.send(piece)
        assert sender.aborted() == pdu.INVALID_PARAMETER


def nested(depth: int, *, explicit_length: bool) -> bytes:
    """A sequence in a sequence in a sequence, … of undefined or of given length."""
    if not explicit_length:
        begin = (
            b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff"
            + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
        )
        end = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
        return begin * depth + end * depth
    data = b""
    for _ in range(depth):
        item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(data)) + data
        data = b"\x40\x00\x30\xa7SQ\0\0" + struct.pack("<I", len(item)) + item
    return data


@pytest.mark.parametrize("explicit_length", [False, True])
def test_20000_nested_sequences(process: Process, explicit_length: bool) -> None:
    number = next(NUMBERS)
    bomb = nested(20_000, explicit_length=explicit_length)
    data = data_set(number, pixels=None) + bomb
    before = len(reasons(process))
    with process.sender() as sender:
        sender.associate()
        status = sender.store(data, sop_uid(number))
    assert (status == 0) == is_kept(process, sop_uid(number))
    if status:
        assert len(reasons(process)) == before + 1


@pytest.mark.parametrize(
    ("said", "held", "status"),
    [
        ("../../../tmp/x", "../../../tmp/x", 0x0117),
        ("1.2.3.4", "../../../tmp/x", 0xC000),
        ("1.2.3.4", "1.2.3.5", 0xA900),
        ("1.2.3.4", "", 0xC000),
    ],
)
def test_uids_that_lie_or_climb(
    process: Process, said: str, held: str, status: int
) -> None:
    before = len(reasons(process))
    with process.sender() as sender:
        sender.associate()
        assert sender.store(data_set(1, sop_uid=held), said) == status
    assert len(reasons(process)) == before + 1
    assert "tmp" not in reasons(process)[-1]
    assert not drafts(process)
    assert not is_kept(process, said)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 60])
def test_data_sets_that_end_too_soon(process: Process, length: int) -> None:
    number = next(NUMBERS)
    with process.sender() as sender:
        sender.associate()
        status = sender.store(data_set(number)[:length], sop_uid(number))
        assert status in (0xC000, 0xA900)
    assert not is_kept(process, sop_uid(number))


def test_a_value_longer_than_the_data_set(process: Process) -> None:
    number = next(NUMBERS)
    good = data_set(number, pixels=None)
    liar = element(0x7FE00010, "OW", b"")[:-4] + b"\xf0\xff\xff\xff" + b"\0\0"
    with process.sender() as sender:
        sender.associate()
        assert sender.store(good + liar, sop_uid(number)) in (0xC000, 0xA900)
    assert not is_kept(process, sop_uid(number))


def test_script_sql_and_huge_counts_are_kept_inert(process: Process) -> None:
    number = next(NUMBERS)
    data = data_of(
        part10(
            number,
            patient_name="<script>alert(1)</script>",
            accession="'; DROP TABLE x;",
            rows=65535,
            columns=65535,
            frames="2147483647",
        )
    )
    with process.sender() as sender:
        sender.associate()
        status = sender.store(data, sop_uid(number))
    assert (status == 0) == is_kept(process, sop_uid(number))


def test_a_deflate_bomb(process: Process) -> None:
    number = next(NUMBERS)
    deflated = "1.2.840.10008.1.2.1.99"
    pump = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = pump.compress(data_set(number, pixels=None))
    bomb += pump.compress(element(0x00204000, "LT", b"")[:-2] + b"UT\0\0")
    for _ in range(1024):
        bomb += pump.compress(bytes(1 << 20))
    bomb += pump.flush()
    assert len(bomb) < 2 << 20
    with process.sender() as sender:
        sender.associate(contexts=(Context(3, CT, (deflated,)),))
        status = sender.store(bomb, sop_uid(number))
    assert (status == 0) == is_kept(process, sop_uid(number))


def test_an_instance_of_300_mb_does_not_become_memory(process: Process) -> None:
    number = next(NUMBERS)
    size = 300 << 20
    head = data_set(number, pixels=None) + element(0x7FE00010, "OW", b"")[:-4]
    head += struct.pack("<I", size)
    command = dimse.encode_store_request(
        message_id=1, sop_class=CT, sop_uid=sop_uid(number)
    )
    before = process.peak_mb()
    with process.sender() as sender:
        sender.connection.settimeout(120)
        sender.associate()
        sender.send_set(3, command)
        pieces = pdu.encode_data(3, head, is_command=False, pdu_bytes=1 << 20)
        sender.send(next(pieces)[: -len(head) - 1] + b"\0" + head)
        part = bytes(1 << 19)
        for left in range(size // len(part), 0, -1):
            control = 2 if left == 1 else 0
            start = struct.pack(">BxIIBB", 4, len(part) + 6, len(part) + 2, 3, control)
            sender.send(start + part)
        assert sender.status() == 0
    assert is_kept(process, sop_uid(number))
    assert process.peak_mb() - before < 100
