"""Breaking text into lines: at blanks, and between Chinese characters by their rules.

Chinese has no blanks: a line may end after any character, but none may begin with a
closing mark or end with an opening one (GB/T 15834, CLREQ 3.1.3).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator

NOT_FIRST = frozenset(
    "，。、；：？！）》」』】〕〉”’％℃…—·～,.;:?!)]}%"
)  # fmt: skip
NOT_LAST = frozenset("（《「『【〔〈“‘([{")
Measure = Callable[[str], float]


def break_lines(text: str, width: float, measure: Measure) -> list[str]:
    """The lines of a text; an empty one where the text has one.

    Args:
        text: of any length, with its own line ends.
        width: that a line may have at the most.
        measure: width of a piece of text; of two pieces it is the sum.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines += _fill(paragraph.rstrip(), width, measure)
    return lines


def _fill(paragraph: str, width: float, measure: Measure) -> Iterator[str]:
    line, used = "", 0.0
    for unit in _units(paragraph):
        if line and used + measure(unit.rstrip()) > width:
            yield line.rstrip()
            line, used, unit = "", 0.0, unit.lstrip()
        size = measure(unit)
        if not line and size > width:  # a word that is longer than a line
            *full, unit = _cut(unit, width, measure)
            yield from full
            size = measure(unit)
        line, used = line + unit, used + size
    yield line.rstrip()


def _cut(unit: str, width: float, measure: Measure) -> list[str]:
    """Pieces that fit into a line, each of at least one character."""
    pieces, begin, used = [], 0, 0.0
    for at, character in enumerate(unit):
        size = measure(character)
        if used + size > width and at > begin:
            pieces.append(unit[begin:at])
            begin, used = at, 0.0
        used += size
    return [*pieces, unit[begin:]]


def _units(paragraph: str) -> Iterator[str]:
    """Pieces that stay together: words with the blanks behind them, characters."""
    held = ""
    for character in paragraph:
        if held and _may_part(held[-1], character):
            yield held
            held = ""
        held += character
    if held:
        yield held


def _may_part(before: str, after: str) -> bool:
    if after.isspace() or after in NOT_FIRST or before in NOT_LAST:
        return False
    return before.isspace() or _is_wide(before) or _is_wide(after)


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"
