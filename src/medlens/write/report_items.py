"""Content items of a structured report, each from one value."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from highdicom import sr

from medlens.core.diagnosis import Code, Quantity
from medlens.write.codes import UNITS
from medlens.write.values import clean_text

LONGEST_TEXT = 10_240  # characters of one item; UT has no practical limit
# UT holds backslashes as they are.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
CONTAINS = sr.RelationshipTypeValues.CONTAINS
HAS_PROPERTIES = sr.RelationshipTypeValues.HAS_PROPERTIES


def coded(code: Code) -> Any:
    """A concept of highdicom."""
    return sr.CodedConcept(code.value, code.scheme, clean_text(code.meaning, 64) or "?")


def number(name: Code, value: float, unit: str) -> Any:
    """NUM: six digits for people, the exact double beside them (PS3.3 C.18.1)."""
    item = sr.NumContentItem(
        name=coded(name),
        value=float(value),
        unit=coded(UNITS[unit]),
        relationship_type=CONTAINS,
    )
    measured = item.MeasuredValueSequence[0]
    measured.NumericValue = f"{value:.6g}"
    measured.FloatingPointValue = float(value)
    return item


def measurement(name: Code, quantity: Quantity) -> Any:
    """The NUM of a quantity, as TID 300 has it."""
    item = sr.Measurement(
        name=coded(name),
        value=float(quantity.value),
        unit=coded(UNITS[quantity.unit]),
    )
    item[0].MeasuredValueSequence[0].NumericValue = f"{quantity.value:.6g}"
    return item


def numbers(name: Code, value: float | None, unit: str) -> list[Any]:
    """One NUM, or none where there is no finite number."""
    if value is None or not math.isfinite(value):
        return []
    return [number(name, value, unit)]


def text(name: Code, value: str, relationship: Any = CONTAINS) -> Any:
    """TEXT without control characters."""
    return sr.TextContentItem(
        name=coded(name),
        value=_UNSEEN.sub(" ", value).strip()[:LONGEST_TEXT] or "-",
        relationship_type=relationship,
    )


def texts(name: Code, value: str) -> list[Any]:
    """One TEXT, or none for an empty string."""
    return [text(name, value)] if value else []


def choice(name: Code, value: Code) -> Any:
    """CODE."""
    return sr.CodeContentItem(
        name=coded(name), value=coded(value), relationship_type=CONTAINS
    )


def to_ranges(indices: Sequence[int]) -> str:
    """Slice numbers, counted from 1: (0, 1, 2, 7) → "1-3, 8"."""
    runs: list[list[int]] = []
    for index in sorted(indices):
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ", ".join(
        str(first + 1) if first == last else f"{first + 1}-{last + 1}"
        for first, last in runs
    )


def from_ranges(text: str) -> tuple[int, ...]:
    """The indices that `to_ranges` was given, in ascending order."""
    indices: list[int] = []
    for run in filter(None, text.split(", ")):
        first, _, last = run.partition("-")
        indices += range(int(first) - 1, int(last or first))
    return tuple(indices)
