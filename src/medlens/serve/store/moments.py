"""When a study was made, as one number that a list can be sorted by."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

NO_TIME = time(0, 0)
LAST_SECOND = 59
"""A leap second ("60" in PS3.5 6.2) counts as the one before it."""


def date_of(text: str) -> date | None:
    """A DA value as the index has it; None where it is missing or no day.

    >>> date_of("20260304")
    datetime.date(2026, 3, 4)
    """
    try:
        return datetime.strptime(text, "%Y%m%d").date() if len(text) == 8 else None
    except ValueError:
        return None


def time_of(text: str) -> time | None:
    """A TM value as the index has it, to the second; None where it is no time.

    Minutes and seconds that were left out are 0.

    >>> time_of("0930"), time_of("235960.25")
    (datetime.time(9, 30), datetime.time(23, 59, 59))
    """
    whole = text.partition(".")[0]
    if len(whole) not in (2, 4, 6) or not (whole.isascii() and whole.isdigit()):
        return None
    hour, minute, second = (int(whole[at : at + 2] or 0) for at in (0, 2, 4))
    try:
        return time(hour, minute, LAST_SECOND if second == 60 else second)
    except ValueError:
        return None


def moment_of_study(study_date: str, study_time: str, *, otherwise: float) -> float:
    """Study Date and Study Time as seconds since 1970, in the service's own zone.

    DICOM writes both as the clock at the device showed them. A study without a time
    counts from the beginning of its day.

    Args:
        study_date, study_time: DA and TM, "" where they are missing.
        otherwise: where there is no day, or none that a clock can tell: the last
            hours of the year 9999 may be past the end of UTC's calendar.
    """
    day = date_of(study_date)
    if day is None:
        return otherwise
    try:
        moment = datetime.combine(day, time_of(study_time) or NO_TIME).timestamp()
        datetime.fromtimestamp(moment, UTC)  # as the API tells it
    except (ValueError, OverflowError, OSError):
        return otherwise
    return moment
