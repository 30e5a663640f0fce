"""Requests that are tried again where that is safe."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from medlens.client.errors import ClientError, error_of

try:
    import httpx
except ImportError as error:
    raise ImportError(
        "medlens.client: needs httpx; run: pip install 'medlens[client]'"
    ) from error

BUSY = (429, 502, 503, 504)  # the request was not done: it can be sent again
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 10.0


class Transport:
    """HTTP to one service.

    Args:
        url: of the service.
        token: API token, "" for none.
        timeout_s: for each step of a request.
        retries: how often a request is sent again after a failure that passes.
        http: a client to use instead of an own one, for tests and proxies.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str,
        timeout_s: float,
        retries: int,
        http: httpx.Client | None = None,
    ) -> None:
        self._owns = http is None
        self._http = http or httpx.Client(base_url=url, timeout=timeout_s)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._retries = retries

    def close(self) -> None:
        """Let go of connections."""
        if self._owns:
            self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        is_safe: bool = True,
        content: Callable[[], dict[str, Any]] | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """Send a request; a reply that is a failure raises.

        Args:
            method, path: of the request.
            is_safe: sent twice it is done once, so that it may be tried again.
            content: makes the body's arguments anew for each try.
            headers: besides the token.
            more: of `httpx.Client.request`.

        Raises:
            ClientError: the service refused, or could not be reached.
        """
        for attempt in range(self._retries + 1):
            is_last = attempt == self._retries or not is_safe
            try:
                reply = self._http.request(
                    method,
                    path,
                    headers={**self._headers, **(headers or {})},
                    **more,
                    **(content() if content else {}),
                )
            except httpx.TransportError as error:
                if is_last:
                    raise _unreachable(error) from None
                _pause(attempt, "")
                continue
            if reply.status_code in BUSY and not is_last:
                _pause(attempt, reply.headers.get("Retry-After", ""))
                continue
            if reply.is_success:
                return reply
            raise error_of(reply.status_code, _json_or_none(reply))
        raise AssertionError("the last try returns or raises")

    @contextmanager
    def stream(
        self, path: str, *, headers: dict[str, str] | None = None, timeout_s: float
    ) -> Iterator[httpx.Response]:
        """A reply whose body is read while it comes.

        Raises:
            ClientError: the service refused, or the line broke.
        """
        try:
            with self._http.stream(
                "GET",
                path,
                headers={**self._headers, **(headers or {})},
                timeout=timeout_s,
            ) as reply:
                if not reply.is_success:
                    reply.read()
                    raise error_of(reply.status_code, _json_or_none(reply))
                yield reply
        except httpx.TransportError as error:
            raise _unreachable(error) from None


def _unreachable(error: Exception) -> ClientError:
    return ClientError(
        f"the service cannot be reached ({type(error).__name__}); check its address "
        "and that it runs"
    )


def _json_or_none(reply: httpx.Response) -> Any:
    try:
        return reply.json()
    except ValueError:
        return None


def _pause(attempt: int, retry_after: str) -> None:
    """Wait as the service says, or longer each time; never exactly as others do."""
    if retry_after.isdigit():
        wanted = float(retry_after)
    else:
        wanted = FIRST_PAUSE_S * 2.0**attempt * random.uniform(0.5, 1.5)
    time.sleep(min(wanted, LONGEST_PAUSE_S))
