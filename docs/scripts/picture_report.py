"""Save a report as pictures: desk and phone, light and dark, and as PDF.

python docs/scripts/picture_report.py runs/chest/report.html --out pictures
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

WIDTHS = {"desk": (1280, 1), "phone": (360, 2)}
"""Name → width in CSS pixels and pixels per CSS pixel."""


def find_chromium() -> str:
    """Path of Chromium; ends the program with advice when there is none."""
    for name in (os.environ.get("CHROMIUM", ""), "chromium", "google-chrome"):
        if name and (found := shutil.which(name)):
            return found
    sys.exit("Chromium not found: apt-get install chromium, or set CHROMIUM")


def picture(browser: Browser, report: Path, out: Path, *, height: int) -> None:
    """Save one report; height 0 means the whole page."""
    for size, (width, scale) in WIDTHS.items():
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": width, "height": height or 900},
                device_scale_factor=scale,
                color_scheme=scheme,  # type: ignore[arg-type]
            )
            page = context.new_page()
            page.goto(report.resolve().as_uri())
            path = out / f"{report.parent.name}-{size}-{scheme}.png"
            page.screenshot(path=path, full_page=not height)
            print(path)
            if (size, scheme) == ("desk", "light"):
                page.pdf(path=path.with_suffix(".pdf"), format="A4")
                print(path.with_suffix(".pdf"))
            context.close()


def main() -> None:
    """Read the arguments and save the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path, nargs="+", help="report.html")
    parser.add_argument("--out", type=Path, default=Path("pictures"))
    parser.add_argument("--height", type=int, default=0, help="only the first part")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=find_chromium(), args=flags)
        for report in arguments.report:
            picture(browser, report, arguments.out, height=arguments.height)
        browser.close()


if __name__ == "__main__":
    main()
