"""Stand-ins for the processes of a service, and a first process to be killed."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

from medlens.serve.run import child, supervise
from medlens.serve.settings import ServeSettings


def echo_child(
    role: str,
    settings: ServeSettings,
    taken: socket.socket | None,
    lifeline: Connection,
) -> None:
    """Tells its process id to whoever connects; a worker only waits."""
    end = child.End()
    end.begin()
    stop = end.stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: end.ask())
    threading.Thread(target=child._watch, args=(lifeline, end), daemon=True).start()
    (settings.data / f"{role}.{os.getpid()}").touch()
    if role == "work-1" and (settings.data / "fail").exists():
        sys.exit(3)
    if taken is None:
        stop.wait(60)
        return
    taken.settimeout(0.1)
    until = time.monotonic() + 60
    while not stop.is_set() and time.monotonic() < until:
        try:
            peer, _ = taken.accept()
        except TimeoutError:
            continue
        with peer:
            peer.sendall(f"{os.getpid()}\n".encode())


def main(folder: Path) -> None:
    """A first process of its own: prints its port, then runs."""
    supervise.start_child = echo_child
    settings = ServeSettings(data=folder, port=0, dicom_port=-1)
    one = supervise.Supervisor(settings)
    one.run(lambda: tell(str(one.port)))
    tell("ended")


def tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
