"""Lists in pages: each page names the next by a cursor.

A cursor holds the place of the last entry in the order of the list, so that entries
that arrive meanwhile neither shift nor repeat others. It holds nothing of a patient.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

import sqlalchemy as sa
from fastapi import Request, Response
from pydantic import BaseModel, Field, StringConstraints

from medlens.serve.web.api.fields import LARGEST, Strict
from medlens.serve.web.errors import Problem

T = TypeVar("T")
Cursor = Annotated[str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9_-]*$")]


class Paged(Strict):
    """Which page of a list."""

    limit: int = Field(50, ge=1, le=500, description="entries of a page")
    cursor: Cursor = Field("", description="`next` of the page before")


class Page(BaseModel, Generic[T]):
    """One page of a list; the reply's Link header names the next one, too."""

    items: list[T]
    next: str | None = Field(
        None, description="cursor of the next page, null on the last one"
    )


def pack_cursor(*place: float) -> str:
    """A place in a list as a cursor."""
    text = json.dumps(place, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def unpack_cursor(cursor: str, parts: int) -> tuple[float, ...] | None:
    """The place that a cursor holds, or None for the start.

    Raises:
        Problem: 404, it is none of this list.
    """
    if not cursor:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        place = json.loads(raw)
        is_good = isinstance(place, list) and len(place) == parts
        if is_good and all(_is_place(each) for each in place):
            return tuple(place)
    except (ValueError, binascii.Error, RecursionError):
        pass
    raise Problem(
        404, "cursor: is none that this list gave; leave it out to start over"
    )


def _is_place(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and abs(value) <= LARGEST


def after(
    columns: Sequence[sa.ColumnElement[Any]], place: Sequence[float]
) -> sa.ColumnElement[bool]:
    """Rows behind a place, in falling order of the columns.

    Compared as a row, which both databases find the start of in an index.
    """
    if len(columns) == 1:
        return columns[0] < place[0]
    return sa.tuple_(*columns) < sa.tuple_(*place)


def read_page(
    connection: sa.Connection,
    wanted: sa.Select[Any],
    number: sa.ColumnElement[int],
    query: Paged,
) -> tuple[list[Any], str | None]:
    """Rows of a page of a list by number, the newest first; cursor of the next page.

    Args:
        connection: to the index.
        wanted: all rows of the list, with `number` as their `id`.
        number: the column that the list is ordered by.
        query: which page.

    Raises:
        Problem: 404, the cursor is none of this list.
    """
    place = unpack_cursor(query.cursor, 1)
    if place is not None:
        wanted = wanted.where(after([number], place))
    ordered = wanted.order_by(number.desc()).limit(query.limit + 1)
    rows = list(connection.execute(ordered))
    page = rows[: query.limit]
    return page, pack_cursor(page[-1].id) if len(rows) > query.limit else None


def link_next(request: Request, response: Response, cursor: str | None) -> None:
    """Name the next page in the Link header (RFC 8288)."""
    if cursor is None:
        return
    asked = [(k, v) for k, v in request.query_params.multi_items() if k != "cursor"]
    query = urlencode([*asked, ("cursor", cursor)])
    response.headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
