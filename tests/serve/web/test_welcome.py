"""Invitations, changed passwords and the pages of log-in, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from medlens.serve.access import passwords
from medlens.serve.access.invitations import invite_first_administrator
from medlens.serve.access.users import add_user, prepare_password
from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.store.tables import invitations, trail
from medlens.serve.web.app import create_app
from tests.serve.http import client_for
from tests.serve.people import token_of

WORDS = "four plain words here"
HOURS = Limits(login_attempts=4)
WRONG = {"name": "anna", "password": "not the right words"}


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same algorithm with little work."""
    monkeypatch.setattr(passwords, "MEMORY_KIB", 64)
    monkeypatch.setattr(passwords, "TIME_COST", 1)
    passwords._hasher.cache_clear()
    passwords._nobodys.cache_clear()
    yield
    passwords._hasher.cache_clear()
    passwords._nobodys.cache_clear()


@pytest.fixture
def anna(store: Store) -> None:
    with store.begin() as connection:
        kept = prepare_password("anna", WORDS)
        add_user(connection, "anna", "reader", kept=kept, now=1.0)


def client_of(store: Store, *, address: str = "10.0.0.7", **more: Any) -> httpx.Client:
    settings = ServeSettings(**{"limits": HOURS, **more})
    url = settings.public_url or "http://127.0.0.1:8000"
    return client_for(create_app(store, settings), url=url, address=address)


def enter(client: httpx.Client, name: str = "anna", password: str = WORDS) -> Any:
    return client.post("/api/v1/login", json={"name": name, "password": password})


def actions(store: Store) -> list[tuple[str, str]]:
    with store.read() as connection:
        rows = connection.execute(sa.select(trail).order_by(trail.c.number))
        return [(row.who, row.action) for row in rows]


@pytest.mark.usefixtures("anna")
def test_the_first_link_makes_one_administrator(store: Store) -> None:
    path = invite_first_administrator(store)
    assert path is not None
    secret = path.removeprefix("/welcome#")
    client = client_of(store)
    sent = {"invitation": secret, "name": "Chief", "password": WORDS}
    reply = client.post("/api/v1/welcome", json=sent)
    assert (reply.status_code, reply.json()["role"]) == (201, "administrator")
    assert client.get("/api/v1/users").status_code == 200
    again = client_of(store).post("/api/v1/welcome", json=sent | {"name": "second"})
    assert again.status_code == 422
    assert "is unknown, used or older than a day" in again.json()["detail"]
    assert invite_first_administrator(store) is None
    assert actions(store)[0] == ("chief", "log in")


def test_a_later_start_ends_the_first_link(store: Store) -> None:
    first, second = (invite_first_administrator(store) for _ in range(2))
    assert first
    assert second
    sent = {"invitation": first[9:], "name": "chief", "password": WORDS}
    client = client_of(store)
    assert client.post("/api/v1/welcome", json=sent).status_code == 422
    sent["invitation"] = second[9:]
    assert client.post("/api/v1/welcome", json=sent).status_code == 201


def test_a_link_lives_a_day(store: Store) -> None:
    path = invite_first_administrator(store) or ""
    sent = {"invitation": path[9:], "name": "chief", "password": WORDS}
    with store.begin() as connection:
        over = sa.update(invitations).values(expires_at=time.time() - 1)
        connection.execute(over)
    assert client_of(store).post("/api/v1/welcome", json=sent).status_code == 422


@pytest.mark.usefixtures("anna")
@pytest.mark.parametrize(
    ("name", "password", "said", "status"),
    [
        ("chief", "short", "has 5 characters; wanted 12 to 256", 422),
        ("chief", "ababababababab", "repeats fewer than 5 characters", 422),
        ("chief", "the chief is here", "contains the user's name", 422),
        ("two words", WORDS, "without blanks", 422),
        ("../x", WORDS, "without blanks", 422),
        ("<script>", WORDS, "without blanks", 422),
        ("ANNA", WORDS, "is taken", 409),
    ],
)
def test_a_wrong_choice_does_not_use_the_link_up(
    store: Store, name: str, password: str, said: str, status: int
) -> None:
    secret = (invite_first_administrator(store) or "")[9:]
    client = client_of(store)
    sent = {"invitation": secret, "name": name, "password": password}
    reply = client.post("/api/v1/welcome", json=sent)
    assert reply.status_code == status
    assert said in reply.json()["detail"]
    assert password not in reply.text
    good = {"invitation": secret, "name": "chief", "password": WORDS}
    assert client.post("/api/v1/welcome", json=good).status_code == 201


# One's own password.


@pytest.mark.usefixtures("anna")
def test_a_new_password_ends_all_other_sessions(store: Store) -> None:
    here, there = client_of(store), client_of(store)
    csrf = enter(here).json()["csrf"]
    enter(there)
    sent = {"current": WORDS, "password": "quite other words now"}
    assert here.post("/api/v1/me/password", json=sent).status_code == 403
    reply = here.post("/api/v1/me/password", json=sent, headers={"X-CSRF-Token": csrf})
    assert reply.status_code == 200
    assert here.get("/api/v1/me").status_code == 200
    assert there.get("/api/v1/me").status_code == 401
    assert enter(there).status_code == 401
    assert enter(there, password=sent["password"]).status_code == 200
    assert ("anna", "change password") in actions(store)


@pytest.mark.usefixtures("anna")
def test_an_open_session_is_no_place_to_guess_the_password(store: Store) -> None:
    client = client_of(store)
    headers = {"X-CSRF-Token": enter(client).json()["csrf"]}
    sent = {"current": "guess", "password": "quite other words now"}
    found = [
        client.post("/api/v1/me/password", json=sent, headers=headers).status_code
        for _ in range(5)
    ]
    assert found == [403] * 4 + [429]


@pytest.mark.usefixtures("anna")
def test_a_token_changes_no_password(store: Store) -> None:
    headers = token_of(store, "reader", name="anna")
    sent = {"current": WORDS, "password": "quite other words now"}
    reply = client_of(store).post("/api/v1/me/password", json=sent, headers=headers)
    assert reply.status_code == 403
    assert "a token cannot do it" in reply.json()["detail"]


# Pages.


def test_the_pages_work_without_scripts(store: Store) -> None:
    secret = (invite_first_administrator(store) or "")[9:]
    client = client_of(store)
    form = {"invitation": secret, "name": "chief", "password": WORDS}
    reply = client.post("/welcome", data=form)
    assert (reply.status_code, reply.headers["Location"]) == (303, "/login?in")
    inside = client.get("/login").text
    assert "You are logged in as chief (administrator)." in inside
    csrf = inside.split('name="csrf" value="')[1].split('"')[0]
    assert client.post("/logout", data={"csrf": "x"}).status_code == 403
    assert client.post("/logout", data={"csrf": csrf}).status_code == 303
    assert "<form" in client.get("/login").text
    reply = client.post("/login", data={"name": "chief", "password": WORDS})
    assert reply.status_code == 303
    assert client.get("/api/v1/me").status_code == 200


@pytest.mark.usefixtures("anna")
def test_a_failed_log_in_shows_the_form_again(store: Store) -> None:
    client = client_of(store)
    replies = [
        client.post("/login", data=WRONG, headers={"Accept-Language": "zh-CN"})
        for _ in range(5)
    ]
    assert [reply.status_code for reply in replies] == [401] * 4 + [429]
    assert '<html lang="zh">' in replies[0].text
    assert "用户名或密码错误。" in replies[0].text
    assert "登录失败次数过多" in replies[4].text


def test_what_was_typed_comes_back_as_text(store: Store) -> None:
    nasty = '"><script>alert(1)</script>'
    form = {"invitation": nasty, "name": nasty, "password": WORDS}
    reply = client_of(store).post("/welcome", data=form)
    assert reply.status_code == 422
    assert "<script>alert" not in reply.text
    assert "&lt;script&gt;alert" in reply.text


def test_pages_have_nothing_inline(store: Store) -> None:
    client = client_of(store)
    for path in ("/login", "/welcome"):
        text = client.get(path).text
        assert "<style" not in text
        assert "style=" not in text
        assert " on" not in text.split("<body>")[1].replace(" one ", " ")
        for script in text.split("<script")[1:]:
            assert script.startswith(' src="/login/welcome.js" defer></script>')
    assert client.get("/login/page.css").headers["Content-Type"].startswith("text/css")
    script = client.get("/login/welcome.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert "location.hash" in script.text


def test_a_demo_says_so_on_every_page(store: Store) -> None:
    client = client_of(store, demo=True)
    for path in ("/login", "/welcome"):
        assert "Demo: no account is needed" in client.get(path).text
    assert client.get("/api/v1/me").json()["is_demo"] is True


def test_a_browser_that_kept_no_cookie_is_told_why(store: Store) -> None:
    assert "did not keep the session" in client_of(store).get("/login?in").text
