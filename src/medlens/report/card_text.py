"""Markdown that users' words cannot break."""

from __future__ import annotations

import re
from collections.abc import Iterable

from medlens.report.values import clean_text

_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|~<>])")


def plain(value: object, *, limit: int = 200) -> str:
    """User text with every mark that Markdown or HTML would act on escaped."""
    return (
        _MARKS.sub(r"\\\1", clean_text(value, limit=limit))
        .replace("\\<", "&lt;")
        .replace("\\>", "&gt;")
    )


def table_lines(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Lines of a table."""
    heads = list(columns)
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]
