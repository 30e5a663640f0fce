"""Every key of a recipe: reached by a limit, told in the documents."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest

from medlens.recipe import Recipe
from medlens.recipe.limits import LIMITS

DOCS = Path(__file__).resolve().parents[2] / "docs" / "recipe.md"
# Numbers that a list of values, not a range, holds.
HELD_ELSEWHERE = {"prep.cache_bits"}


def keys_of_recipe() -> list[str]:
    sections = get_type_hints(Recipe)
    return [
        f"{section.name}.{field.name}"
        for section in fields(Recipe)
        if section.name != "schema"
        for field in fields(sections[section.name])
    ]


def number_keys() -> set[str]:
    sections = get_type_hints(Recipe)
    return {
        key
        for key in keys_of_recipe()
        if get_type_hints(sections[key.split(".")[0]])[key.split(".")[1]]
        in (int, float)
    }


def test_every_number_has_limits() -> None:
    assert number_keys() == set(LIMITS) | HELD_ELSEWHERE
    assert not set(LIMITS) & HELD_ELSEWHERE


@pytest.mark.parametrize("key", sorted(LIMITS))
def test_defaults_lie_within_the_limits(key: str) -> None:
    section, name = key.split(".")
    low, high = LIMITS[key]
    assert low <= getattr(getattr(Recipe(), section), name) <= high


@pytest.mark.parametrize("key", ["schema", *keys_of_recipe()])
def test_documents_tell_every_key(key: str) -> None:
    assert f"| `{key}` |" in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize("key", sorted(LIMITS))
def test_documents_tell_every_limit(key: str) -> None:
    low, high = LIMITS[key]
    rows = DOCS.read_text(encoding="utf-8").splitlines()
    row = next(row for row in rows if row.startswith(f"| `{key}` |"))
    assert f"{low:.12g} to {high:.12g}" in row


@pytest.mark.parametrize("key", keys_of_recipe())
def test_documents_tell_every_default(key: str) -> None:
    section, name = key.split(".")
    default = getattr(getattr(Recipe(), section), name)
    rows = DOCS.read_text(encoding="utf-8").splitlines()
    row = next(row for row in rows if row.startswith(f"| `{key}` |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1] == f"`{shown(default)}`"


def shown(value: object) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    return f"{value:.12g}"
