"""Log-in, log-out, invitations: through HTTP, on both databases."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from medlens.serve.access import login, passwords
from medlens.serve.access.trail import verify_trail
from medlens.serve.access.users import add_user, prepare_password
from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.store.tables import attempts, sessions, trail, users
from medlens.serve.web.app import create_app
from tests.serve.http import client_for
from tests.serve.people import make_person, session_of, token_of

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
def test_a_log_in_opens_a_session(store: Store) -> None:
    client = client_of(store)
    reply = enter(client, " Anna ")
    assert reply.status_code == 200
    assert reply.json()["rights"] == ["view", "upload", "read"]
    me = client.get("/api/v1/me").json()
    assert (me["name"], me["role"]) == ("anna", "reader")
    assert me["csrf"] == reply.json()["csrf"]
    assert reply.headers["Cache-Control"] == "no-store"
    assert actions(store) == [("anna", "log in")]


@pytest.mark.usefixtures("anna")
def test_flags_of_the_cookie_on_loopback(store: Store) -> None:
    found = enter(client_of(store)).headers.get_list("set-cookie")
    session, device = found
    assert session.startswith("medlens=")
    assert "HttpOnly" in session
    assert "SameSite=strict" in session
    assert "Path=/" in session
    assert "Secure" not in session
    assert "Max-Age" not in session  # gone when the browser is closed
    assert device.startswith("medlens-device=")
    assert "HttpOnly" in device


@pytest.mark.usefixtures("anna")
@pytest.mark.parametrize(
    "settings",
    [
        {"public_url": "https://med.example"},
        {"public_url": "https://127.0.0.1:8443"},
        {"public_url": "http://med.example"},
        {"host": "0.0.0.0"},
        {"host": "10.0.0.1"},
    ],
)
def test_the_cookie_is_for_https_alone_where_others_may_listen(
    store: Store, settings: dict[str, str]
) -> None:
    for cookie in enter(client_of(store, **settings)).headers.get_list("set-cookie"):
        assert cookie.startswith("__Host-medlens")
        assert "Secure" in cookie
        assert "Domain" not in cookie
        assert "Path=/;" in f"{cookie};"


@pytest.mark.usefixtures("anna")
def test_a_planted_session_is_never_used(store: Store) -> None:
    """Fixation: a session that an attacker knows does not become somebody's."""
    for planted in ("attackers-choice", session_of(store, "viewer")[0]["medlens"]):
        client = client_of(store)
        client.cookies.set("medlens", planted)
        given = enter(client).cookies["medlens"]
        assert given != planted
        client.cookies.clear()
        client.cookies.set("medlens", planted)
        assert client.get("/api/v1/me").status_code == 401


@pytest.mark.usefixtures("anna")
def test_each_log_in_has_new_secrets(store: Store) -> None:
    client = client_of(store)
    first, second = enter(client), enter(client)
    assert first.cookies["medlens"] != second.cookies["medlens"]
    assert first.json()["csrf"] != second.json()["csrf"]
    with store.read() as connection:  # the old one is over
        assert connection.scalar(sa.select(sa.func.count()).select_from(sessions)) == 1


@pytest.mark.usefixtures("anna")
def test_no_secret_is_kept(store: Store) -> None:
    client = client_of(store)
    reply = enter(client)
    secrets = [cookie.split("=", 1)[1].split(";")[0]
               for cookie in reply.headers.get_list("set-cookie")]  # fmt: skip
    with store.read() as connection:
        kept = [
            str(row)
            for name in ("users", "sessions", "devices", "attempts", "trail")
            for row in connection.execute(sa.text(f"SELECT * FROM {name}"))
        ]
    assert len(secrets) == 2
    for secret in (*secrets, WORDS):
        assert secret not in " ".join(kept)
    assert "$argon2id$v=19$" in " ".join(kept)


@pytest.mark.usefixtures("anna")
def test_log_out(store: Store) -> None:
    client = client_of(store)
    csrf = enter(client).json()["csrf"]
    kept = dict(client.cookies)
    assert client.post("/api/v1/logout").status_code == 403  # another site could
    assert client.get("/api/v1/me").status_code == 200
    reply = client.post("/api/v1/logout", headers={"X-CSRF-Token": csrf})
    assert reply.status_code == 204
    assert "medlens" not in client.cookies
    client.cookies.update(kept)
    assert client.get("/api/v1/me").status_code == 401
    assert actions(store)[-1] == ("anna", "log out")


# Guessing.


@pytest.mark.usefixtures("anna")
def test_unknown_and_wrong_look_the_same(store: Store) -> None:
    client = client_of(store)
    wrong = enter(client, password="not the right words")
    unknown = enter(client, name="nobody", password="not the right words")
    assert wrong.status_code == unknown.status_code == 401
    for reply in (wrong, unknown):
        assert reply.json()["detail"] == "the name or the password is wrong"
        assert "set-cookie" not in reply.headers
        assert reply.headers["WWW-Authenticate"] == 'Bearer realm="medlens"'
    same = ("type", "title", "status", "detail")
    assert [wrong.json()[k] for k in same] == [unknown.json()[k] for k in same]


@pytest.mark.usefixtures("anna")
@pytest.mark.parametrize("name", ["anna", "nobody", "no/name at all", "gone", "far"])
def test_the_same_work_is_done_whoever_it_is(
    store: Store, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One verification with the same parameters: known, unknown, disabled, external."""
    with store.begin() as connection:
        add_user(connection, "far", "reader", kept="", now=1.0, subject="s")
        gone = add_user(connection, "gone", "reader", kept="", now=1.0)
        change = sa.update(users).where(users.c.id == gone.id)
        connection.execute(change.values(is_active=False))
    passwords._nobodys()  # made once for a process
    hasher, done = passwords._hasher(), []
    real = type(hasher).verify

    def verify(self: Any, kept: str, password: str) -> bool:
        done.append(kept.rsplit("$", 2)[0])
        return bool(real(self, kept, password))

    monkeypatch.setattr(type(hasher), "verify", verify)
    assert enter(client_of(store), name, "not the right words").status_code == 401
    assert done == ["$argon2id$v=19$m=64,t=1,p=4"]


@pytest.mark.usefixtures("anna")
def test_guessing_is_stopped_by_name(store: Store) -> None:
    """From however many addresses; also with the right password then."""
    for number in range(4):
        client = client_of(store, address=f"10.1.{number}.1")
        assert client.post("/api/v1/login", json=WRONG).status_code == 401
    reply = enter(client_of(store, address="10.2.0.1"))
    assert reply.status_code == 429
    assert 1 <= int(reply.headers["Retry-After"]) <= 300
    assert "set-cookie" not in reply.headers


@pytest.mark.usefixtures("anna")
def test_guessing_is_stopped_by_address(store: Store) -> None:
    """One password on many names; whether they exist or not."""
    client = client_of(store)
    found = [
        enter(client, f"user{n}", "Winter 2026 winter").status_code for n in range(22)
    ]
    assert found == [401] * 20 + [429] * 2
    assert enter(client_of(store, address="10.9.9.9")).status_code == 200


def test_an_unknown_name_is_limited_like_a_known_one(store: Store) -> None:
    client = client_of(store)
    assert [enter(client, "nobody").status_code for _ in range(5)] == [401] * 4 + [429]


@pytest.mark.usefixtures("anna")
def test_who_guesses_does_not_lock_the_owner_out(store: Store) -> None:
    """The owner's browser has logged in before; the attacker's has not."""
    mine, theirs = client_of(store), client_of(store, address="203.0.113.5")
    csrf = enter(mine).json()["csrf"]
    mine.post("/api/v1/logout", headers={"X-CSRF-Token": csrf})
    for _ in range(6):
        theirs.post("/api/v1/login", json=WRONG)
    assert enter(theirs).status_code == 429
    assert enter(mine).status_code == 200
    headers = token_of(store, "reader", name="anna")
    assert theirs.get("/api/v1/me", headers=headers).status_code == 200


@pytest.mark.usefixtures("anna")
def test_a_known_browser_may_not_guess_either(store: Store) -> None:
    client = client_of(store)
    enter(client)
    found = [client.post("/api/v1/login", json=WRONG).status_code for _ in range(5)]
    assert found == [401] * 4 + [429]


@pytest.mark.usefixtures("anna")
def test_a_known_browser_is_known_for_its_own_user(store: Store) -> None:
    """Whoever has an account cannot guess another's from their known browser."""
    with store.begin() as connection:
        kept = prepare_password("berta", WORDS)
        add_user(connection, "berta", "viewer", kept=kept, now=1.0)
    client = client_of(store)
    enter(client, "berta")
    found = [client.post("/api/v1/login", json=WRONG).status_code for _ in range(5)]
    assert found == [401] * 4 + [429]


@pytest.mark.usefixtures("anna")
def test_failures_are_forgotten_after_the_window(store: Store) -> None:
    client = client_of(store)
    for _ in range(5):
        client.post("/api/v1/login", json=WRONG)
    with store.begin() as connection:
        connection.execute(sa.update(attempts).values(at=time.time() - 301))
    assert enter(client).status_code == 200


@pytest.mark.usefixtures("anna")
def test_a_success_does_not_wipe_out_failures(store: Store) -> None:
    """Otherwise an account of one's own would reset the count of an address."""
    client = client_of(store)
    for number in range(3):
        enter(client, f"user{number}")
    enter(client)
    with store.read() as connection:
        count = sa.select(sa.func.count()).select_from(attempts)
        assert connection.scalar(count) == 6  # three names, three of the address


def test_a_password_in_the_field_of_the_name_is_not_kept(store: Store) -> None:
    enter(client_of(store), "correct horse battery", "x")
    enter(client_of(store), "correct-horse-battery", "x")
    assert actions(store) == [("-", "log in refused")] * 2
    with store.read() as connection:
        kept = connection.execute(sa.select(attempts.c.subject)).scalars().all()
    assert not [subject for subject in kept if "horse" in subject]


@pytest.mark.usefixtures("anna")
def test_a_refused_log_in_of_somebody_is_in_the_trail(store: Store) -> None:
    client_of(store).post("/api/v1/login", json=WRONG)
    assert actions(store) == [("anna", "log in refused")]


@pytest.mark.usefixtures("anna")
def test_parameters_that_changed_are_hashed_anew(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "TIME_COST", 2)
    passwords._hasher.cache_clear()
    assert enter(client_of(store)).status_code == 200
    with store.read() as connection:
        assert "t=2" in connection.scalar(sa.select(users.c.password))
    assert enter(client_of(store)).status_code == 200


@pytest.mark.usefixtures("anna")
@pytest.mark.parametrize(
    "foreign", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
@pytest.mark.parametrize("path", ["/api/v1/login", "/login", "/welcome"])
def test_another_site_logs_nobody_in(
    store: Store, foreign: dict[str, str], path: str
) -> None:
    form = {"name": "anna", "password": WORDS, "invitation": "x"}
    body = {"data": form} if path != "/api/v1/login" else {"json": form | {}}
    if path == "/api/v1/login":
        body["json"].pop("invitation")
    reply = client_of(store).post(path, headers=foreign, **body)
    assert reply.status_code == 403
    assert "set-cookie" not in reply.headers


@pytest.mark.usefixtures("anna")
def test_too_many_at_a_time_are_asked_to_wait(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "WAIT_S", 0.05)
    taken = [passwords._turns.acquire() for _ in range(passwords.AT_A_TIME)]
    try:
        reply = enter(client_of(store))
        form = {"name": "anna", "password": WORDS}
        page = client_of(store).post("/login", data=form)
    finally:
        for _ in taken:
            passwords._turns.release()
    assert reply.status_code == 503
    assert reply.headers["Retry-After"] == "5"
    assert "too many at a time" in reply.json()["detail"]
    assert page.status_code == 503
    assert "too many at a time" in page.text


# Invitations.


@pytest.mark.usefixtures("anna")
def test_the_trail_of_it_all_is_whole(store: Store) -> None:
    client = client_of(store)
    enter(client)
    client.post("/api/v1/login", json=WRONG)
    make_person(store)
    found = verify_trail(store)
    assert (found.is_whole, found.rows) == (True, 2)


@pytest.mark.usefixtures("anna")
def test_a_log_in_that_fails_inside_leaves_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Session and line of the trail are kept together or not at all."""

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk")

    monkeypatch.setattr(login, "record", fail)
    assert enter(client_of(store)).status_code == 500
    with store.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(sessions)) == 0
