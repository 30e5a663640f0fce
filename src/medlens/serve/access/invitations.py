"""Links that make one account, once: the first administrator's and later ones."""

from __future__ import annotations

import time

import sqlalchemy as sa

from medlens.core import UsageError
from medlens.serve.access.secret import digest_of, new_secret
from medlens.serve.access.serial import hold
from medlens.serve.access.users import (
    User,
    add_user,
    has_administrator,
    prepare_password,
    tidy_name,
    tidy_role,
)
from medlens.serve.store.store import Store
from medlens.serve.store.tables import invitations

LIVES_S = 24 * 3600.0


def invite_first_administrator(store: Store, *, now: float | None = None) -> str | None:
    """The end of a link that makes the first administrator, "/welcome#…".

    The secret stands behind `#`: browsers send that part to no server, so that it gets
    into no log, no proxy and no Referer.

    Returns:
        None when somebody may administer already. Otherwise a new link; those of
        earlier starts end.
    """
    moment = time.time() if now is None else now
    with store.begin() as connection:
        hold(connection, "users")
        connection.execute(sa.delete(invitations).where(invitations.c.is_first))
        if has_administrator(connection):
            return None
        return _invite(connection, "administrator", is_first=True, now=moment)


def invite(connection: sa.Connection, role: str, *, now: float) -> str:
    """The end of a link that makes one account of a role, "/welcome#…".

    Raises:
        UsageError: no such role.
    """
    return _invite(connection, tidy_role(role), is_first=False, now=now)


def _invite(connection: sa.Connection, role: str, *, is_first: bool, now: float) -> str:
    secret = new_secret()
    connection.execute(
        sa.insert(invitations).values(
            digest=digest_of(secret),
            role=role,
            is_first=is_first,
            created_at=now,
            expires_at=now + LIVES_S,
        )
    )
    return f"/welcome#{secret}"


def accept_invitation(
    store: Store, secret: str, name: str, password: str, *, now: float | None = None
) -> User:
    """Make the account that somebody was invited to; the link is used up.

    A name that is taken or a password that is too short leaves the link as it was.

    Raises:
        UsageError: the link is unknown, used or over; the name or password is not one.
        ExistsError: the name is taken.
    """
    moment = time.time() if now is None else now
    is_open = (
        (invitations.c.digest == digest_of(secret))
        & invitations.c.used_at.is_(None)
        & (invitations.c.expires_at > moment)
    )
    with store.read() as connection:
        role = connection.scalar(sa.select(invitations.c.role).where(is_open))
    if role is None:
        raise _used_up()
    tidy_name(name)
    kept = prepare_password(name, password)
    with store.begin() as connection:
        # Two who accept at the same time: the update lets one through.
        used = connection.execute(
            sa.update(invitations).where(is_open).values(used_at=moment)
        )
        if used.rowcount != 1:
            raise _used_up()
        return add_user(connection, name, role, kept=kept, now=moment)


def _used_up() -> UsageError:
    return UsageError(
        "invitation: is unknown, used or older than a day; ask for another, or start "
        "the service again for the first administrator's"
    )
