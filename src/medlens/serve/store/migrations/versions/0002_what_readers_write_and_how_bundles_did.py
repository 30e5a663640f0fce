"""What readers write and how bundles did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "report_drafts",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "study_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("reader", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("saved_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_report_drafts_study_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_drafts")),
        sa.UniqueConstraint(
            "study_id", "reader", name=op.f("uq_report_drafts_study_id_reader")
        ),
    )
    op.create_table(
        "evaluations",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "job_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "bundle_digest",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=64), nullable=False),
        sa.Column(
            "set_digest",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("set_bytes", sa.BigInteger(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column(
            "report_digest",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column("metrics", sa.JSON(), nullable=True),
        sa.Column("curves", sa.JSON(), nullable=True),
        sa.Column("failed", sa.JSON(), nullable=True),
        sa.Column(
            "user_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_evaluations_job_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_evaluations_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluations")),
        sa.UniqueConstraint("job_id", name=op.f("uq_evaluations_job_id")),
    )
    op.create_index(
        op.f("ix_evaluations_bundle_digest_id"),
        "evaluations",
        ["bundle_digest", "id"],
        unique=False,
    )
    op.create_table(
        "reports",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "study_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_signed", sa.Boolean(), nullable=False),
        sa.Column(
            "result_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column(
            "content_digest",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "user_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["result_id"], ["results.id"], name=op.f("fk_reports_result_id")
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_reports_study_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_reports_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint(
            "study_id", "version", name=op.f("uq_reports_study_id_version")
        ),
    )
    op.create_table(
        "reading_objects",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "study_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "result_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "report_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column(
            "digest",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column(
            "sop_uid",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "user_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"], ["reports.id"], name=op.f("fk_reading_objects_report_id")
        ),
        sa.ForeignKeyConstraint(
            ["result_id"], ["results.id"], name=op.f("fk_reading_objects_result_id")
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_reading_objects_study_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_reading_objects_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading_objects")),
        sa.UniqueConstraint("key", name=op.f("uq_reading_objects_key")),
    )
    op.create_index(
        op.f("ix_reading_objects_report_id"),
        "reading_objects",
        ["report_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_reading_objects_study_id"),
        "reading_objects",
        ["study_id"],
        unique=False,
    )
    op.add_column("studies", sa.Column("headline", sa.JSON(), nullable=True))
    op.add_column(
        "studies",
        sa.Column(
            "reading",
            sa.String(length=16).with_variant(
                sa.String(length=16, collation="C"), "postgresql"
            ),
            server_default="unread",
            nullable=False,
        ),
    )
    op.add_column("studies", sa.Column("read_at", sa.Double(), nullable=True))
    op.add_column(
        "studies",
        sa.Column("changed_at", sa.Double(), server_default="0", nullable=False),
    )
    op.create_index("ix_studies_changed", "studies", ["changed_at", "id"], unique=False)
    op.create_index("ix_studies_reading", "studies", ["reading", "state"], unique=False)
    op.create_index(
        op.f("ix_studies_description"), "studies", ["description"], unique=False
    )
    # The two orders of the worklist, now with all that a page is filtered by.
    filtered = ["state", "reading", "modalities", "study_date"]
    for name, order in (
        ("ix_studies_last", ["last_at", "id"]),
        ("ix_studies_urgency", ["urgency", "last_at", "id"]),
    ):
        op.drop_index(name, "studies")
        op.create_index(name, "studies", [*order, *filtered], unique=False)
    # Urgency was 0..4, a step for each tier; it is 0..40 now, a step of ten, so that a
    # finding's weight has room above its tier.
    op.execute(
        "UPDATE studies SET urgency = CASE "
        "WHEN urgency >= 3 THEN urgency + 27 "
        "WHEN urgency >= 2 THEN urgency + 18 "
        "WHEN urgency >= 1 THEN urgency + 9 "
        "ELSE urgency END"
    )
