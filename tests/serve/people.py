"""Accounts for tests: who may come in, without the slow work of a log-in."""

from __future__ import annotations

import time

from medlens.serve.access.caller import RIGHTS
from medlens.serve.access.sessions import start_session
from medlens.serve.access.tokens import make_token
from medlens.serve.access.users import add_user, find_user
from medlens.serve.settings import Limits
from medlens.serve.store.store import Store


def make_person(store: Store, role: str = "administrator", name: str = "") -> int:
    """Number of a user of a role, made if they are not there; named like the role."""
    with store.begin() as connection:
        found = find_user(connection, name or role)
        if found is None:
            found = add_user(connection, name or role, role, kept="", now=time.time())
        return found.id


def token_of(
    store: Store, role: str = "administrator", *scopes: str, name: str = ""
) -> dict[str, str]:
    """Headers of a program of a role; without scopes it has all rights of the role.

    Example: `httpx.Client(…, headers=token_of(store, "reader"))`
    """
    user_id = make_person(store, role, name)
    with store.begin() as connection:
        secret, _ = make_token(
            connection,
            user_id,
            "test",
            scopes or RIGHTS[role],  # type: ignore[index]
            days=1,
            now=time.time(),
        )
    return {"Authorization": f"Bearer {secret}"}


def session_of(
    store: Store, role: str = "administrator", *, name: str = ""
) -> tuple[dict[str, str], dict[str, str]]:
    """Cookies of a browser of a role, and the headers that a change needs."""
    user_id = make_person(store, role, name)
    with store.begin() as connection:
        secret, csrf = start_session(connection, user_id, Limits(), now=time.time())
    return {"medlens": secret}, {"X-CSRF-Token": csrf}
