"""How far a study has been read."""

from __future__ import annotations

import sqlalchemy as sa

from medlens.serve.store.tables import studies


def reopen(connection: sa.Connection, study_id: int) -> None:
    """Let a study that was read be read again: there is something newer in it.

    Its signed reports stay as they are.
    """
    connection.execute(
        sa.update(studies)
        .where(studies.c.id == study_id, studies.c.reading == "signed")
        .values(reading="unread")
    )
