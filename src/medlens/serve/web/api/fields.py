"""Types that several resources of the API share."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Header, Path
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

LARGEST = 2**63 - 1  # that the index can hold
MOST_REVISIONS = 2**31 - 2
TEXT = r"^[^\x00-\x1f\x7f]*$"  # no control characters: databases refuse some

Number = Annotated[int, Field(ge=1, le=LARGEST)]
StudyNumber = Annotated[
    int, Path(ge=1, le=LARGEST, description="our own number of a study", examples=[17])
]
ResultNumber = Annotated[int, Path(ge=1, le=LARGEST, examples=[4])]
JobNumber = Annotated[int, Path(ge=1, le=LARGEST, examples=[9])]
Text = Annotated[str, StringConstraints(max_length=64, pattern=TEXT)]
Uid = Annotated[
    str,
    StringConstraints(max_length=64, pattern=r"^[0-9]+(\.[0-9]+)*$"),
    Field(examples=["1.2.840.113619.2.1"]),
]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
IfMatch = Annotated[
    str,
    Header(
        alias="If-Match",
        max_length=200,
        pattern=r'^(\*|(W/)?"[!#-~]*"(, *(W/)?"[!#-~]*")*)?$',
        description="ETag that was read; 412 where the thing was changed since",
    ),
]


def as_whole(value: object) -> object:
    """8.0 as 8: JSON knows no other whole number (JSON Schema 2020-12, 4.2.3)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, Field(strict=True), BeforeValidator(as_whole)]
"""An integer of JSON; a text or a truth value is none."""


def _written_as_day(value: object) -> object:
    # Pydantic would take "0" for seconds since 1970.
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError("wanted a day as 2026-11-28")
    return value


Day = Annotated[date, BeforeValidator(_written_as_day)]


class Strict(BaseModel):
    """What is sent to us: a field that is unknown is an error."""

    model_config = ConfigDict(extra="forbid")


def moment(seconds: float) -> datetime:
    """A moment of the index as UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def moment_or_none(seconds: float | None) -> datetime | None:
    """A moment of the index, where there is one."""
    return None if seconds is None else moment(seconds)
