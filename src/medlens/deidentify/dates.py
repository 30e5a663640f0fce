"""Dates moved by days; the time of day stays."""

from __future__ import annotations

import re
from datetime import date, timedelta

_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")
_TIME = re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?")
_MOMENT = re.compile(r"(\d{8})(\d{0,6}(?:\.\d{1,6})?)([+-]\d{4})?")


def shift(vr: str, value: str, days: int) -> str | None:
    """A DA, TM or DT value, earlier by so many days; None where it is none.

    A DT without a day cannot be moved by days and is None, too.
    """
    value = value.strip()
    if vr == "TM":
        return value if _TIME.fullmatch(value) else None
    if vr == "DA":
        return _earlier(value, days)
    match = _MOMENT.fullmatch(value)
    if match is None:
        return None
    day = _earlier(match[1], days)
    return None if day is None else day + match[2] + (match[3] or "")


def _earlier(value: str, days: int) -> str | None:
    match = _DATE.fullmatch(value)
    if match is None:
        return None
    try:
        day = date(int(match[1]), int(match[2]), int(match[3])) - timedelta(days)
    except (ValueError, OverflowError):
        return None
    return f"{day:%Y%m%d}"
