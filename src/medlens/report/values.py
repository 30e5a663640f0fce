"""Hostile values of a run folder's files, made safe to show.

A run folder may come from another machine or have been edited by hand, so a
number may be text, a list may be a number, and a label may hold anything.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]

TEXT_LIMIT = 240
"""Longest text shown; a longer one ends in an ellipsis."""

# Controls, line separators, bidi overrides (which reorder the text around
# them), lone surrogates (which UTF-8 cannot hold) and non-characters (which
# HTML forbids).
_UNSHOWABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff\U0001fffe\U0001ffff]+"
)
_ABSOLUTE = re.compile(r"^(?:[A-Za-z]:[\\/]|[\\/~]|file:)")


def clean_text(value: object, *, limit: int = TEXT_LIMIT) -> str:
    """Text that can stand in a page: no controls, no overrides, not too long.

    >>> clean_text("a\\u202eb\\n c")
    'a b c'
    """
    if value is None or isinstance(value, Mapping | list | tuple):
        return ""
    text = value if isinstance(value, str) else str(value)
    # Cut before the substitution so that a giant string costs little.
    text = " ".join(_UNSHOWABLE.sub(" ", text[: 4 * limit]).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def clean_number(value: object) -> float | None:
    """A finite float, or None for anything else (text of a number counts)."""
    if value is None or isinstance(value, bool):
        return None
    if not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def clean_count(value: object) -> int | None:
    """A whole number of 0 or more, or None."""
    number = clean_number(value)
    return int(number) if number is not None and number >= 0 else None


def as_mapping(value: object) -> Json:
    """The mapping itself, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: object) -> list[Any]:
    """The list itself, or an empty one."""
    return list(value) if isinstance(value, list | tuple) else []


def clean_numbers(value: object) -> list[float]:
    """The numbers of a list, unreadable ones left out."""
    numbers = (clean_number(item) for item in as_list(value))
    return [number for number in numbers if number is not None]


def without_folder(text: str) -> str:
    """A command or name with every absolute path cut to its last part.

    >>> without_folder("medlens run /home/me/chest --out runs/a")
    'medlens run chest --out runs/a'
    """
    words = clean_text(text).split(" ")
    return " ".join(_last_part(word) for word in words)


def _last_part(word: str) -> str:
    option, equals, value = word.partition("=")
    if equals and _ABSOLUTE.match(value):
        return f"{option}={_last_part(value)}"
    if not _ABSOLUTE.match(word.strip("'\"")):
        return word
    parts = [part for part in re.split(r"[\\/]", word.strip("'\"")) if part]
    return parts[-1] if parts else word


def unit_of(split: Json) -> str:
    """What `n_patients` of a split counts: "patient" or "group"."""
    return (
        "group" if "group" in (split.get("unit"), split.get("counted")) else "patient"
    )


def units_of(split: Json) -> str:
    """ "24 patients" of a split, "64 groups of copies" where none is named.

    >>> units_of({"n_patients": 12, "n_cases": 12, "unit": "group"})
    '12 cases'
    """
    count = clean_count(split.get("n_patients")) or 0
    if unit_of(split) == "group" and count == clean_count(split.get("n_cases")):
        return count_of(count, "case")  # nobody looked for copies, or found one
    if unit_of(split) == "group":
        return count_of(count, "group of copies", "groups of copies")
    return count_of(count, "patient")


def count_of(number: int, noun: str, plural: str = "") -> str:
    """A count with its noun: "1 case", "1,204 cases"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def join_words(words: list[str], *, last: str = "and") -> str:
    """Words as a sentence lists them: "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
