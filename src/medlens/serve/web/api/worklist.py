"""A page of the worklist out of the index: any order, any filter, quickly.

Numbers come first, out of the two indexes that hold an order with all that a page is
filtered by; whole rows are read for the page alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from medlens.serve.store.names import name_key
from medlens.serve.store.tables import results, studies
from medlens.serve.web.api.paging import after, pack_cursor, unpack_cursor
from medlens.serve.web.api.study_models import StudyQuery
from medlens.serve.web.errors import Problem

FEW = 1000
"""Studies that are quicker sorted than found on a walk along an order."""
_ORDERS: dict[str, tuple[sa.Column[Any], ...]] = {
    "newest": (studies.c.began_at, studies.c.last_at, studies.c.id),
    "urgent": (studies.c.urgency, studies.c.last_at, studies.c.id),
}
_LAST_LETTER = chr(0x10FFFF)
Condition = sa.ColumnElement[bool]


def find_page(
    connection: sa.Connection, query: StudyQuery
) -> tuple[Sequence[Any], str | None]:
    """Rows of a page, and the cursor of the next one.

    Raises:
        Problem: 404, the cursor is none, or the study to start behind is not there.
    """
    columns = _ORDERS[query.order]
    wanted = _filters(connection, query)
    place = unpack_cursor(query.cursor, len(columns))
    if place is None and query.after is not None:
        place = _place_of(connection, query.after, columns)
    if place is not None:
        wanted.append(after(columns, place))
    order = [column.desc() for column in columns]
    numbers = (
        sa.select(studies.c.id)
        .where(*wanted)
        .order_by(*order)
        .limit(query.limit + 1)
        .subquery("page")
    )
    rows = connection.execute(
        sa.select(studies).join(numbers, numbers.c.id == studies.c.id).order_by(*order)
    ).all()
    page = rows[: query.limit]
    if len(rows) <= query.limit:
        return page, None
    last = page[-1]
    return page, pack_cursor(*(getattr(last, column.name) for column in columns))


def newest_results(connection: sa.Connection, numbers: list[int]) -> dict[int, int]:
    """Study → number of its newest result that counts."""
    rows = connection.execute(
        sa.select(results.c.study_id, sa.func.max(results.c.id))
        .where(results.c.study_id.in_(numbers), results.c.role == "active")
        .group_by(results.c.study_id)
    )
    return {int(study): int(result) for study, result in rows}


def _place_of(
    connection: sa.Connection, study: int, columns: tuple[sa.Column[Any], ...]
) -> tuple[float, ...]:
    row = connection.execute(sa.select(*columns).where(studies.c.id == study)).first()
    if row is None:
        raise Problem(
            404, f"after: there is no study {study}; leave it out to start at the top"
        )
    return tuple(row)


def _filters(connection: sa.Connection, query: StudyQuery) -> list[Condition]:
    """Conditions of a search; every value is a parameter of the statement."""
    found: list[Condition] = []
    if query.state:
        found.append(_plain(connection, studies.c.state).in_(query.state))
    if query.reading:
        found.append(_plain(connection, studies.c.reading).in_(query.reading))
    if query.advice:
        found.append(studies.c.advice.in_(query.advice))
    if query.id:
        found.append(studies.c.id.in_(query.id))
    if query.modality:
        found.append(
            studies.c.modalities.contains(f"\\{query.modality}\\", autoescape=True)
        )
    for value, column in (
        (query.study_uid, studies.c.study_uid),
        (query.patient_id, studies.c.patient_id),
        (query.accession_number, studies.c.accession_number),
    ):
        if value:
            found.append(column == value)
    if query.date_from:
        found.append(studies.c.study_date >= _da(query.date_from))
    if query.date_to:
        found.append(studies.c.study_date <= _da(query.date_to))
        found.append(studies.c.study_date != "")
    if query.urgency_from is not None:
        found.append(studies.c.urgency >= query.urgency_from)
    if query.text:
        found.append(_holds(connection, query.text))
    return found


def _plain(connection: sa.Connection, column: sa.Column[str]) -> sa.ColumnElement[str]:
    """A column that SQLite looks at and never starts from.

    Most studies are in the same state: an index that begins with it would lead to all
    of their rows, where that of the order, or of a date, holds the answer by itself
    (https://sqlite.org/optoverview.html, section 8.3).
    """
    if connection.dialect.name != "sqlite":
        return column
    return sa.literal_column(f"+{column.table.name}.{column.name}", column.type)


def _da(day: date) -> str:
    return day.strftime("%Y%m%d").rjust(8, "0")


def _holds(connection: sa.Connection, text: str) -> Condition:
    """Studies whose name or description hold a text, or whose patient's or accession
    number begins with it.

    PostgreSQL weighs its indexes itself, that of letter triples among them. SQLite
    would read whole rows: here each of the four looks into an index of its own, and the
    numbers are taken where they are few. Where they are many, a walk along the order
    finds a page of them soon.
    """
    halves: tuple[Condition, ...] = (
        studies.c.name_key.contains(name_key(text), autoescape=True),
        studies.c.patient_id.startswith(text, autoescape=True),
        studies.c.accession_number.startswith(text, autoescape=True),
        studies.c.description.icontains(text, autoescape=True),
    )
    if connection.dialect.name != "sqlite":
        return sa.or_(*halves)
    halves = (
        halves[0],
        _begins(studies.c.patient_id, text),
        _begins(studies.c.accession_number, text),
        # LIKE of SQLite takes letters of either case for the same.
        studies.c.description.contains(text, autoescape=True),
    )
    some = sa.union_all(*(sa.select(studies.c.id).where(half) for half in halves))
    numbers = set(connection.execute(some.limit(FEW + 1)).scalars())
    return studies.c.id.in_(numbers) if len(numbers) <= FEW else sa.or_(*halves)


def _begins(column: sa.Column[str], text: str) -> Condition:
    """A prefix as a range, which an index answers."""
    return sa.and_(column >= text, column < text + _LAST_LETTER)
