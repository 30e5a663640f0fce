"""Who is let in, and what keeps another site's page out."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import Depends, FastAPI

from medlens.serve.access.caller import RIGHTS, Caller
from medlens.serve.access.tokens import make_token, revoke_token
from medlens.serve.access.users import change_role, set_active
from medlens.serve.settings import ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.store.tables import sessions, tokens
from medlens.serve.web.app import create_app
from medlens.serve.web.guard import may
from tests.serve.http import client_for
from tests.serve.people import make_person, session_of, token_of

ORDER = ("view", "upload", "read", "administer")


def client_of(store: Store, **settings: Any) -> httpx.Client:
    """An app with one address for each right."""
    app: FastAPI = create_app(store, ServeSettings(**settings))
    for right in ORDER:

        def probe(caller: Caller = Depends(may(right))) -> dict[str, Any]:  # noqa: B008
            return {"name": caller.name, "rights": sorted(caller.rights)}

        app.add_api_route(f"/probe/{right}", probe, methods=["GET", "POST", "DELETE"])
    return client_for(app)


def codes(client: httpx.Client, **request: Any) -> list[int]:
    return [client.get(f"/probe/{right}", **request).status_code for right in ORDER]


def test_nobody_is_told_how_to_come_in(store: Store) -> None:
    reply = client_of(store).get("/probe/view")
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"] == 'Bearer realm="medlens"'
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.json()["type"].endswith("/unauthorized")
    assert "Authorization: Bearer" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("role", "wanted"),
    [
        ("viewer", [200, 403, 403, 403]),
        ("reader", [200, 200, 200, 403]),
        ("administrator", [200, 200, 200, 200]),
    ],
)
def test_a_role_opens_its_rights_and_no_other(
    store: Store, role: str, wanted: list[int]
) -> None:
    client = client_of(store)
    assert codes(client, headers=token_of(store, role)) == wanted
    cookies, _ = session_of(store, role)
    client.cookies.update(cookies)
    assert codes(client) == wanted


@pytest.mark.parametrize("scope", ORDER)
def test_a_token_does_only_what_its_scopes_say(store: Store, scope: str) -> None:
    headers = token_of(store, "administrator", scope)
    found = codes(client_of(store), headers=headers)
    assert found == [200 if right == scope else 403 for right in ORDER]


def test_a_token_does_not_give_what_its_user_lacks(store: Store) -> None:
    headers = token_of(store, "viewer", *ORDER)
    assert codes(client_of(store), headers=headers) == [200, 403, 403, 403]


@pytest.mark.parametrize(
    "header",
    ["Bearer medlens_nonsense", "Bearer", "Bearer ", "Basic YTpi", "medlens_x", ""],
)
def test_a_wrong_token_is_refused(store: Store, header: str) -> None:
    reply = client_of(store).get("/probe/view", headers={"Authorization": header})
    assert reply.status_code == 401
    assert 'error="invalid_token"' in reply.headers["WWW-Authenticate"]


def test_a_wrong_token_is_refused_in_a_demo_and_beside_a_session(store: Store) -> None:
    wrong = {"Authorization": "Bearer medlens_nonsense"}
    client = client_of(store, demo=True)
    assert codes(client, headers=wrong) == [401] * 4
    client.cookies.update(session_of(store)[0])
    assert codes(client, headers=wrong) == [401] * 4


def test_the_digest_of_a_secret_opens_nothing(store: Store) -> None:
    """Who reads the database cannot come in with what stands there."""
    token_of(store)
    session_of(store)
    client = client_of(store)
    with store.read() as connection:
        token = connection.scalar(sa.select(tokens.c.digest))
        session = connection.scalar(sa.select(sessions.c.digest))
    for secret in (token, f"medlens_{token}"):
        headers = {"Authorization": f"Bearer {secret}"}
        assert client.get("/probe/view", headers=headers).status_code == 401
    client.cookies.update({"medlens": session})
    assert client.get("/probe/view").status_code == 401


def test_an_expired_token_is_refused(store: Store) -> None:
    headers = token_of(store)
    client = client_of(store)
    assert codes(client, headers=headers) == [200] * 4
    with store.begin() as connection:
        connection.execute(sa.update(tokens).values(expires_at=time.time() - 1))
    assert codes(client, headers=headers) == [401] * 4


def test_a_revoked_token_is_refused_at_once(store: Store) -> None:
    user_id = make_person(store)
    now = time.time()
    with store.begin() as connection:
        secret, number = make_token(
            connection, user_id, "pacs", ["view"], days=1, now=now
        )
    client = client_of(store)
    headers = {"Authorization": f"Bearer {secret}"}
    assert client.get("/probe/view", headers=headers).status_code == 200
    with store.begin() as connection:
        assert revoke_token(connection, number, user_id=None, now=now)
    assert client.get("/probe/view", headers=headers).status_code == 401


def test_a_changed_role_holds_at_once(store: Store) -> None:
    make_person(store)  # so that one administrator stays
    user_id = make_person(store, "administrator", "berta")
    headers = token_of(store, "administrator", name="berta")
    client = client_of(store)
    client.cookies.update(session_of(store, name="berta")[0])
    with store.begin() as connection:
        change_role(connection, user_id, "viewer")
    assert codes(client) == [200, 403, 403, 403]
    assert codes(client, headers=headers) == [200, 403, 403, 403]


def test_a_disabled_user_is_out_at_once_and_stays_out(store: Store) -> None:
    make_person(store)
    user_id = make_person(store, "reader")
    headers = token_of(store, "reader")
    client = client_of(store)
    client.cookies.update(session_of(store, "reader")[0])
    assert codes(client) == [200, 200, 200, 403]
    with store.begin() as connection:
        set_active(connection, user_id, False)
    assert codes(client) == [401] * 4
    assert codes(client, headers=headers) == [401] * 4
    with store.begin() as connection:
        set_active(connection, user_id, True)
    assert codes(client) == [401] * 4  # the old session does not come to life again


@pytest.mark.parametrize("column", ["expires_at", "seen_at"])
def test_a_session_ends(store: Store, column: str) -> None:
    client = client_of(store)
    client.cookies.update(session_of(store)[0])
    assert client.get("/probe/view").status_code == 200
    limits = ServeSettings().limits
    then = time.time() - (limits.session_idle_s if column == "seen_at" else 0) - 1
    with store.begin() as connection:
        connection.execute(sa.update(sessions).values({column: then}))
    assert client.get("/probe/view").status_code == 401


def test_a_session_that_is_used_stays_open(store: Store) -> None:
    client = client_of(store)
    client.cookies.update(session_of(store)[0])
    then = time.time() - ServeSettings().limits.session_idle_s + 60
    with store.begin() as connection:
        connection.execute(sa.update(sessions).values(seen_at=then))
    assert client.get("/probe/view").status_code == 200
    with store.read() as connection:
        assert connection.scalar(sa.select(sessions.c.seen_at)) > time.time() - 30


# Changes that another site's page makes a browser send.


def test_a_change_needs_the_sessions_csrf_token(store: Store) -> None:
    client = client_of(store)
    cookies, csrf = session_of(store)
    client.cookies.update(cookies)
    for method in (client.post, client.delete):
        reply = method("/probe/view")
        assert (reply.status_code, reply.json()["type"][-5:]) == (403, "/csrf")
        assert method("/probe/view", headers=csrf).status_code == 200


@pytest.mark.parametrize(
    "wrong", ["", "x", "\u00e9".encode("latin-1").decode("latin-1")]
)
def test_a_wrong_csrf_token_is_refused(store: Store, wrong: str) -> None:
    client = client_of(store)
    client.cookies.update(session_of(store)[0])
    headers = {b"X-CSRF-Token": wrong.encode("latin-1")}
    assert client.post("/probe/view", headers=headers).status_code == 403


def test_another_sessions_csrf_token_is_refused(store: Store) -> None:
    client = client_of(store)
    client.cookies.update(session_of(store)[0])
    other = session_of(store, "reader")[1]
    assert client.post("/probe/view", headers=other).status_code == 403


@pytest.mark.parametrize(
    "foreign",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9000"},
        {"Origin": "http://127.0.0.1:8000.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8000"},
    ],
)
@pytest.mark.parametrize("demo", [False, True])
def test_a_page_of_another_site_changes_nothing(
    store: Store, foreign: dict[str, str], demo: bool
) -> None:
    """Neither with a stolen CSRF token, nor where a demo lets everybody in."""
    client = client_of(store, demo=demo)
    headers = dict(foreign)
    if not demo:
        cookies, csrf = session_of(store)
        client.cookies.update(cookies)
        headers |= csrf
    reply = client.post("/probe/view", headers=headers)
    assert (reply.status_code, reply.json()["type"][-5:]) == (403, "/csrf")


@pytest.mark.parametrize(
    "own",
    [
        {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://med.example"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_the_own_page_changes_things(store: Store, own: dict[str, str]) -> None:
    client = client_of(store, public_url="https://med.example")
    cookies, csrf = session_of(store)
    client.cookies.update({"__Host-medlens": cookies["medlens"]})
    assert client.post("/probe/view", headers=own | csrf).status_code == 200


def test_a_token_needs_no_csrf(store: Store) -> None:
    reply = client_of(store).post("/probe/view", headers=token_of(store))
    assert reply.status_code == 200


def test_behind_https_only_the_bound_cookie_counts(store: Store) -> None:
    """A neighbour of the domain could plant the plain name, never `__Host-`."""
    client = client_of(store, public_url="https://med.example")
    client.cookies.update(session_of(store)[0])
    assert client.get("/probe/view").status_code == 401


# The demo.


def test_a_demos_guest_reads_and_uploads_and_never_administers(store: Store) -> None:
    client = client_of(store, demo=True)
    assert codes(client) == [200, 200, 200, 403]
    assert client.post("/probe/upload").status_code == 200
    assert client.get("/probe/view").json()["name"] == "guest"


def test_a_demo_knows_its_users(store: Store) -> None:
    client = client_of(store, demo=True)
    client.cookies.update(session_of(store)[0])
    assert codes(client) == [200] * 4
    assert client.get("/probe/view").json()["name"] == "administrator"


def test_every_right_is_in_some_role() -> None:
    assert set(ORDER) == set().union(*RIGHTS.values())
