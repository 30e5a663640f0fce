"""recipe.toml ↔ Recipe. An unknown key or a wrong type is an error, never ignored."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from medlens.core import RecipeError
from medlens.recipe.limits import check_limits
from medlens.recipe.settings import SCHEMA, Recipe, Step

MAX_BYTES = 1_000_000
MAX_NUMBER = 10**18  # a larger whole number need not fit a float, nor a message


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe file.

    Raises:
        RecipeError: not TOML, an unknown key, a wrong type, a value out of
            range, or a schema of another version.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise RecipeError(
            f"{path.name}: cannot be read ({error.strerror}); wanted a recipe.toml "
            "as `medlens plan` writes it"
        ) from error
    if len(raw) > MAX_BYTES:
        raise RecipeError(
            f"{path.name}: more than {MAX_BYTES} bytes; a recipe has a few thousand: "
            "wanted a recipe.toml as `medlens plan` writes it"
        )
    try:
        tree = tomllib.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # also bad UTF-8, endless digits
        raise RecipeError(
            f"{path.name}: not valid TOML ({_first_line(error)}); mend that place or "
            "plan afresh"
        ) from error
    return recipe_from_tree(tree, name=path.name)


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0][:200]


def recipe_from_tree(tree: Mapping[str, Any], *, name: str = "recipe") -> Recipe:
    """Recipe from nested tables, for TOML and for the bundle's JSON.

    Raises:
        RecipeError: as `load_recipe`.
    """
    if not isinstance(tree, Mapping):
        raise RecipeError(f"{name}: is no table of settings; wanted one")
    schema = tree.get("schema", SCHEMA)
    if schema != SCHEMA:
        raise RecipeError(
            f"{name}: schema is {_short(schema)}; this medlens reads {SCHEMA!r}: "
            "plan afresh or use the medlens that wrote it"
        )
    recipe = typed_recipe(tree, name=name)
    check_limits(recipe, name=name)
    return recipe


def typed_recipe(tree: Mapping[str, Any], *, name: str = "recipe") -> Recipe:
    """Recipe of the right keys and types, whatever its numbers are.

    Raises:
        RecipeError: an unknown key or a wrong type.
    """
    recipe: Recipe = _build(Recipe, tree, name, "")
    return recipe


def _build(cls: Any, tree: Any, name: str, prefix: str) -> Any:
    if not isinstance(tree, Mapping):
        raise RecipeError(f"{name}: {prefix.rstrip('.')} is not a table; wanted one")
    known = {field.name for field in fields(cls)}
    hints = get_type_hints(cls)
    if cls is Step:
        return _step(tree, name, prefix)
    for key in tree:
        if key not in known:
            raise RecipeError(
                f"{name}: {prefix}{key} is unknown; {_nearest(key, known, prefix)}"
            )
    values = {
        key: _value(hints[key], value, name, prefix + key)
        for key, value in tree.items()
    }
    return cls(**values)


def _step(tree: Mapping[str, Any], name: str, prefix: str) -> Step:
    step = tree.get("name")
    if not isinstance(step, str) or not step:
        raise RecipeError(f"{name}: {prefix}name is missing; wanted a step's name")
    params = {
        key: _param(value, name, prefix + key)
        for key, value in tree.items()
        if key != "name"
    }
    return Step(step, params)


def _param(value: Any, name: str, key: str) -> Any:
    """A parameter's value; what it may be is known to `medlens.prep` alone."""
    if isinstance(value, (list, tuple)):
        return tuple(_param(item, name, f"{key}[{i}]") for i, item in enumerate(value))
    is_plain = isinstance(value, (bool, int, float, str))
    if not is_plain or (isinstance(value, float) and not math.isfinite(value)):
        raise _wrong(name, key, value, "a finite number, text, true, false or a list")
    return value


def _nearest(key: str, known: set[str], prefix: str) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    if close:
        return f"nearest: {prefix}{close[0]}"
    return f"wanted one of: {', '.join(sorted(prefix + k for k in known))}"


def _value(hint: Any, value: Any, name: str, key: str) -> Any:
    origin = get_origin(hint)
    if is_dataclass(hint):
        return _build(hint, value, name, key + ".")
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise _wrong(name, key, value, "a list")
        inner = get_args(hint)[0]
        return tuple(
            _value(inner, item, name, f"{key}[{i}]") for i, item in enumerate(value)
        )
    if origin is Literal:
        if value not in get_args(hint):
            raise _wrong(name, key, value, "one of " + ", ".join(get_args(hint)))
        return value
    return _scalar(hint, value, name, key)


def _scalar(hint: Any, value: Any, name: str, key: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value) if abs(value) < MAX_NUMBER else math.inf
    if hint is int and isinstance(value, bool):
        raise _wrong(name, key, value, "a whole number")
    words = {int: "a whole number", float: "a number", str: "text in quotes"}
    if not isinstance(value, hint):
        raise _wrong(name, key, value, words.get(hint, hint.__name__))
    return value


def _wrong(name: str, key: str, value: Any, wanted: str) -> RecipeError:
    return RecipeError(f"{name}: {key} is {_short(value)}; wanted {wanted}")


def _short(value: Any) -> str:
    """The value as a message can show it, whatever it is."""
    if isinstance(value, int) and abs(value) >= MAX_NUMBER:
        return "a number of too many digits"
    return f"{value!r:.80}"
