"""The HTTP server against clients that are slow, greedy or many."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.store import open_store
from tests.serve.web.live import live_server

LIMITS = Limits(
    header_s=1.5, slowest_bytes_s=1000, connections=300, request_kb=64, send_s=2
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A demo's web side with short limits."""
    folder = tmp_path_factory.mktemp("service")
    open_store(folder).close()
    settings = ServeSettings(data=folder, demo=True, limits=LIMITS)
    with live_server(settings) as found:
        yield found


def connect(url: str) -> socket.socket:
    """A plain connection to the server."""
    parts = httpx.URL(url)
    return socket.create_connection((parts.host, parts.port or 0), timeout=10)


def ends_within(connection: socket.socket, seconds: float) -> bytes:
    """What comes until the server ends a connection; fails if it does not."""
    connection.settimeout(seconds)
    found = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            found += piece
    return found


def test_a_connection_without_a_request_is_ended(url: str) -> None:
    with connect(url) as connection:
        assert ends_within(connection, 5) == b""


def test_a_head_that_drips_is_ended(url: str) -> None:
    with connect(url) as connection:
        start = time.monotonic()
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        with contextlib.suppress(OSError):
            while time.monotonic() - start < 10:
                connection.sendall(b"X")
                time.sleep(0.1)
        assert time.monotonic() - start < 5


def test_a_head_that_is_too_large_is_refused(url: str) -> None:
    with connect(url) as connection:
        head = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "
        with contextlib.suppress(ConnectionError):
            connection.sendall(head + b"a" * (1 << 20))
        assert ends_within(connection, 5)[:12] in (b"HTTP/1.1 431", b"")


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(
            b"POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n",
            id="trailers",
        ),
        pytest.param(
            b"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET / HTTP/1.1\r\n",
            id="the next head while a reply is sent",
        ),
    ],
)
def test_fields_without_end_are_not_gathered(url: str, start: bytes) -> None:
    """In any place where a head may stand; each piece would stay in memory."""
    field = b"X: " + b"a" * 1000 + b"\r\n"
    with connect(url) as connection:
        connection.sendall(start)
        time.sleep(0.3)
        sent, end = 0, time.monotonic() + 5
        with contextlib.suppress(OSError):
            while sent < 64 << 20 and time.monotonic() < end:
                connection.sendall(field * 64)
                sent += 64 * len(field)
        assert sent < 16 << 20
        assert time.monotonic() < end


def test_a_body_in_tiny_pieces_is_taken(url: str) -> None:
    """What stands between the pieces of a body is no head, however much it is."""
    body = iter([b" "] * 30_000)
    headers = {"Content-Type": "application/json"}
    reply = httpx.post(f"{url}/api/v1/rules/check", content=body, headers=headers)
    assert reply.status_code == 422


def test_a_body_that_drips_is_refused(url: str) -> None:
    with connect(url) as connection:
        connection.sendall(
            b"POST /api/v1/rules/check HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
        )
        start, found = time.monotonic(), b""
        connection.settimeout(0.1)
        while time.monotonic() - start < 8 and b"408" not in found:
            with contextlib.suppress(TimeoutError, ConnectionError):
                connection.sendall(b" ")
                found += connection.recv(4096)
        assert b"HTTP/1.1 408" in found
        assert b"application/problem+json" in found
        assert time.monotonic() - start < 5


def test_the_rest_of_a_body_that_nobody_reads_is_not_waited_for(url: str) -> None:
    with connect(url) as connection:
        connection.sendall(
            b"POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 500\r\n\r\n"
        )
        assert b"HTTP/1.1 404" in ends_within(connection, 6)


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_body_that_is_too_large_is_refused(url: str, is_announced: bool) -> None:
    body = b" " * 200_000
    sent = body if is_announced else iter([body[:1000]] * 200)
    reply = httpx.post(
        f"{url}/api/v1/rules/check",
        content=sent,
        headers={"Content-Type": "application/json"},
    )
    assert reply.status_code == 413
    assert reply.json()["type"].endswith("/too-large")


def test_a_reply_that_nobody_takes_is_left(url: str) -> None:
    """Six hundred replies are asked for and none is read: the service lets go."""
    size = len(httpx.get(f"{url}/api/v1/openapi.json").content)
    with connect(url) as connection:
        many = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 600
        connection.sendall(many)
        time.sleep(LIMITS.send_s + 3)
        assert len(ends_within(connection, 5)) < 600 * size


def test_real_clients_are_served_beside_400_slow_ones(url: str) -> None:
    """More than the limit of 300 connections: the oldest that only wait make room."""
    slow = [connect(url) for _ in range(400)]
    try:
        for at, connection in enumerate(slow):
            head = b"POST /api/v1/rules/check HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            with contextlib.suppress(OSError):
                connection.sendall(head if at % 2 else head[:20])
        times = []
        for _ in range(40):
            start = time.perf_counter()
            assert httpx.get(f"{url}/api/v1/status", timeout=5).status_code == 200
            times.append(time.perf_counter() - start)
        assert sorted(times)[37] < 1.0
        time.sleep(LIMITS.header_s + 0.5)
        ended = sum(ends_within(connection, 3) == b"" for connection in slow)
        assert ended == len(slow)
    finally:
        for connection in slow:
            connection.close()


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GARBAGE\r\n\r\n",
        b"GET http:///[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(url: str, request_line: bytes) -> None:
    with connect(url) as connection:
        connection.sendall(request_line)
        assert ends_within(connection, 6)[:10] in (b"HTTP/1.1 4", b"")
    assert httpx.get(f"{url}/healthz").status_code == 200


def test_no_reply_names_the_server(url: str) -> None:
    reply = httpx.get(f"{url}/healthz")
    assert "server" not in reply.headers
    assert len(reply.headers["x-request-id"]) == 36


def test_stopping_ends_event_streams(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    settings = ServeSettings(data=tmp_path, demo=True)
    with live_server(settings) as found:
        stream = httpx.stream("GET", f"{found}/api/v1/events", timeout=20)
        reply = stream.__enter__()
        lines = reply.iter_lines()
        assert next(lines).startswith("retry:")
        start = time.monotonic()
    assert time.monotonic() - start < 10
    list(lines)
    stream.__exit__(None, None, None)
