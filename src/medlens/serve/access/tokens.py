"""API tokens: for programs; shown once, kept as digests, narrowed to rights."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast, get_args

import sqlalchemy as sa

from medlens.core import UsageError
from medlens.serve.access.caller import RIGHTS, Caller, Right
from medlens.serve.access.secret import digest_of, new_secret
from medlens.serve.store.store import Store
from medlens.serve.store.tables import tokens, users

PREFIX = "medlens_"  # so that scanners of repositories can find one that leaked
MAX_DAYS = 366
MAX_TOKENS = 100  # of one user, revoked ones not counted
TOUCH_S = 60.0


@dataclass(frozen=True)
class Token:
    """What may be told of a token.

    Attributes:
        id: our own number.
        user_id, user: whose it is.
        name: what it is for.
        scopes: rights that it carries, if its user has them.
        created_at, expires_at, revoked_at, used_at: seconds since 1970, or None.
    """

    id: int
    user_id: int
    user: str
    name: str
    scopes: tuple[Right, ...]
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    used_at: float | None


def tidy_scopes(scopes: Iterable[str]) -> tuple[Right, ...]:
    """Rights in their order, each once.

    Raises:
        UsageError: none, or a word that is no right.
    """
    wanted = set(scopes)
    known = get_args(Right)
    if not wanted or not wanted <= set(known):
        raise UsageError(f"scopes: wanted one or more of {', '.join(known)}")
    return tuple(cast(Right, right) for right in known if right in wanted)


def make_token(
    connection: sa.Connection,
    user_id: int,
    name: str,
    scopes: Iterable[str],
    *,
    days: float,
    now: float,
) -> tuple[str, int]:
    """Make a token.

    Args:
        connection: of `Store.begin`.
        user_id: whose it is; it never does more than they may.
        name: what it is for, 1 to 64 characters.
        scopes: rights.
        days: that it is valid, above 0, up to 366.
        now: seconds since 1970.

    Returns:
        The token, which is not kept and cannot be shown again, and its number.

    Raises:
        UsageError: the name, a right or the days are wrong, or there are 100 already.
    """
    rights = tidy_scopes(scopes)
    title = name.strip()
    if not 1 <= len(title) <= 64 or not title.isprintable():
        raise UsageError("token name: wanted 1 to 64 printable characters")
    if not 0 < days <= MAX_DAYS:
        raise UsageError(f"days: wanted above 0, up to {MAX_DAYS}")
    query = sa.select(sa.func.count()).where(
        tokens.c.user_id == user_id, tokens.c.revoked_at.is_(None)
    )
    if (connection.scalar(query) or 0) >= MAX_TOKENS:
        raise UsageError(f"tokens: {MAX_TOKENS} are there; revoke some first")
    secret = PREFIX + new_secret()
    added = connection.execute(
        sa.insert(tokens).values(
            digest=digest_of(secret),
            user_id=user_id,
            name=title,
            scopes=" ".join(rights),
            created_at=now,
            expires_at=now + days * 86400,
        )
    )
    (number,) = added.inserted_primary_key or (0,)
    return secret, int(number)


def read_token(
    store: Store, secret: str, *, address: str = "", now: float | None = None
) -> Caller | None:
    """Who a token stands for, or None if it is unknown, over or its user disabled.

    The rights are those of the user's role now, narrowed to the token's scopes.
    """
    if not secret.startswith(PREFIX) or len(secret) > 128:
        return None
    moment = time.time() if now is None else now
    query = (
        sa.select(tokens, users.c.name.label("user"), users.c.role)
        .join(users)
        .where(
            tokens.c.digest == digest_of(secret),
            tokens.c.revoked_at.is_(None),
            tokens.c.expires_at > moment,
            users.c.is_active,
        )
    )
    with store.read() as connection:
        row = connection.execute(query).first()
    if row is None or row.role not in RIGHTS:
        return None
    if row.used_at is None or moment - row.used_at > TOUCH_S:
        with store.begin() as connection:
            connection.execute(
                sa.update(tokens).where(tokens.c.id == row.id).values(used_at=moment)
            )
    rights = RIGHTS[row.role] & set(row.scopes.split())
    return Caller(row.user_id, row.user, row.role, rights, address, is_token=True)


def list_tokens(
    connection: sa.Connection, *, user_id: int | None = None
) -> list[Token]:
    """Tokens of one user, or of all; newest first."""
    query = sa.select(tokens, users.c.name.label("user")).join(users)
    if user_id is not None:
        query = query.where(tokens.c.user_id == user_id)
    rows = connection.execute(query.order_by(tokens.c.id.desc()).limit(1000))
    return [_token(row) for row in rows]


def revoke_token(
    connection: sa.Connection, number: int, *, user_id: int | None, now: float
) -> bool:
    """End a token at once.

    Args:
        connection: of `Store.begin`.
        number: of the token.
        user_id: whose it must be; None for anybody's.
        now: seconds since 1970.

    Returns:
        False when there is none such that is still valid.
    """
    change = sa.update(tokens).where(
        tokens.c.id == number, tokens.c.revoked_at.is_(None)
    )
    if user_id is not None:
        change = change.where(tokens.c.user_id == user_id)
    return connection.execute(change.values(revoked_at=now)).rowcount == 1


def _token(row: Any) -> Token:
    return Token(
        row.id,
        row.user_id,
        row.user,
        row.name,
        tuple(row.scopes.split()),
        row.created_at,
        row.expires_at,
        row.revoked_at,
        row.used_at,
    )
