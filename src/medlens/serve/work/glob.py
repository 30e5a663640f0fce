"""Patterns of rules: `*` for any text, `?` for one character, case ignored.

No regular expressions: what arrives in a header is hostile, and a pattern that
backtracks could be made to hang on it. This walks in pattern × text steps at the most.
"""

from __future__ import annotations

LONGEST_PATTERN, LONGEST_TEXT = 100, 200


def is_match(pattern: str, text: str) -> bool:
    """Whether the whole text fits the pattern.

    >>> is_match("*chest*", "CHEST PA")
    True
    """
    pattern, text = pattern.casefold(), text[:LONGEST_TEXT].casefold()
    at_pattern = at_text = 0
    star = resume = -1
    while at_text < len(text):
        here = pattern[at_pattern] if at_pattern < len(pattern) else ""
        if here == "*":
            star, resume = at_pattern, at_text
            at_pattern += 1
        elif here and here in ("?", text[at_text]):
            at_pattern += 1
            at_text += 1
        elif star >= 0:  # let the last star take one character more
            resume += 1
            at_pattern, at_text = star + 1, resume
        else:
            return False
    return not pattern[at_pattern:].strip("*")
