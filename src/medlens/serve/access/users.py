"""Who has an account, and with which role."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from medlens.core import ExistsError, UsageError
from medlens.serve.access.caller import RIGHTS, Role
from medlens.serve.access.limit import forget_devices
from medlens.serve.access.passwords import check_password, hash_password
from medlens.serve.access.serial import hold
from medlens.serve.access.sessions import end_sessions
from medlens.serve.store.store import Store
from medlens.serve.store.tables import users

NAME = re.compile(r"[\w.@+-]{1,64}")


@dataclass(frozen=True)
class User:
    """An account.

    Attributes:
        id: our own number.
        name: for log-in and trail, in lower case.
        role: what they may do.
        is_active: False when disabled.
        is_external: logs in by OpenID Connect.
        created_at: seconds since 1970.
    """

    id: int
    name: str
    role: Role
    is_active: bool
    is_external: bool
    created_at: float


def tidy_name(name: str) -> str:
    """A user's name as it is kept: one spelling for what looks the same.

    Raises:
        UsageError: not 1 to 64 letters, digits and . _ - @ +
    """
    tidy = unicodedata.normalize("NFKC", name).strip().casefold()
    if not NAME.fullmatch(tidy):
        raise UsageError(
            "user name: wanted 1 to 64 letters, digits and . _ - @ + without blanks"
        )
    return tidy


def tidy_role(role: str) -> Role:
    """One of the roles.

    Raises:
        UsageError: another word.
    """
    if role not in RIGHTS:
        raise UsageError(f"role: wanted one of {', '.join(RIGHTS)}")
    return role


def list_users(connection: sa.Connection) -> list[User]:
    """All accounts, by name."""
    return [_user(row) for row in connection.execute(_select().order_by(users.c.name))]


def find_user(connection: sa.Connection, name: str) -> User | None:
    """The account of a name, if there is one."""
    try:
        tidy = tidy_name(name)
    except UsageError:
        return None
    row = connection.execute(_select().where(users.c.name == tidy)).first()
    return _user(row) if row else None


def read_user(connection: sa.Connection, user_id: int) -> User | None:
    """The account of a number, if there is one."""
    row = connection.execute(_select().where(users.c.id == user_id)).first()
    return _user(row) if row else None


def prepare_password(name: str, password: str) -> str:
    """Check a password and hash it; slow on purpose, so outside a transaction.

    Raises:
        UsageError: see `check_password`.
    """
    check_password(password, name=tidy_name(name))
    return hash_password(password)


def add_user(
    connection: sa.Connection,
    name: str,
    role: str,
    *,
    kept: str,
    now: float,
    subject: str | None = None,
) -> User:
    """Make an account.

    Args:
        connection: of `Store.begin`.
        name: see `tidy_name`.
        role: of the user.
        kept: password from `prepare_password`, "" for none.
        now: seconds since 1970.
        subject: of OpenID Connect.

    Raises:
        UsageError: the name or role is not one.
        ExistsError: the name is taken.
    """
    values = {
        "name": tidy_name(name),
        "role": tidy_role(role),
        "password": kept,
        "subject": subject,
        "created_at": now,
        "is_active": True,
    }
    try:
        with connection.begin_nested():
            added = connection.execute(sa.insert(users).values(**values))
    except IntegrityError:
        raise ExistsError("user name: is taken; choose another") from None
    (user_id,) = added.inserted_primary_key or (0,)
    user = read_user(connection, user_id)
    assert user is not None
    return user


def change_role(connection: sa.Connection, user_id: int, role: str) -> None:
    """Give a user another role; it holds from their next request on.

    Raises:
        UsageError: no such role.
        ExistsError: nobody would be left who may administer.
    """
    tidy = tidy_role(role)
    hold(connection, "users")  # two administrators may be taking each other's role
    connection.execute(sa.update(users).where(users.c.id == user_id).values(role=tidy))
    _check_administered(connection)


def set_active(connection: sa.Connection, user_id: int, is_active: bool) -> None:
    """Disable or enable a user; a disabled one is out at once, everywhere.

    Raises:
        ExistsError: nobody would be left who may administer.
    """
    hold(connection, "users")
    change = sa.update(users).where(users.c.id == user_id).values(is_active=is_active)
    connection.execute(change)
    if not is_active:
        end_sessions(connection, user_id)
    _check_administered(connection)


def change_password(connection: sa.Connection, user_id: int, kept: str) -> None:
    """Keep another password, from `prepare_password`.

    All sessions end, and no browser is known any more: one of them may be why.
    """
    change = sa.update(users).where(users.c.id == user_id).values(password=kept)
    connection.execute(change)
    end_sessions(connection, user_id)
    forget_devices(connection, user_id)


def has_administrator(connection: sa.Connection) -> bool:
    """True when somebody can log in who may administer."""
    query = sa.select(sa.func.count()).where(
        users.c.role == "administrator", users.c.is_active
    )
    return bool(connection.scalar(query))


def password_of(store: Store, name: str) -> tuple[User | None, str]:
    """An account and its kept password; (None, "") for nobody or a disabled one."""
    try:
        tidy = tidy_name(name)
    except UsageError:
        return None, ""
    with store.read() as connection:
        query = _select(users.c.password).where(users.c.name == tidy)
        row = connection.execute(query).first()
    if row is None or not row.is_active:
        return None, ""
    return _user(row), row.password


def _check_administered(connection: sa.Connection) -> None:
    if not has_administrator(connection):
        raise ExistsError(
            "this is the last administrator; make another one before this change"
        )


def _select(*more: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return sa.select(
        users.c.id,
        users.c.name,
        users.c.role,
        users.c.is_active,
        users.c.subject,
        users.c.created_at,
        *more,
    )


def _user(row: Any) -> User:
    return User(
        row.id, row.name, row.role, row.is_active, bool(row.subject), row.created_at
    )
