"""The index's engine: SQLite beside the files by default, PostgreSQL by URL."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from medlens.core import MissingExtraError, UsageError
from medlens.serve.store.prepared import Prepared

_BEGIN = Prepared(sa.text("BEGIN"))
_BEGIN_WRITING = Prepared(sa.text("BEGIN IMMEDIATE"))

BUSY_S = 30.0  # how long a writer waits for the one before it


def open_engine(url: str) -> Engine:
    """Engine for a database URL.

    On SQLite every transaction that `Store.begin` opens takes the write lock at once
    (BEGIN IMMEDIATE), the journal is a write-ahead log, and a commit is on disk
    before it returns.

    Args:
        url: "sqlite:///FILE" or "postgresql://USER@HOST/NAME".

    Raises:
        UsageError: another kind of database.
        MissingExtraError: PostgreSQL without its driver.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:  # its message would repeat a password
        raise UsageError(
            "--database: is no URL; wanted sqlite:///FILE or postgresql://USER@HOST/NAME"
        ) from None
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        return _open_sqlite(parsed)
    if kind == "postgresql":
        try:
            import pg8000  # noqa: F401
        except ImportError as error:
            raise MissingExtraError("PostgreSQL", "postgresql") from error
        return sa.create_engine(
            parsed.set(drivername="postgresql+pg8000"),
            pool_pre_ping=True,
            pool_size=10,
            max_overflow=20,
        )
    raise UsageError(
        f"--database: names a database of kind {kind!r}; wanted sqlite:///FILE or "
        "postgresql://USER@HOST/NAME"
    )


def _open_sqlite(url: sa.URL) -> Engine:
    engine = sa.create_engine(
        url, connect_args={"timeout": BUSY_S, "check_same_thread": False}
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        # We say BEGIN ourselves: the driver's own would come too late to hold a lock.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-32000",
            "mmap_size=268435456",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        is_writer = connection.get_execution_options().get("medlens_writer", False)
        (_BEGIN_WRITING if is_writer else _BEGIN).run(connection, {})

    return engine
