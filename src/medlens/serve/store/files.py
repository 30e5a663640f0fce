"""Which files the index names, and how those that it does not are let go."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from medlens.serve.store.blobs import DIGEST
from medlens.serve.store.store import Store
from medlens.serve.store.tables import metadata

FRESH_S = 600.0
"""A file younger than this may be on its way into the index: it is left alone."""

_LOCK = "files.lock"


def file_columns() -> list[sa.Column[str]]:
    """Every column that names a file by its digest (marked with `info`)."""
    return [
        column
        for table in metadata.sorted_tables
        for column in table.columns
        if column.info.get("names_file")
    ]


def named(connection: sa.Connection, digests: Iterable[str]) -> set[str]:
    """Those of the digests that a row names."""
    wanted, found = list(digests), set[str]()
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        for column in file_columns():
            query = sa.select(column).where(column.in_(part))
            found.update(connection.execute(query).scalars())
    return found


def free_files(
    store: Store, digests: Iterable[str], *, older_than_s: float = FRESH_S
) -> tuple[int, int]:
    """Delete files that no row names.

    The same bytes may be coming in again at this moment: their file is new then, and
    whatever is new stays. A file is moved out of its place before it is looked at
    for the last time, so that one which takes its place meanwhile is not met.
    Nothing is deleted while a backup runs.

    Args:
        store: files and index.
        digests: that may go.
        older_than_s: age in seconds that a file must have.

    Returns:
        Files deleted, and their bytes.
    """
    wanted = set(digests)
    with store.read() as connection:
        wanted -= named(connection, wanted)
    with _files_lock(store, fcntl.LOCK_EX) as is_mine:
        if not is_mine:
            return 0, 0
        freed = [_free(store, digest, older_than_s) for digest in sorted(wanted)]
    return sum(1 for size in freed if size is not None), sum(x or 0 for x in freed)


def _free(store: Store, digest: str, older_than_s: float) -> int | None:
    """Bytes of a file that was deleted, None where it stays or is not there."""
    home = store.blobs.path_of(digest)
    away = store.blobs.incoming / f"leaving-{digest}"
    try:
        if _age(home) < older_than_s:
            return None
        home.rename(away)
    except FileNotFoundError:
        return None
    with store.read() as connection:
        stays = bool(named(connection, [digest]))
    if stays or _age(away) < older_than_s:
        away.rename(home)
        return None
    size = away.stat().st_size
    away.unlink()
    return size


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def stored_files(store: Store, folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """Digest and status of every file in one of the 256 folders."""
    with os.scandir(store.blobs.folder / folder) as entries:
        for entry in entries:
            if DIGEST.fullmatch(entry.name):
                yield entry.name, entry.stat()


@contextmanager
def hold_files(store: Store) -> Iterator[None]:
    """No file is deleted until the block ends (for a backup)."""
    with _files_lock(store, fcntl.LOCK_SH, wait=True):
        yield


@contextmanager
def _files_lock(store: Store, kind: int, *, wait: bool = False) -> Iterator[bool]:
    handle = os.open(store.folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(handle, kind | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(handle)
