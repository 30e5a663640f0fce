"""When a study was made and what is advised."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from medlens.serve.store.moments import moment_of_study

revision = "0003"
down_revision = "0002"

_AT_ONCE = 5000
_STUDIES = sa.table(
    "studies",
    sa.column("id", sa.BigInteger),
    sa.column("study_date", sa.String),
    sa.column("study_time", sa.String),
    sa.column("received_at", sa.Double),
    sa.column("headline", sa.JSON),
    sa.column("began_at", sa.Double),
    sa.column("advice", sa.String),
)


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.add_column(
        "studies",
        sa.Column("began_at", sa.Double(), server_default="0", nullable=False),
    )
    op.add_column(
        "studies",
        sa.Column(
            "advice",
            sa.String(length=24).with_variant(
                sa.String(length=24, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
    )
    _fill(op.get_bind())  # before the indexes: each row is then written once
    filtered = ["state", "reading", "advice", "modalities", "study_date"]
    for name in ("ix_studies_last", "ix_studies_reading", "ix_studies_urgency"):
        op.drop_index(name, "studies")
    for name, columns in (
        ("ix_studies_last", ["last_at", "id"]),
        ("ix_studies_newest", ["began_at", "last_at", "id", *filtered]),
        ("ix_studies_urgency", ["urgency", "last_at", "id", *filtered]),
        ("ix_studies_reading", ["reading", "state", "advice"]),
    ):
        op.create_index(name, "studies", columns, unique=False)


def _fill(connection: sa.Connection) -> None:
    """Both columns of the studies that are there."""
    change = (
        sa.update(_STUDIES)
        .where(_STUDIES.c.id == sa.bindparam("study"))
        .values(began_at=sa.bindparam("moment"), advice=sa.bindparam("said"))
    )
    last = 0
    while rows := connection.execute(
        sa.select(*_STUDIES.c)
        .where(_STUDIES.c.id > last)
        .order_by(_STUDIES.c.id)
        .limit(_AT_ONCE)
    ).all():
        connection.execute(change, [_filled(row) for row in rows])
        last = rows[-1].id


def _filled(row: Any) -> dict[str, Any]:
    began_at = moment_of_study(
        row.study_date, row.study_time, otherwise=row.received_at
    )
    said = (row.headline or {}).get("advice", "")
    return {"study": row.id, "moment": began_at, "said": said}
