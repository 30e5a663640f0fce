"""Which lines of the worklist changed since the last look."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa

from medlens.serve.store.tables import studies
from medlens.serve.web.api.fields import moment

BACK_S = 15.0
"""How far back each look goes. A line bears the moment at which it was written and is
seen when that is committed; machines that share a database differ by seconds, too."""
MOST = 2000  # lines of one look
COLUMNS = (
    studies.c.id,
    studies.c.state,
    studies.c.reading,
    studies.c.urgency,
    studies.c.changed_at,
)


class StudyChanges:
    """Remembers what was seen, so that a line is told once for each change."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, ...]] = {}
        self._newest: float | None = None

    def look(self, connection: sa.Connection) -> list[dict[str, Any]] | None:
        """What changed since the last look, the oldest first.

        The first look tells nothing. Several changes of a line between two looks are
        one.

        Returns:
            None where so much changed that all should be read anew.
        """
        is_first = self._newest is None
        if self._newest is None:
            query = sa.select(sa.func.max(studies.c.changed_at))
            self._newest = float(connection.execute(query).scalar() or 0.0)
        since = min(self._newest, time.time()) - BACK_S
        rows = connection.execute(
            sa.select(*COLUMNS)
            .where(studies.c.changed_at > since)
            .order_by(studies.c.changed_at.desc(), studies.c.id.desc())
            .limit(MOST + 1)
        ).all()
        found = [row for row in reversed(rows) if self._known.get(row.id) != tuple(row)]
        is_flood = len(rows) > MOST and len(found) > MOST // 2
        self._known = {row.id: tuple(row) for row in rows}
        self._newest = max([self._newest, *(row.changed_at for row in rows[:1])])
        if is_first:
            return []
        return None if is_flood else [study_data(row) for row in found]


def study_data(row: Any) -> dict[str, Any]:
    """What an event says of a study: nothing of its patient."""
    return {
        "id": row.id,
        "state": row.state,
        "reading": row.reading,
        "urgency": row.urgency,
        "changed_at": moment(row.changed_at).isoformat().replace("+00:00", "Z"),
    }
