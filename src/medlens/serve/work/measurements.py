"""What readers measured on the images of a study, as they left it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from medlens.core import MedlensError
from medlens.serve.store.tables import measurements
from medlens.serve.work.queue import insert_into

MOST_SHAPES = 500
"""Of one reader on one study; nobody measures that much."""


class MeasurementsChangedError(MedlensError):
    """They were saved from another tab or machine meanwhile."""


@dataclass(frozen=True)
class Measurements:
    """The measurements of one reader on one study.

    Attributes:
        revision: grows with every save; 0 before the first.
        saved_at: seconds since 1970; None before the first save.
        shapes: documents of `MeasuredShape`, in the order in which they were drawn.
    """

    revision: int = 0
    saved_at: float | None = None
    shapes: Sequence[dict[str, Any]] = field(default=(), repr=False)


def read_measurements(
    connection: sa.Connection, study_id: int, reader: int | None
) -> Measurements:
    """The measurements of a reader on a study, none where nothing was ever saved.

    Args:
        connection: to the index.
        study_id: our own number of the study.
        reader: number of the user, None for the guest of a demo.
    """
    query = sa.select(measurements).where(_mine(study_id, reader))
    row = connection.execute(query).first()
    return Measurements() if row is None else _said(row)


def save_measurements(
    connection: sa.Connection,
    study_id: int,
    reader: int | None,
    shapes: Sequence[dict[str, Any]],
    *,
    revision: int,
    now: float,
) -> Measurements:
    """Save all measurements over those that the reader saw.

    A row is never deleted while its study is there, so that a revision never returns.

    Args:
        connection: of `Store.begin`.
        study_id, reader: see `read_measurements`.
        shapes: all of them.
        revision: of those that the reader saw.
        now: seconds since 1970.

    Raises:
        MeasurementsChangedError: there is another revision by now.
    """
    values = {"revision": revision + 1, "shapes": list(shapes), "saved_at": now}
    if revision == 0:
        statement: Any = (
            insert_into(connection, measurements)
            .values(study_id=study_id, reader=reader or 0, **values)
            .on_conflict_do_nothing(index_elements=["study_id", "reader"])
            .returning(measurements)
        )
    else:
        statement = (
            sa.update(measurements)
            .where(_mine(study_id, reader), measurements.c.revision == revision)
            .values(**values)
            .returning(measurements)
        )
    row = connection.execute(statement).first()
    if row is None:
        newest = read_measurements(connection, study_id, reader).revision
        raise MeasurementsChangedError(
            f"the measurements were saved elsewhere: they are revision {newest}, you "
            f"saw {revision}. Nothing is lost: read them, bring the two together, and "
            f"save with revision {newest}"
        )
    return _said(row)


def _mine(study_id: int, reader: int | None) -> sa.ColumnElement[bool]:
    return sa.and_(
        measurements.c.study_id == study_id, measurements.c.reader == (reader or 0)
    )


def _said(row: Any) -> Measurements:
    return Measurements(row.revision, row.saved_at, row.shapes)
