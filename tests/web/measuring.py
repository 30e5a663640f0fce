"""What the tests of measurements do and read on a page."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.web.canvas import settle


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
    settle(page)


def reading(page: Any) -> str:
    """All lines of the measurements on the image."""
    return " | ".join(page.locator(".viewer-reading tspan").all_text_contents())


def place_of(page: Any) -> tuple[float, float, float]:
    """Where the image of 64 columns lies: left and top, pixels a column."""
    box = page.locator(".viewer-image").first.bounding_box()
    rows, columns = 128, 64  # as they are seen, rows stretched twice
    left = np.floor(box["width"] / 2 - columns / 2 + 0.5)
    top = np.floor(box["height"] / 2 - rows / 2 + 0.5)
    return box["x"] + left, box["y"] + top, 1.0


def wait_for_place(page: Any, pane: int, said: str) -> None:
    """Until a pane shows an image, in the words of its lower left corner."""
    corner = page.locator(f"[data-pane='{pane}'] .viewer-bottom-left")
    corner.filter(has_text=said).wait_for()
