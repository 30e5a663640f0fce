"""What is done now and then: retention, and what dead processes left behind."""

from __future__ import annotations

import logging

from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import record
from medlens.serve.settings import Limits
from medlens.serve.store.keep import (
    Removed,
    clear_drafts,
    free_orphans,
    remove_expired,
)
from medlens.serve.store.store import Store

log = logging.getLogger("medlens.work")

MOST_ROUNDS = 100
ROUND_S, FOLDERS = 600.0, 32
"""In each round 32 of the 256 folders of files are looked at: all in 80 minutes."""

SERVICE = Caller(None, "medlens", "administrator", frozenset())
"""Who did what the service does by itself, in the trail."""


def tidy(store: Store, limits: Limits, *, now: float) -> int:
    """Remove studies past their time, and files of nobody; how many studies.

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
    first = int(now // ROUND_S) * FOLDERS
    orphans = sum(free_orphans(store, first + index) for index in range(FOLDERS))
    if removed or drafts or orphans:
        found = {"studies": removed, "drafts": drafts, "orphans": orphans}
        log.info("tidied", extra=found)
    return removed
