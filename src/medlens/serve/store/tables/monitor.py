"""What readers said of findings, and what is watched of each bundle."""

from __future__ import annotations

import sqlalchemy as sa

from medlens.serve.store.tables.base import Digest, Id, Json, Moment, metadata

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
)
