"""Index transactions of all threads of a process, several in one commit.

A commit waits for the disk. While one thread's does, the rows of the others gather
and go into the next one together.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from medlens.core import MedlensError
from medlens.serve.store.index import Placed, Row, add_row
from medlens.serve.store.store import Store

T = TypeVar("T")
_TRIES = 8
_BATCH = 64


class UnavailableError(MedlensError):
    """The index cannot be written now: its disk is full, or it does not answer."""


class _Waiting:
    def __init__(self, row: Row) -> None:
        self.row = row
        self.placed: Placed | None = None
        self.error: Exception | None = None

    @property
    def is_done(self) -> bool:
        return self.placed is not None or self.error is not None


class Committer:
    """Writes rows of one store for all threads of a process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = threading.Lock()
        self._queue: list[_Waiting] = []
        self._queue_lock = threading.Lock()

    def add(self, row: Row) -> Placed:
        """Index a row; it is durable on return.

        Raises:
            UnavailableError: the index cannot be written.
        """
        mine = _Waiting(row)
        with self._queue_lock:
            self._queue.append(mine)
        with self._turn:  # whoever holds it writes what has gathered
            while not mine.is_done:
                with self._queue_lock:
                    batch, self._queue = self._queue[:_BATCH], self._queue[_BATCH:]
                self._commit(batch)
        if mine.placed is None:
            raise mine.error or UnavailableError("index: nothing was written")
        return mine.placed

    def _commit(self, batch: list[_Waiting]) -> None:
        try:
            placed = self.write(lambda c: [add_row(c, each.row) for each in batch])
        except UnavailableError as error:
            if len(batch) == 1:
                batch[0].error = error
                return
            for each in batch:  # one bad row must not cost the others
                self._commit([each])
            return
        for each, place in zip(batch, placed, strict=True):
            each.placed = place

    def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Run a transaction that writes, again where another process was in the way.

        Raises:
            UnavailableError: the index cannot be written.
        """
        return self._persist(work, self._store.begin)

    def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run a transaction that reads.

        Raises:
            UnavailableError: the index cannot be read.
        """
        return self._persist(work, self._store.read)

    def _persist(self, work: Callable[[sa.Connection], T], begin: Callable) -> T:  # type: ignore[type-arg]
        for attempt in range(_TRIES):
            try:
                with begin() as connection:
                    return work(connection)
            except (DBAPIError, OSError) as error:
                if attempt + 1 == _TRIES or not _is_passing(error):
                    raise UnavailableError(
                        "index: the database cannot be reached or written (is its "
                        "disk full?); nothing was taken, send it again later"
                    ) from error
                time.sleep(random.uniform(0.0, 0.02 * 2**attempt))
        raise UnavailableError("index: too many processes write the same study")


# serialization_failure, deadlock_detected, lock_not_available
_PASSING_STATES = {"40001", "40P01", "55P03"}


def _is_passing(error: Exception) -> bool:
    """Whether the same transaction may succeed when it is tried again."""
    if isinstance(error, IntegrityError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    reason = error.orig.args[0] if error.orig is not None and error.orig.args else ""
    if isinstance(reason, dict):  # pg8000 gives the fields of the message
        return reason.get("C") in _PASSING_STATES
    return "locked" in str(reason)
