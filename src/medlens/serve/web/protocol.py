"""HTTP/1.1 of uvicorn, with an end for connections that only wait."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from medlens.serve.settings import Limits

MAX_HEAD_BYTES = 64 << 10
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class BoundedProtocol(HttpToolsProtocol):
    """One connection.

    uvicorn times a connection only after its first reply, and its parser takes a
    head of any size. Here the head of a request has a time and a size, what is left of
    a body that was answered has a time, and a client that takes nothing is left. What
    comes behind a head and is no body (fields behind a body, a head sent ahead) has the
    size of a head: the parser keeps it all. Where
    there are too many connections the one that has waited longest for its head makes
    room.
    """

    limits = Limits()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        self._head_bytes = 0
        self._loose_bytes = 0  # since a head or a piece of a body was whole
        self._is_head = True  # between requests, or within the head of one
        self._is_whole = True  # nothing of a body is still to come
        self._timer: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None
        self._since = self.loop.time()
        super().connection_made(transport)
        self._wait(self.limits.header_s)
        if len(self.connections) > self.limits.connections:
            self._make_room()

    def _make_room(self) -> None:
        everyone = [cast(BoundedProtocol, c) for c in self.connections]
        idle = [c for c in everyone if c._is_head]
        last = min(idle, key=lambda c: c._since, default=self)
        last.end()

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(seconds, self.end)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def end(self) -> None:
        """Drop the connection, with what was not yet sent."""
        self.connections.discard(self)
        if self.transport is not None:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        if self._is_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self._completes_head(data):
                self.transport.write(TOO_LARGE)
                self.transport.close()
                return
        self._loose_bytes += len(data)
        super().data_received(data)
        if not self._is_head and self._loose_bytes > MAX_HEAD_BYTES:
            self.end()

    def _completes_head(self, data: bytes) -> bool:
        """True where the bytes hold the end of the head and a body behind it."""
        before = self._head_bytes - len(data)
        end = data.find(b"\r\n\r\n")
        return end >= 0 and before + end <= MAX_HEAD_BYTES

    def on_message_begin(self) -> None:
        """A request begins."""
        self._is_whole = False
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """A piece of a body has come."""
        self._loose_bytes = 0
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """The head of a request is there."""
        self._is_head, self._head_bytes, self._loose_bytes = False, 0, 0
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request is there whole."""
        self._is_whole, self._loose_bytes = True, 0
        super().on_message_complete()
        if self.cycle.response_complete:
            self._expect_head()

    def on_response_complete(self) -> None:
        """A reply was sent."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._wait(self.limits.send_s)  # until what was written is taken
        elif self._is_whole and self.cycle.response_complete:
            self._expect_head()
        elif not self._is_whole:
            self._wait(self.limits.header_s)  # for the rest, which nobody reads

    def pause_writing(self) -> None:
        """The client takes nothing more; after a while it is left."""
        super().pause_writing()
        self._stuck = self.loop.call_later(self.limits.send_s, self.end)

    def resume_writing(self) -> None:
        """The client takes more."""
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None
        super().resume_writing()

    def _expect_head(self) -> None:
        self._is_head, self._head_bytes = True, 0
        self._since = self.loop.time()
        self._wait(self.timeout_keep_alive + self.limits.header_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._stop_waiting()
        if self._stuck is not None:
            self._stuck.cancel()
        super().connection_lost(exc)


def protocol_with(limits: Limits) -> type[BoundedProtocol]:
    """The protocol under the limits of a service."""
    fields: dict[str, Any] = {"limits": limits}
    return type("Protocol", (BoundedProtocol,), fields)
