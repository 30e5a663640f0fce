"""Lines of the trail for what is looked at by DICOMweb.

A viewer asks for a study frame by frame. Who looked at which study is told once in a
while for each kind of access, not eight hundred times.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import record
from medlens.serve.store.store import Store

AGAIN_S = 300.0
"""The same caller, kind of access and study leave one line in this time."""

_MOST_KEPT = 10_000
_MOST_NAMED = 200  # studies in one line of a search


class Notes:
    """Remembers what was told lately; one object for all requests of a process."""

    def __init__(self) -> None:
        self._told: dict[tuple[Any, ...], float] = {}
        self._lock = threading.Lock()

    def looked_at(
        self, store: Store, caller: Caller, action: str, studies: Iterable[int]
    ) -> None:
        """Tell that studies were looked at, if it was not told lately.

        The line is durable before the data leave.
        """
        now = time.monotonic()
        for study_id in sorted(set(studies)):
            who = (caller.user_id, caller.name, caller.address)
            key = (str(store.folder), store.url, *who, action, study_id)
            with self._lock:
                is_new = now - self._told.get(key, -AGAIN_S) >= AGAIN_S
            if is_new:
                record(store, caller, action, study_id=study_id)
                self._remember(key, now)

    def _remember(self, key: tuple[Any, ...], now: float) -> None:
        with self._lock:
            if len(self._told) >= _MOST_KEPT:
                kept = {k: at for k, at in self._told.items() if now - at < AGAIN_S}
                self._told = kept if len(kept) < _MOST_KEPT else {}
            self._told[key] = now

    def searched(
        self, store: Store, caller: Caller, level: str, studies: Iterable[int]
    ) -> None:
        """Tell that a search showed these studies; our own numbers, no names."""
        found = sorted(set(studies))
        detail = {"level": level, "found": len(found), "studies": found[:_MOST_NAMED]}
        record(store, caller, "search", detail=detail)


notes = Notes()
"""Of this process."""
