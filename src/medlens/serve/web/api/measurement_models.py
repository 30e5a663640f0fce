"""What the API takes and says of measurements on images."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from medlens.serve.web.api.fields import (
    MOST_REVISIONS,
    TEXT,
    Strict,
    Uid,
    Whole,
    moment_or_none,
)
from medlens.serve.work.measurements import MOST_SHAPES, Measurements

Figure = Annotated[float, Field(strict=True, ge=-1e12, le=1e12)]
# Pixels of an image, or mm of the patient: far beyond what either can be.
Coordinate = Annotated[float, Field(strict=True, ge=-1e6, le=1e6)]
Positive = Annotated[float, Field(strict=True, gt=0, le=1e6)]
Counted = Annotated[Whole, Field(ge=0, le=2**53 - 1)]
Point = tuple[Coordinate, Coordinate]

PLACES = (
    "(x, y): pixels of the image, edges from 0 at the upper left; on a plane mm of the "
    "patient, along its rows and down its columns"
)


class SeenImage(Strict):
    """An instance, and its frame."""

    sop: Uid
    frame: Whole = Field(ge=1, le=2**31 - 1, description="counts from 1")


class OnImage(Strict):
    """On one image of the series."""

    kind: Literal["image"]
    image: SeenImage
    index: Whole = Field(
        ge=0, le=2**31 - 1, description="in the series as it was shown, from 0"
    )


class OnPlane(Strict):
    """On a plane through the volume of the series."""

    kind: Literal["plane"]
    view: Literal["axial", "sagittal", "coronal"]
    at: Coordinate = Field(description="where it cuts its axis: mm in LPS")
    slab: float = Field(
        strict=True, ge=0, le=1000, description="of a MIP in mm, 0 for one plane"
    )


class MeasuredOn(Strict):
    """How long a pixel was, and where that is known from."""

    spacing: tuple[Positive, Positive] = Field(
        description="between rows, then between columns; in `unit`"
    )
    unit: Literal["mm", "px"]
    basis: Literal["patient", "detector", "calibrated", "region", "none"]


class RegionFigures(Strict):
    """Of the values within a region; all but `n` are none where `n` is 0."""

    n: Counted
    mean: Figure | None
    sd: Figure | None = Field(description="divided by n")
    min: Figure | None
    max: Figure | None


class MeasuredFigures(Strict):
    """What a shape measured when it was last drawn; what does not apply is none."""

    calibration: MeasuredOn
    length: Figure | None
    angle: Figure | None = Field(description="degrees, 0 to 180")
    area: Figure | None
    statistics: RegionFigures | None
    value: Figure | None
    unit: Annotated[str, StringConstraints(max_length=32, pattern=TEXT)] = Field(
        description="of values: HU, …"
    )


class Drawn(Strict):
    """What every measurement has."""

    id: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,40}$")]
    series: Uid
    where: Annotated[OnImage | OnPlane, Field(discriminator="kind")]
    reading: MeasuredFigures


class MeasuredPair(Drawn):
    """From one point to another: a line, or the corners of what it encloses."""

    kind: Literal["length", "rectangle", "ellipse"]
    points: list[Point] = Field(min_length=2, max_length=2, description=PLACES)


class MeasuredAngle(Drawn):
    """Between two legs; its vertex is the second point."""

    kind: Literal["angle"]
    points: list[Point] = Field(min_length=3, max_length=3, description=PLACES)


class MeasuredProbe(Drawn):
    """The value at one point."""

    kind: Literal["probe"]
    points: list[Point] = Field(min_length=1, max_length=1, description=PLACES)


MeasuredShape = Annotated[
    MeasuredPair | MeasuredAngle | MeasuredProbe, Field(discriminator="kind")
]
"""One measurement: points on an image in its pixels, on a plane in mm."""
_SHAPES: TypeAdapter[list[MeasuredPair | MeasuredAngle | MeasuredProbe]] = TypeAdapter(
    list[MeasuredShape]
)


class MeasurementsSave(Strict):
    """All measurements of the caller on a study."""

    revision: Whole = Field(
        ge=0, le=MOST_REVISIONS, description="that you saw, 0 where you saw none"
    )
    shapes: list[MeasuredShape] = Field(max_length=MOST_SHAPES)

    @model_validator(mode="after")
    def _are_told_apart(self) -> Self:
        if len({each.id for each in self.shapes}) < len(self.shapes):
            raise PydanticCustomError("ids", "two shapes have the same id")
        return self


class MeasurementsView(BaseModel):
    """The caller's measurements on a study."""

    revision: int
    saved_at: datetime | None
    shapes: list[MeasuredShape]


def view_of_measurements(found: Measurements) -> MeasurementsView:
    """Measurements as the API says them."""
    return MeasurementsView(
        revision=found.revision,
        saved_at=moment_or_none(found.saved_at),
        shapes=_SHAPES.validate_python(found.shapes),
    )
