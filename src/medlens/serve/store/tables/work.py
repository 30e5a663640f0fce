"""Jobs with their leases, answers, and the objects made of them."""

from __future__ import annotations

import sqlalchemy as sa

from medlens.serve.store.tables.base import (
    NAMES_FILE,
    Digest,
    Id,
    Json,
    Moment,
    Uid,
    metadata,
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("kind", sa.String(32), nullable=False),  # answer, send, export, …
    # What the job is about; the same twice is one job.
    sa.Column("key", sa.String(200), nullable=False, unique=True),
    sa.Column("study_id", Id, sa.ForeignKey("studies.id")),
    sa.Column("payload", Json, nullable=False),
    # waiting → leased → done; leased → waiting after a failure or a lost lease;
    # leased → parked after the last attempt; any but done → cancelled.
    sa.Column("state", sa.String(16), nullable=False, server_default="waiting"),
    sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("max_attempts", sa.Integer, nullable=False, server_default="3"),
    sa.Column("run_after", Moment, nullable=False),
    sa.Column("leased_until", Moment),
    # Grows with every lease; a result is written only under the newest.
    sa.Column("fence", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("worker", sa.String(64), nullable=False, server_default=""),
    sa.Column("progress", sa.Double, nullable=False, server_default="0"),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("started_at", Moment),
    sa.Column("finished_at", Moment),
    # In this order jobs are taken: the highest priority, then the oldest.
    sa.Index(None, "state", "priority", "id"),
    # Idle workers ask by this one, however many jobs wait for a later moment.
    sa.Index(None, "state", "kind", "run_after"),
    sa.Index(None, "state", "leased_until"),
    sa.Index(None, "study_id"),
    sqlite_autoincrement=True,
)

results = sa.Table(
    "results",
    metadata,
    sa.Column("id", Id, primary_key=True),
    # study, bundles and digests of all inputs: the same answer is written once.
    sa.Column("key", sa.String(200), nullable=False, unique=True),
    sa.Column("study_id", Id, sa.ForeignKey("studies.id"), nullable=False),
    sa.Column("job_id", Id, sa.ForeignKey("jobs.id")),
    sa.Column("role", sa.String(16), nullable=False, server_default="active"),
    sa.Column("inputs_digest", Digest, nullable=False),
    sa.Column("diagnosis", Json, nullable=False),  # schema medlens/diagnosis/1
    sa.Column("created_at", Moment, nullable=False),
    sa.Index(None, "study_id", "created_at"),
    sqlite_autoincrement=True,
)

result_objects = sa.Table(
    "result_objects",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("result_id", Id, sa.ForeignKey("results.id"), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),  # SR, SEG, GSPS, SC, FHIR
    sa.Column("assessment", sa.Integer, nullable=False, server_default="0"),
    # Marks on images that are shown in different ways are several objects.
    sa.Column("part", sa.Integer, nullable=False, server_default="0"),
    sa.Column("media_type", sa.String(64), nullable=False),
    sa.Column("digest", Digest, nullable=False, info=NAMES_FILE),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("sop_uid", Uid, nullable=False, server_default=""),  # "" for FHIR
    sa.UniqueConstraint("result_id", "kind", "assessment", "part"),
    sqlite_autoincrement=True,
)

bundles = sa.Table(
    "bundles",
    metadata,
    sa.Column("digest", Digest, primary_key=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),  # active, shadow, retired
    sa.Column("shadow_of", Digest, nullable=False, server_default=""),
    sa.Column("folder", sa.Text, nullable=False),  # where it lies on this machine
    sa.Column("added_at", Moment, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
)
