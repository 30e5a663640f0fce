"""What readers write: reports with their versions, and objects made of their words."""

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

# What a reader is writing now: one row of each reader and study, written over as they
# type, so that a reload or a broken line loses nothing.
report_drafts = sa.Table(
    "report_drafts",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("study_id", Id, sa.ForeignKey("studies.id"), nullable=False),
    # Number of the user, 0 for the guest of a demo.
    sa.Column("reader", sa.BigInteger, nullable=False),
    # Grows with every save: a save that names another one is refused.
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("content", Json, nullable=False),
    sa.Column("saved_at", Moment, nullable=False),
    sa.UniqueConstraint("study_id", "reader"),
    sqlite_autoincrement=True,
)

# What a reader measured: one row of each reader and study, written over as a whole and
# kept for as long as the study is, so that a revision never returns.
measurements = sa.Table(
    "measurements",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("study_id", Id, sa.ForeignKey("studies.id"), nullable=False),
    # Number of the user, 0 for the guest of a demo.
    sa.Column("reader", sa.BigInteger, nullable=False),
    # Grows with every save: a save that names another one is refused.
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("shapes", Json, nullable=False),
    sa.Column("saved_at", Moment, nullable=False),
    sa.UniqueConstraint("study_id", "reader"),
    sqlite_autoincrement=True,
)

# Appended to: a version is never changed. The newest signed one counts.
reports = sa.Table(
    "reports",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("study_id", Id, sa.ForeignKey("studies.id"), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),  # from 1 within the study
    sa.Column("is_signed", sa.Boolean, nullable=False),
    # The result that it was drafted from; none where a person wrote all of it.
    sa.Column("result_id", Id, sa.ForeignKey("results.id")),
    sa.Column("content", Json, nullable=False),  # schema medlens/report/1
    # SHA-256 of the content in its canonical form.
    sa.Column("content_digest", Digest, nullable=False),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),  # of a change
    sa.Column("user_id", Id, sa.ForeignKey("users.id")),
    sa.Column("author", sa.String(64), nullable=False),  # as their account says
    sa.Column("made_at", Moment, nullable=False),
    sa.UniqueConstraint("study_id", "version"),
    sqlite_autoincrement=True,
)

# Files made of what readers said: a report as text, PDF, SR, FHIR and DOC (its PDF as
# a DICOM object), the SR of their corrections, masks that they drew.
reading_objects = sa.Table(
    "reading_objects",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("study_id", Id, sa.ForeignKey("studies.id"), nullable=False),
    sa.Column("result_id", Id, sa.ForeignKey("results.id")),
    sa.Column("report_id", Id, sa.ForeignKey("reports.id")),
    sa.Column("kind", sa.String(16), nullable=False),  # PDF, SR, SEG, …
    # The same words make the same object once.
    sa.Column("key", sa.String(200), nullable=False, unique=True),
    sa.Column("media_type", sa.String(64), nullable=False),
    sa.Column("digest", Digest, nullable=False, info=NAMES_FILE),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("sop_uid", Uid, nullable=False, server_default=""),  # "" if no DICOM
    sa.Column("user_id", Id, sa.ForeignKey("users.id")),
    sa.Column("made_at", Moment, nullable=False),
    sa.Index(None, "study_id"),
    sa.Index(None, "report_id"),
    sqlite_autoincrement=True,
)
