"""What the API takes and says of masks that readers draw."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from medlens.serve.web.api.fields import TEXT, Strict, Text

MOST_SLICES = 2000
MOST_PIXELS = 256 << 20  # of one drawing, on all its slices together
MOST_MASKS = 500  # of all readers on one result
LONGEST_PNG = 4 << 20  # characters of base64
Base64 = Annotated[
    str,
    StringConstraints(max_length=LONGEST_PNG, pattern=r"^[A-Za-z0-9+/]*={0,2}$"),
]


class DrawnSlice(Strict):
    """What was drawn on one slice."""

    slice: int = Field(
        ge=0, le=100_000, description="index among the assessment's images, from 0"
    )
    png: Base64 = Field(
        description="base64 of a PNG of the image's size; pixels above 0 are inside"
    )


class DrawnMask(Strict):
    """A mask that a reader drew."""

    assessment: int = Field(0, ge=0, le=100_000, description="counted from 0")
    finding: str = Field(
        "",
        max_length=16,
        pattern=TEXT,
        description="`id` of the finding, or the name of one that a reader added; "
        "empty for one to be added",
    )
    label: Text = Field("", description="what it is; the finding's own where empty")
    slices: list[DrawnSlice] = Field(min_length=1, max_length=MOST_SLICES)


class ReaderObjectView(BaseModel):
    """An object that was made of what a reader did."""

    object_id: int = Field(description="our own number of it")
    sop_uid: str = Field(description="SOP Instance UID, of an instance of the study")
