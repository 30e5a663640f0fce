"""How many studies there are, for all who look at the worklist."""

from __future__ import annotations

import threading
import time
from collections import Counter

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
    """The same, counted now, out of one index alone."""
    both = (studies.c.reading, studies.c.state)
    query = sa.select(*both, sa.func.count()).group_by(*both)
    states: Counter[str] = Counter()
    readings: Counter[str] = Counter()
    with store.read() as connection:
        for reading, state, count in connection.execute(query):
            readings[reading] += count
            states[state] += count
    return dict(states), dict(readings)
