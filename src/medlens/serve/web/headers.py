"""What every reply says to browsers, and by which names the service is asked."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medlens.serve.access.loopback import is_local
from medlens.serve.settings import ServeSettings
from medlens.serve.web.errors import Problem, problem_response

POLICY = "; ".join(
    (
        "default-src 'self'",  # nothing from other hosts, no inline script or style
        "img-src 'self' data: blob:",  # images that a viewer draws itself
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",  # nobody lays their page over ours
    )
)
ALWAYS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Addresses hold study numbers: no other site is told. "no-referrer" would make
    # browsers send `Origin: null` with our own forms (Fetch, section 3.1).
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
# Where a route does not say otherwise: no copy of a patient's data stays in a browser
# or a proxy.
UNLESS_SAID = {"cache-control": "no-store"}
HTTPS_ONLY = "max-age=31536000"
ANY_NAME = ("/healthz", "/readyz")  # asked by whatever watches; they tell of nobody


class SecureHeaders:
    """ASGI middleware: refuses names that are not the service's, sets the headers.

    A page of another site can point its own name at this machine's address (DNS
    rebinding) and would then be the same origin to a browser. The Host header still
    has that name. An address in figures cannot be pointed elsewhere, so any is taken.

    Args:
        app: to be guarded.
        settings: of the service; its `host`, `public_url` and `hosts` are names.
    """

    def __init__(self, app: ASGIApp, *, settings: ServeSettings) -> None:
        self.app = app
        public = urlsplit(settings.public_url)
        names = {settings.host, public.hostname or "", *settings.hosts}
        self._names = {name.strip("[]").lower() for name in names if name}
        self._always = dict(ALWAYS)
        if public.scheme == "https":
            self._always["strict-transport-security"] = HTTPS_ONLY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._with(message.get("headers", ()))
            await send(message)

        if scope["path"] in ANY_NAME or self._is_ours(scope):
            await self.app(scope, receive, add)
            return
        problem = Problem(
            421,
            "the Host header has a name that is not this service's; ask it by its "
            "address, or add the name to `hosts` or `public_url` in its settings",
            kind="wrong-host",
        )
        await problem_response(Request(scope), problem)(scope, receive, add)

    def _is_ours(self, scope: Scope) -> bool:
        sent = [value for name, value in scope["headers"] if name == b"host"]
        if len(sent) != 1:  # RFC 9112, section 3.2
            return False
        host = _host_of(sent[0].decode("latin-1"))
        return host in self._names or is_local(host) or _is_address(host)

    def _with(self, headers: object) -> list[tuple[bytes, bytes]]:
        found = [(name.lower(), value) for name, value in headers]  # type: ignore[attr-defined]
        there = {name for name, _ in found}
        ours = {**UNLESS_SAID, **self._always}
        found += [
            (name.encode(), value.encode())
            for name, value in ours.items()
            if name.encode() not in there
        ]
        return found


def _host_of(header: str) -> str:
    """The name of a Host header, without port; "" if it is no such header."""
    try:
        parts = urlsplit(f"//{header}")
        _ = parts.port  # raises where it is no number
    except ValueError:
        return ""
    if parts.netloc != header or "@" in header:
        return ""
    return (parts.hostname or "").rstrip(".")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
