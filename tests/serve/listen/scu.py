"""A sender that can do everything wrong, and a listener to do it to."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from medlens.serve.listen import dimse, pdu
from medlens.serve.listen.associate import (
    AssociateAccept,
    AssociateRequest,
    Context,
    decode_accept,
)
from medlens.serve.listen.listener import Listener, bind
from medlens.serve.receive.receipt import Receipt
from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.blobs import Draft
from medlens.serve.store.store import Store, open_store
from tests.serve.dicom_files import CT, EXPLICIT, part10

VERIFICATION = "1.2.840.10008.1.1"
CONTEXTS = (Context(1, VERIFICATION, (EXPLICIT,)), Context(3, CT, (EXPLICIT,)))
WAIT_S = 20.0


def data_set(number: int = 1, **changes: Any) -> bytes:
    """The data set of a CT slice, explicit VR little endian."""
    return data_of(part10(number, **changes))


def data_of(file: bytes) -> bytes:
    """What follows the file meta group of a Part-10 file."""
    assert file[132:136] == b"\x02\x00\x00\x00"
    return file[144 + int.from_bytes(file[140:144], "little") :]


def sop_uid(number: int = 1, study: int = 1, series: int = 1) -> str:
    """As `part10` gives it."""
    return f"1.2.99.{study}.{series}.{number}"


class Sender:
    """One connection; what is sent is up to the test.

    Args:
        where: port of the loopback, or a connected socket.
    """

    def __init__(self, where: int | socket.socket) -> None:
        if isinstance(where, int):
            where = socket.create_connection(("127.0.0.1", where), WAIT_S)
        where.settimeout(WAIT_S)
        self.connection = where
        self.pdu_bytes = 0
        self.message = 0

    def send(self, data: bytes) -> None:
        """Write bytes as they are."""
        self.connection.sendall(data)

    def read(self) -> tuple[int, bytes]:
        """Type and body of the next PDU; (0, b"") at the end of the connection."""
        head = self._read(6)
        if len(head) < 6:
            return 0, b""
        kind, length = struct.unpack(">BxI", head)
        return kind, self._read(length)

    def _read(self, count: int) -> bytes:
        data = b""
        with contextlib.suppress(ConnectionError):
            while len(data) < count and (
                more := self.connection.recv(count - len(data))
            ):
                data += more
        return data

    def request(self, **changes: Any) -> tuple[int, bytes]:
        """Send an A-ASSOCIATE-RQ and read the answer."""
        asked = AssociateRequest("MEDLENS", "TEST", CONTEXTS, 16384)
        self.send(replace(asked, **changes).encode())
        return self.read()

    def associate(self, **changes: Any) -> AssociateAccept:
        """Ask for an association and get it."""
        kind, body = self.request(**changes)
        assert kind == pdu.ASSOCIATE_AC, (kind, body)
        accept = decode_accept(body)
        self.pdu_bytes = accept.pdu_bytes
        return accept

    def echo(self, context: int = 1) -> int:
        """Status of a C-ECHO."""
        self.message += 1
        self.send_set(context, dimse.encode_echo_request(message_id=self.message))
        return self.status()

    def store(
        self, data: bytes, uid: str, *, context: int = 3, sop_class: str = CT
    ) -> int:
        """Status of a C-STORE."""
        self.send_store(data, uid, context=context, sop_class=sop_class)
        return self.status()

    def send_store(
        self, data: bytes, uid: str, *, context: int = 3, sop_class: str = CT
    ) -> None:
        """A whole C-STORE-RQ, whose answer is not read."""
        self.message += 1
        command = dimse.encode_store_request(
            message_id=self.message, sop_class=sop_class, sop_uid=uid
        )
        self.send_set(context, command)
        for piece in pdu.encode_data(
            context, data, is_command=False, pdu_bytes=self.pdu_bytes
        ):
            self.send(piece)

    def send_set(self, context: int, command: bytes) -> None:
        """One command set."""
        for piece in pdu.encode_data(
            context, command, is_command=True, pdu_bytes=self.pdu_bytes
        ):
            self.send(piece)

    def answer(self) -> dict[int, bytes]:
        """Elements of the next response; fails on anything but a response."""
        kind, body = self.read()
        assert kind == pdu.P_DATA_TF, (kind, body)
        length, _, control = struct.unpack(">IBB", body[:6])
        assert length == len(body) - 4
        assert control == 3
        found, start = {}, 6
        while start < len(body):
            group, element, size = struct.unpack("<HHI", body[start : start + 8])
            assert group == 0
            found[element] = body[start + 8 : start + 8 + size]
            start += 8 + size
        return found

    def status(self) -> int:
        """Status of the next response."""
        return int.from_bytes(self.answer()[0x0900], "little")

    def aborted(self) -> int:
        """Reason of the A-ABORT by the provider that must come now, and the end."""
        kind, body = self.read()
        assert kind == pdu.ABORT, (kind, body)
        assert body[2] == 2
        assert self.read()[0] == 0
        return body[3]

    def release(self) -> None:
        """End in peace."""
        self.send(pdu.encode_release_request())
        assert self.read()[0] == pdu.RELEASE_RP
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class Shelf:
    """An intake that remembers what it was given, byte for byte."""

    outcome: Receipt = field(default_factory=lambda: Receipt("stored"))
    files: list[bytes] = field(default_factory=list)
    announced: list[tuple[str, str]] = field(default_factory=list)
    peers: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    error: Exception | None = None
    gate: threading.Event | None = None

    def take(self, draft: Draft, **told: str) -> Receipt:
        """As the intake does."""
        if self.gate is not None:
            assert self.gate.wait(WAIT_S)
        if self.error is not None:
            raise self.error
        self.files.append(draft.path.read_bytes())
        self.announced.append((told["sop_class"], told["sop_uid"]))
        self.peers.append(told["peer"])
        return self.outcome

    def refuse(self, reason: str, **_: str) -> Receipt:
        """As the intake does."""
        self.refused.append(reason)
        return Receipt("refused", reason)


@dataclass
class Running:
    """A listener in a thread of the test.

    Attributes:
        port: of the loopback.
        shelf: its intake.
        store: its files.
        stop: set to end it.
        thread: it runs in.
    """

    port: int
    shelf: Any
    store: Store
    stop: threading.Event
    thread: threading.Thread

    def sender(self) -> Sender:
        """A connection to it."""
        return Sender(self.port)

    def drafts(self) -> list[Path]:
        """Files on their way in."""
        return list(self.store.blobs.incoming.iterdir())


@contextmanager
def listen(folder: Path, *, intake: Any = None, **settings: Any) -> Iterator[Running]:
    """Run a listener in a thread.

    Args:
        folder: of its store.
        intake: a class that is made with store and limits; None for a `Shelf`.
        settings: of the service.
    """
    store = open_store(folder)
    chosen = ServeSettings(data=folder, **settings)
    shelf = Shelf() if intake is None else intake(store, chosen.limits)
    taken = bind("127.0.0.1", 0)
    port, stop = taken.getsockname()[1], threading.Event()
    listener = Listener(store, shelf, chosen, taken)
    thread = threading.Thread(target=listener.run, args=(stop,))
    thread.start()
    try:
        yield Running(port, shelf, store, stop, thread)
    finally:
        stop.set()
        thread.join(60)
        store.close()
        assert not thread.is_alive()


def _serve(folder: Path, taken: socket.socket, limits: Limits) -> None:
    from medlens.serve.listen.listener import serve_listener

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    store = open_store(folder, migrate=False)
    serve_listener(store, ServeSettings(data=folder, limits=limits), stop, taken=taken)


@dataclass(frozen=True)
class Process:
    """A listener in a process of its own, with the real intake.

    Attributes:
        port: of the loopback.
        pid: of the process.
        folder: of its store.
    """

    port: int
    pid: int
    folder: Path

    def sender(self) -> Sender:
        """A connection to it."""
        return Sender(self.port)

    def peak_mb(self) -> float:
        """The most memory that it ever held."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
        raise AssertionError("the process is gone")


@contextmanager
def listen_apart(folder: Path, limits: Limits | None = None) -> Iterator[Process]:
    """Run a listener in a process."""
    open_store(folder).close()
    taken = bind("127.0.0.1", 0)
    port = taken.getsockname()[1]
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(folder, taken, limits or Limits())
    )
    process.start()
    taken.close()
    try:
        wait_until(lambda: _echoes(port))
        assert process.pid is not None
        yield Process(port, process.pid, folder)
        assert process.is_alive()
    finally:
        process.terminate()
        process.join(40)
        code = process.exitcode
        process.close()
    assert code == 0


def _echoes(port: int) -> bool:
    with Sender(port) as sender:
        sender.associate()
        return sender.echo() == 0


def wait_until(is_so: Any, seconds: float = WAIT_S) -> None:
    """Wait for something that happens in another thread or process."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
