"""The store: one folder of files and one database, opened together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from medlens.serve.store.blobs import Blobs
from medlens.serve.store.database import open_engine


class Store:
    """Files by digest and their index.

    Args:
        folder: of the service; files lie in `blobs/`, SQLite in `index.sqlite`.
        url: of the database; "" for SQLite in the folder.
    """

    def __init__(self, folder: Path, url: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.url = url or f"sqlite:///{folder.absolute() / 'index.sqlite'}"
        self.engine = open_engine(self.url)
        self._writer = self.engine.execution_options(medlens_writer=True)
        self.blobs = Blobs(folder)

    @property
    def is_sqlite(self) -> bool:
        """True for SQLite, where one writer works at a time."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A transaction that writes; committed and durable when the block ends."""
        with self._writer.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that sees one moment of the index and changes nothing."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()


def open_store(folder: Path, url: str = "", *, migrate: bool = True) -> Store:
    """Open a store, made or brought up to this version's schema first.

    Args:
        folder, url: see `Store`.
        migrate: False leaves the schema as it is (workers of a service whose first
            process has brought it up to date).
    """
    store = Store(folder, url)
    if migrate:
        from medlens.serve.store.migrate import bring_up_to_date

        bring_up_to_date(store)
    return store
