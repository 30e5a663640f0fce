"""Statements that every instance runs: compiled once, then handed to the driver.

What SQLAlchemy does around a statement costs many times what the database does with it,
and an image runs eight of them while a sender waits. Here it makes the text, for each
kind of database; values stay parameters, and errors stay SQLAlchemy's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa


@dataclass(frozen=True)
class _Compiled:
    text: str
    # In the order of the text: name, and how the driver wants the value (None: as it
    # is), or no name and the value that the statement itself brings.
    places: tuple[tuple[str, Any], ...]


class Prepared:
    """A statement whose parameters have the same names whenever it runs.

    Args:
        statement: with `sa.bindparam` for what differs, or an insert.
        columns: that an insert is given.
    """

    def __init__(
        self, statement: sa.sql.ClauseElement, columns: tuple[str, ...] | None = None
    ) -> None:
        self._statement, self._columns = statement, columns
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: sa.Connection, values: dict[str, Any]) -> None:
        """Run it for what it changes.

        Raises:
            DBAPIError: as `Connection.execute` does.
        """
        self._execute(connection, values, is_read=False)

    def first(self, connection: sa.Connection, values: dict[str, Any]) -> Any:
        """First row as a tuple, or None.

        Raises:
            DBAPIError: as `Connection.execute` does.
        """
        return self._execute(connection, values, is_read=True)

    def _execute(
        self, connection: sa.Connection, values: dict[str, Any], *, is_read: bool
    ) -> Any:
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = self._compile(dialect)
        parameters = tuple(
            [
                rest if not name else rest(values[name]) if rest else values[name]
                for name, rest in compiled.places
            ]
        )
        cursor = None
        try:
            cursor = connection.connection.cursor()
            cursor.execute(compiled.text, parameters)
            row = cursor.fetchone() if is_read else None
            cursor.close()
        except dialect.loaded_dbapi.Error as error:
            raise _explained(connection, error, compiled.text, cursor) from error
        return row

    def _compile(self, dialect: sa.Dialect) -> _Compiled:
        made: Any = self._statement.compile(
            dialect=dialect, column_keys=self._columns and list(self._columns)
        )
        places: list[tuple[str, Any]] = []
        for name in made.positiontup:
            bound = made.binds[name]
            to = bound.type.dialect_impl(dialect).bind_processor(dialect)
            if bound.required:
                places.append((name, to))
            else:
                places.append(("", to(bound.value) if to else bound.value))
        return _Compiled(made.string, tuple(places))


def _explained(
    connection: sa.Connection, error: Any, text: str, cursor: Any
) -> BaseException:
    """The driver's error as SQLAlchemy's, without the values."""
    dialect = connection.dialect
    is_gone = dialect.is_disconnect(error, None, cursor)
    if is_gone:
        connection.invalidate(error)
    found: BaseException = sa.exc.DBAPIError.instance(
        text,
        None,
        error,
        dialect.loaded_dbapi.Error,
        connection_invalidated=is_gone,
        dialect=dialect,
    )
    return found
