"""A line to one service: what every group of calls stands on."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from medlens.client.errors import ClientError
from medlens.client.models import build
from medlens.client.transport import Transport

if TYPE_CHECKING:
    import httpx

API = "/api/v1"
FILE_TIMEOUT_S = 60.0
FIRST_LOOK_S, LONGEST_LOOK_S = 0.2, 2.0
T = TypeVar("T")


class _Awaited(Protocol):
    @property
    def state(self) -> str: ...


Awaited = TypeVar("Awaited", bound=_Awaited)


class Connection:
    """A service of medlens.

    Reading is tried again after failures that pass (a busy service, a broken line);
    so is what changes something, under an idempotency key of its own, so that it is
    done once.

    Args:
        url: of the service, "http://127.0.0.1:8000".
        token: API token; "" for a demo.
        timeout_s: for each step of a request.
        retries: tries after the first.
        http: an httpx client of your own (proxy, certificates, tests).
    """

    def __init__(
        self,
        url: str,
        *,
        token: str = "",
        timeout_s: float = 60.0,
        retries: int = 4,
        http: httpx.Client | None = None,
    ) -> None:
        self._http = Transport(
            url, token=token, timeout_s=timeout_s, retries=retries, http=http
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def _get(self, path: str, **params: Any) -> Any:
        return self._http.ask("GET", API + path, params=params).json()

    def _post(self, path: str, body: Any = None) -> Any:
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return self._http.ask("POST", API + path, json=body, headers=headers).json()

    def _pages(self, path: str, kind: type[T], **wanted: Any) -> Iterator[T]:
        """Entries of a list, page by page as they are wanted."""
        cursor: str | None = ""
        while cursor is not None:
            page = self._get(path, **wanted, cursor=cursor)
            for said in page["items"]:
                yield build(kind, said)
            cursor = page["next"]

    def _wait(
        self,
        look: Callable[[], Awaited],
        *,
        until: tuple[str, ...],
        what: str,
        timeout_s: float,
    ) -> Awaited:
        """Look at a thing, more and more rarely, until it is in one of some states.

        Raises:
            ClientError: the time was up.
        """
        end, pause = time.monotonic() + timeout_s, FIRST_LOOK_S
        while (found := look()).state not in until:
            if time.monotonic() + pause > end:
                raise ClientError(
                    f"{what} is {found.state} after {timeout_s:g} s; wait longer"
                )
            time.sleep(pause)
            pause = min(1.5 * pause, LONGEST_LOOK_S)
        return found

    def _fetch(
        self, address: str, path: str | Path, *, what: str, digest: str = ""
    ) -> Path:
        """Write what an address gives to a file, whole or not at all.

        Args:
            address: below the API's.
            path: of the file; it is replaced.
            what: it is, for a message.
            digest: SHA-256 that was announced, "" for none.

        Raises:
            ClientError: what came is not what was announced.
        """
        goal = Path(path)
        part = goal.with_name(f".{goal.name}.{uuid.uuid4().hex}")
        found = hashlib.sha256()
        try:
            with (
                self._http.stream(API + address, timeout_s=FILE_TIMEOUT_S) as reply,
                part.open("wb") as file,
            ):
                for piece in reply.iter_bytes():
                    found.update(piece)
                    file.write(piece)
            if digest and found.hexdigest() != digest:
                raise ClientError(f"{what} is not what was announced; fetch it again")
            part.replace(goal)
        finally:
            part.unlink(missing_ok=True)
        return goal
