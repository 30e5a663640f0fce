"""Label texts as people write them: blanks, yes and no, numbers, negatives."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from medlens.datasets.drafts import words_in

_BLANK = frozenset({"", "nan", "na", "n/a", "null", "<na>", "nat", "-", "?"})
_TRUE = frozenset({"1", "true", "yes", "y", "t", "positive", "present"})
_FALSE = frozenset({"0", "false", "no", "n", "f", "negative", "absent"})
_NEGATIVE = words_in(
    "normal no negative neg healthy benign control controls 0 false absent none "
    "absence unaffected background n f non nonpathological nofinding "
    "正常 阴性 无 否 健康 良性"
)
_NEGATIVE_START = words_in(
    "no non not without normal negative healthy benign free absence absent"
)
_NOTHING = words_in(
    "nofindings noabnormality noabnormalities nodisease nopathology noneoftheabove "
    "unremarkable nolabel"
)
_POSITIVE = words_in(
    "abnormal positive pos malignant disease diseased pathological present yes true "
    "affected case cases patient sick cancer tumour tumor "
    "异常 阳性 有 是 患病 恶性"
)
_WHOLE = re.compile(r"([-+]?\d+)\.0*")


def is_blank(text: str) -> bool:
    """True for an empty text and for the usual words for "no value"."""
    return text.lower() in _BLANK


@lru_cache(maxsize=4096)
def normalise_label(text: str) -> str:
    """One spelling of a label: single spaces, "1" for "1.0".

    >>> normalise_label("  Lung   Opacity "), normalise_label("1.0")
    ('Lung Opacity', '1')
    """
    text = " ".join(text.split())
    whole = _WHOLE.fullmatch(text)
    return str(int(whole[1])) if whole else text


def to_flag(text: str) -> int | None:
    """1 for present, 0 for absent, -1 for not read or uncertain, None if odd."""
    if is_blank(text):
        return -1
    text = normalise_label(text).lower()
    if text in _TRUE:
        return 1
    if text in _FALSE:
        return 0
    return -1 if text == "-1" else None


def is_binary(texts: Iterable[str]) -> bool:
    """True when all texts are flags and at least one is 0 and one is 1.

    Both must occur so that a constant column is no label.
    """
    flags = {to_flag(text) for text in set(texts)}
    return flags <= {-1, 0, 1} and {0, 1} <= flags


def is_negative(label: str, *, other: str = "") -> bool:
    """True for a label that says "nothing found".

    >>> is_negative("No Lung Opacity"), is_negative("nodule"), is_negative("NORMAL")
    (True, False, True)
    >>> is_negative("notumor", other="tumor")
    True
    """
    words = re.findall(r"[^\W_]+", label.lower())
    if not words:
        return False
    if "".join(words) in _NEGATIVE or words[0] in _NEGATIVE_START:
        return True
    bare, rest = "".join(words), "".join(re.findall(r"[^\W_]+", other.lower()))
    return bool(rest) and bare in (f"no{rest}", f"non{rest}", f"not{rest}")


def is_nothing(label: str) -> bool:
    """True for a label that stands for the absence of all others.

    Stricter than `is_negative`: "No Finding", not "No Lung Opacity".
    """
    bare = "".join(re.findall(r"[^\W_]+", label.lower()))
    return bare in _NEGATIVE or bare in _NOTHING


def is_positive(label: str) -> bool:
    """True for a label that says "something found" whatever it is."""
    return "".join(re.findall(r"[^\W_]+", label.lower())) in _POSITIVE


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key in which "grade 2" comes before "grade 10"."""
    parts = re.findall(r"\d+|\D+", text.casefold())
    # Digits beyond int's conversion limit are compared as text.
    return (
        *tuple(
            (0, int(part), part)
            if part.isdecimal() and len(part) < 100
            else (1, 0, part)
            for part in parts
        ),
        (2, 0, text),
    )
