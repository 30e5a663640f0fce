"""The page in a real browser: axe, network, overflow, policy, themes, print.

Needs Chromium: `apt-get install chromium`, or CHROMIUM naming the program.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medlens.report import write_report

from .phantom_forms import (
    mask_examples,
    series_examples,
    write_mask_phantom,
    write_sequence_phantom,
)
from .phantom_images import make_examples
from .phantom_run import TINY, Sizes, write_evaluation, write_phantom

playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: pip install .[test]"
)
axe = pytest.importorskip(
    "axe_playwright_python.base", reason="axe is not installed: pip install .[test]"
)

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SMALL = Sizes(train=300, validation=60, test=240)
KINDS = (
    "binary",
    "multiclass",
    "multilabel",
    "tiny",
    "evaluation",
    "masks",
    "pixels",
    "sequence",
)
LONG = "site-a/series_" + "0123456789" * 9 + ".png"


def find_chromium() -> str:
    """The browser's program, or ""."""
    named = os.environ.get("CHROMIUM", "")
    names = (named, "chromium", "chromium-browser", "google-chrome")
    return next((found for n in names if n and (found := shutil.which(n))), "")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = find_chromium()
    if not program:
        pytest.skip("Chromium not found: apt-get install chromium, or set CHROMIUM")
    with playwright.sync_playwright() as running:
        # Root in a container has no sandbox; the pages are our own.
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        opened = running.chromium.launch(executable_path=program, args=flags)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report of each kind, one of them with a case key too long for a phone."""
    home = tmp_path_factory.mktemp("reports")
    examples = make_examples(5)
    examples[0] = replace(examples[0], case=LONG, reference=LONG, predicted=LONG)
    written = {}
    written["masks"] = write_report(
        write_mask_phantom(home / "masks"),
        examples=[replace(mask_examples(1)[0], case=LONG), *mask_examples()],
    )
    written["pixels"] = write_report(write_mask_phantom(home / "px", spacing=None))
    written["sequence"] = write_report(
        write_sequence_phantom(home / "sequence"), examples=series_examples()
    )
    for kind in KINDS[:5]:
        folder = home / kind
        if kind == "evaluation":
            write_evaluation(folder)
        elif kind == "tiny":
            write_phantom(folder, sizes=TINY)
        else:
            write_phantom(folder, kind=kind, sizes=SMALL)
        written[kind] = write_report(folder, examples=examples)
    return written


@pytest.fixture
def opened(browser: Any) -> Iterator[Any]:
    """A function that opens a page and keeps its requests and complaints."""
    contexts = []

    def visit(path: Path, *, width: int = 1280, scheme: str = "light") -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme
        )
        contexts.append(context)
        page = context.new_page()
        page.asked = []
        page.said = []
        page.on("request", lambda asked: page.asked.append(asked.url))
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.goto(path.as_uri())
        return page

    yield visit
    for context in contexts:
        context.close()


@pytest.mark.parametrize(
    ("kind", "scheme"),
    [
        ("binary", "dark"),
        ("multiclass", "light"),
        ("multilabel", "light"),
        ("masks", "light"),
        ("pixels", "dark"),
        ("sequence", "dark"),
    ],
)
def test_axe_finds_nothing(
    opened: Any, pages: dict[str, Path], kind: str, scheme: str
) -> None:
    width = 360 if scheme == "dark" else 1280
    page = opened(pages[kind], width=width, scheme=scheme)
    # Folded tables are part of the page, so they are checked unfolded.
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    page.evaluate(axe.AXE_FILE_PATH.read_text(encoding="utf-8"))
    found = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", WCAG
    )
    assert len(found["passes"]) > 20
    problems = [
        f"{item['id']}: {item['help']}: {node['html'][:160]}"
        for item in found["violations"]
        for node in item["nodes"][:3]
    ]
    assert problems == []


@pytest.mark.parametrize("kind", KINDS)
def test_page_asks_for_nothing_and_nobody_complains(
    opened: Any, pages: dict[str, Path], kind: str
) -> None:
    page = opened(pages[kind])
    outside = [url for url in page.asked if not url.startswith("data:image/")]
    assert outside == [pages[kind].as_uri()]
    assert page.said == []
    assert page.evaluate("document.scripts.length") == 0
    # The policy must let our own style through, or the page would be bare.
    assert page.evaluate("getComputedStyle(document.body).maxWidth") != "none"
    broken = "[...document.images].filter(i => !i.complete || !i.naturalWidth).length"
    assert page.evaluate(broken) == 0


@pytest.mark.parametrize("width", [320, 360])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_scrolls_sideways(
    opened: Any, pages: dict[str, Path], kind: str, width: int
) -> None:
    page = opened(pages[kind], width=width)
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Text in drawings must not shrink below what a phone can show.
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('figure svg text')].map("
        "t => t.getBoundingClientRect().height))"
    )
    assert smallest >= 8


@pytest.mark.parametrize("kind", KINDS)
def test_no_words_overlap_or_leave_a_drawing(
    opened: Any, pages: dict[str, Path], kind: str
) -> None:
    page = opened(pages[kind], width=360)
    found = page.evaluate(
        """() => {
        const wrong = [];
        for (const svg of document.querySelectorAll('figure > svg')) {
          const frame = svg.getBoundingClientRect();
          const boxes = [...svg.querySelectorAll('text')].map(
            t => [t.textContent, t.getBoundingClientRect()]);
          boxes.forEach(([words, a], index) => {
            if (a.left < frame.left - 1 || a.right > frame.right + 1 ||
                a.top < frame.top - 1 || a.bottom > frame.bottom + 1)
              wrong.push('leaves: ' + words);
            for (const [other, b] of boxes.slice(index + 1)) {
              const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
              const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
              if (across > 1 && down > 4) wrong.push(words + ' over ' + other);
            }
          });
        }
        return wrong;
        }"""
    )
    assert found == []


def test_themes_differ_and_print_is_light(opened: Any, pages: dict[str, Path]) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    light = opened(pages["binary"]).evaluate(paper)
    dark_page = opened(pages["binary"], scheme="dark")
    dark = dark_page.evaluate(paper)
    assert light == "rgb(255, 255, 255)"
    assert dark == "rgb(16, 21, 27)"
    dark_page.emulate_media(media="print", color_scheme="dark")
    assert dark_page.evaluate(paper) == light


def test_print_shows_the_recipe_and_hides_the_contents(
    opened: Any, pages: dict[str, Path]
) -> None:
    page = opened(pages["binary"])
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.get_by_text("train.learning_rate").is_visible()
    printed = page.pdf(format="A4")
    assert printed.startswith(b"%PDF")
    assert printed.count(b"/Type /Page\n") <= 16


def test_keyboard_reaches_what_scrolls(opened: Any, pages: dict[str, Path]) -> None:
    page = opened(pages["multilabel"], width=360)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#answer")
    page.locator(".scroll").first.focus()
    assert page.evaluate("document.activeElement.className") == "scroll"
