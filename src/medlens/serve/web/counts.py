"""How many studies there are, for all who look at the worklist."""

from __future__ import annotations

import threading
import time

import sqlalchemy as sa

from medlens.serve.store.store import Store
from medlens.serve.store.tables import studies

FRESH_S = 1.0  # how long a count is given again
Tally = dict[str, int]


class Counts:
    """Counts of studies, taken at most once a second however many ask.

    Args:
        store: whose studies.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._until = 0.0
        self._found: tuple[Tally, Tally] = ({}, {})

    def now(self) -> tuple[Tally, Tally]:
        """(state → studies, how far read → studies)."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._found = count_studies(self._store)
                self._until = time.monotonic() + FRESH_S
            return self._found


def count_studies(store: Store) -> tuple[Tally, Tally]:
    """The same, counted now; each from an index alone."""
    with store.read() as connection:
        return _tally(connection, studies.c.state), _tally(
            connection, studies.c.reading
        )


def _tally(connection: sa.Connection, column: sa.Column[str]) -> Tally:
    rows = connection.execute(sa.select(column, sa.func.count()).group_by(column))
    return {str(value): int(count) for value, count in rows}
