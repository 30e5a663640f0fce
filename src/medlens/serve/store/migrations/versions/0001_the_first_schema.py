"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "attempts",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    op.create_index(
        op.f("ix_attempts_subject_at"), "attempts", ["subject", "at"], unique=False
    )
    op.create_table(
        "bundles",
        sa.Column(
            "digest",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column(
            "shadow_of",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("added_at", sa.Double(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_bundles")),
    )
    op.create_table(
        "invitations",
        sa.Column(
            "digest",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("is_first", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("used_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_invitations")),
    )
    op.create_table(
        "refusals",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("peer", sa.String(length=64), server_default="", nullable=False),
        sa.Column("case", sa.String(length=128), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refusals")),
    )
    op.create_index(
        op.f("ix_refusals_received_at"), "refusals", ["received_at"], unique=False
    )
    op.create_table(
        "replies",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column(
            "user_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "request",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", "user_id", name=op.f("pk_replies")),
    )
    op.create_table(
        "studies",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "study_uid",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "patient_id",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "issuer",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "patient_name",
            sa.String(length=324).with_variant(
                sa.String(length=324, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "name_key",
            sa.String(length=324).with_variant(
                sa.String(length=324, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "birth_date",
            sa.String(length=8).with_variant(
                sa.String(length=8, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "sex",
            sa.String(length=16).with_variant(
                sa.String(length=16, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "study_date",
            sa.String(length=8).with_variant(
                sa.String(length=8, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "study_time",
            sa.String(length=16).with_variant(
                sa.String(length=16, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "accession_number",
            sa.String(length=16).with_variant(
                sa.String(length=16, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "study_id",
            sa.String(length=16).with_variant(
                sa.String(length=16, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "description",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "referring_physician",
            sa.String(length=324).with_variant(
                sa.String(length=324, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "modalities",
            sa.String(length=255).with_variant(
                sa.String(length=255, collation="C"), "postgresql"
            ),
            server_default="\\",
            nullable=False,
        ),
        sa.Column("series_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("instance_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.Column(
            "state",
            sa.String(length=16).with_variant(
                sa.String(length=16, collation="C"), "postgresql"
            ),
            server_default="receiving",
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("urgency", sa.Double(), server_default="0", nullable=False),
        sa.Column(
            "site",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studies")),
        sa.UniqueConstraint("study_uid", name=op.f("uq_studies_study_uid")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_studies_accession_number"),
        "studies",
        ["accession_number"],
        unique=False,
    )
    op.create_index(
        "ix_studies_date",
        "studies",
        ["study_date", "id", "modalities", "name_key"],
        unique=False,
    )
    op.create_index("ix_studies_last", "studies", ["last_at", "id"], unique=False)
    op.create_index(
        "ix_studies_name", "studies", ["name_key", "study_date", "id"], unique=False
    )
    op.create_index(
        "ix_studies_name_groups",
        "studies",
        ["name_key"],
        unique=False,
        sqlite_where=sa.text("replace(name_key, '=', '') <> name_key"),
        postgresql_where=sa.text("replace(name_key, '=', '') <> name_key"),
    )
    op.create_index(
        op.f("ix_studies_patient_id"), "studies", ["patient_id"], unique=False
    )
    op.create_index(
        "ix_studies_state", "studies", ["state", "last_at", "id"], unique=False
    )
    op.create_index(
        "ix_studies_urgency", "studies", ["urgency", "last_at", "id"], unique=False
    )
    op.create_table(
        "trail",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column(
            "study_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column(
            "previous",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "digest",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_trail")),
    )
    op.create_index(op.f("ix_trail_study_id"), "trail", ["study_id"], unique=False)
    op.create_table(
        "users",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("password", sa.String(length=255), server_default="", nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
        sa.UniqueConstraint("subject", name=op.f("uq_users_subject")),
    )
    op.create_table(
        "baselines",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "bundle_digest",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("starts_at", sa.Double(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "user_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_baselines_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baselines")),
    )
    op.create_index(
        op.f("ix_baselines_bundle_digest_site"),
        "baselines",
        ["bundle_digest", "site"],
        unique=False,
    )
    op.create_table(
        "devices",
        sa.Column(
            "digest",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "user_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_devices_user_id")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_devices")),
    )
    op.create_index(op.f("ix_devices_user_id"), "devices", ["user_id"], unique=False)
    op.create_table(
        "jobs",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column(
            "study_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column(
            "state", sa.String(length=16), server_default="waiting", nullable=False
        ),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), server_default="3", nullable=False),
        sa.Column("run_after", sa.Double(), nullable=False),
        sa.Column("leased_until", sa.Double(), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("worker", sa.String(length=64), server_default="", nullable=False),
        sa.Column("progress", sa.Double(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_jobs_study_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("key", name=op.f("uq_jobs_key")),
    )
    op.create_index(
        op.f("ix_jobs_state_kind_run_after"),
        "jobs",
        ["state", "kind", "run_after"],
        unique=False,
    )
    op.create_index(
        op.f("ix_jobs_state_leased_until"),
        "jobs",
        ["state", "leased_until"],
        unique=False,
    )
    op.create_index(
        op.f("ix_jobs_state_priority_id"),
        "jobs",
        ["state", "priority", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_jobs_study_id"), "jobs", ["study_id"], unique=False)
    op.create_table(
        "looks",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "bundle_digest",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("is_alarm", sa.Boolean(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=True),
        sa.Column(
            "seen_by",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["seen_by"], ["users.id"], name=op.f("fk_looks_seen_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_looks")),
        sa.UniqueConstraint(
            "bundle_digest",
            "site",
            "month",
            "number",
            name=op.f("uq_looks_bundle_digest_site_month_number"),
        ),
    )
    op.create_index(
        op.f("ix_looks_is_alarm_id"), "looks", ["is_alarm", "id"], unique=False
    )
    op.create_table(
        "promotions",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "digest",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "replaced",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column(
            "user_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("rolled_back_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_promotions_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotions")),
    )
    op.create_table(
        "series",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "study_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "series_uid",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "modality",
            sa.String(length=16).with_variant(
                sa.String(length=16, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column(
            "description",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "body_part",
            sa.String(length=16).with_variant(
                sa.String(length=16, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "laterality",
            sa.String(length=16).with_variant(
                sa.String(length=16, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "protocol_name",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "manufacturer",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "station_name",
            sa.String(length=16).with_variant(
                sa.String(length=16, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "series_date",
            sa.String(length=8).with_variant(
                sa.String(length=8, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column(
            "series_time",
            sa.String(length=16).with_variant(
                sa.String(length=16, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.Column("instance_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("is_own", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_series_study_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
        sa.UniqueConstraint(
            "study_id", "series_uid", name=op.f("uq_series_study_id_series_uid")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_series_series_uid"), "series", ["series_uid"], unique=False
    )
    op.create_table(
        "sessions",
        sa.Column(
            "digest",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "user_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "tokens",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "digest",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "user_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.Column("used_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_tokens_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )
    op.create_index(op.f("ix_tokens_user_id"), "tokens", ["user_id"], unique=False)
    op.create_table(
        "exports",
        sa.Column(
            "job_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "digest",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_exports_job_id")
        ),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_exports")),
    )
    op.create_index(op.f("ix_exports_made_at"), "exports", ["made_at"], unique=False)
    op.create_table(
        "instances",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "series_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "study_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "sop_uid",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "sop_class",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "transfer_syntax",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("columns", sa.Integer(), nullable=True),
        sa.Column("frames", sa.Integer(), nullable=True),
        sa.Column(
            "digest",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column(
            "origin",
            sa.String(length=16).with_variant(
                sa.String(length=16, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column(
            "peer",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            server_default="",
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["series_id"], ["series.id"], name=op.f("fk_instances_series_id")
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_instances_study_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instances")),
        sa.UniqueConstraint("sop_uid", name=op.f("uq_instances_sop_uid")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_instances_digest"), "instances", ["digest"], unique=False)
    op.create_index(
        op.f("ix_instances_series_id"), "instances", ["series_id"], unique=False
    )
    op.create_index(
        op.f("ix_instances_study_id"), "instances", ["study_id"], unique=False
    )
    op.create_table(
        "results",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column(
            "study_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "job_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "role", sa.String(length=16), server_default="active", nullable=False
        ),
        sa.Column(
            "inputs_digest",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("diagnosis", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_results_job_id")
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_results_study_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_results")),
        sa.UniqueConstraint("key", name=op.f("uq_results_key")),
    )
    op.create_index(
        op.f("ix_results_study_id_created_at"),
        "results",
        ["study_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "conflicts",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "instance_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "digest",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("peer", sa.String(length=64), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.id"], name=op.f("fk_conflicts_instance_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conflicts")),
        sa.UniqueConstraint(
            "instance_id", "digest", name=op.f("uq_conflicts_instance_id_digest")
        ),
    )
    op.create_table(
        "feedback",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "result_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("assessment", sa.Integer(), nullable=False),
        sa.Column("finding", sa.String(length=16), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("correction", sa.JSON(), nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "user_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["result_id"], ["results.id"], name=op.f("fk_feedback_result_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_feedback_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
    )
    op.create_index(
        op.f("ix_feedback_result_id"), "feedback", ["result_id"], unique=False
    )
    op.create_table(
        "result_objects",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "result_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("assessment", sa.Integer(), server_default="0", nullable=False),
        sa.Column("part", sa.Integer(), server_default="0", nullable=False),
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
        sa.ForeignKeyConstraint(
            ["result_id"], ["results.id"], name=op.f("fk_result_objects_result_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_result_objects")),
        sa.UniqueConstraint(
            "result_id",
            "kind",
            "assessment",
            "part",
            name=op.f("uq_result_objects_result_id_kind_assessment_part"),
        ),
    )
    op.create_table(
        "scores",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "result_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("assessment", sa.Integer(), nullable=False),
        sa.Column(
            "bundle_digest",
            sa.String(length=64).with_variant(
                sa.String(length=64, collation="C"), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("probabilities", sa.JSON(), nullable=False),
        sa.Column("is_positive", sa.Boolean(), nullable=False),
        sa.Column("ood_score", sa.Double(), nullable=True),
        sa.Column("is_outside", sa.Boolean(), nullable=False),
        sa.Column("statistics", sa.JSON(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["result_id"], ["results.id"], name=op.f("fk_scores_result_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scores")),
        sa.UniqueConstraint(
            "result_id", "assessment", name=op.f("uq_scores_result_id_assessment")
        ),
    )
    op.create_index(
        op.f("ix_scores_bundle_digest_site_month"),
        "scores",
        ["bundle_digest", "site", "month"],
        unique=False,
    )

    guards = {
        "sqlite": (
            "CREATE TRIGGER trail_keeps_update BEFORE UPDATE ON trail "
            "BEGIN SELECT RAISE(ABORT, 'the trail is only appended to'); "
            "END",
            "CREATE TRIGGER trail_keeps_delete BEFORE DELETE ON trail "
            "BEGIN SELECT RAISE(ABORT, 'the trail is only appended to'); "
            "END",
        ),
        "postgresql": (
            "CREATE OR REPLACE FUNCTION trail_keeps() RETURNS trigger "
            "LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''the trail is "
            "only appended to''; END'",
            "CREATE TRIGGER trail_keeps_rows BEFORE UPDATE OR DELETE ON "
            "trail FOR EACH ROW EXECUTE FUNCTION trail_keeps()",
            "CREATE TRIGGER trail_keeps_all BEFORE TRUNCATE ON trail FOR "
            "EACH STATEMENT EXECUTE FUNCTION trail_keeps()",
        ),
    }
    for statement in guards[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)
