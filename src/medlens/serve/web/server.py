"""The HTTP server of the web side."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Generator

import uvicorn
from fastapi import FastAPI

from medlens.serve.settings import ServeSettings
from medlens.serve.store.store import open_store
from medlens.serve.web.app import create_app
from medlens.serve.web.protocol import protocol_with

STOP_S = 25  # until requests in hand are ended
KEEP_ALIVE_S = 15


class WebServer(uvicorn.Server):
    """uvicorn that stops when an event says so, and ends open streams first.

    Args:
        app: of `create_app`.
        settings: of the service.
        stop: set from outside.
    """

    def __init__(
        self, app: FastAPI, settings: ServeSettings, stop: threading.Event
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                http=protocol_with(settings.limits),
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,  # it would write addresses with their queries
                server_header=False,
                # Who sits behind a proxy is believed only of one on this machine.
                proxy_headers=True,
                forwarded_allow_ips=["127.0.0.1", "::1"],
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=STOP_S,
                backlog=1024,
            )
        )
        self._app, self._stop = app, stop

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to stop."""
        self.should_exit = self.should_exit or self._stop.is_set()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End event streams, then wait for requests in hand."""
        self._app.state.events.close()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals belong to the process, which sets the event."""
        yield


def run_web(
    settings: ServeSettings,
    stop: threading.Event,
    *,
    taken: socket.socket | None = None,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until told to stop.

    Args:
        settings: of the service; its schema is up to date.
        stop: ends it: requests in hand are finished, at most `STOP_S` seconds.
        taken: a socket that is bound already; None binds host and port.
        on_ready: called before the first request is taken.
    """
    store = open_store(settings.data, settings.database, migrate=False)
    try:
        app = create_app(store, settings)
        on_ready()
        WebServer(app, settings, stop).run(sockets=[taken] if taken else None)
    finally:
        store.close()
