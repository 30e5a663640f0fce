"""A server on a free port of this machine, ended by the test that started it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from medlens.serve.run.check import bind
from medlens.serve.settings import ServeSettings
from medlens.serve.web.server import run_web

START_S, STOP_S = 20.0, 40.0


@contextmanager
def live_server(settings: ServeSettings) -> Iterator[str]:
    """URL of a web side that runs over a store whose schema is there."""
    with bind("127.0.0.1", 0, option="--port") as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        stop = threading.Event()
        server = threading.Thread(
            target=run_web, args=(settings, stop), kwargs={"taken": taken}, daemon=True
        )
        server.start()
        try:
            _wait_until_it_answers(url)
            yield url
        finally:
            stop.set()
            server.join(STOP_S)
        assert not server.is_alive(), "the server did not stop"


def _wait_until_it_answers(url: str) -> None:
    end = time.monotonic() + START_S
    while True:
        try:
            httpx.get(f"{url}/healthz", timeout=2)
            return
        except httpx.TransportError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
