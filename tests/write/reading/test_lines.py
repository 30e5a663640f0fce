"""Line breaking by its rules, with letters that are all as wide as one another."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlens.write.reading.lines import NOT_FIRST, NOT_LAST, break_lines


def measure(text: str) -> float:
    """Chinese characters are twice as wide."""
    return sum(2.0 if ord(c) > 0x2E80 else 1.0 for c in text)


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("the lungs are clear", 9, ["the lungs", "are clear"]),
        ("the lungs are clear", 8, ["the", "lungs", "are", "clear"]),
        ("a\n\nb", 9, ["a", "", "b"]),
        ("", 9, [""]),
        ("abcdefghij k", 4, ["abcd", "efgh", "ij k"]),
        ("双肺清晰未见实变", 8, ["双肺清晰", "未见实变"]),
        # The comma would begin the second line, the bracket end the first.
        ("双肺清晰，未见", 8, ["双肺清", "晰，未见"]),
        ("双肺清（图）", 8, ["双肺清", "（图）"]),
        ("CT值约20 HU，右侧", 10, ["CT值约20", "HU，右侧"]),
    ],
)
def test_by_hand(text: str, width: float, lines: list[str]) -> None:
    assert break_lines(text, width, measure) == lines


letters = st.text("ab cd，。（）双肺清晰、 \n", max_size=60)


@given(letters, st.integers(2, 30))
def test_nothing_is_lost_and_nothing_stands_out(text: str, width: int) -> None:
    lines = break_lines(text, width, measure)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(measure(line) <= width for line in lines)


pieces = st.lists(st.sampled_from(["双", "肺，", "（图）", "晰。", "CT ", "“见”"]))


@given(pieces)
def test_closing_marks_begin_no_line_and_opening_ones_end_none(
    parts: list[str],
) -> None:
    for before, after in pairwise(break_lines("".join(parts), 20, measure)):
        assert before[-1:] not in NOT_LAST
        assert after[:1] not in NOT_FIRST
