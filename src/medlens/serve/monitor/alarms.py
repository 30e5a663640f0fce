"""Alarms of drift: which there are, that a person has seen one, and starting anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from medlens.core import UsageError
from medlens.serve.store.tables import baselines, looks, scores

LONGEST_NOTE = 500


@dataclass(frozen=True)
class Look:
    """A look as it was taken.

    Attributes:
        id: our own number.
        bundle, site, month, number: see `looks.Due`.
        state: "learning", "few", "steady" or "drift".
        is_alarm: True for "drift".
        report: figures of both families.
        at: when it was taken.
        seen_at, note: by the person who has seen the alarm; None and "" before.
    """

    id: int
    bundle: str
    site: str
    month: str
    number: int
    state: str
    is_alarm: bool
    report: dict[str, Any]
    at: float
    seen_at: float | None
    note: str


def list_looks(
    connection: sa.Connection,
    *,
    bundle: str = "",
    site: str | None = None,
    is_open: bool = False,
    before: int | None = None,
    limit: int = 100,
) -> list[Look]:
    """Looks, the newest first.

    Args:
        connection: to the index.
        bundle: digest; "" for all.
        site: None for all.
        is_open: alarms alone that nobody has seen.
        before: below this number.
        limit: how many at most.
    """
    query = sa.select(looks).order_by(looks.c.id.desc()).limit(limit)
    if bundle:
        query = query.where(looks.c.bundle_digest == bundle)
    if site is not None:
        query = query.where(looks.c.site == site)
    if is_open:
        query = query.where(looks.c.is_alarm, looks.c.seen_at.is_(None))
    if before is not None:
        query = query.where(looks.c.id < before)
    return [_look(row) for row in connection.execute(query)]


def mark_seen(
    connection: sa.Connection, number: int, *, reader: int | None, note: str, now: float
) -> Look | None:
    """An alarm was seen by a person; None where there is no such alarm.

    The first to see it is kept; another one changes nothing.
    """
    connection.execute(
        sa.update(looks)
        .where(looks.c.id == number, looks.c.is_alarm, looks.c.seen_at.is_(None))
        .values(seen_at=now, seen_by=reader, note=note[:LONGEST_NOTE])
    )
    row = connection.execute(
        sa.select(looks).where(looks.c.id == number, looks.c.is_alarm)
    ).first()
    return _look(row) if row else None


def start_anew(
    connection: sa.Connection,
    *,
    bundle: str,
    site: str,
    reason: str,
    reader: int | None,
    now: float,
) -> int:
    """Let the answers from now on be the reference of a bundle at a site.

    For a change that was meant: another scanner, another screening programme. What
    the old reference found stays.

    Raises:
        UsageError: the bundle never answered there.
    """
    query = sa.select(scores.c.id).where(
        scores.c.bundle_digest == bundle, scores.c.site == site
    )
    if connection.execute(query.limit(1)).first() is None:
        raise UsageError(
            "baseline: this bundle has given no answer at this site; /api/v1/monitor "
            "lists where it has"
        )
    made = connection.execute(
        sa.insert(baselines)
        .values(
            bundle_digest=bundle,
            site=site,
            starts_at=now,
            reason=reason[:LONGEST_NOTE],
            user_id=reader,
        )
        .returning(baselines.c.id)
    )
    return int(made.scalar_one())


def _look(row: Any) -> Look:
    return Look(
        id=row.id,
        bundle=row.bundle_digest,
        site=row.site,
        month=row.month,
        number=row.number,
        state=row.state,
        is_alarm=row.is_alarm,
        report=dict(row.report),
        at=row.at,
        seen_at=row.seen_at,
        note=row.note,
    )
