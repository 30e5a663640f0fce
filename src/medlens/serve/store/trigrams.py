"""PostgreSQL's index of letter triples, for searches inside names and descriptions."""

from __future__ import annotations

import sqlalchemy as sa

NAME = "ix_studies_trigrams"
"""No part of the tables: a database without pg_trgm works without it, only slower."""

_STATEMENTS = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    f"CREATE INDEX IF NOT EXISTS {NAME} ON studies USING gin ("
    "name_key gin_trgm_ops, modalities gin_trgm_ops, description gin_trgm_ops)",
)


def add_trigrams(connection: sa.Connection) -> bool:
    """Make the index inside the caller's transaction; False where that may not be.

    The extension belongs to PostgreSQL's own packages, and the owner of a database may
    create it (from version 13 on); elsewhere an administrator of the server can.
    """
    try:
        with connection.begin_nested():
            for statement in _STATEMENTS:
                connection.exec_driver_sql(statement)
    except sa.exc.DBAPIError:
        return False
    return True
