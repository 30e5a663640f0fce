"""What readers said of findings, what is watched of each bundle, and exports."""

from __future__ import annotations

import sqlalchemy as sa

from medlens.serve.store.tables.base import (
    NAMES_FILE,
    Digest,
    Id,
    Json,
    Moment,
    metadata,
)

# Appended to: the last word of a reader on a finding is the one with the highest id.
feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("result_id", Id, sa.ForeignKey("results.id"), nullable=False),
    sa.Column("assessment", sa.Integer, nullable=False),
    sa.Column("finding", sa.String(16), nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),  # accept, reject, correct
    sa.Column("correction", Json, nullable=False),
    sa.Column("comment", sa.Text, nullable=False, server_default=""),
    sa.Column("user_id", Id, sa.ForeignKey("users.id")),
    sa.Column("at", Moment, nullable=False),
    sa.Index(None, "result_id"),
    sqlite_autoincrement=True,
)

# One row for each assessment: what drift is measured on.
scores = sa.Table(
    "scores",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("result_id", Id, sa.ForeignKey("results.id"), nullable=False),
    sa.Column("assessment", sa.Integer, nullable=False),
    sa.Column("bundle_digest", Digest, nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("site", sa.String(64), nullable=False),
    sa.Column("month", sa.String(7), nullable=False),  # 2026-11
    sa.Column("probabilities", Json, nullable=False),
    sa.Column("is_positive", sa.Boolean, nullable=False),
    sa.Column("ood_score", sa.Double),
    sa.Column("is_outside", sa.Boolean, nullable=False),
    sa.Column("statistics", Json, nullable=False),  # of the prepared input
    sa.Column("at", Moment, nullable=False),
    sa.UniqueConstraint("result_id", "assessment"),
    sa.Index(None, "bundle_digest", "site", "month"),
    sqlite_autoincrement=True,
)

# From when on the first answers are the reference of a bundle at a site: a person says
# so when something was changed on purpose. Without a row it is the very first answer.
baselines = sa.Table(
    "baselines",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("bundle_digest", Digest, nullable=False),
    sa.Column("site", sa.String(64), nullable=False),
    sa.Column("starts_at", Moment, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("user_id", Id, sa.ForeignKey("users.id")),
    sa.Index(None, "bundle_digest", "site"),
    sqlite_autoincrement=True,
)

# One look at a bundle, a site and a month. It is taken once: a second try at the same
# would have its own chance of a false alarm.
looks = sa.Table(
    "looks",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("bundle_digest", Digest, nullable=False),
    sa.Column("site", sa.String(64), nullable=False),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),  # 1 to 4: days 8, 15, 22, the end
    sa.Column("state", sa.String(16), nullable=False),  # learning, few, steady, drift
    sa.Column("is_alarm", sa.Boolean, nullable=False),
    sa.Column("report", Json, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("seen_at", Moment),  # by a person, for an alarm
    sa.Column("seen_by", Id, sa.ForeignKey("users.id")),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("bundle_digest", "site", "month", "number"),
    sa.Index(None, "is_alarm", "id"),
    sqlite_autoincrement=True,
)

# Who put which bundle in the place of which; the newest that was not taken back is the
# one that a rollback takes back.
promotions = sa.Table(
    "promotions",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("digest", Digest, nullable=False),
    sa.Column("replaced", Digest, nullable=False),  # "" where it replaced none
    sa.Column("before", Json, nullable=False),  # digest → role and shadow_of before
    sa.Column("user_id", Id, sa.ForeignKey("users.id")),
    sa.Column("at", Moment, nullable=False),
    sa.Column("rolled_back_at", Moment),
    sqlite_autoincrement=True,
)

# A finished export; what was asked for stands in its job.
exports = sa.Table(
    "exports",
    metadata,
    sa.Column("job_id", Id, sa.ForeignKey("jobs.id"), primary_key=True),
    sa.Column("digest", Digest, nullable=False, info=NAMES_FILE),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("report", Json, nullable=False),  # counts, what was held and why
    sa.Column("made_at", Moment, nullable=False),
    sa.Index(None, "made_at"),
)

# A bundle looked at an uploaded test set with labels. The set itself goes when it is
# done; what it showed stays.
evaluations = sa.Table(
    "evaluations",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("job_id", Id, sa.ForeignKey("jobs.id"), nullable=False, unique=True),
    sa.Column("bundle_digest", Digest, nullable=False),
    sa.Column("title", sa.String(64), nullable=False),
    # The archive as it came, "" once it was looked at or given up.
    sa.Column("set_digest", Digest, nullable=False, info=NAMES_FILE),
    sa.Column("set_bytes", sa.BigInteger, nullable=False),
    sa.Column("options", Json, nullable=False),  # which columns hold what
    # The evaluation's page, "" until it is done.
    sa.Column(
        "report_digest", Digest, nullable=False, server_default="", info=NAMES_FILE
    ),
    sa.Column("metrics", Json),  # schema medlens/metrics/1
    sa.Column("curves", Json),  # ROC, calibration, confusion, subgroups, thresholds
    sa.Column("failed", Json),  # cases that could not be answered, with reasons
    sa.Column("user_id", Id, sa.ForeignKey("users.id")),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("made_at", Moment),
    sa.Index(None, "bundle_digest", "id"),
    sqlite_autoincrement=True,
)
