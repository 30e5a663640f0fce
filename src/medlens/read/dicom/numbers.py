"""Header values as plain numbers, or None; nothing in a header is trusted."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any


def number(data: Any, keyword: str) -> float | None:
    """The first value of an element as a finite float, or None.

    Args:
        data: a pydicom Dataset.
        keyword: DICOM keyword.
    """
    found = numbers(data, keyword)
    return found[0] if found else None


def numbers(data: Any, keyword: str) -> list[float]:
    """All values of an element as finite floats; [] if any is none."""
    value = value_of(data, keyword)
    if value is None or isinstance(value, bytes):
        return []
    items = value if _is_many(value) else [value]
    result = []
    for item in items:
        try:
            result.append(float(item))
        except (TypeError, ValueError, OverflowError):
            return []
    return result if all(map(math.isfinite, result)) else []


def whole(data: Any, keyword: str, default: int | None = None) -> int | None:
    """The first value as an int where it is a whole number, else `default`."""
    found = number(data, keyword)
    return int(found) if found is not None and found == int(found) else default


def text(data: Any, keyword: str, limit: int = 64) -> str:
    """Values joined by a backslash, printable ASCII only, at most `limit` long."""
    value = value_of(data, keyword)
    if value is None or isinstance(value, bytes):
        return ""
    items = [str(item) for item in value] if _is_many(value) else [str(value)]
    joined = "\\".join(items)[: 4 * limit]
    kept = "".join(c for c in joined if " " <= c <= "~" and c not in "<>&\"'`")
    return kept.strip()[:limit]


def items(data: Any, keyword: str) -> list[Any]:
    """The items of a sequence, [] where it is missing or no sequence."""
    value = value_of(data, keyword)
    if value is None or isinstance(value, str | bytes) or not _is_many(value):
        return []
    return [item for item in value if hasattr(item, "get")]


def is_empty(data: Any, keyword: str) -> bool:
    """Whether an element is there without a value (length 0)."""
    try:
        return bool(data.get_item(keyword).is_empty)
    except RecursionError:
        raise
    except Exception:  # a value that cannot be parsed is a value
        return False


def value_of(data: Any, keyword: str) -> Any:
    """The raw value, or None; a value that pydicom cannot parse is None."""
    try:
        return data.get(keyword)
    except RecursionError:
        raise
    except Exception:  # pydicom raises whatever its converters raise
        return None


def _is_many(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes)
