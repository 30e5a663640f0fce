"""Accounts of people whom an OpenID provider vouches for."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import sqlalchemy as sa

from medlens.core import ExistsError, UsageError
from medlens.serve.access.caller import RIGHTS, Caller
from medlens.serve.access.openid import Identity
from medlens.serve.access.trail import record
from medlens.serve.access.users import User, add_user, read_user
from medlens.serve.store.tables import users

NAMESAKES = 100
NOT_IN_NAMES = re.compile(r"[^\w.@+-]+")


def admit(connection: sa.Connection, identity: Identity, *, now: float) -> User:
    """The account of somebody, made at the first log-in; its role is the present one.

    A person is known by provider and subject, never by name: whoever calls themselves
    "anna" elsewhere does not become the anna who is here.

    Args:
        connection: of `Store.begin`.
        identity: whom the provider has vouched for.
        now: seconds since 1970.

    Raises:
        UsageError: the account is disabled here.
    """
    subject = hashlib.sha256(identity.subject.encode()).hexdigest()
    query = sa.select(users.c.id, users.c.is_active).where(users.c.subject == subject)
    row = connection.execute(query).first()
    if row is None:
        return _add(connection, identity, subject, now)
    if not row.is_active:
        raise UsageError(
            "OpenID: this account is disabled; ask who administers medlens"
        )
    before = read_user(connection, row.id)
    assert before is not None
    if before.role != identity.role:
        connection.execute(
            sa.update(users).where(users.c.id == row.id).values(role=identity.role)
        )
        said = {"user": before.name, "from": before.role, "to": identity.role}
        record(connection, _provider_of(before), "change role", detail=said, now=now)
    return replace(before, role=identity.role)


def _provider_of(user: User) -> Caller:
    """Who makes and changes accounts of a provider: the account's owner, by it."""
    return Caller(user.id, user.name, user.role, RIGHTS[user.role])


def _add(
    connection: sa.Connection, identity: Identity, subject: str, now: float
) -> User:
    name = NOT_IN_NAMES.sub("-", identity.name)[:56] or "user"
    for number in range(1, NAMESAKES):
        try:
            user = add_user(
                connection,
                name if number == 1 else f"{name}-{number}",
                identity.role,
                kept="",
                now=now,
                subject=subject,
            )
            said = {"user": user.name, "role": user.role}
            record(connection, _provider_of(user), "add user", detail=said, now=now)
            return user
        except ExistsError:
            continue
    raise UsageError("OpenID: too many accounts have this name; ask who administers")
