"""Do the index and the files agree?"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from medlens.serve.store.files import (
    FRESH_S,
    file_columns,
    free_files,
    named,
    stored_files,
)
from medlens.serve.store.keep import DRAFT_S, clear_drafts
from medlens.serve.store.migrate import revision_of
from medlens.serve.store.migrations import HEAD
from medlens.serve.store.store import Store
from medlens.serve.store.tables import instances, jobs, results, series, studies

ORPHAN_S = 3600.0
"""Age after which a file without a row is no longer on its way into the index."""

_SHOWN = 3  # examples in a message
_PIECE = 1 << 20


@dataclass(frozen=True)
class Finding:
    """One kind of thing that was looked at.

    Attributes:
        name: what was checked.
        count: how many are wrong; 0 where all is well.
        is_serious: something is lost or wrong; else it only wants tidying.
        detail: what was found, what to do. Files are named by the first letters of
            their digests, studies by our own numbers.
    """

    name: str
    count: int
    is_serious: bool
    detail: str


def check_store(
    store: Store,
    *,
    deep: bool = False,
    clean: bool = False,
    on_progress: Callable[[float], None] = lambda _: None,
) -> list[Finding]:
    """Check a store, also while the service runs.

    Args:
        store: files and index.
        deep: read every file again and compare its digest, not its size alone.
        clean: delete files that no row has named for an hour, and half-written ones.
        on_progress: told the part done, 0..1.
    """
    findings = [_check_database(store)]
    lost, wrong, orphans = _compare_files(store, deep, on_progress)
    findings += [
        Finding(
            "every row has its file",
            len(lost),
            True,
            _told(lost, "missing", "send those studies again or restore a backup"),
        ),
        Finding(
            "files are what they were" if deep else "files have their size",
            len(wrong),
            True,
            _told(wrong, "changed", "restore a backup; look after the disk"),
        ),
        _tell_orphans(store, orphans, clean),
        _check_drafts(store, clean),
        *_check_counts(store),
        _check_work(store),
    ]
    return findings


def _check_database(store: Store) -> Finding:
    name, what = "the database is whole", ""
    with store.read() as connection:
        revision = revision_of(connection)
        if revision != HEAD:
            what = (
                f"its schema is {revision!r}, wanted {HEAD!r}; start the service once"
            )
        elif store.is_sqlite:
            reply = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            loose = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            if reply != "ok" or loose is not None:
                what = "SQLite finds it damaged; restore a backup"
    return Finding(name, int(bool(what)), True, what)


def _compare_files(
    store: Store, deep: bool, on_progress: Callable[[float], None]
) -> tuple[list[str], list[str], list[tuple[str, float]]]:
    """Digests of lost and of wrong files, and orphans with their age in seconds."""
    lost: list[str] = []
    wrong: list[str] = []
    orphans: list[tuple[str, float]] = []
    for number, digit in enumerate("0123456789abcdef"):
        rows = _rows_of(store, digit)  # before the files: a file is there first
        found: dict[str, os.stat_result] = {}
        for second in "0123456789abcdef":
            found.update(stored_files(store, digit + second))
        lost += _still_lost(store, [each for each in rows if each not in found])
        for digest, status in found.items():
            if digest not in rows:
                orphans.append((digest, time.time() - status.st_mtime))
            elif rows[digest] not in (None, status.st_size) or (
                deep and _digest_of(store, digest) not in (digest, "")
            ):
                wrong.append(digest)
        on_progress((number + 1) / 16)
    return lost, wrong, orphans


def _still_lost(store: Store, gone: list[str]) -> list[str]:
    """Those that a row names even now: a removed study takes rows and files along."""
    with store.read() as connection:
        still = named(connection, gone)
    return [each for each in gone if each in still and not _is_there(store, each)]


def _is_there(store: Store, digest: str) -> bool:
    return store.blobs.path_of(digest).exists()


def _rows_of(store: Store, start: str) -> dict[str, int | None]:
    """Digest → size of every file that a row names and that begins so."""
    rows: dict[str, int | None] = {}
    with store.read() as connection:
        for column in file_columns():
            size = column.table.c.get("bytes", sa.null())
            query = sa.select(column, size).where(
                column >= start, column < f"{start}g"
            )  # "g" sorts behind every hexadecimal digit
            rows.update((digest, count) for digest, count in connection.execute(query))
    return rows


def _digest_of(store: Store, digest: str) -> str:
    """SHA-256 of a file, "" where it went meanwhile."""
    found = hashlib.sha256()
    try:
        with store.blobs.path_of(digest).open("rb") as file:
            while data := file.read(_PIECE):
                found.update(data)
    except FileNotFoundError:
        return ""
    except OSError:
        return "unreadable"
    return found.hexdigest()


def _told(digests: list[str], state: str, advice: str) -> str:
    if not digests:
        return ""
    shown = ", ".join(f"{digest[:12]}…" for digest in sorted(digests)[:_SHOWN])
    return f"{len(digests)} {state} ({shown}); {advice}"


def _tell_orphans(
    store: Store, orphans: list[tuple[str, float]], clean: bool
) -> Finding:
    """Files without a row: left by a process that died between file and index."""
    name = "every file has its row"
    old = [digest for digest, age in orphans if age > ORPHAN_S]
    if clean and old:
        count, size = free_files(store, old, older_than_s=max(ORPHAN_S, FRESH_S))
        detail = f"{count} files without a row were deleted ({size:,} bytes)"
        return Finding(name, len(old) - count, False, detail)
    young = len(orphans) - len(old)
    detail = _told(old, "have none", "--clean deletes them") if old else ""
    if young and not old:
        detail = f"{young} came within the hour and may still get theirs"
    return Finding(name, len(old), False, detail)


def _check_drafts(store: Store, clean: bool) -> Finding:
    name = "nothing is left half written"
    old = 0
    for path in store.blobs.incoming.iterdir():
        try:
            old += time.time() - path.stat().st_mtime > DRAFT_S
        except FileNotFoundError:
            continue
    if clean and old:
        return Finding(name, 0, False, f"{clear_drafts(store)} files were deleted")
    detail = f"{old} files are; --clean deletes them" if old else ""
    return Finding(name, old, False, detail)


def _check_counts(store: Store) -> Iterator[Finding]:
    """Counters of studies and series against their rows."""
    held = (
        sa.select(
            instances.c.study_id,
            sa.func.count().label("count"),
            sa.func.sum(instances.c.bytes).label("size"),
            sa.func.count(sa.distinct(instances.c.series_id)).label("series"),
        )
        .group_by(instances.c.study_id)
        .subquery()
    )
    off_study = (
        sa.select(studies.c.id)
        .join(held, held.c.study_id == studies.c.id, isouter=True)
        .where(
            sa.or_(
                studies.c.instance_count != sa.func.coalesce(held.c.count, 0),
                studies.c.bytes != sa.func.coalesce(held.c.size, 0),
                studies.c.series_count != sa.func.coalesce(held.c.series, 0),
            )
        )
    )
    of_series = (
        sa.select(instances.c.series_id, sa.func.count().label("count"))
        .group_by(instances.c.series_id)
        .subquery()
    )
    off_series = (
        sa.select(series.c.id)
        .join(of_series, of_series.c.series_id == series.c.id, isouter=True)
        .where(series.c.instance_count != sa.func.coalesce(of_series.c.count, 0))
    )
    for name, query in (
        ("studies are counted right", off_study),
        ("series are counted right", off_series),
    ):
        with store.read() as connection:
            numbers = list(connection.execute(query.limit(1000)).scalars())
        shown = ", ".join(map(str, numbers[:_SHOWN]))
        detail = f"counters are off (number {shown}); report this" if numbers else ""
        yield Finding(name, len(numbers), True, detail)


def _check_work(store: Store) -> Finding:
    """Parked jobs, leases that nobody took over, studies that wait for nothing."""
    now = time.time()
    parked = sa.select(sa.func.count()).where(jobs.c.state == "parked")
    stuck = sa.select(sa.func.count()).where(
        jobs.c.state == "leased", jobs.c.leased_until < now - ORPHAN_S
    )
    unanswered = sa.select(sa.func.count()).where(
        studies.c.state == "answered",
        studies.c.id.in_(
            sa.select(jobs.c.study_id).where(
                jobs.c.kind == "answer", jobs.c.state == "done"
            )
        ),
        studies.c.id.not_in(sa.select(results.c.study_id)),
    )
    works = sa.select(jobs.c.id).where(
        jobs.c.study_id == studies.c.id,
        jobs.c.kind == "answer",
        jobs.c.state.in_(("waiting", "leased")),
    )
    forgotten = sa.select(sa.func.count()).where(
        studies.c.state.in_(("ready", "running")), ~works.exists()
    )
    with store.read() as connection:
        found = [
            int(connection.execute(query).scalar_one())
            for query in (parked, stuck, unanswered, forgotten)
        ]
    words = (
        "parked after their last attempt: retry or cancel them",
        "jobs whose lease ran out an hour ago: is a worker running?",
        "studies marked answered that have no result: answer them again",
        "studies wait for an answer and have no job: ask for their answers",
    )
    told = [f"{n} {text}" for n, text in zip(found, words, strict=True) if n]
    return Finding("jobs are done", sum(found), sum(found[2:]) > 0, "; ".join(told))
