"""Every request gets a number, a line in the log and a place in the metrics."""

from __future__ import annotations

import logging
import time
import uuid
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medlens.serve.web.metrics import Meter

log = logging.getLogger("medlens.web.access")
NUMBER = "x-request-id"
NONE = "(none)"  # the route of a request that no route took


def route_of(scope: Scope) -> str:
    """The template of the address, as "/api/v1/studies/{study}"; never the address."""
    route = scope.get("route")
    return str(getattr(route, "path", NONE))


class Record:
    """ASGI middleware around everything else.

    A line of the log has: number of the request, method, route template, status,
    milliseconds, bytes of the reply. It has no address, query, header or name.
    """

    def __init__(self, app: ASGIApp, *, meter: Meter) -> None:
        self.app, self.meter = app, meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        number = str(uuid.uuid4())
        scope.setdefault("state", {})["request_id"] = number
        status, size, start = 0, 0, time.perf_counter()

        async def count(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *(h for h in message.get("headers", ()) if h[0] != NUMBER.encode()),
                    (NUMBER.encode(), number.encode()),
                ]
            else:
                size += len(message.get("body", b""))
            await send(message)

        with self.meter.in_progress.track_inprogress():
            try:
                await self.app(scope, receive, count)
            finally:
                self._write(scope, number, status, size, time.perf_counter() - start)

    def _write(
        self, scope: Scope, number: str, status: int, size: int, seconds: float
    ) -> None:
        route, method = route_of(scope), str(scope["method"])
        self.meter.add_request(method, route, status, seconds)
        fields: dict[str, Any] = {
            "request": number,
            "method": method,
            "route": route,
            "status": status or 499,  # the client left before a reply began
            "ms": round(seconds * 1000, 1),
            "bytes": size,
        }
        log.info("request", extra=fields)
