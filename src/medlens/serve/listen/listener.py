"""The listener: connections in, one thread for each association."""

from __future__ import annotations

import contextlib
import logging
import resource
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable

from medlens.serve.listen.admission import Admission
from medlens.serve.listen.association import Association, Terms, read_request
from medlens.serve.listen.pdu import LIMIT_EXCEEDED, ProtocolError
from medlens.serve.listen.reception import Desk, Taker
from medlens.serve.listen.tls import open_tls
from medlens.serve.listen.wire import ConnectionLost, DeadlineError, Wire
from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.store import Store

log = logging.getLogger("medlens.listen")

STOP_S = 20.0
"""How long stores in hand may go on when the listener stops."""

CUT_S = 2.0
"""And how long they have to let go once they are cut off."""

TAKERS = 8
"""Instances at the intake at a time: the index has so many connections to spare."""

REFUSERS = 16
"""Connections over the limits that are refused politely at a time."""

FILES_PER_ASSOCIATION = 3  # connection, draft, file being committed


class Listener:
    """Accepts associations until it is told to stop.

    Args:
        store: where drafts grow.
        intake: makes a file durable and indexes it.
        settings: of the service.
        taken: a listening socket; the listener closes it.

    Raises:
        UsageError: TLS files or a peer's address are wrong.
    """

    def __init__(
        self, store: Store, intake: Taker, settings: ServeSettings, taken: socket.socket
    ) -> None:
        self._limits: Limits = settings.limits
        self._admission = Admission(settings.ae_title, settings.peers)
        self._tls = open_tls(settings)
        self._socket = taken
        self._stopping = threading.Event()
        desk = Desk(
            intake,
            store.blobs,
            self._limits.instance_mb << 20,
            threading.BoundedSemaphore(TAKERS),
        )
        self._terms = Terms(self._admission, desk, self._limits, self._stopping)
        self._lock = threading.Lock()
        self._associations: dict[threading.Thread, Association | None] = {}
        self._by_address: Counter[str] = Counter()
        self._refusers = threading.BoundedSemaphore(REFUSERS)

    def run(self, stop: threading.Event) -> None:
        """Accept until `stop` is set, then end: stores in hand are finished."""
        self._socket.setblocking(False)
        with self._socket, selectors.DefaultSelector() as ready:
            ready.register(self._socket, selectors.EVENT_READ)
            while not stop.is_set():
                if ready.select(0.2):
                    self._accept()
        self._finish()

    def _accept(self) -> None:
        try:
            connection, where = self._socket.accept()
        except BlockingIOError:
            return  # another process of the service took it, or it is gone
        except OSError as error:
            log.error("cannot accept: %s", error.strerror)
            time.sleep(0.1)  # no file is free: some association ends soon
            return
        address = str(where[0])
        if not self._admission.is_known(address):
            log.warning("connection from %s: no peer sends from there", address)
            connection.close()
            return
        self._start(connection, address)

    def _start(self, connection: socket.socket, address: str) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        with self._lock:
            is_over = (
                len(self._associations) >= self._limits.associations
                or self._by_address[address] >= self._limits.associations_per_address
            )
            if not is_over:
                self._by_address[address] += 1
                thread = threading.Thread(
                    target=self._serve, args=(connection, address), daemon=True
                )
                self._associations[thread] = None
        if is_over:
            self._refuse(connection, address)
        else:
            thread.start()

    def _serve(self, connection: socket.socket, address: str) -> None:
        """Main function of an association's thread."""
        me = threading.current_thread()
        try:
            wire = self._shake_hands(connection)
            if wire is not None and self._stopping.is_set():
                wire.drop()
            elif wire is not None:
                association = Association(wire, address, self._terms)
                with self._lock:
                    self._associations[me] = association
                association.run()
        finally:
            with self._lock:
                del self._associations[me]
                self._by_address[address] -= 1
                if not self._by_address[address]:
                    del self._by_address[address]

    def _shake_hands(self, connection: socket.socket) -> Wire | None:
        """The wire, inside TLS where it is spoken; None when that failed."""
        if self._tls is None:
            return Wire(connection)
        connection.settimeout(self._limits.association_s)
        try:
            return Wire(self._tls.wrap_socket(connection, server_side=True))
        except (OSError, ValueError) as error:
            log.warning("TLS: no handshake (%s)", type(error).__name__)
            connection.close()
            return None

    def _refuse(self, connection: socket.socket, address: str) -> None:
        """Say that the limit is reached, where that costs little; else only close."""
        log.warning("connection from %s: too many associations", address)
        if self._tls is not None or not self._refusers.acquire(blocking=False):
            connection.close()
            return
        threading.Thread(
            target=self._say_no, args=(Wire(connection),), daemon=True
        ).start()

    def _say_no(self, wire: Wire) -> None:
        try:
            with contextlib.suppress(ProtocolError, ConnectionLost, DeadlineError):
                read_request(wire, 1.0)
                wire.send(LIMIT_EXCEEDED.encode(), deadline=time.monotonic() + 1.0)
            wire.close()
        finally:
            self._refusers.release()

    def _finish(self) -> None:
        self._stopping.set()
        self._join(Association.stop, STOP_S)
        self._join(Association.cut, CUT_S)
        with self._lock:
            left = len(self._associations)
        log.info("listener ended; %d connections left", left)

    def _join(self, end: Callable[[Association], None], seconds: float) -> None:
        """Tell every association to end and wait for it."""
        deadline = time.monotonic() + seconds
        with self._lock:
            running = [(t, a) for t, a in self._associations.items() if a is not None]
        for _, association in running:
            end(association)
        for thread, _ in running:
            thread.join(max(deadline - time.monotonic(), 0))


def serve_listener(
    store: Store,
    settings: ServeSettings,
    stop: threading.Event,
    *,
    taken: socket.socket | None = None,
) -> None:
    """Listen until `stop` is set; the main function of the listener's process.

    Args:
        store: of the service, open.
        settings: of the service.
        stop: ends it.
        taken: a listening socket; None binds `dicom_host` and `dicom_port`.

    Raises:
        UsageError: TLS files or a peer's address are wrong.
        OSError: the port is taken.
    """
    from medlens.serve.receive.intake import Intake

    raise_file_limit(settings.limits.associations * FILES_PER_ASSOCIATION + 100)
    if taken is None:
        taken = bind(settings.dicom_host, settings.dicom_port)
    intake = Intake(store, settings.limits)
    Listener(store, intake, settings, taken).run(stop)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket.

    Args:
        port: 0 takes a free one.

    Raises:
        OSError: the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=512)


def raise_file_limit(wanted: int) -> None:
    """Let this process open so many files, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
