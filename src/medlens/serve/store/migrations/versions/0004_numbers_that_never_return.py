"""Numbers that never return.

SQLite gives the number of the newest row again once that row was removed, unless its
table says AUTOINCREMENT. Addresses, jobs and the trail name results, reports,
evaluations and the like by number, so none may ever mean another one. PostgreSQL
counts by sequences and needs nothing.

SQLite cannot change this of a table that is there. Each is renamed, made anew, filled,
and the old one dropped: parents come first and go last, so that foreign keys hold
after every statement.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

# What the trail calls the number of a row of these tables.
NAMED = {
    "baselines": "baseline",
    "evaluations": "evaluation",
    "jobs": "job",
    "looks": "alarm",
    "reports": "report",
    "results": "result",
    "tokens": "token",
}


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    tables = _tables_to_make(connection)
    for table in tables:
        for index in table.indexes:
            index.drop(connection)
        op.rename_table(table.name, f"old_{table.name}")
    for table in tables:
        table.create(connection)
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        connection.exec_driver_sql(
            f'INSERT INTO "{table.name}" ({names}) '
            f'SELECT {names} FROM "old_{table.name}"'
        )
    for table in reversed(tables):
        op.drop_table(f"old_{table.name}")
    for name, named in NAMED.items():
        _go_on_from_the_trail(connection, name, named)


def _tables_to_make(connection: sa.Connection) -> list[sa.Table]:
    """Tables that count without AUTOINCREMENT and what refers to them, parents first.

    As the database has them at this revision: a later one may have others.
    """
    known = sa.MetaData()
    known.reflect(connection)
    query = "SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'"
    counting = set(connection.exec_driver_sql(query).scalars())
    found: list[sa.Table] = []
    for table in known.sorted_tables:
        counts = "id" in table.columns and table.name not in counting
        if counts or any(key.column.table in found for key in table.foreign_keys):
            table.dialect_options["sqlite"]["autoincrement"] = "id" in table.columns
            found.append(table)
    return found


def _go_on_from_the_trail(connection: sa.Connection, table: str, named: str) -> None:
    """Count on from the highest number that the trail names of a table."""
    query = (
        "SELECT max(CAST(json_extract(detail, ?) AS INTEGER)) FROM trail "
        "WHERE json_type(detail, ?) = 'integer'"
    )
    path = f"$.{named}"
    highest = connection.exec_driver_sql(query, (path, path)).scalar() or 0
    there = "SELECT 1 FROM sqlite_sequence WHERE name = ?"
    if connection.exec_driver_sql(there, (table,)).first() is None:
        add = "INSERT INTO sqlite_sequence (name, seq) VALUES (?, 0)"
        connection.exec_driver_sql(add, (table,))
    raise_it = "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?"
    connection.exec_driver_sql(raise_it, (highest, table))
