"""Contrast of every colour on every surface it stands on, in both themes."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

SHEET = files("medlens.report").joinpath("templates/report.css").read_text()
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    for block in (SHEET.split("@media")[0], SHEET.split("@media")[1])
)
THEMES = [pytest.param(LIGHT, id="light"), pytest.param(DARK, id="dark")]
TEXT = [
    ("ink", "paper"),
    ("ink", "sheet"),
    ("ink", "mind-sheet"),
    ("quiet", "paper"),
    ("quiet", "sheet"),
    ("quiet", "mind-sheet"),
    ("accent", "paper"),
    ("good", "sheet"),
    ("bad", "sheet"),
    ("mind", "mind-sheet"),
]
DRAWN = [(f"s{n}", "paper") for n in range(6)] + [
    ("axis", "paper"),
    ("axis", "sheet"),
    ("accent", "paper"),
    ("good", "sheet"),
    ("bad", "sheet"),
    ("mind", "paper"),
]


def channels(colour: str) -> list[float]:
    return [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def luminance(parts: list[float]) -> float:
    """WCAG 2.2, relative luminance."""
    r, g, b = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    )
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(first: list[float], second: list[float]) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_of_black_on_white_is_21() -> None:
    assert contrast(channels("#000000"), channels("#ffffff")) == pytest.approx(21)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("front", "back"), TEXT)
def test_text(theme: dict[str, str], front: str, back: str) -> None:
    assert contrast(channels(theme[front]), channels(theme[back])) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("front", "back"), DRAWN)
def test_drawn_marks(theme: dict[str, str], front: str, back: str) -> None:
    assert contrast(channels(theme[front]), channels(theme[back])) >= 3


@pytest.mark.parametrize("theme", THEMES)
def test_text_on_every_shade_of_the_confusion_matrix(theme: dict[str, str]) -> None:
    shares = [int(share) for share in re.findall(r"--heat\) (\d+)%", SHEET)]
    assert shares == list(range(5, 55, 5))
    heat, paper = channels(theme["heat"]), channels(theme["paper"])
    for share in shares:
        mixed = [
            share / 100 * a + (1 - share / 100) * b
            for a, b in zip(heat, paper, strict=True)
        ]
        assert contrast(channels(theme["ink"]), mixed) >= 4.5


def test_both_themes_name_the_same_colours() -> None:
    assert LIGHT.keys() == DARK.keys()
