"""Values that may stay after a look, and values that stand for others."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from medlens.deidentify.vocabulary import is_term, maker_of

REMOVED = "REMOVED"
AGE = re.compile(r"\d{3}[DWMY]")
OLDEST = 89
"""Ages above are told as this one: so few people are older that it points at them
(45 CFR 164.514(b)(2)(i)(C))."""
DUMMIES = {
    "DA": "19000101",
    "TM": "000000",
    "DT": "19000101000000",
    "PN": "Removed",
    "UR": "http://removed.invalid",
    "AS": "000Y",
    "DS": "0",
    "IS": "0",
    "CS": "OTHER",
    "UI": "2.25.0",
}
UNKNOWN_CODE = ("0", "99REMOVED", "removed")


def dummy_of(vr: str) -> Any:
    """A value of a VR that says nothing (action D of PS3.15 E.1)."""
    if vr in ("US", "SS", "UL", "SL", "UV", "SV"):
        return 0
    if vr in ("FL", "FD"):
        return 0.0
    if vr in ("OB", "OW", "OD", "OF", "OL", "OV", "UN"):
        return b"\0" * 8
    return DUMMIES.get(vr, REMOVED)


def judge(vr: str, value: Any, *, is_maker: bool = False) -> Any:
    """The value as far as it may stay, or None.

    Args:
        vr: CS, DS, IS, AS or UI.
        value: as pydicom gives it, one or several.
        is_maker: of Manufacturer, which stays where it names a maker.
    """
    values = [value] if isinstance(value, str | int | float) else list(value or ())
    if is_maker:
        return maker_of(" ".join(map(str, values))) or None
    check = {"CS": _term, "DS": _number, "IS": _whole, "AS": _age, "UI": _standard}
    kept = [check[vr](each) for each in values]
    if not kept or any(each is None for each in kept):
        return None
    return kept if len(kept) > 1 else kept[0]


def _term(value: Any) -> str | None:
    text = str(value)
    return text if is_term(text) else None


def _number(value: Any) -> str | None:
    from pydicom.valuerep import format_number_as_ds

    try:
        return str(format_number_as_ds(float(value)))
    except (TypeError, ValueError, OverflowError):
        return None


def _whole(value: Any) -> str | None:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return str(number) if -(2**31) <= number < 2**31 else None


def _age(value: Any) -> str | None:
    text = str(value)
    if not AGE.fullmatch(text):
        return None
    if text[3] == "Y" and int(text[:3]) > OLDEST:
        return f"0{OLDEST}Y"
    return text


def _standard(value: Any) -> str | None:
    return str(value) if is_standard_uid(str(value)) else None


def is_standard_uid(uid: str) -> bool:
    """True for UIDs that PS3.6 lists, which name classes and not instances."""
    from pydicom._uid_dict import UID_dictionary

    return uid in UID_dictionary


@cache
def _codes() -> dict[tuple[str, str], str]:
    """(value, scheme) → meaning, of all codes that pydicom's copy of PS3.16 has."""
    from pydicom.sr._concepts_dict import concepts

    return {
        (value, scheme): str(entry[0])
        for scheme, keywords in concepts.items()
        for codes in keywords.values()
        for value, entry in codes.items()
    }


def known_meaning(value: str, scheme: str) -> str | None:
    """The standard's meaning of a code, or None where it is not the standard's."""
    return _codes().get((value, scheme))
