"""What every reply says to browsers, and by which names the service is asked."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from medlens.serve.settings import ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.web.app import create_app
from tests.serve.http import client_for
from tests.serve.people import token_of

PATHS = ("/login", "/api/v1/me", "/nowhere", "/healthz", "/api/v1/users")


def client_of(store: Store, **settings: Any) -> httpx.Client:
    return client_for(create_app(store, ServeSettings(**settings)))


@pytest.mark.parametrize("path", PATHS)
def test_every_reply_has_the_headers(store: Store, path: str) -> None:
    reply = client_of(store).get(path)
    policy = dict(
        part.strip().split(" ", 1)
        for part in reply.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert "script-src" not in policy  # so default-src holds: no inline, no eval
    assert "unsafe" not in reply.headers["Content-Security-Policy"]
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["X-Frame-Options"] == "DENY"
    assert reply.headers["Referrer-Policy"] == "same-origin"
    assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert reply.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in reply.headers["Permissions-Policy"]
    assert "no-store" in reply.headers["Cache-Control"]
    assert "Strict-Transport-Security" not in reply.headers
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert len(reply.headers["X-Request-Id"]) == 36


def test_a_route_may_say_how_long_a_copy_is_good(store: Store) -> None:
    reply = client_of(store).get("/login/page.css")
    assert reply.headers.get_list("Cache-Control") == ["public, max-age=3600"]


def test_https_is_asked_for_where_there_is_https(store: Store) -> None:
    client = client_of(store, public_url="https://med.example")
    reply = client.get("/login")
    assert reply.headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8000",
        "localhost:8000",
        "LOCALHOST",
        "[::1]:8000",
        "10.0.0.5:8000",
        "med.example",
        "med.example:443",
        "med.example.",
        "ai.local:8000",
        "bound.example:8000",
    ],
)
def test_own_names_are_taken(store: Store, host: str) -> None:
    client = client_of(
        store,
        public_url="https://med.example",
        hosts=("ai.local",),
        host="bound.example",
    )
    assert client.get("/login", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "med.example.evil.example",
        "127.0.0.1:8000@evil.example",
        "evil.example/127.0.0.1",
        "127.0.0.1:port",
        "2130706433",
        "",
    ],
)
def test_other_names_are_refused(store: Store, host: str) -> None:
    """A page of evil.example whose name was pointed at this machine."""
    client = client_of(store, demo=True, public_url="https://med.example")
    reply = client.get("/api/v1/me", headers={"Host": host})
    assert reply.status_code == 421
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.json()["type"].endswith("/wrong-host")
    assert "add the name to `hosts`" in reply.json()["detail"]
    assert "evil" not in reply.text
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_two_hosts_are_refused(store: Store) -> None:
    headers = [("Host", "127.0.0.1:8000"), ("Host", "127.0.0.1:8000")]
    assert client_of(store).get("/login", headers=headers).status_code == 421


def test_a_token_does_not_make_a_wrong_name_right(store: Store) -> None:
    headers = token_of(store) | {"Host": "evil.example"}
    assert client_of(store).get("/api/v1/users", headers=headers).status_code == 421


def test_what_watches_may_use_any_name(store: Store) -> None:
    reply = client_of(store).get("/healthz", headers={"Host": "medlens-0.pod"})
    assert reply.status_code == 200
