"""A search's URL, read (PS3.18 8.3.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from medlens.serve.store.search import ATTRIBUTES, Level, is_searchable
from medlens.serve.web.errors import Problem

MAX_RESULTS = 1000
"""Results of one answer; the rest is to be asked for by offset."""

MAX_PARAMETERS = 64
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_LISTS = ("uid", "modalities")
_NOT_ATTRIBUTES = (
    "includefield", "fuzzymatching", "limit", "offset", "accept", "charset",
    "emptyvaluematching", "multiplevaluematching",
)  # fmt: skip


@dataclass(frozen=True)
class Search:
    """What is searched for.

    Attributes:
        matches: DICOM keyword → value.
        fields: keywords or tags to be included beside the usual ones.
        wants_all: everything that is known is to be included.
        limit, offset: the page.
        is_fuzzy: fuzzy matching was asked for.
    """

    matches: dict[str, str]
    fields: frozenset[str]
    wants_all: bool
    limit: int
    offset: int
    is_fuzzy: bool


def parse_search(level: Level, pairs: Iterable[tuple[str, str]]) -> Search:
    """The search of a query string.

    Args:
        level: of what is searched for.
        pairs: names and values, in order, decoded.

    Raises:
        Problem: 400, a name or a value that is not understood; an attribute that
            cannot be searched by is refused, never passed over: the answer would
            show other patients.
    """
    pairs = list(pairs)
    if len(pairs) > MAX_PARAMETERS:
        raise Problem(400, f"the search has more than {MAX_PARAMETERS} parameters")
    matches: dict[str, str] = {}
    for name, value in pairs:
        if name in _NOT_ATTRIBUTES:
            continue
        keyword = _searchable(level, name)
        if keyword in matches:
            if _kind_of(keyword) not in _LISTS:
                raise Problem(400, f"{keyword}: is there twice; name one value")
            value = f"{matches[keyword]},{value}"
        matches[keyword] = value
    options = {name: value for name, value in pairs if name in _NOT_ATTRIBUTES}
    fields = [
        each.strip()
        for name, value in pairs
        if name == "includefield"
        for each in value.split(",")
    ]
    return Search(
        matches,
        frozenset(_field(each) for each in fields if each and each != "all"),
        "all" in fields,
        _whole(options, "limit", MAX_RESULTS, MAX_RESULTS),
        _whole(options, "offset", 0, 2**31 - 1),
        options.get("fuzzymatching", "false").lower() == "true",
    )


def keyword_of(name: str) -> str | None:
    """The keyword that a name of a URL stands for: keyword or tag; None if none."""
    from pydicom.datadict import keyword_for_tag, tag_for_keyword

    if _TAG.fullmatch(name):
        return keyword_for_tag(int(name, 16)) or None
    return name if name.isalnum() and tag_for_keyword(name) is not None else None


def _searchable(level: Level, name: str) -> str:
    keyword = keyword_of(name)
    if keyword is None:
        raise Problem(
            400,
            "the search names a parameter that is no DICOM keyword or tag; wanted, for "
            "instance, PatientID or 00100020",
        )
    if not is_searchable(level, keyword):
        raise Problem(400, f"{keyword}: cannot be searched by at the {level} level")
    return keyword


def _kind_of(keyword: str) -> str:
    for held in ATTRIBUTES.values():
        if keyword in held:
            return held[keyword].kind
    return ""


def _field(name: str) -> str:
    keyword = keyword_of(name)
    if keyword is not None:
        return keyword
    if _TAG.fullmatch(name) or re.fullmatch(
        r"[0-9A-Za-z]{1,64}([.][0-9A-Za-z]+)*", name
    ):
        return name.upper()  # private or of a sequence: nothing of it is indexed
    raise Problem(400, "includefield: wanted DICOM keywords, tags or all")


def _whole(options: dict[str, str], name: str, default: int, most: int) -> int:
    text = options.get(name, str(default))
    if not text.isdecimal() or not text.isascii() or len(text) > 12:
        raise Problem(400, f"{name}: wanted a whole number from 0 on")
    if name == "offset" and int(text) > most:
        raise Problem(400, f"{name}: wanted at most {most:,}")
    return min(int(text), most)
