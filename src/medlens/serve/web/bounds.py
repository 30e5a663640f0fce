"""How large a body may be and how slowly it may come (ASGI middleware)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medlens.serve.settings import Limits
from medlens.serve.web.errors import Problem, problem_of, problem_response

# Addresses that take files; the body of any other request is small.
UPLOADS = (
    "/dicom-web/",
    "/api/v1/uploads",
    "/api/v1/bundles",
    "/api/v1/evaluations",
)
# A mask that was drawn on every slice of a volume, and no file.
MASKS, MASK_MB = re.compile(r"/api/v1/results/[0-9]{1,19}/masks"), 16
DRAINED_BYTES, DRAIN_S = 4 << 20, 2.0
CLOSE = {"Connection": "close"}
log = logging.getLogger("medlens.web")


class Bounds:
    """Ends requests that are too large or too slow, and catches what nobody caught.

    Only the time in which the service waits for the client counts, so that a busy
    disk ends no upload.

    Args:
        app: to be guarded.
        limits: of the service.
    """

    def __init__(self, app: ASGIApp, *, limits: Limits) -> None:
        self.app, self.limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(scope, receive, self.limits)
        has_started = False

        async def note(message: Message) -> None:
            nonlocal has_started
            if not has_started and body.is_too_large:
                await body.drain()
            has_started = True
            await send(message)

        try:
            body.check_announced()
            await self.app(scope, body.receive, note)
        except Exception as error:
            if not isinstance(error, Problem):
                log.error("a request failed", exc_info=error)
            if has_started:
                return  # the server ends the connection: the reply is not whole
            problem = problem_response(Request(scope), problem_of(error))
            await problem(scope, receive, note)


class _Body:
    def __init__(self, scope: Scope, receive: Receive, limits: Limits) -> None:
        self._receive, self._limits = receive, limits
        self._most = _most_bytes(str(scope["path"]), limits)
        self._announced = _length(scope)
        self._size, self._waited, self._is_whole = 0, 0.0, False
        self.is_too_large = False

    def check_announced(self) -> None:
        """Refuse a body before it comes where its length is known."""
        if self._announced > self._most:
            raise self._too_large()

    async def receive(self) -> Message:
        """The next piece, if it comes in time."""
        if self._is_whole:
            return await self._receive()
        start = time.monotonic()
        try:
            async with asyncio.timeout(self._patience()):
                message = await self._receive()
        except TimeoutError:
            raise Problem(
                408,
                f"the body came at less than {self._limits.slowest_bytes_s} bytes/s; "
                "send it again over a faster line",
                headers=CLOSE,
            ) from None
        self._waited += time.monotonic() - start
        self._size += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._size > self._most:
            raise self._too_large()
        return message

    def _patience(self) -> float:
        earned = self._size / max(self._limits.slowest_bytes_s, 1)
        return max(self._limits.header_s + earned - self._waited, 0.001)

    def _too_large(self) -> Problem:
        self.is_too_large = True
        return Problem(
            413,
            f"the body is larger than {self._most >> 10} KiB; send less at a time",
            headers=CLOSE,
        )

    async def drain(self) -> None:
        """Let go of some of the body, so that a client who writes reads the reply."""
        left = DRAINED_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while not self._is_whole and left > 0:
                    message = await self._receive()
                    left -= len(message.get("body", b""))
                    self._is_whole = not message.get("more_body", False)


def _most_bytes(path: str, limits: Limits) -> int:
    if path.startswith(UPLOADS):
        return limits.upload_mb << 20
    if MASKS.fullmatch(path):
        return max(MASK_MB << 20, limits.request_kb << 10)
    return limits.request_kb << 10


def _length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0
