"""OpenID Connect, with a provider on loopback: who gets in, and every lie refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from joserfc.jwk import RSAKey

from medlens.serve.access import openid
from medlens.serve.access.users import add_user
from medlens.serve.settings import OpenIdSettings, ServeSettings
from medlens.serve.store.store import Store, open_store
from medlens.serve.store.tables import trail, users
from medlens.serve.web.app import create_app
from tests.serve.access.provider import CLIENT, SECRET, Provider, run_provider
from tests.serve.http import client_for

BACK = "/login/oidc/callback"


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with run_provider() as provider:
        yield provider


@pytest.fixture
def provider(running: Provider) -> Provider:
    fresh = Provider(port=running.port)
    running.__dict__.update(fresh.__dict__ | {"key": running.key})
    return running


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Store]:
    """A store on SQLite: what is tested here does not touch the database's kind."""
    opened = open_store(tmp_path / "service")
    yield opened
    opened.close()


def settings_of(provider: Provider, tmp_path: Path, **more: Any) -> ServeSettings:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    return ServeSettings(
        openid=OpenIdSettings(
            **{
                "issuer": provider.issuer,
                "client_id": CLIENT,
                "client_secret_file": str(tmp_path / "secret"),
                "roles": {"radiology": "reader", "it": "administrator"},
                **more,
            }
        )
    )


@pytest.fixture
def client(place: Store, provider: Provider, tmp_path: Path) -> httpx.Client:
    return client_for(create_app(place, settings_of(provider, tmp_path)))


def go(client: httpx.Client, provider: Provider) -> httpx.Response:
    """The whole way: off to the provider, log in there, and back."""
    off = client.get("/login/oidc")
    assert off.status_code == 303
    return client.get(BACK, params=provider.authorize(off.headers["Location"]))


def me(client: httpx.Client) -> dict[str, Any] | None:
    reply = client.get("/api/v1/me")
    return reply.json() if reply.status_code == 200 else None


def test_somebody_gets_in_on_both_databases(
    store: Store, provider: Provider, tmp_path: Path
) -> None:
    client = client_for(create_app(store, settings_of(provider, tmp_path)))
    for _ in range(2):
        reply = go(client, provider)
        assert reply.status_code == 200
        found = me(client)
        assert found is not None
        assert (found["name"], found["role"]) == ("anna", "reader")
    with store.read() as connection:
        (row,) = connection.execute(sa.select(users)).mappings().all()
        lines = connection.execute(sa.select(trail.c.action, trail.c.detail)).all()
    assert row["password"] == ""
    assert "person-1" not in row["subject"]
    entered = ("log in", {"by": "openid"})
    made = ("add user", {"user": "anna", "role": "reader"})
    assert [tuple(line) for line in lines] == [made, entered, entered]


def test_the_request_has_state_nonce_and_pkce(
    client: httpx.Client, provider: Provider
) -> None:
    off = client.get("/login/oidc")
    query = parse_qs(urlsplit(off.headers["Location"]).query)
    assert off.headers["Location"].startswith(f"{provider.issuer}/authorize?")
    assert query["response_type"] == ["code"]
    assert query["redirect_uri"] == [f"http://127.0.0.1:8000{BACK}"]
    assert query["code_challenge_method"] == ["S256"]
    assert all(len(query[key][0]) == 43 for key in ("state", "nonce", "code_challenge"))
    cookie = off.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie  # it must come back from the provider's site
    assert "Max-Age=600" in cookie


def test_the_session_is_strict_and_a_page_goes_on(
    client: httpx.Client, provider: Provider
) -> None:
    reply = go(client, provider)
    given = reply.headers.get_list("set-cookie")
    session = next(c for c in given if c.startswith("medlens="))
    assert "SameSite=strict" in session
    assert '<meta http-equiv="refresh" content="0;url=/login?in">' in reply.text
    assert "medlens-openid" not in client.cookies


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"aud": "another-service"}, "aud"),
        ({"aud": [CLIENT, "other"], "azp": "other"}, "azp"),
        ({"iss": "https://evil.example"}, "iss"),
        ({"exp": int(time.time()) - 3600}, "Expired"),
        ({"exp": None}, "exp"),
        ({"iat": int(time.time()) + 3600}, "iat"),
        ({"nbf": int(time.time()) + 3600}, "not valid"),
        ({"sub": None}, "sub"),
        ({"at_hash": "wrong"}, "at_hash"),
        ({"groups": ["staff"]}, "no group of yours has a role"),
        ({"groups": []}, "no group of yours has a role"),
    ],
)
def test_wrong_claims_are_refused(
    client: httpx.Client, provider: Provider, claims: dict[str, Any], said: str
) -> None:
    provider.claims = claims
    reply = go(client, provider)
    assert reply.status_code == 403
    assert said in reply.text
    assert me(client) is None


@pytest.mark.parametrize(
    "way", ["unsigned", "signed_by_another", "signed_by_public_key", "changed"]
)
def test_wrong_signatures_are_refused(
    client: httpx.Client, provider: Provider, way: str
) -> None:
    provider.sign = getattr(provider, way)
    reply = go(client, provider)
    assert reply.status_code == 403
    assert "token is not valid" in reply.text
    assert me(client) is None


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "a.b.c.d.e", "\u0000"])
def test_no_token_is_refused(
    client: httpx.Client, provider: Provider, token: str
) -> None:
    provider.sign = lambda _: token
    assert go(client, provider).status_code == 403
    assert me(client) is None


def test_another_state_is_refused(client: httpx.Client, provider: Provider) -> None:
    off = client.get("/login/oidc")
    query = provider.authorize(off.headers["Location"])
    for state in ("another", "", "é"):
        reply = client.get(BACK, params=query | {"state": state})
        assert reply.status_code == 403
        assert "not of this log-in" in reply.text or "began no log-in" in reply.text
    assert "/token" not in provider.asked
    assert me(client) is None


def test_anothers_answer_is_refused(
    place: Store, provider: Provider, tmp_path: Path
) -> None:
    """An attacker's own answer, sent to a victim's browser (log-in CSRF)."""
    app = create_app(place, settings_of(provider, tmp_path))
    theirs, mine = client_for(app), client_for(app)
    answer = provider.authorize(theirs.get("/login/oidc").headers["Location"])
    reply = mine.get(BACK, params=answer)
    assert reply.status_code == 403
    assert "this browser began no log-in" in reply.text
    mine.get("/login/oidc")
    assert mine.get(BACK, params=answer).status_code == 403
    assert me(mine) is None


def test_an_answer_works_once(client: httpx.Client, provider: Provider) -> None:
    off = client.get("/login/oidc")
    cookie = dict(client.cookies)
    answer = provider.authorize(off.headers["Location"])
    assert client.get(BACK, params=answer).status_code == 200
    client.cookies.clear()
    client.cookies.update(cookie)
    assert client.get(BACK, params=answer).status_code == 403


def test_a_stolen_code_is_worth_nothing(
    client: httpx.Client, provider: Provider
) -> None:
    """PKCE: the verifier is in the cookie of the browser that began."""
    stolen = provider.authorize(client.get("/login/oidc").headers["Location"])
    client.cookies.clear()
    own = provider.authorize(client.get("/login/oidc").headers["Location"])
    answer = {"code": stolen["code"], "state": own["state"]}
    assert client.get(BACK, params=answer).status_code == 403
    assert me(client) is None


def test_another_issuer_in_the_answer_is_refused(
    client: httpx.Client, provider: Provider
) -> None:
    off = client.get("/login/oidc")
    answer = provider.authorize(off.headers["Location"])
    answer["iss"] = "https://evil.example"
    assert "another provider answered" in client.get(BACK, params=answer).text


def test_a_refusal_of_the_provider(client: httpx.Client, provider: Provider) -> None:
    off = client.get("/login/oidc")
    state = provider.authorize(off.headers["Location"])["state"]
    nasty = {"state": state, "error": "<script>alert(1)</script>"}
    reply = client.get(BACK, params=nasty)
    assert reply.status_code == 403
    assert "let nobody in" in reply.text
    assert "<script>alert" not in reply.text


def test_new_keys_of_the_provider_are_fetched(
    client: httpx.Client, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert go(client, provider).status_code == 200
    monkeypatch.setattr(openid, "SOONEST_S", -1.0)
    old = provider.key
    provider.key = RSAKey.generate_key(2048, {"kid": "two"})
    try:
        assert go(client, provider).status_code == 200
    finally:
        provider.key = old


def test_unknown_keys_do_not_make_us_ask_without_end(
    client: httpx.Client, provider: Provider
) -> None:
    old = provider.key
    assert go(client, provider).status_code == 200
    provider.key = RSAKey.generate_key(2048, {"kid": "two"})
    try:
        for _ in range(3):
            assert go(client, provider).status_code == 403
    finally:
        provider.key = old
    assert provider.asked.count("/keys") == 1


def test_the_role_follows_the_groups_at_each_log_in(
    client: httpx.Client, provider: Provider, place: Store
) -> None:
    provider.claims = {"groups": ["radiology", "it"]}
    go(client, provider)
    assert (me(client) or {})["role"] == "administrator"
    provider.claims = {"groups": "radiology"}
    go(client, provider)
    assert (me(client) or {})["role"] == "reader"
    with place.read() as connection:
        wanted = sa.select(trail.c.detail).where(trail.c.action == "change role")
        (line,) = connection.execute(wanted).all()
    assert line.detail == {"user": "anna", "from": "administrator", "to": "reader"}


def test_groups_may_stand_deeper_and_with_the_person(
    place: Store, provider: Provider, tmp_path: Path
) -> None:
    settings = settings_of(provider, tmp_path, role_claim="realm_access.roles")
    client = client_for(create_app(place, settings))
    provider.userinfo = {"realm_access": {"roles": ["radiology"]}}
    assert go(client, provider).status_code == 200
    provider.userinfo = {"sub": "person-2", "realm_access": {"roles": ["it"]}}
    reply = go(client, provider)
    assert reply.status_code == 403
    assert "told of another person" in reply.text


def test_a_name_makes_nobody_somebody(
    place: Store, client: httpx.Client, provider: Provider
) -> None:
    """Who is called "chief" elsewhere does not become the chief who is here."""
    with place.begin() as connection:
        add_user(connection, "chief", "administrator", kept="", now=1.0)
    provider.claims = {"preferred_username": "Chief"}
    go(client, provider)
    found = me(client) or {}
    assert (found["name"], found["role"]) == ("chief-2", "reader")
    provider.claims = {"preferred_username": "<b>x y</b>/../", "sub": "person-9"}
    go(client, provider)
    assert (me(client) or {})["name"] == "-b-x-y-b-..-"


def test_a_disabled_account_stays_out(
    place: Store, client: httpx.Client, provider: Provider
) -> None:
    go(client, provider)
    with place.begin() as connection:
        connection.execute(sa.update(users).values(is_active=False))
    assert me(client) is None
    reply = go(client, provider)
    assert reply.status_code == 403
    assert "this account is disabled" in reply.text


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"issuer": "https://evil.example"}, "issuer is not what"),
        ({"token_endpoint": "http://evil.example/token"}, "token_endpoint is no https"),
        ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri is no https"),
        ({"userinfo_endpoint": "http://evil.example/me"}, "userinfo_endpoint is no"),
        ({"authorization_endpoint": None}, "authorization_endpoint is no https"),
    ],
)
def test_a_provider_that_describes_itself_wrongly(
    client: httpx.Client, provider: Provider, metadata: dict[str, Any], said: str
) -> None:
    provider.metadata = metadata
    reply = client.get("/login/oidc")
    assert reply.status_code == 403
    assert said in reply.text


def test_a_provider_that_is_away(
    place: Store, provider: Provider, tmp_path: Path
) -> None:
    settings = settings_of(provider, tmp_path, issuer="http://127.0.0.1:9")
    reply = client_for(create_app(place, settings)).get("/login/oidc")
    assert reply.status_code == 503
    assert "does not answer" in reply.text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"issuer": "http://login.example"}, "issuer is no https"),
        ({"client_id": ""}, "client_id is missing"),
        ({"client_secret_file": "/nowhere/secret"}, "secret: cannot be read"),
        ({"roles": {"it": "king"}}, "wanted one of viewer"),
    ],
)
def test_settings_that_cannot_work(
    place: Store, provider: Provider, tmp_path: Path, more: Any, said: str
) -> None:
    client = client_for(create_app(place, settings_of(provider, tmp_path, **more)))
    reply = client.get("/login/oidc")
    assert reply.status_code == 403
    assert said in reply.text
    assert "/nowhere" not in reply.text


def test_without_an_issuer_there_is_no_such_way(place: Store) -> None:
    client = client_for(create_app(place, ServeSettings()))
    assert client.get("/login/oidc").status_code == 404
    assert client.get(BACK).status_code in (403, 404)
    assert "/login/oidc" not in client.get("/login").text


def test_the_page_offers_the_way(client: httpx.Client) -> None:
    assert '<a href="/login/oidc">' in client.get("/login").text
