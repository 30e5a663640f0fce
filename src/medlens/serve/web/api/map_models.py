"""What the API says of evidence maps and masks."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, Field

from medlens.serve.web.api.fields import TEXT

Counted = Annotated[int, Path(ge=0, le=100_000, description="counted from 0")]
FindingId = Annotated[
    str, Path(min_length=1, max_length=16, pattern=TEXT, description="`id` of it")
]
PNG: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "a PNG of 8 bits, grey",
        "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {"description": "the client has it"},
}


class PlaneView(BaseModel):
    """The image, or the frame of one, that a slice is."""

    sop_uid: str = Field(description="SOP Instance UID", examples=["1.2.840.99.1.1.1"])
    frame: int | None = Field(description="counted from 1 in a multi-frame image")


class SliceView(BaseModel):
    """A slice that has a picture."""

    slice: int = Field(description="index among the assessment's images, from 0")
    image: PlaneView


class EvidenceView(BaseModel):
    """What speaks for one finding, and where."""

    assessment: int = Field(description="index in the diagnosis, from 0")
    finding: str = Field(description="`id` of the finding")
    slices: list[SliceView]
    grid: list[int] | None = Field(
        description="rows and columns at which it was computed, where that is coarser "
        "than the image since the source is large"
    )


class MaskView(BaseModel):
    """A mask that a bundle drew."""

    assessment: int
    labels: list[str] = Field(
        description="what the values of its pixels mean, the background first"
    )
    slices: list[SliceView]


class MapsView(BaseModel):
    """Everything of a result that can be laid over its images."""

    evidence: list[EvidenceView]
    masks: list[MaskView]
