"""Lines of the trail of all requests of a process, several in one commit.

A line waits for the disk before its request is answered. While one request's does, the
lines of the others gather and go into the next transaction together.
"""

from __future__ import annotations

import threading

from medlens.serve.access.trail import Line, append
from medlens.serve.store.store import Store

BATCH = 256  # lines of one transaction, unless one request alone has more


class _Waiting:
    def __init__(self, lines: tuple[Line, ...]) -> None:
        self.lines = lines
        self.is_done = False
        self.error: Exception | None = None


class Scribe:
    """Writes lines of one store for all threads of a process.

    Args:
        store: whose trail.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = threading.Lock()
        self._queue: list[_Waiting] = []
        self._queue_lock = threading.Lock()

    def write(self, *lines: Line) -> None:
        """Append lines; they are durable on return.

        Raises:
            DBAPIError: the index cannot be written, and no line of these is.
        """
        if not lines:
            return
        mine = _Waiting(lines)
        with self._queue_lock:
            self._queue.append(mine)
        with self._turn:  # whoever holds it writes what has gathered
            while not mine.is_done:
                self._commit(self._gathered())
        if mine.error is not None:
            raise mine.error

    def _gathered(self) -> list[_Waiting]:
        with self._queue_lock:
            count = size = 0
            for each in self._queue:
                size += len(each.lines)
                if count and size > BATCH:
                    break
                count += 1
            batch, self._queue = self._queue[:count], self._queue[count:]
        return batch

    def _commit(self, batch: list[_Waiting]) -> None:
        try:
            with self._store.begin() as connection:
                append(connection, [line for each in batch for line in each.lines])
        except Exception as error:
            for each in batch:
                each.error = error
        finally:
            for each in batch:
                each.is_done = True
