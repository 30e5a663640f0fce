"""The browser app's page and files as the service gives them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from medlens.serve.settings import ServeSettings
from medlens.serve.store.store import open_store
from medlens.serve.web.app import create_app
from medlens.serve.web.app_pages import FOLDER
from tests.serve.http import client_for

ADDRESSES = ("/", "/studies/17", "/models", f"/models/{'a' * 64}", "/try")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    store = open_store(tmp_path / "data")
    yield client_for(create_app(store, ServeSettings()))
    store.close()


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_address_of_the_app_is_its_page(
    client: httpx.Client, address: str
) -> None:
    reply = client.get(address)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    # A new build is seen at once; what it names is kept for ever.
    assert reply.headers["Cache-Control"] == "no-cache"
    assert '<div id="app">' in reply.text


@pytest.mark.parametrize("page", ["studies", "evaluations"])
@pytest.mark.parametrize("number", ["x", "-1", "1.5", "٣", "9" * 20, "9" * 5000])
def test_what_is_no_number_is_no_page(
    client: httpx.Client, page: str, number: str
) -> None:
    assert client.get(f"/{page}/{number}").status_code == 404
    assert client.get(f"/{page}/{'9' * 19}").status_code == 200


def test_what_the_page_names_is_there_and_kept(client: httpx.Client) -> None:
    named = re.findall(r'(?:src|href)="(/assets/[^"]+)"', client.get("/").text)
    assert any(name.endswith(".js") for name in named)
    assert any(name.endswith(".css") for name in named)
    for name in named:
        reply = client.get(name)
        assert reply.status_code == 200
        assert "immutable" in reply.headers["Cache-Control"]
        assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_has_no_inline_script_or_style_and_no_other_host() -> None:
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)
    assert "<style" not in page
    assert "style=" not in page
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


def test_texts_are_packed_for_whoever_takes_it(client: httpx.Client) -> None:
    script = re.findall(r'src="(/assets/[^"]+)"', client.get("/").text)[0]
    plain = client.get(script, headers={"Accept-Encoding": "identity"})
    packed = client.get(script, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert packed.content == plain.content  # as the client unpacked it
    assert int(packed.headers["Content-Length"]) < len(plain.content) / 2


@pytest.mark.parametrize(
    "name",
    [
        "index.html",
        "..%2findex.html",
        "%2e%2e%2f%2e%2e%2fsettings.py",
        "nothing.js",
        "%00",
    ],
)
def test_no_name_leads_out_of_the_folder(client: httpx.Client, name: str) -> None:
    reply = client.get(f"/assets/{name}")
    assert reply.status_code == 404
    assert reply.headers["Content-Type"] == "application/problem+json"


def test_a_developer_may_serve_another_build(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    build = tmp_path / "build"
    build.mkdir()
    (build / "index.html").write_text("another build", encoding="utf-8")
    (tmp_path / "secret.js").write_text("secret", encoding="utf-8")
    (build / "assets").mkdir()
    (build / "assets" / "link.js").symlink_to(tmp_path / "secret.js")
    monkeypatch.setenv("MEDLENS_WEB_FILES", str(build))
    assert client.get("/").text == "another build"
    assert client.get("/assets/link.js").status_code == 404
