"""One command, one group of processes: started, watched, started again, stopped.

The first process holds the sockets and nothing else that could fail: it never touches
an image. A process that dies is started again after a pause that grows; meanwhile
connections wait in the sockets' queues. When the first process is killed the others
see their lifeline end and stop by themselves.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from medlens.serve.run.check import bind
from medlens.serve.run.child import start_child
from medlens.serve.settings import ServeSettings

log = logging.getLogger("medlens.run")

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
STEADY_S = 60.0  # a process that lived so long is started again at once
STOP_S = 30.0  # for work in hand


@dataclass
class _Child:
    """One process and how often it had to be started."""

    role: str
    taken: socket.socket | None
    process: BaseProcess | None = None
    lifeline: Connection | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    pause_s: float = FIRST_PAUSE_S


@dataclass
class Supervisor:
    """The processes of a service.

    Attributes:
        settings: of the service; ports of 0 stand for free ones.
        web, dicom: sockets that listen; dicom is None where no listener is wanted.
    """

    settings: ServeSettings
    web: socket.socket = field(init=False)
    dicom: socket.socket | None = field(init=False, default=None)
    _children: list[_Child] = field(init=False, default_factory=list)
    _stop: threading.Event = field(init=False, default_factory=threading.Event)

    def __post_init__(self) -> None:
        chosen = self.settings
        self.web = bind(chosen.host, chosen.port, option="--port")
        if chosen.dicom_port >= 0:
            self.dicom = bind(
                chosen.dicom_host, chosen.dicom_port, option="--dicom-port"
            )
            # A page tells where to send to: all processes know what a 0 became.
            self.settings = replace(chosen, dicom_port=self.dicom.getsockname()[1])
        roles: list[tuple[str, socket.socket | None]] = [("web", self.web)]
        roles += [("listen", self.dicom)] if self.dicom else []
        roles += [(f"work-{i + 1}", None) for i in range(chosen.workers)]
        self._children = [_Child(role, taken) for role, taken in roles]

    @property
    def port(self) -> int:
        """Of the web side, as it was bound."""
        return int(self.web.getsockname()[1])

    @property
    def dicom_port(self) -> int | None:
        """Of the listener, as it was bound."""
        return int(self.dicom.getsockname()[1]) if self.dicom else None

    def run(self, tell: Callable[[], None]) -> None:
        """Start everything and watch it until SIGTERM or Ctrl-C.

        Args:
            tell: called once when all processes have been started.
        """
        before = {
            number: signal.signal(number, lambda *_: self._stop.set())
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            for child in self._children:
                self._start(child)
            tell()
            while not self._stop.wait(0.2):
                self._look_after()
        finally:
            self._end()
            for number, handler in before.items():
                signal.signal(number, handler)

    def processes(self) -> dict[str, int]:
        """Role → process id of what runs now."""
        return {
            child.role: child.process.pid
            for child in self._children
            if child.process is not None and child.process.pid is not None
        }

    def _start(self, child: _Child) -> None:
        context = multiprocessing.get_context("spawn")
        theirs, ours = context.Pipe(duplex=False)
        child.process = context.Process(
            target=start_child,
            args=(child.role, self.settings, child.taken, theirs),
            name=f"medlens-{child.role}",
        )
        # Ctrl-C reaches the whole group; a child must not hear it from the start on.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            child.process.start()
        finally:
            signal.signal(signal.SIGINT, before)
        theirs.close()
        if child.lifeline is not None:
            child.lifeline.close()
        child.lifeline, child.started_at = ours, time.monotonic()

    def _look_after(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.process is None:
                if now >= child.start_at:
                    self._try_to_start(child, now)
                continue
            if child.process.is_alive():
                continue
            code = child.process.exitcode
            child.process.close()
            child.process = None
            if now - child.started_at > STEADY_S:
                child.pause_s = FIRST_PAUSE_S
            log.error(
                "process ended, is started again",
                extra={"role": child.role, "code": code, "pause_s": child.pause_s},
            )
            _pause(child, now)

    def _try_to_start(self, child: _Child, now: float) -> None:
        """The machine may have no room for a process now; the others live on."""
        try:
            self._start(child)
        except OSError as error:
            child.process = None
            log.error(
                "process cannot be started, is tried again",
                extra={"role": child.role, "error": error.strerror},
            )
            _pause(child, now)

    def _end(self) -> None:
        """Ask all to stop, first those that take in; kill what does not."""
        running = [c.process for c in self._children if c.process is not None]
        for process in running:
            if process.is_alive():
                process.terminate()
        until = time.monotonic() + STOP_S
        for process in running:
            process.join(max(0.0, until - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join(5)
        for child in self._children:
            if child.lifeline is not None:
                child.lifeline.close()
        for taken in (self.web, self.dicom):
            if taken is not None:
                taken.close()


def _pause(child: _Child, now: float) -> None:
    child.start_at = now + child.pause_s
    child.pause_s = min(2 * child.pause_s, LONGEST_PAUSE_S)
