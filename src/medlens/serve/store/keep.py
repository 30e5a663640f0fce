"""What is kept and for how long: removal, retention, how much there is."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from medlens.serve.store.files import file_columns, free_files, stored_files
from medlens.serve.store.store import Store
from medlens.serve.store.tables import (
    conflicts,
    instances,
    jobs,
    metadata,
    reading_objects,
    replies,
    result_objects,
    series,
    studies,
)

DRAFT_S = 3600.0
"""After which a file that nobody writes to any more is no longer on its way in."""

REPLY_S = 86_400.0
"""How long a reply is kept for a request that is sent twice."""

_DAY_S = 86_400.0
_AT_ONCE = 50  # studies of one round of retention


@dataclass(frozen=True)
class Removed:
    """What a removal took away.

    Attributes:
        instances: rows of instances, ours and foreign ones.
        files, bytes: deleted at once; files that came minutes ago follow later.
    """

    instances: int = 0
    files: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Usage:
    """How much a store holds.

    Attributes:
        studies, series, instances: rows.
        instance_bytes, conflict_bytes: of their files.
        result_bytes: of what models and readers said.
        free_bytes: left on the disk.
    """

    studies: int
    series: int
    instances: int
    instance_bytes: int
    conflict_bytes: int
    result_bytes: int
    free_bytes: int


def remove_study(store: Store, study_id: int) -> Removed:
    """Remove a study with all that was made of it; its files where no row needs them.

    Rows go in one transaction. A job that runs on the study finds its lease gone.
    The trail is the caller's to write.

    Args:
        store: files and index.
        study_id: our own number of the study; one that is not there changes nothing.
    """
    with store.begin() as connection:
        _hold(connection, study_id)
        digests: set[str] = set()
        for column in file_columns():
            belongs = _belongs(column.table, study_id)
            if belongs is not None:
                query = sa.select(column).where(belongs)
                digests.update(connection.execute(query).scalars())
        removed = 0
        for table in reversed(metadata.sorted_tables):
            belongs = _belongs(table, study_id)
            if belongs is not None:
                gone = connection.execute(sa.delete(table).where(belongs)).rowcount
                removed += gone if table is instances else 0
    files, size = free_files(store, digests)
    return Removed(removed, files, size)


def _hold(connection: sa.Connection, study_id: int) -> None:
    """Wait for whoever ends a job of the study or adds to it, and keep others off.

    In their order, jobs before the study, so that none waits for the other
    (PostgreSQL; on SQLite the transaction alone does this).
    """
    for table, column in ((jobs, jobs.c.study_id), (studies, studies.c.id)):
        rows = sa.select(table.c.id).where(column == study_id).order_by(table.c.id)
        connection.execute(rows.with_for_update())


def _belongs(
    table: sa.FromClause, study_id: int, *, seen: tuple[str, ...] = ()
) -> sa.ColumnElement[bool] | None:
    """Rows of a table that belong to a study by foreign keys, None if none can."""
    if table is studies:
        return studies.c.id == study_id
    conditions: list[sa.ColumnElement[bool]] = []
    for key in sorted(table.foreign_keys, key=lambda key: key.parent.name):
        parent = key.column.table
        if parent.name in seen:
            continue
        above = _belongs(parent, study_id, seen=(*seen, str(parent.name)))
        if above is not None:
            column: sa.ColumnElement[bool] = key.parent
            conditions.append(
                column == study_id
                if parent is studies
                else column.in_(sa.select(key.column).where(above))
            )
    return sa.or_(*conditions) if conditions else None


def remove_expired(
    store: Store,
    keep_days: int,
    *,
    now: float,
    on_removed: Callable[[int, Removed], None] = lambda *_: None,
) -> int:
    """Remove studies to which nothing came for longer than they are kept.

    Args:
        store: files and index.
        keep_days: from `Limits`; 0 keeps all.
        now: seconds since 1970.
        on_removed: told each number and what went, to write the trail.

    Returns:
        Studies removed; call again until it is 0.
    """
    if keep_days <= 0:
        return 0
    old = studies.c.last_at < now - keep_days * _DAY_S
    query = sa.select(studies.c.id).where(old).order_by(studies.c.last_at)
    with store.read() as connection:
        numbers = list(connection.execute(query.limit(_AT_ONCE)).scalars())
    for number in numbers:
        on_removed(number, remove_study(store, number))
    return len(numbers)


def forget_replies(store: Store, *, now: float) -> int:
    """Delete replies that nobody may ask for again; how many.

    They hold words of readers, also on studies that were removed since.
    """
    old = sa.delete(replies).where(replies.c.created_at < now - REPLY_S)
    with store.begin() as connection:
        return connection.execute(old).rowcount


def clear_drafts(store: Store, *, older_than_s: float = DRAFT_S) -> int:
    """Delete what a process that died left half written; how many files."""
    count = 0
    for path in store.blobs.incoming.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > older_than_s:
                path.unlink()
                count += 1
    return count


def free_orphans(store: Store, byte: int, *, older_than_s: float = DRAFT_S) -> int:
    """Delete old files that no row names, in one of the 256 folders; how many.

    Such files are left by a process that died between file and index, and by a
    removal soon after the files came. Called with 0 to 255 in turn it costs little
    at a time, however large the store is.
    """
    now = time.time()
    old = [
        digest
        for digest, status in stored_files(store, f"{byte % 256:02x}")
        if now - status.st_mtime > older_than_s
    ]
    return free_files(store, old, older_than_s=older_than_s)[0]


def measure_usage(store: Store) -> Usage:
    """How much there is now."""

    def total(table: sa.Table) -> tuple[int, int]:
        query = sa.select(
            sa.func.count(), sa.func.coalesce(sa.func.sum(table.c.bytes), 0)
        )
        count, size = connection.execute(query.select_from(table)).one()
        return int(count), int(size)

    with store.read() as connection:
        study_count, _ = total(studies)
        instance_count, size = total(instances)
        query = sa.select(sa.func.count()).select_from(series)
        return Usage(
            studies=study_count,
            series=int(connection.execute(query).scalar_one()),
            instances=instance_count,
            instance_bytes=size,
            conflict_bytes=total(conflicts)[1],
            result_bytes=total(result_objects)[1] + total(reading_objects)[1],
            free_bytes=shutil.disk_usage(store.folder).free,
        )
