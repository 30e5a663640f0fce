"""What the API takes and says of measurements on images."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from medlens.serve.web.api.fields import TEXT, Strict, Uid, moment_or_none
from medlens.serve.work.measurements import MOST_SHAPES, Measurements

MOST_REVISIONS = 2**31 - 2
Figure = Annotated[float, Field(ge=-1e12, le=1e12)]
# Pixels of an image, or mm of the patient: far beyond what either can be.
Coordinate = Annotated[float, Field(ge=-1e6, le=1e6)]
Positive = Annotated[float, Field(gt=0, le=1e6)]
Counted = Annotated[int, Field(ge=0, le=2**53 - 1)]

POINTS = {"length": 2, "angle": 3, "rectangle": 2, "ellipse": 2, "probe": 1}
"""How many points each kind has."""


class SeenImage(Strict):
    """An instance, and its frame."""

    sop: Uid
    frame: int = Field(ge=1, le=2**31 - 1, description="counts from 1")


class OnImage(Strict):
    """On one image of the series."""

    kind: Literal["image"]
    image: SeenImage
    index: int = Field(
        ge=0, le=2**31 - 1, description="in the series as it was shown, from 0"
    )


class OnPlane(Strict):
    """On a plane through the volume of the series."""

    kind: Literal["plane"]
    view: Literal["axial", "sagittal", "coronal"]
    at: Coordinate = Field(description="where it cuts its axis: mm in LPS")
    slab: float = Field(ge=0, le=1000, description="of a MIP in mm, 0 for one plane")


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


class MeasuredShape(Strict):
    """One measurement: points on an image in its pixels, on a plane in mm."""

    id: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,40}$")]
    kind: Literal["length", "angle", "rectangle", "ellipse", "probe"]
    series: Uid
    where: Annotated[OnImage | OnPlane, Field(discriminator="kind")]
    points: list[tuple[Coordinate, Coordinate]] = Field(
        min_length=1,
        max_length=3,
        description="(x, y): pixels of the image, edges from 0 at the upper left; on a "
        "plane mm of the patient, along its rows and down its columns",
    )
    reading: MeasuredFigures

    @model_validator(mode="after")
    def _has_its_points(self) -> Self:
        wanted = POINTS[self.kind]
        if len(self.points) != wanted:
            raise PydanticCustomError(
                "points",
                "has {found} points, this kind has {wanted}",
                {"found": len(self.points), "wanted": wanted},
            )
        return self


class MeasurementsSave(Strict):
    """All measurements of the caller on a study."""

    revision: int = Field(
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
        shapes=[MeasuredShape.model_validate(each) for each in found.shapes],
    )
