"""What each process of the service does, and how it learns that it should end."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from medlens.serve.settings import ServeSettings

GRACE_S = 25.0  # for work in hand, when the first process is gone


def start_child(
    role: str,
    settings: ServeSettings,
    taken: socket.socket | None,
    lifeline: Connection,
) -> None:
    """Main function of a process: "web", "listen" or "work-1", "work-2", …

    Args:
        role: what it does.
        settings: of the service.
        taken: socket that it serves, or None.
        lifeline: its other end is held by the first process alone, so that reading
            ends when that one does, however it ends.
    """
    from medlens.serve.web.logs import set_up_logs

    set_up_logs(role)
    _name_process(f"medlens-{role}")
    end = End()
    # Ctrl-C reaches the whole group; the first process then stops the others in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: end.ask())
    threading.Thread(
        target=_watch, args=(lifeline, end), name="lifeline", daemon=True
    ).start()
    _work_of(role)(role, settings, taken, end)
    _leave()


class End:
    """How a process is asked to end.

    Attributes:
        stop: set when it should; what is in hand is finished first.
    """

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._has_begun = False

    def begin(self) -> None:
        """From here on there may be something in hand."""
        self._has_begun = True

    def ask(self) -> None:
        """End soon; at once while bundles and modules are still being loaded."""
        self.stop.set()
        if not self._has_begun:
            _leave()


def _leave() -> NoReturn:
    """End without taking the engines and their modules apart: that takes seconds."""
    with contextlib.suppress(Exception):  # a signal may come amid a line of the log
        logging.shutdown()
        sys.stderr.flush()
    os._exit(0)


def _name_process(name: str) -> None:
    """What `ps` and `top` show (Linux); 15 characters at most."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name[:15], encoding="ascii")


def _watch(lifeline: Connection, end: End) -> None:
    with contextlib.suppress(EOFError, OSError):
        lifeline.recv_bytes()
    end.ask()
    threading.Event().wait(GRACE_S)
    os._exit(1)


Work = Callable[[str, ServeSettings, Any, End], None]


def _work_of(role: str) -> Work:
    return {"web": _web, "listen": _listen}.get(role, _work)


def _web(role: str, settings: ServeSettings, taken: socket.socket, end: End) -> None:
    del role
    from medlens.serve.web.server import run_web

    run_web(settings, end.stop, taken=taken, on_ready=end.begin)


def _listen(role: str, settings: ServeSettings, taken: socket.socket, end: End) -> None:
    del role
    from medlens.serve.listen.listener import serve_listener
    from medlens.serve.store.store import open_store

    store = open_store(settings.data, settings.database, migrate=False)
    end.begin()
    try:
        serve_listener(store, settings, end.stop, taken=taken)
    finally:
        store.close()


def _work(role: str, settings: ServeSettings, taken: None, end: End) -> None:
    del taken
    from medlens.serve.work.worker import run_worker

    run_worker(settings, role, end.stop, on_ready=end.begin)
