"""What is done now and then: retention, what dead processes left, the trail's end."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable

from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import anchor_of, record
from medlens.serve.settings import Limits
from medlens.serve.store.keep import (
    Removed,
    clear_drafts,
    forget_replies,
    free_orphans,
    remove_expired,
)
from medlens.serve.store.store import Store

log = logging.getLogger("medlens.work")

MOST_ROUNDS = 100
ANCHOR_S = 3600.0
SETS_S = 30.0
ROUND_S, FOLDERS = 600.0, 32
"""In each round 32 of the 256 folders of files are looked at: all in 80 minutes."""

SERVICE = Caller(None, "medlens", "administrator", frozenset())
"""Who did what the service does by itself, in the trail."""


class Housekeeper:
    """Does each piece of housekeeping when it is due.

    Args:
        store: files and index.
        limits: of the service.
    """

    def __init__(self, store: Store, limits: Limits) -> None:
        self._deeds: tuple[tuple[float, Callable[[], object]], ...] = (
            (ROUND_S, lambda: tidy(store, limits, now=time.time())),
            (ROUND_S, lambda: _remove_exports(store)),
            (SETS_S, lambda: _release_sets(store)),
            (ROUND_S, lambda: _look_for_drift(store)),
            (ANCHOR_S, lambda: tell_anchor(store)),
        )
        self._done_at = [-math.inf] * len(self._deeds)

    def look(self) -> None:
        """Do what is due; what fails is due again a period later, like all else."""
        for at, (period_s, deed) in enumerate(self._deeds):
            if time.monotonic() - self._done_at[at] >= period_s:
                self._done_at[at] = time.monotonic()
                deed()


def _remove_exports(store: Store) -> None:
    from medlens.serve.work.exports import remove_old_exports

    remove_old_exports(store, now=time.time())


def _release_sets(store: Store) -> None:
    from medlens.serve.work.evaluations import release_sets

    release_sets(store)


def _look_for_drift(store: Store) -> None:
    from medlens.serve.monitor.looks import take_looks

    take_looks(store, now=time.time())


def tell_anchor(store: Store) -> None:
    """Write the end of the trail into the log, outside the database.

    Whoever cuts rows off the trail would have to mend every copy of the log, too:
    `medlens trail verify --anchor` takes what stands behind the words.
    """
    with store.read() as connection:
        anchor = anchor_of(connection)
    if anchor.number:
        log.info("trail end %s", anchor)


def tidy(store: Store, limits: Limits, *, now: float) -> int:
    """Remove studies past their time, files of nobody, old replies; how many studies.

    Args:
        store: files and index.
        limits: with `keep_days`.
        now: seconds since 1970.
    """

    def tell(study_id: int, gone: Removed) -> None:
        record(
            store,
            SERVICE,
            "remove expired study",
            study_id=study_id,
            detail={"instances": gone.instances},
        )

    removed = 0
    for _ in range(MOST_ROUNDS):
        found = remove_expired(store, limits.keep_days, now=now, on_removed=tell)
        removed += found
        if not found:
            break
    drafts = clear_drafts(store)
    forget_replies(store, now=now)
    first = int(now // ROUND_S) * FOLDERS
    orphans = sum(free_orphans(store, first + index) for index in range(FOLDERS))
    if removed or drafts or orphans:
        counts = {"studies": removed, "drafts": drafts, "orphans": orphans}
        log.info("tidied", extra=counts)
    return removed
