"""A running service, and Debian's Chromium to look at it, for the browser app's tests.

Needs Chromium: `apt-get install chromium`, or CHROMIUM naming the program. The served
page is the one of `serve/static`, or of the folder that MEDLENS_WEB_FILES names.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serve.running import STARTED_S, Running
from tests.web.studies import put_bundle

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DESKTOP = {"width": 1280, "height": 720}
TABLET = {"width": 768, "height": 1024}
WAIT_MS = 60_000


@dataclass
class Heard:
    """What a page said and asked for.

    Attributes:
        errors: of the console, and exceptions that nobody caught.
        asked: addresses of all requests.
        expected: parts of errors that the test brings about itself.
    """

    errors: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expect(self, part: str) -> None:
        """Take an error that has this part for what the test wants to see."""
        self.expected.append(part)

    def surprises(self) -> list[str]:
        """Errors that nobody expected."""
        return [
            said
            for said in self.errors
            if not any(part in said for part in self.expected)
        ]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install .[test]"
    )
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


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a bundle whose answers are known by hand, see `put_bundle`."""
    pytest.importorskip("onnx")
    return put_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, bundle: Path
) -> Iterator[Running]:
    """`medlens serve --demo` with that bundle and no study."""
    one = Running(tmp_path_factory.mktemp("service"), str(bundle))
    # The first request takes longest, and on a busy machine longer than a page waits.
    httpx.get(f"{one.url}/healthz", timeout=2 * STARTED_S).raise_for_status()
    yield one
    assert one.stop() == 0


@pytest.fixture
def heard() -> Heard:
    """What the pages of this test say and ask for."""
    return Heard()


@pytest.fixture
def visit(browser: Any, service: Running, heard: Heard) -> Iterator[Callable[..., Any]]:
    """Opens a page of the service: `visit(viewport=…, locale="zh-CN")`.

    Its addresses may be relative: `page.goto("/try")`. At the end no page may have
    said an error, nor asked another host.
    """
    contexts = []

    def open_page(**more: Any) -> Any:
        chosen = {"viewport": DESKTOP, "locale": "en-GB", "base_url": service.url}
        contexts.append(browser.new_context(**(chosen | more)))
        page = contexts[-1].new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda said: _note(heard, said))
        page.on("pageerror", lambda error: heard.errors.append(str(error)))
        page.on("request", lambda asked: heard.asked.append(asked.url))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert heard.surprises() == []
    ours = (f"{service.url}/", "blob:", "data:")
    assert [url for url in heard.asked if not url.startswith(ours)] == []


def _note(heard: Heard, said: Any) -> None:
    if said.type == "error":
        heard.errors.append(f"{said.text} {said.location.get('url', '')}")


@pytest.fixture
def page(visit: Callable[..., Any]) -> Any:
    """A page of 1280 × 720 in English."""
    return visit()


@pytest.fixture
def tablet(visit: Callable[..., Any]) -> Any:
    """A page of 768 × 1024 that is touched."""
    return visit(viewport=TABLET, has_touch=True)


@pytest.fixture
def check_accessible() -> Callable[..., None]:
    """Holds a page against WCAG 2.2 AA: `check_accessible(page)`."""
    axe = pytest.importorskip(
        "axe_playwright_python.base", reason="axe is not installed: pip install .[test]"
    )
    source = Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8")

    def check(page: Any) -> None:
        page.evaluate(source)  # by the debugger: the policy lets no page do this
        found = page.evaluate(
            "options => axe.run(document, options)",
            {"runOnly": {"type": "tag", "values": WCAG}},
        )
        assert [
            (each["id"], each["nodes"][0]["html"][:200]) for each in found["violations"]
        ] == []

    return check
