"""Draw every page of the browser app, on a desktop and a tablet, dark and light.

    medlens serve run/bundle --demo --port 8000
    python scripts/draw_app.py http://127.0.0.1:8000 docs/pictures

Pictures are named app-PAGE-SCREEN-THEME.png. The service must run as a demo and hold a
study that was answered; a page of an evaluation is drawn where one is done. Needs
Chromium and the `test` extra, as the tests do.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

SCREENS = {"desktop": (1280, 800), "tablet": (768, 1024)}
Theme = Literal["dark", "light"]
THEMES: tuple[Theme, ...] = ("dark", "light")
COLOURS = 256
"""A palette keeps a page below about 100 kB; text and lines lose nothing."""
SETTLED_MS = 1500
WAIT_MS = 60_000
HEADINGS = {"model": "#figures .models-grid-2", "evaluation": "#figures"}
"""Pages that begin with words: the picture shows this part of them."""
SIGNS = {
    "worklist": "[role=grid], [role=table], table, main h1",
    "study": "canvas",
    "models": ".models-big",
    "model": "#figures svg[role=img], #figures table",
    "evaluation": "#figures svg[role=img], #figures table",
    "try": "main h1",
    "keys": "dialog[open]",
}
"""What is there once a page has loaded."""


def draw_all(url: str, folder: Path, *, study: int | None) -> None:
    """Write all pictures; one line to stdout for each."""
    pages = dict(addresses(url, study))
    for screen, (width, height) in SCREENS.items():
        for theme in THEMES:
            with opened(width, height, theme) as page:
                for name, address in pages.items():
                    goal = folder / f"app-{name}-{screen}-{theme}.png"
                    draw(page, f"{url}{address}", name, goal)
                    sys.stdout.write(f"{goal.name}: {goal.stat().st_size >> 10} KiB\n")


def addresses(url: str, study: int | None) -> Iterator[tuple[str, str]]:
    """Name of each page, and where it is in this service."""
    yield "worklist", "/"
    if study is None:
        found = _first(url, "/api/v1/studies?state=answered&limit=1", "items")
        if found is None:
            sys.exit(f"{url}: no study is answered yet; upload one and wait")
        study = found["id"]
    yield "study", f"/studies/{study}"
    yield "models", "/models"
    evaluation = _first(url, "/api/v1/evaluations?limit=20", "items", state="done")
    bundle = _first(url, "/api/v1/bundles", role="active")
    digest = evaluation["bundle"] if evaluation else bundle and bundle["digest"]
    if digest:
        yield "model", f"/models/{digest}"
    if evaluation:
        yield "evaluation", f"/evaluations/{evaluation['id']}"
    yield "try", "/try"
    yield "keys", "/"


def _first(url: str, address: str, key: str = "", **wanted: str) -> Any:
    """The first entry of a list that is as wanted, or None."""
    with urllib.request.urlopen(f"{url}{address}") as reply:
        told = json.load(reply)
    entries = told[key] if key else told
    fits = (e for e in entries if all(e[name] == word for name, word in wanted.items()))
    return next(fits, None)


@contextmanager
def opened(width: int, height: int, theme: Theme) -> Iterator[Any]:
    """A page of headless Chromium of that size and theme."""
    from playwright.sync_api import sync_playwright

    names = (os.environ.get("CHROMIUM", ""), "chromium", "google-chrome")
    program = next((found for n in names if n and (found := shutil.which(n))), None)
    if program is None:
        sys.exit("Chromium not found: apt-get install chromium, or set CHROMIUM")
    with sync_playwright() as running:
        # Root in a container has no sandbox; the page is our own.
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = running.chromium.launch(executable_path=program, args=flags)
        page = browser.new_page(
            viewport={"width": width, "height": height},
            color_scheme=theme,
            locale="en-GB",
        )
        page.set_default_timeout(WAIT_MS)
        yield page
        browser.close()


def draw(page: Any, address: str, name: str, goal: Path) -> None:
    """Open an address and keep what is on the screen, in few colours."""
    from PIL import Image

    page.goto(address)
    if name == "keys":
        page.wait_for_selector("main h1, main table, main [role=grid]")
        page.keyboard.press("?")
    page.wait_for_selector(SIGNS[name])
    page.wait_for_timeout(SETTLED_MS)
    if name in HEADINGS:
        page.locator(HEADINGS[name]).evaluate("each => each.scrollIntoView()")
    held = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    goal.parent.mkdir(parents=True, exist_ok=True)
    held.quantize(COLOURS, dither=Image.Dither.NONE).save(goal, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="of a running demo")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--study", type=int, help="its number; the newest answered one")
    given = parser.parse_args()
    draw_all(given.url.rstrip("/"), given.folder, study=given.study)


if __name__ == "__main__":
    main()
