"""One value of a foreign header made legal, by one rule for each VR (PS3.5 6.2).

- Text (LO, SH, PN): control characters and backslashes become spaces, the rest is cut
  to the length that the VR allows.
- Codes, dates, times, ages, numbers (CS, DA, TM, AS, DS, IS, US): kept where they are
  legal, else left out, since half a date is a wrong date.
- UIDs: digits and dots, at most 64.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date
from typing import Any

from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import DSfloat

TEXT_LENGTHS = {"LO": 64, "SH": 16, "PN": 64}
_LENGTHS = {
    "ImagePositionPatient": 3,
    "ImageOrientationPatient": 6,
    "PixelSpacing": 2,
    "ImagerPixelSpacing": 2,
}
_ABOVE_ZERO = {
    "PixelSpacing",
    "ImagerPixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "WindowWidth",
}
_CHOICES = {
    "PatientSex": {"M", "F", "O"},
    "Laterality": {"L", "R"},
    "ImageLaterality": {"L", "R", "U", "B"},
    "PatientIdentityRemoved": {"YES", "NO"},
    "VOILUTFunction": {"LINEAR", "LINEAR_EXACT", "SIGMOID"},
}
_FORMS = {
    "CS": re.compile(r"[A-Z0-9_ ]{1,16}"),
    "DA": re.compile(r"\d{8}"),
    "TM": re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?"),
    "AS": re.compile(r"\d{3}[DWMY]"),
    # One component may start with 0 in old devices' UIDs; they are pointed at as
    # they are.
    "UI": re.compile(r"\d+(\.\d+)+"),
}
_UNSEEN = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
_CONTROL = re.compile(rf"[{_UNSEEN}\\]+")


def clean_value(dataset: Dataset, keyword: str) -> Any:
    """The value by the rule of its VR, or None where there is no legal one."""
    try:
        value = dataset.get(keyword)
    except Exception:  # pydicom raises whatever its converters raise
        return None
    vr = dictionary_VR(keyword)
    try:
        return _RULES[vr](value, keyword)
    except (TypeError, ValueError, OverflowError, AttributeError):
        return None


def _text(value: Any, keyword: str) -> str | None:
    length = TEXT_LENGTHS[dictionary_VR(keyword)]
    text = str(_first(value, ""))
    if dictionary_VR(keyword) != "PN":
        return clean_text(text, length) or None
    # Three groups (alphabetic, ideographic, phonetic) of five components each, with
    # the length to themselves (PS3.5 6.2.1).
    groups = [
        clean_text("^".join(group.split("^")[:5]), length)
        for group in text.split("=")[:3]
    ]
    return "=".join(groups).strip("=") or None


def clean_text(text: str, length: int) -> str:
    """One line without control characters or backslashes, cut to a length."""
    return _CONTROL.sub(" ", text).strip()[:length].strip()


def _form(value: Any, keyword: str) -> str | None:
    vr = dictionary_VR(keyword)
    text = str(_first(value, "")).strip(" \0")
    if not _FORMS[vr].fullmatch(text):
        return None
    if vr == "DA":
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    if vr == "UI" and len(text) > 64:
        return None
    if keyword in _CHOICES and text not in _CHOICES[keyword]:
        return None
    return text


def _orientation(value: Any, keyword: str) -> Any:
    """CS of several values: Patient Orientation (PS3.3 C.7.6.1.1.1)."""
    if keyword != "PatientOrientation":
        return _form(value, keyword)
    parts = [str(part).strip() for part in _many(value)]
    legal = len(parts) == 2 and all(re.fullmatch("[APRLHF]{1,3}", p) for p in parts)
    return parts if legal else None


def _whole(value: Any, keyword: str) -> int | None:
    number = int(_first(value, None))
    lowest, highest = (0, 65535) if dictionary_VR(keyword) == "US" else (0, 2**31 - 1)
    return number if lowest <= number <= highest else None


def _decimal(value: Any, keyword: str) -> Any:
    numbers = [float(part) for part in _many(value)]
    wanted = _LENGTHS.get(keyword)
    if not numbers or (wanted is not None and len(numbers) != wanted):
        return None
    if not all(math.isfinite(number) and abs(number) < 1e12 for number in numbers):
        return None
    if keyword in _ABOVE_ZERO and min(numbers) <= 0:
        return None
    parts = [DSfloat(number, auto_format=True) for number in numbers]
    return parts if wanted else parts[0]


_RULES: dict[str, Callable[[Any, str], Any]] = {
    **dict.fromkeys(("LO", "SH", "PN"), _text),
    **dict.fromkeys(("DA", "TM", "AS", "UI"), _form),
    "CS": _orientation,
    **dict.fromkeys(("US", "IS"), _whole),
    "DS": _decimal,
}


def _many(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, (MultiValue, list, tuple)) else [value]


def _first(value: Any, default: Any) -> Any:
    values = _many(value)
    return values[0] if values else default
