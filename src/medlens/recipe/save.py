"""Recipe → recipe.toml, with the reason of each choice as a comment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from medlens.recipe.settings import Recipe, Step


def recipe_to_tree(recipe: Recipe) -> dict[str, Any]:
    """Plain nested tables, as JSON and TOML hold them."""
    tree: dict[str, Any] = _plain(recipe)
    return tree


def _plain(value: Any) -> Any:
    if isinstance(value, Step):
        return {"name": value.name, **{k: _plain(v) for k, v in value.params.items()}}
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def write_recipe(
    recipe: Recipe, path: Path, *, reasons: Mapping[str, str] | None = None
) -> None:
    """Write the recipe; `reasons` maps keys ("net.name") to a sentence."""
    import tomlkit

    reasons = reasons or {}
    document = tomlkit.document()
    document.add(tomlkit.comment("medlens recipe: edit it and hand it back with"))
    document.add(tomlkit.comment("  medlens run DATA --recipe recipe.toml"))
    for name, value in recipe_to_tree(recipe).items():
        if not isinstance(value, dict):
            document.add(name, value)
            continue
        table = tomlkit.table()
        for key, item in value.items():
            reason = reasons.get(f"{name}.{key}")
            if reason:
                table.add(tomlkit.comment(reason))
            table.add(key, _steps(item) if key == "steps" and name != "train" else item)
        document.add(name, table)
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(tomlkit.dumps(document), encoding="utf-8")
    unfinished.replace(path)


def _steps(items: list[dict[str, Any]]) -> Any:
    """Steps as one inline table a line: short to read, easy to reorder."""
    import tomlkit

    array = tomlkit.array()
    array.multiline(True)
    for item in items:
        row = tomlkit.inline_table()
        row.update(item)
        array.append(row)
    return array


def recipe_digest(recipe: Recipe) -> str:
    """SHA-256 of everything in the recipe that decides the result.

    The budget does not: by the time training starts it has become a number
    of steps.
    """
    tree = recipe_to_tree(recipe)
    del tree["budget"]
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()
