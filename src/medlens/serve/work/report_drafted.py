"""Which result a report was drafted from, and whether a newer one was there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from medlens.serve.store.tables import results
from medlens.write.reading.content import Drafted


@dataclass(frozen=True)
class Given:
    """A result that counts.

    Attributes:
        id: its number.
        at: seconds since 1970, when it was made.
    """

    id: int
    at: float


def results_of(connection: sa.Connection, study_id: int) -> list[Given]:
    """The results of a study that count, the newest first."""
    rows = connection.execute(
        sa.select(results.c.id, results.c.created_at)
        .where(results.c.study_id == study_id, results.c.role == "active")
        .order_by(results.c.id.desc())
    )
    return [Given(int(row.id), float(row.created_at)) for row in rows]


def newest_at(given: Sequence[Given], moment: float) -> int | None:
    """The newest result that was there at a moment, None where none was.

    Args:
        given: of `results_of`.
        moment: seconds since 1970.
    """
    return next((each.id for each in given if each.at <= moment), None)


def drafted_from(
    given: Sequence[Given], result_id: int | None, newest: int | None
) -> Drafted | None:
    """What a version says of its draft; None where it was drafted from no result.

    Args:
        given: of `results_of`.
        result_id: the result that the version names, or None.
        newest: the newest result when the version was made, or None.
    """
    by_id = {each.id: each for each in given}
    own = by_id.get(result_id) if result_id is not None else None
    if own is None:
        return None
    last = by_id.get(newest, own) if newest is not None else own
    if last.id < own.id:
        last = own
    return Drafted(own.id, _moment(own), last.id, _moment(last))


def _moment(given: Given) -> datetime:
    return datetime.fromtimestamp(given.at, UTC)
