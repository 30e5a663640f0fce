"""Users, sessions, tokens, and the trail of who saw what."""

from __future__ import annotations

import sqlalchemy as sa

from medlens.serve.store.tables.base import Digest, Id, Json, Moment, metadata

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.String(64), nullable=False, unique=True),
    sa.Column("password", sa.String(255), nullable=False, server_default=""),
    sa.Column("role", sa.String(16), nullable=False),  # viewer, reader, administrator
    sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("subject", sa.String(255), unique=True),  # of OpenID Connect
    sa.Column("created_at", Moment, nullable=False),
    sqlite_autoincrement=True,
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("digest", Digest, primary_key=True),  # of the cookie's secret
    sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("csrf", sa.String(64), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Index(None, "user_id"),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("digest", Digest, nullable=False, unique=True),
    sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("scopes", sa.String(255), nullable=False),  # joined by blanks
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment),
    sa.Column("revoked_at", Moment),
    sa.Column("used_at", Moment),
    sa.Index(None, "user_id"),
    sqlite_autoincrement=True,
)

invitations = sa.Table(
    "invitations",
    metadata,
    sa.Column("digest", Digest, primary_key=True),  # of the link's secret
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("is_first", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("used_at", Moment),
)

# Failed log-ins, by name and by address, for the limit on their rate.
attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("subject", sa.String(128), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Index(None, "subject", "at"),
    sqlite_autoincrement=True,
)

# Browsers that somebody has logged in from: their failures are counted apart, so that
# an attacker who fails under a name does not lock its owner out.
devices = sa.Table(
    "devices",
    metadata,
    sa.Column("digest", Digest, primary_key=True),  # of the cookie's secret
    sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Index(None, "user_id"),
)

# Appended to, never changed; each row holds the digest of the one before.
trail = sa.Table(
    "trail",
    metadata,
    sa.Column("number", Id, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("who", sa.String(64), nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("action", sa.String(32), nullable=False),
    sa.Column("study_id", Id),  # our own number, no UID and no name
    sa.Column("detail", Json, nullable=False),
    sa.Column("previous", Digest, nullable=False),
    sa.Column("digest", Digest, nullable=False),
    sa.Index(None, "study_id"),
)

# The database itself refuses to change or delete a row of the trail. Who owns the
# database can take the guard away: that is what the chain of digests is for.
TRAIL_GUARDS: dict[str, tuple[str, ...]] = {
    "sqlite": (
        "CREATE TRIGGER trail_keeps_update BEFORE UPDATE ON trail "
        "BEGIN SELECT RAISE(ABORT, 'the trail is only appended to'); END",
        "CREATE TRIGGER trail_keeps_delete BEFORE DELETE ON trail "
        "BEGIN SELECT RAISE(ABORT, 'the trail is only appended to'); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION trail_keeps() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RAISE EXCEPTION ''the trail is only appended to''; END'",
        "CREATE TRIGGER trail_keeps_rows BEFORE UPDATE OR DELETE ON trail "
        "FOR EACH ROW EXECUTE FUNCTION trail_keeps()",
        "CREATE TRIGGER trail_keeps_all BEFORE TRUNCATE ON trail "
        "FOR EACH STATEMENT EXECUTE FUNCTION trail_keeps()",
    ),
}
"""Statements by dialect; `metadata.create_all` runs them, a migration must too."""


@sa.event.listens_for(trail, "after_create")
def _guard_trail(_: object, connection: sa.Connection, **__: object) -> None:
    for statement in TRAIL_GUARDS[connection.dialect.name]:
        connection.exec_driver_sql(statement)


# Replies to requests with an Idempotency-Key, to be given again.
replies = sa.Table(
    "replies",
    metadata,
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("user_id", Id, primary_key=True),
    sa.Column("request", Digest, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("body", Json, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)
