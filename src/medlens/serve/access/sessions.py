"""Sessions of browsers: a secret in a cookie, its digest in the index."""

from __future__ import annotations

import time
from dataclasses import dataclass

import sqlalchemy as sa

from medlens.serve.access.caller import RIGHTS, Caller
from medlens.serve.access.secret import digest_of, new_secret
from medlens.serve.settings import Limits
from medlens.serve.store.store import Store
from medlens.serve.store.tables import sessions, users

TOUCH_S = 60.0  # how stale `seen_at` may be, so that reading does not write each time


@dataclass(frozen=True)
class Session:
    """A session that is open.

    Attributes:
        caller: whose it is, with the role they have now.
        csrf: what `X-CSRF-Token` must say where something is changed.
    """

    caller: Caller
    csrf: str


def start_session(
    connection: sa.Connection, user_id: int, limits: Limits, *, now: float
) -> tuple[str, str]:
    """Open a session with new secrets; nothing that a browser brought is used.

    Args:
        connection: of `Store.begin`.
        user_id: who has just logged in.
        limits: say how long it lasts.
        now: seconds since 1970.

    Returns:
        The secret for the cookie and the one for `X-CSRF-Token`.
    """
    connection.execute(sa.delete(sessions).where(sessions.c.expires_at <= now))
    secret, csrf = new_secret(), new_secret()
    connection.execute(
        sa.insert(sessions).values(
            digest=digest_of(secret),
            user_id=user_id,
            csrf=csrf,
            created_at=now,
            seen_at=now,
            expires_at=now + limits.session_s,
        )
    )
    return secret, csrf


def read_session(
    store: Store,
    secret: str,
    limits: Limits,
    *,
    address: str = "",
    now: float | None = None,
) -> Session | None:
    """The session of a cookie, or None if it is unknown, over, idle or its user's off.

    Args:
        store: of the service.
        secret: of the cookie, as it came.
        limits: say how long it may be idle.
        address: of the caller, for the trail.
        now: seconds since 1970.
    """
    moment = time.time() if now is None else now
    digest = digest_of(secret)
    query = (
        sa.select(sessions, users.c.name, users.c.role)
        .join(users)
        .where(
            sessions.c.digest == digest,
            sessions.c.expires_at > moment,
            sessions.c.seen_at > moment - limits.session_idle_s,
            users.c.is_active,
        )
    )
    with store.read() as connection:
        row = connection.execute(query).first()
    if row is None or row.role not in RIGHTS:
        return None
    if moment - row.seen_at > TOUCH_S:
        with store.begin() as connection:
            connection.execute(
                sa.update(sessions)
                .where(sessions.c.digest == digest)
                .values(seen_at=moment)
            )
    caller = Caller(row.user_id, row.name, row.role, RIGHTS[row.role], address)
    return Session(caller, row.csrf)


def end_session(connection: sa.Connection, secret: str) -> None:
    """Close one session."""
    connection.execute(
        sa.delete(sessions).where(sessions.c.digest == digest_of(secret))
    )


def end_sessions(connection: sa.Connection, user_id: int) -> int:
    """Close every session of a user; how many there were."""
    ended = connection.execute(sa.delete(sessions).where(sessions.c.user_id == user_id))
    return ended.rowcount
