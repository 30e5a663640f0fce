"""Write the table of keys of docs/app.md from the command table of the browser app.

    medlens serve run/bundle --demo --port 8000
    python scripts/write_keys.py http://127.0.0.1:8000 1

The running app is asked, page by page, for what its help page (`?`) shows: 1 is a study
whose images are there, best a volume, which has most commands. A test fails while a key
of the app is missing from the page. Needs Chromium and the `test` extra.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

GOAL = Path(__file__).parents[1] / "docs" / "app.md"
BEGIN, END = "<!-- keys: scripts/write_keys.py -->", "<!-- end of keys -->"
SETTLED_MS = 3000
Keys = dict[str, dict[str, str]]
"""Place → what a command does → its chords."""

READ = """
() => [...document.querySelectorAll(".key-place")].map(place => [
    place.querySelector("h3").textContent,
    [...place.querySelectorAll(".key-line")].map(line => [
        line.querySelector(".key-text").textContent,
        [...line.querySelectorAll(".chord")].map(chord =>
            [...chord.querySelectorAll("kbd")].map(cap => cap.textContent).join(" + ")
        ),
    ]),
])
"""


def read_keys(page: Any, addresses: Iterable[str]) -> Keys:
    """What the help page shows on each of these pages, together.

    Args:
        page: of Playwright, in English.
        addresses: of pages of the app.
    """
    found: Keys = {}
    for address in addresses:
        page.goto(address)
        page.wait_for_selector("main h1, main canvas, main table, main [role=grid]")
        page.wait_for_timeout(SETTLED_MS)
        page.keyboard.press("?")
        page.wait_for_selector("dialog[open] .key-line")
        for place, lines in page.evaluate(READ):
            for text, chords in lines:
                found.setdefault(place, {})[text] = ", ".join(chords)
    return found


def table_of(keys: Keys) -> str:
    """The keys as Markdown: a heading and a table for each place."""
    parts = []
    for place, lines in keys.items():
        rows = [
            f"| {_cell(chords)} | {_cell(text)} |" for text, chords in lines.items()
        ]
        parts.append(
            "\n".join([f"### {place}\n", "| key | does |", "|---|---|", *rows])
        )
    return "\n\n".join(parts)


def _cell(text: str) -> str:
    return re.sub(r"([|\\*_`<>\[\]])", r"\\\1", text) or "–"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="of a running demo")
    parser.add_argument("study", type=int, help="number of a study")
    given = parser.parse_args()
    from playwright.sync_api import sync_playwright

    names = (os.environ.get("CHROMIUM", ""), "chromium", "google-chrome")
    program = next((found for n in names if n and (found := shutil.which(n))), None)
    if program is None:
        sys.exit("Chromium not found: apt-get install chromium, or set CHROMIUM")
    with sync_playwright() as running:
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = running.chromium.launch(executable_path=program, args=flags)
        page = browser.new_page(base_url=given.url, locale="en-GB")
        page.goto("/models")
        model = page.locator(".models-card a").first.get_attribute("href") or "/models"
        keys = read_keys(page, ["/", f"/studies/{given.study}", "/models", model])
        browser.close()
    before, _, rest = GOAL.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    text = f"{before}{BEGIN}\n\n{table_of(keys)}\n\n{END}{after}"
    GOAL.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
