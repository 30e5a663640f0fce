"""The pages of log-in in a real browser: cookies, policy, forms, accessibility.

Needs Chromium: `apt-get install chromium`, or CHROMIUM naming the program.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from medlens.serve.access.invitations import invite_first_administrator
from medlens.serve.settings import OpenIdSettings, ServeSettings
from medlens.serve.store.store import Store, open_store
from medlens.serve.store.tables import trail
from tests.serve.access.provider import CLIENT, SECRET, run_provider
from tests.serve.web.live import live_server

playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: pip install .[test]"
)
axe = pytest.importorskip(
    "axe_playwright_python.base", reason="axe is not installed: pip install .[test]"
)

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WORDS = "four plain words here"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    names = (os.environ.get("CHROMIUM", ""), "chromium", "google-chrome")
    program = next((found for n in names if n and (found := shutil.which(n))), "")
    if not program:
        pytest.skip("Chromium not found: apt-get install chromium, or set CHROMIUM")
    with playwright.sync_playwright() as running:
        # Root in a container has no sandbox; the pages are our own.
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        opened = running.chromium.launch(executable_path=program, args=flags)
        yield opened
        opened.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "service")
    yield opened
    opened.close()


def visit(browser: Any, **more: Any) -> Any:
    page = browser.new_context(
        viewport={"width": 390, "height": 800}, **more
    ).new_page()
    page.said, page.asked = [], []
    page.on("console", lambda said: page.said.append(said.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda asked: page.asked.append(asked.url))
    return page


def check_accessible(page: Any) -> None:
    source = Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
    page.evaluate(source)  # by the debugger: the policy lets no page do this
    found = page.evaluate(
        "options => axe.run(document, options)",
        {"runOnly": {"type": "tag", "values": WCAG}},
    )
    assert [each["id"] for each in found["violations"]] == []


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_the_link_to_the_log_out(
    browser: Any, place: Store, tmp_path: Path, scheme: str
) -> None:
    path = invite_first_administrator(place) or ""
    secret = path.partition("#")[2]
    with live_server(ServeSettings(data=tmp_path / "service")) as url:
        page = visit(browser, color_scheme=scheme, locale="en-GB")
        page.goto(f"{url}{path}")
        assert page.url == f"{url}/welcome"  # the secret is out of the address
        assert page.input_value("#invitation") == secret
        assert not page.is_visible("#invitation")
        check_accessible(page)
        page.fill("#name", "Chief")
        page.fill("#password", "short")
        page.click("button")
        assert page.url == f"{url}/welcome"  # the browser itself knows the rule
        page.fill("#password", WORDS)
        page.click("button")
        page.wait_for_url(f"{url}/")
        page.goto(f"{url}/login")
        assert "You are logged in as chief" in page.inner_text("main")
        check_accessible(page)
        cookies = {each["name"]: each for each in page.context.cookies()}
        assert cookies["medlens"]["httpOnly"] is True
        assert cookies["medlens"]["sameSite"] == "Strict"
        assert page.evaluate("document.cookie") == ""
        page.click("button")
        page.wait_for_url(f"{url}/login")
        check_accessible(page)
        page.fill("#name", "chief")
        page.fill("#password", "not the right words")
        page.click("button")
        page.wait_for_selector("[role=alert]")
        assert page.inner_text("[role=alert]") == "The name or the password is wrong."
        check_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.context.close()
        errors = [said for said in page.said if "401" not in said]
        assert errors == []
        assert all(asked.startswith(url) for asked in page.asked)
        assert secret not in " ".join(asked.partition("#")[0] for asked in page.asked)
    with place.read() as connection:
        # The app's own questions, once somebody is inside, leave lines of their own.
        about_log_in = trail.c.action.startswith("log ")
        done = connection.execute(
            sa.select(trail.c.action).where(about_log_in).order_by(trail.c.number)
        )
        assert done.scalars().all() == ["log in", "log out", "log in refused"]


@pytest.mark.slow
def test_chinese(browser: Any, place: Store, tmp_path: Path) -> None:
    assert place.is_sqlite
    with live_server(ServeSettings(data=tmp_path / "service", demo=True)) as url:
        page = visit(browser, locale="zh-CN")
        page.goto(f"{url}/login")
        assert page.inner_text("h1") == "登录"
        assert "演示模式" in page.inner_text("header")
        check_accessible(page)
        page.context.close()


@pytest.mark.slow
def test_a_strict_session_survives_the_way_back_from_a_provider(
    browser: Any, place: Store, tmp_path: Path
) -> None:
    """The browser comes from another site; our own page then asks with the cookie."""
    assert place.is_sqlite
    (tmp_path / "secret").write_text(SECRET)
    with run_provider() as provider:
        settings = ServeSettings(
            data=tmp_path / "service",
            openid=OpenIdSettings(
                issuer=provider.issuer,
                client_id=CLIENT,
                client_secret_file=str(tmp_path / "secret"),
                roles={"radiology": "reader"},
            ),
        )
        with live_server(settings) as url:
            url = url.replace("127.0.0.1", "localhost")  # another site than theirs
            page = visit(browser)

            page.goto(f"{url}/login")
            page.click("a")
            page.wait_for_url(f"{provider.issuer}/**")
            page.click("a")
            page.wait_for_url(f"{url}/")
            page.goto(f"{url}/login")
            assert "You are logged in as anna (reader)." in page.inner_text("main")
            page.context.close()


@pytest.mark.slow
def test_a_page_of_another_site_cannot_post(
    browser: Any, place: Store, tmp_path: Path
) -> None:
    """A form on another site, sent by a browser to a demo that lets everybody in."""
    assert place.is_sqlite
    settings = ServeSettings(data=tmp_path / "service", demo=True)
    with run_provider() as elsewhere, live_server(settings) as url:
        page = visit(browser)
        form = (
            f'<form method="post" action="{url}/login"><input name="name" value="x">'
            '<input name="password" value="y"><button>win</button></form>'
        )
        page.route(
            f"{elsewhere.issuer}/trap",
            lambda route: route.fulfill(content_type="text/html", body=form),
        )
        page.goto(f"{elsewhere.issuer}/trap")
        with page.expect_response(f"{url}/login") as reply:
            page.click("button")
        assert reply.value.status == 403
        assert reply.value.json()["type"].endswith("/csrf")
        page.context.close()
