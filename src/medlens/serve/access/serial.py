"""One at a time, on both databases."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa


def hold(connection: sa.Connection, name: str) -> None:
    """Wait until no other transaction holds a name, and hold it until this one ends.

    On SQLite a transaction of `Store.begin` is alone anyway; on PostgreSQL it is an
    advisory lock of the transaction.

    Args:
        connection: of `Store.begin`.
        name: what must not happen twice at a time.

    Raises:
        ValueError: the connection is one of `Store.read`, which on SQLite would read
            before it locks.
    """
    if not connection.get_execution_options().get("medlens_writer", False):
        raise ValueError("wanted a connection of Store.begin, not of Store.read")
    if connection.dialect.name == "sqlite":
        return
    digest = hashlib.sha256(name.encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)  # PostgreSQL's bigint
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))
