"""What happens to jobs and studies, told to all who listen (server-sent events).

One task looks at the tables for all listeners together, and only while there are any.
Events carry our own numbers, states and progress: nothing of a patient.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from medlens.serve.settings import Limits
from medlens.serve.store.store import Store
from medlens.serve.store.tables import jobs
from medlens.serve.web.errors import Problem
from medlens.serve.web.study_changes import StudyChanges

LOOK_S = 0.5
HEARTBEAT_S = 15.0
LONGEST_S = 900.0  # of one stream: who listens on must show anew that he may
KEPT = 1000  # events that can be told again
AT_ONCE = 500  # jobs looked at together
NEXT = 100  # jobs that will be taken next
RESET = {"reason": "read jobs and studies anew"}
ENDED = ("done", "parked", "cancelled")
COLUMNS = (
    jobs.c.id,
    jobs.c.kind,
    jobs.c.study_id,
    jobs.c.state,
    jobs.c.attempts,
    jobs.c.progress,
)
log = logging.getLogger("medlens.web")


@dataclass(frozen=True)
class Event:
    """One change of one job or study.

    Attributes:
        number: counted from 1 in this process.
        kind: "job", "study", or "reset" where so much changed that all should be read
            anew.
        data: what it is now.
    """

    number: int
    kind: str
    data: dict[str, Any]

    def is_of(self, job_id: int) -> bool:
        """Whether it tells of a job."""
        return self.kind == "job" and self.data["id"] == job_id


class Events:
    """Looks at jobs and studies and hands on what changed.

    Args:
        store: whose they are.
        limits: how many may listen.
    """

    def __init__(self, store: Store, limits: Limits) -> None:
        self._store, self._limits = store, limits
        self._run = secrets.token_hex(4)  # numbers of an earlier process mean nothing
        self._kept: deque[Event] = deque(maxlen=KEPT)
        self._count = 0
        self._changed = asyncio.Condition()
        self._listeners: Counter[str] = Counter()
        self._look: asyncio.Task[None] | None = None
        self._watched: Counter[int] = Counter()
        self._is_closed = False

    def close(self) -> None:
        """End all streams, so that a server can stop."""
        self._is_closed = True
        if self._look is not None:
            self._look.cancel()

    @property
    def listeners(self) -> int:
        """Streams that are open."""
        return self._listeners.total()

    def admit(self, who: str) -> None:
        """Make room for a stream, or say that there is none.

        Raises:
            Problem: 429 with the time to wait.
        """
        limits = self._limits
        is_full = self.listeners >= limits.streams
        if is_full or self._listeners[who] >= limits.streams_per_caller:
            raise Problem(
                429,
                "too many event streams are open; close one, or try again later",
                headers={"Retry-After": "10"},
            )

    async def stream(
        self, who: str, *, last: str = "", job_id: int | None = None
    ) -> AsyncIterator[bytes]:
        """Pieces of an event stream, until it ends or the client leaves.

        Args:
            who: for the limit on streams of one caller.
            last: Last-Event-ID of a client that comes back. What it missed is told
                again; where that is not known any more, the first event is "reset".
            job_id: tell of this job alone: what it is now, every change, and the end.
        """
        self._listeners[who] += 1
        self._watched[job_id or 0] += 1
        try:
            self._start_looking()
            async for piece in self._pieces(last, job_id):
                yield piece
        finally:
            _release(self._listeners, who)
            _release(self._watched, job_id or 0)

    async def _pieces(self, last: str, job_id: int | None) -> AsyncIterator[bytes]:
        end = time.monotonic() + LONGEST_S
        yield b"retry: 2000\n\n"
        position, is_known = self._position_of(last)
        if job_id is not None:
            position = self._count
            now = await asyncio.to_thread(self._job, job_id)
            yield self._frame("job", self._count, now)
            if now.get("state") in ENDED:
                return
        elif not is_known:
            yield self._frame("reset", self._count, RESET)
        while not self._is_closed and time.monotonic() < end:
            for event in [e for e in self._kept if e.number > position]:
                position = event.number
                if job_id is not None and not event.is_of(job_id):
                    continue
                yield self._frame(event.kind, event.number, event.data)
                if job_id is not None and event.data["state"] in ENDED:
                    return
            if not await self._wait(position):
                yield b": still here\n\n"

    def _frame(self, kind: str, number: int, data: dict[str, Any]) -> bytes:
        body = json.dumps(data, separators=(",", ":"))
        return f"id: {self._run}-{number}\nevent: {kind}\ndata: {body}\n\n".encode()

    def _position_of(self, last: str) -> tuple[int, bool]:
        """After which number to go on, and whether nothing is missing between."""
        run, _, number = last.partition("-")
        oldest = self._kept[0].number - 1 if self._kept else self._count
        if run == self._run and number.isdigit() and len(number) < 12:
            position = int(number)
            if oldest <= position <= self._count:
                return position, True
        return self._count, not last

    async def _wait(self, position: int) -> bool:
        """Wait for the next event; False after a while without one."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_S), self._changed:
                await self._changed.wait_for(
                    lambda: self._count > position or self._is_closed
                )
                return True
        return False

    def _start_looking(self) -> None:
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._keep_looking())

    async def _keep_looking(self) -> None:
        known: dict[int, tuple[Any, ...]] = {}
        changes = StudyChanges()
        newest = -1
        try:
            while self._listeners and not self._is_closed:
                try:
                    newest, found = await asyncio.to_thread(
                        self._changes, known, newest
                    )
                    await self._tell([("job", data) for data in found])
                    await self._tell(await asyncio.to_thread(self._studies, changes))
                except sa.exc.SQLAlchemyError as error:
                    log.error("jobs and studies cannot be looked at", exc_info=error)
                await asyncio.sleep(LOOK_S)
        finally:
            self._kept.clear()  # what happens while nobody looks is not known
            self._run = secrets.token_hex(4)
            with contextlib.suppress(asyncio.CancelledError):
                await self._tell([])

    async def _tell(self, found: list[tuple[str, dict[str, Any]]]) -> None:
        async with self._changed:
            for kind, data in found:
                self._count += 1
                self._kept.append(Event(self._count, kind, data))
            self._changed.notify_all()

    def _studies(self, changes: StudyChanges) -> list[tuple[str, dict[str, Any]]]:
        """Studies that changed since the last look."""
        with self._store.read() as connection:
            found = changes.look(connection)
        if found is None:
            return [("reset", RESET)]
        return [("study", data) for data in found]

    def _changes(
        self, known: dict[int, tuple[Any, ...]], newest: int
    ) -> tuple[int, list[dict[str, Any]]]:
        """Jobs that changed since the last look; `known` is brought up to date.

        Looked at are those that are worked on, new, next in turn, listened to, or were
        any of these before, so that ten thousand waiting ones cost nothing.
        """
        is_first = newest < 0
        with self._store.read() as connection:
            if is_first:
                newest = (
                    connection.execute(sa.select(sa.func.max(jobs.c.id))).scalar() or 0
                )
            wanted = {
                *list(known)[:AT_ONCE],
                *self._watched,
                *_next_in_turn(connection),
            }
            where = sa.or_(
                jobs.c.state == "leased", jobs.c.id > newest, jobs.c.id.in_(wanted)
            )
            rows = connection.execute(
                sa.select(*COLUMNS).where(where).order_by(jobs.c.id).limit(2 * AT_ONCE)
            ).all()
        found = []
        for row in rows:
            newest = max(newest, row.id)
            if known.get(row.id) != tuple(row):
                if not is_first:
                    found.append(job_data(row))
                known[row.id] = tuple(row)
            if row.state in ENDED:
                known.pop(row.id, None)
        for job_id in list(known)[: -AT_ONCE or None]:
            known.pop(job_id)
        return newest, found

    def _job(self, job_id: int) -> dict[str, Any]:
        with self._store.read() as connection:
            row = connection.execute(
                sa.select(*COLUMNS).where(jobs.c.id == job_id)
            ).first()
        return job_data(row) if row is not None else {"id": job_id, "state": "gone"}


def _next_in_turn(connection: sa.Connection) -> list[int]:
    return list(
        connection.execute(
            sa.select(jobs.c.id)
            .where(jobs.c.state == "waiting")
            .order_by(jobs.c.priority.desc(), jobs.c.id)
            .limit(NEXT)
        ).scalars()
    )


def _release(counter: Counter[Any], key: Any) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]


def job_data(row: Any) -> dict[str, Any]:
    """What an event says of a job."""
    return {
        "id": row.id,
        "kind": row.kind,
        "study_id": row.study_id,
        "state": row.state,
        "attempts": row.attempts,
        "progress": row.progress,
    }
