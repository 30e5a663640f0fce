"""Draw the first screen of a report for the README.

    python scripts/draw_report.py medlens-run-br35h/report.html docs/pictures/report.png

Needs Chromium and the `test` extra, as the tests do.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

WIDTH, HEIGHT = 1280, 1250


def draw(page: Path, picture: Path) -> None:
    """Open `page` in headless Chromium, light theme, and keep its first screen."""
    from playwright.sync_api import sync_playwright

    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser")
    program = next((found for n in names if n and (found := shutil.which(n))), None)
    if program is None:
        sys.exit("Chromium not found: apt-get install chromium, or set CHROMIUM")
    with sync_playwright() as running:
        # Root in a container has no sandbox; the page is our own.
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = running.chromium.launch(executable_path=program, args=flags)
        view = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        view.goto(page.resolve().as_uri())
        view.screenshot(path=str(picture))
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("picture", type=Path)
    given = parser.parse_args()
    draw(given.page, given.picture)


if __name__ == "__main__":
    main()
