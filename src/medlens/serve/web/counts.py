"""How many studies there are, for all who look at the worklist."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import sqlalchemy as sa

from medlens.serve.store.store import Store
from medlens.serve.store.tables import studies

FRESH_S = 1.0  # how long a count is given again


@dataclass(frozen=True)
class Tallies:
    """How many studies there are, by what a line of the worklist says.

    Attributes:
        states: state → studies in it.
        readings: how far read → studies.
        advices: advice of the newest result → studies; those without one are in none.
    """

    states: Counter[str] = field(default_factory=Counter)
    readings: Counter[str] = field(default_factory=Counter)
    advices: Counter[str] = field(default_factory=Counter)


class Counts:
    """Counts of studies, taken at most once a second however many ask.

    Args:
        store: whose studies.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._until = 0.0
        self._found = Tallies()

    def now(self) -> Tallies:
        """The counts, at most a second old."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._found = count_studies(self._store)
                self._until = time.monotonic() + FRESH_S
            return self._found


def count_studies(store: Store) -> Tallies:
    """The same, counted now, out of one index alone."""
    by = (studies.c.reading, studies.c.state, studies.c.advice)
    query = sa.select(*by, sa.func.count()).group_by(*by)
    found = Tallies()
    with store.read() as connection:
        for reading, state, advice, count in connection.execute(query):
            found.readings[reading] += count
            found.states[state] += count
            if advice:
                found.advices[advice] += count
    return found
