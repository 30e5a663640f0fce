"""Recipe → recipe.toml, with the reason of each choice as a comment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from medlens.core import RecipeError, ResourceError
from medlens.recipe.load import typed_recipe
from medlens.recipe.settings import Recipe, Step

STEP_LISTS = (("prep", "steps"), ("augment", "steps"))


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
    """Write the recipe; the file is whole or the old one.

    Args:
        recipe: what `load_recipe` will read again, value for value.
        path: usually `recipe.toml`.
        reasons: key ("net.name") → a sentence, kept as a comment above it.

    Raises:
        RecipeError: text that a file cannot hold.
        ResourceError: the disk is full or cannot be written.
    """
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
                table.add(tomlkit.comment(_one_line(reason)))
            table.add(key, _steps(item) if (name, key) in STEP_LISTS else item)
        document.add(name, table)
    _replace(path, tomlkit.dumps(document))


def _one_line(reason: str) -> str:
    """A comment must not end early: what follows would be read as settings."""
    words = "".join(c if c.isprintable() else " " for c in reason)
    return " ".join(words.split())


def _replace(path: Path, text: str) -> None:
    unfinished = path.with_name(path.name + ".part")
    try:
        unfinished.write_bytes(text.encode("utf-8"))
        unfinished.replace(path)
    except UnicodeEncodeError as error:
        raise RecipeError(
            f"{path.name}: a label or name holds half a character (a lone surrogate); "
            "rename it in the labels file"
        ) from error
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise ResourceError(
            f"{path.name}: cannot be written ({error.strerror}); free some disk space "
            "or choose another --out"
        ) from error


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
    # A whole number where a fraction is meant reads as the fraction, so that a
    # recipe made in code and the same recipe read from its file are one.
    tree = recipe_to_tree(typed_recipe(recipe_to_tree(recipe)))
    del tree["budget"]
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()
