"""Users, invitations, tokens and the trail over HTTP."""

from __future__ import annotations

import time

import httpx
import pytest
import sqlalchemy as sa

from medlens.serve.access.trail import read_anchor, verify_trail
from medlens.serve.settings import ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.store.tables import tokens
from medlens.serve.web.app import create_app
from tests.serve.http import client_for
from tests.serve.people import make_person, session_of, token_of

WORDS = "four plain words here"


def client_of(store: Store, role: str = "", name: str = "") -> httpx.Client:
    """A browser of somebody, or nobody's."""
    client = client_for(create_app(store, ServeSettings()))
    if role:
        cookies, headers = session_of(store, role, name=name)
        client.cookies.update(cookies)
        client.headers.update(headers)
    return client


def actions(store: Store) -> list[str]:
    client = client_of(store, "administrator")
    return [row["action"] for row in client.get("/api/v1/trail").json()["rows"]][1:]


ADMINISTERED = [
    ("GET", "/api/v1/users", None),
    ("POST", "/api/v1/users", {"name": "x", "role": "viewer", "password": WORDS}),
    ("PATCH", "/api/v1/users/1", {"role": "administrator"}),
    ("DELETE", "/api/v1/users/1/sessions", None),
    ("POST", "/api/v1/invitations", {"role": "administrator"}),
    ("GET", "/api/v1/tokens?everybody=true", None),
    ("GET", "/api/v1/trail", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ADMINISTERED)
def test_only_administrators_administer(
    store: Store, method: str, path: str, body: dict[str, str] | None
) -> None:
    make_person(store)
    for role in ("viewer", "reader"):
        reply = client_of(store, role).request(method, path, json=body)
        assert (reply.status_code, role) == (403, role)
        assert "administer" in reply.json()["detail"]
    assert client_of(store).request(method, path, json=body).status_code == 401
    headers = token_of(store, "administrator", "view", "upload", "read")
    reply = client_of(store).request(method, path, json=body, headers=headers)
    assert reply.status_code == 403


def test_users_are_made_changed_and_listed(store: Store) -> None:
    client = client_of(store, "administrator")
    sent = {"name": "Anna", "role": "viewer", "password": WORDS}
    made = client.post("/api/v1/users", json=sent)
    assert made.status_code == 201
    number = made.json()["id"]
    assert client.post("/api/v1/users", json=sent).status_code == 409
    path = f"/api/v1/users/{number}"
    assert client.patch(path, json={"role": "reader"}).json()["role"] == "reader"
    changed = client.patch(path, json={"is_active": False}).json()
    assert (changed["role"], changed["is_active"]) == ("reader", False)
    listed = {user["name"]: user for user in client.get("/api/v1/users").json()}
    assert set(listed) == {"administrator", "anna"}
    assert listed["anna"]["is_active"] is False
    assert "argon2" not in client.get("/api/v1/users").text
    assert actions(store)[:3] == ["disable user", "change role", "add user"]


def test_the_last_administrator_stays(store: Store) -> None:
    number = make_person(store)
    client = client_of(store, "administrator")
    for change in ({"role": "viewer"}, {"is_active": False}):
        reply = client.patch(f"/api/v1/users/{number}", json=change)
        assert reply.status_code == 409
        assert "last administrator" in reply.json()["detail"]
    (user,) = client.get("/api/v1/users").json()
    assert (user["role"], user["is_active"]) == ("administrator", True)
    assert actions(store) == []  # what was taken back left no line either


@pytest.mark.parametrize("number", [0, -1, 2**63, "1;DROP TABLE users", "x"])
def test_numbers_out_of_range(store: Store, number: object) -> None:
    client = client_of(store, "administrator")
    reply = client.patch(f"/api/v1/users/{number}", json={"role": "viewer"})
    assert reply.status_code == 422


def test_users_who_are_not_there(store: Store) -> None:
    client = client_of(store, "administrator")
    for path in ("/api/v1/users/999", f"/api/v1/users/{2**63 - 1}"):
        assert client.patch(path, json={"role": "viewer"}).status_code == 404
    assert client.delete("/api/v1/users/999/sessions").status_code == 404


def test_sessions_are_ended(store: Store) -> None:
    number = make_person(store, "reader")
    theirs = client_of(store, "reader")
    assert theirs.get("/api/v1/me").status_code == 200
    admin = client_of(store, "administrator")
    assert admin.delete(f"/api/v1/users/{number}/sessions").status_code == 204
    assert theirs.get("/api/v1/me").status_code == 401


def test_an_invitation_makes_one_account(store: Store) -> None:
    path = client_of(store, "administrator").post(
        "/api/v1/invitations", json={"role": "reader"}
    ).json()["path"]  # fmt: skip
    client = client_of(store)
    sent = {
        "invitation": path.removeprefix("/welcome#"),
        "name": "anna",
        "password": WORDS,
    }
    reply = client.post("/api/v1/welcome", json=sent)
    assert (reply.status_code, reply.json()["role"]) == (201, "reader")
    assert client.post("/api/v1/welcome", json=sent).status_code == 422


def test_a_token_is_made_used_listed_and_revoked(store: Store) -> None:
    client = client_of(store, "reader")
    sent = {"name": "gateway", "scopes": ["upload", "view"], "days": 2}
    made = client.post("/api/v1/tokens", json=sent)
    assert made.status_code == 201
    token = made.json()["token"]
    assert token.startswith("medlens_")
    assert len(token) == len("medlens_") + 43
    headers = {"Authorization": f"Bearer {token}"}
    program = client_of(store)
    me = program.get("/api/v1/me", headers=headers).json()
    assert (me["name"], me["rights"], me["csrf"]) == ("reader", ["view", "upload"], "")
    (listed,) = client.get("/api/v1/tokens").json()
    assert listed["scopes"] == ["view", "upload"]
    assert abs(listed["expires_at"] - time.time() - 2 * 86400) < 60
    assert abs(listed["used_at"] - time.time()) < 60
    assert token not in client.get("/api/v1/tokens").text
    with store.read() as connection:
        assert token not in str(connection.execute(sa.select(tokens)).all())
    path = f"/api/v1/tokens/{made.json()['id']}"
    assert client.delete(path).status_code == 204
    assert client.delete(path).status_code == 404
    assert program.get("/api/v1/me", headers=headers).status_code == 401
    assert actions(store) == ["revoke token", "make token"]


def test_a_token_has_no_more_than_its_maker(store: Store) -> None:
    client = client_of(store, "viewer")
    sent = {"name": "x", "scopes": ["view", "administer"]}
    reply = client.post("/api/v1/tokens", json=sent)
    assert reply.status_code == 403
    assert "you lack administer" in reply.json()["detail"]


def test_a_token_makes_no_token(store: Store) -> None:
    sent = {"name": "x", "scopes": ["view"]}
    reply = client_of(store).post(
        "/api/v1/tokens", json=sent, headers=token_of(store, "administrator")
    )
    assert reply.status_code == 403
    assert "a token cannot do it" in reply.json()["detail"]


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": []},
        {"scopes": ["fly"]},
        {"days": 0},
        {"days": 400},
        {"days": "NaN"},
        {"name": ""},
        {"name": "x" * 65},
        {"name": "a\nb"},
        {"more": 1},
    ],
)
def test_wrong_tokens_are_refused(store: Store, change: dict[str, object]) -> None:
    sent = {"name": "x", "scopes": ["view"], "days": 1} | change
    reply = client_of(store, "reader").post("/api/v1/tokens", json=sent)
    assert reply.status_code == 422


def test_anothers_token_is_out_of_reach(store: Store) -> None:
    mine = client_of(store, "reader")
    number = mine.post("/api/v1/tokens", json={"name": "x", "scopes": ["view"]})
    path = f"/api/v1/tokens/{number.json()['id']}"
    other = client_of(store, "reader", name="berta")
    assert other.delete(path).status_code == 404
    assert other.get("/api/v1/tokens").json() == []
    admin = client_of(store, "administrator")
    assert len(admin.get("/api/v1/tokens?everybody=true").json()) == 1
    assert admin.delete(path).status_code == 204


def test_a_demos_guest_has_no_tokens(store: Store) -> None:
    client = client_for(create_app(store, ServeSettings(demo=True)))
    sent = {"name": "x", "scopes": ["view"]}
    for reply in (
        client.get("/api/v1/tokens"),
        client.post("/api/v1/tokens", json=sent),
        client.delete("/api/v1/tokens/1"),
    ):
        assert reply.status_code == 403
        assert "guest has no account" in reply.json()["detail"]


def test_the_trail_is_read_in_pages_and_reading_leaves_a_line(store: Store) -> None:
    client = client_of(store, "administrator")
    for _ in range(5):
        client.get("/api/v1/trail")
    page = client.get("/api/v1/trail", params={"limit": 4}).json()
    assert [row["number"] for row in page["rows"]] == [6, 5, 4, 3]
    assert {row["action"] for row in page["rows"]} == {"view trail"}
    assert page["next"] == 3
    rest = client.get("/api/v1/trail", params={"limit": 4, "before": 3}).json()
    assert [row["number"] for row in rest["rows"]] == [2, 1]
    assert rest["next"] is None
    found = verify_trail(store, anchor=read_anchor(page["anchor"]))
    assert found.is_whole
    by_study = client.get("/api/v1/trail", params={"study_id": 5}).json()
    assert [row["study_id"] for row in by_study["rows"]] == [5]
