"""All rows of an index as lines of JSON, the same for either database.

First a head; then one line a row, `["table", {column: value}]`, in an order that
foreign keys allow; last a foot with the counts, so that a cut-off dump is noticed.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from medlens.core import DataError
from medlens.serve.store.migrate import make_schema, revision_of, upgrade
from medlens.serve.store.migrations import HEAD
from medlens.serve.store.store import Store
from medlens.serve.store.tables import metadata

SCHEMA = "medlens/index/1"
_AT_ONCE = 5000


def dump_index(store: Store) -> Iterator[str]:
    """Lines of one moment of the index, also while the service runs.

    Raises:
        DataError: the schema is not this version's.
    """
    with store.read() as connection:
        if not store.is_sqlite:  # SQLite's readers see one moment anyway
            connection.exec_driver_sql(
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
            )
        revision = revision_of(connection)
        if revision != HEAD:
            raise DataError(
                f"index: its schema is {revision!r}, wanted {HEAD!r}; "
                "start the service once, then back it up"
            )
        counters = _read_counters(connection)
        yield _line({"schema": SCHEMA, "revision": revision, "counters": counters})
        counts: dict[str, int] = {}
        for table in metadata.sorted_tables:
            counts[table.name] = 0
            rows = connection.execution_options(yield_per=_AT_ONCE).execute(
                sa.select(table)
            )
            for row in rows.mappings():
                counts[table.name] += 1
                yield _line([table.name, dict(row)])
        yield _line({"counts": counts})


def load_index(
    connection: sa.Connection,
    lines: Iterable[str],
    *,
    on_row: Callable[[str, dict[str, Any]], None] = lambda *_: None,
) -> dict[str, int]:
    """Make the tables of a dump in an empty database, fill them, bring them up to date.

    Args:
        connection: of a transaction of `Store.begin`; roll it back after an error.
        lines: of `dump_index`.
        on_row: told the table and values of each row before it is written.

    Returns:
        Table → rows.

    Raises:
        DataError: it is no dump, cut off, or of a newer version.
    """
    rows = _Rows(lines)
    make_schema(connection, rows.revision)
    known = sa.MetaData()
    known.reflect(connection)
    counts: dict[str, int] = {}
    batch: list[dict[str, Any]] = []
    name = ""
    for table_name, values in rows:
        if table_name != name or len(batch) >= _AT_ONCE:
            _insert(connection, known, name, batch)
            name, batch = table_name, []
        on_row(table_name, values)
        batch.append(values)
        counts[table_name] = counts.get(table_name, 0) + 1
    _insert(connection, known, name, batch)
    wanted = {table: count for table, count in rows.counts.items() if count}
    if counts != wanted:
        raise DataError("index: the backup does not hold the rows that it counts")
    upgrade(connection)
    # Last: an older schema did not count all that this one counts.
    _write_counters(connection, rows.counters)
    return counts


class _Rows:
    """Rows between the head and the foot of a dump."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        head = self._next()
        if not isinstance(head, dict) or head.get("schema") != SCHEMA:
            raise DataError(f"index: is no dump of an index; wanted {SCHEMA}")
        self.revision = str(head["revision"])
        self.counters: dict[str, int] = head["counters"]
        self.counts: dict[str, int] = {}

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        while True:
            line = self._next()
            if isinstance(line, dict):
                self.counts = line["counts"]
                return
            name, values = line
            yield str(name), values

    def _next(self) -> Any:
        line = next(self._lines, "")
        try:
            return json.loads(line)
        except ValueError:
            raise DataError(
                "index: the backup is cut off or damaged; take an earlier one"
            ) from None


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def _insert(
    connection: sa.Connection,
    known: sa.MetaData,
    name: str,
    batch: list[dict[str, Any]],
) -> None:
    if not batch:
        return
    table = known.tables.get(name)
    if table is None or not set(batch[0]) <= set(table.columns.keys()):
        raise DataError("index: the backup has a table or column that its schema lacks")
    if connection.dialect.name == "sqlite":
        connection.execute(sa.insert(table), batch)
    else:
        _copy(connection, table, batch)


def _copy(
    connection: sa.Connection, table: sa.Table, batch: list[dict[str, Any]]
) -> None:
    """PostgreSQL's COPY: some hundred times as fast as inserting."""
    names = list(batch[0])
    is_json = {name: isinstance(table.c[name].type, sa.JSON) for name in names}
    text = io.StringIO()
    for row in batch:
        cells = (_cell(row[name], is_json[name]) for name in names)
        text.write("\t".join(cells) + "\n")
    text.seek(0)
    quote = connection.dialect.identifier_preparer.quote
    columns = ", ".join(quote(name) for name in names)
    statement = f"COPY {quote(table.name)} ({columns}) FROM STDIN"
    connection.connection.cursor().execute(statement, stream=text)  # type: ignore[call-arg]


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _cell(value: Any, is_json: bool) -> str:
    """One value in the text form of COPY."""
    if value is None and not is_json:
        return "\\N"
    if is_json:
        value = json.dumps(value, ensure_ascii=False)
    return str(value).translate(_ESCAPES)


def _read_counters(connection: sa.Connection) -> dict[str, int]:
    """Highest number given in each table that counts: none is ever given twice."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence")
        return {str(name): int(value) for name, value in rows}
    counters = {}
    for table, sequence in _sequences(connection).items():
        query = f"SELECT last_value, is_called FROM {sequence}"
        value, is_called = connection.exec_driver_sql(query).one()
        counters[table] = int(value) if is_called else 0
    return counters


def _sequences(connection: sa.Connection) -> dict[str, str]:
    """Table → sequence of its `id` on PostgreSQL."""
    found = {}
    for table in metadata.sorted_tables:
        if "id" in table.c:
            query = sa.func.pg_get_serial_sequence(table.name, "id")
            name = connection.execute(sa.select(query)).scalar()
            if name:
                found[table.name] = str(name)
    return found


def _write_counters(connection: sa.Connection, counters: dict[str, int]) -> None:
    if connection.dialect.name == "sqlite":
        query = "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?"
        add = (
            "INSERT INTO sqlite_sequence (name, seq) SELECT ?, 0 WHERE NOT EXISTS "
            "(SELECT 1 FROM sqlite_sequence WHERE name = ?)"
        )
        sql = "SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'"
        counting = set(connection.exec_driver_sql(sql).scalars())
        for name, value in counters.items():
            if name in counting:
                connection.exec_driver_sql(add, (name, name))
                connection.exec_driver_sql(query, (value, name))
        return
    for name, sequence in _sequences(connection).items():
        table = metadata.tables[name]
        highest = connection.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0
        value = max(int(highest), int(counters.get(name, 0)))
        if value:
            connection.execute(sa.select(sa.func.setval(sequence, value)))
