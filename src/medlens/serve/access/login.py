"""Logging in by name and password, and what begins with it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import sqlalchemy as sa

from medlens.serve.access.caller import RIGHTS, Caller
from medlens.serve.access.limit import (
    begin_attempt,
    known_device,
    remember_device,
    succeed,
)
from medlens.serve.access.passwords import hash_password, is_outdated, is_password
from medlens.serve.access.sessions import end_session, start_session
from medlens.serve.access.trail import record
from medlens.serve.access.users import User, password_of
from medlens.serve.settings import Limits
from medlens.serve.store.store import Store
from medlens.serve.store.tables import users


@dataclass(frozen=True)
class Browser:
    """What a browser brought along.

    Attributes:
        address: where from.
        session: secret of its session's cookie, "" for none.
        device: secret of its device's cookie, "" for none.
    """

    address: str = ""
    session: str = ""
    device: str = ""


@dataclass(frozen=True)
class LogIn:
    """What became of a log-in.

    Attributes:
        user: who is in, None for nobody.
        session, csrf: new secrets of the session, "" for nobody.
        device: new secret of the browser, "" if it keeps the one it has.
        wait_s: too many failures: how long to wait; 0 otherwise.
    """

    user: User | None = None
    session: str = ""
    csrf: str = ""
    device: str = ""
    wait_s: float = 0.0


def log_in(
    store: Store,
    name: str,
    password: str,
    limits: Limits,
    *,
    browser: Browser,
    now: float | None = None,
) -> LogIn:
    """Let somebody in, or nobody; a wrong name and a wrong password look the same.

    Both cost one Argon2 verification. The trail has a line for either, with the name
    only where there is such a user: somebody may have typed a password there.

    Args:
        store: of the service.
        name, password: as they were typed.
        limits: of log-ins and sessions.
        browser: its old session ends, whatever it was: nobody can hand somebody a
            session that they know (fixation).
        now: seconds since 1970.

    Raises:
        ResourceError: too many log-ins at a time.
    """
    moment = time.time() if now is None else now
    user, kept = password_of(store, name)
    device = known_device(store, browser.device, user.id if user else None)
    attempt = begin_attempt(
        store, name, browser.address, limits, device_of=device, now=moment
    )
    if attempt.wait_s > 0:
        return LogIn(wait_s=attempt.wait_s)
    if not is_password(password, kept) or user is None:
        record(store, _nobody(user, browser), "log in refused", now=moment)
        return LogIn()
    anew = hash_password(password) if is_outdated(kept) else ""
    with store.begin() as connection:
        succeed(connection, attempt)
        if anew:
            change = sa.update(users).where(
                users.c.id == user.id, users.c.password == kept
            )
            connection.execute(change.values(password=anew))
        return open_session(
            connection,
            user,
            limits,
            browser=browser,
            is_known=bool(device),
            how="password",
            now=moment,
        )


def open_session(
    connection: sa.Connection,
    user: User,
    limits: Limits,
    *,
    browser: Browser,
    is_known: bool = False,
    how: str,
    now: float,
) -> LogIn:
    """Begin a session for somebody who has shown who they are.

    Args:
        connection: of `Store.begin`.
        user: who it is.
        limits: of sessions.
        browser: its old session ends.
        is_known: it keeps the device secret that it has.
        how: "password", "invitation" or "openid", for the trail.
        now: seconds since 1970.
    """
    if browser.session:
        end_session(connection, browser.session)
    secret, csrf = start_session(connection, user.id, limits, now=now)
    device = "" if is_known else remember_device(connection, user.id, now=now)
    caller = Caller(user.id, user.name, user.role, RIGHTS[user.role], browser.address)
    record(connection, caller, "log in", detail={"by": how}, now=now)
    return LogIn(user, secret, csrf, device)


def _nobody(user: User | None, browser: Browser) -> Caller:
    name = user.name if user else "-"
    return Caller(None, name, "viewer", frozenset(), browser.address)
