"""What is known of one slice before its pixels are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Pixels:
    """Size and range of a slice's pixels, from its header.

    Attributes:
        rows, columns: size.
        low, high: smallest and largest rescaled value possible; None for
            floating point.
        is_whole: rescaled values are whole numbers.
        is_wide: values need more than float32 where they are fractions.
    """

    rows: int
    columns: int
    low: float | None = None
    high: float | None = None
    is_whole: bool = True
    is_wide: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """One plane of a series: a file, or a frame of one.

    Attributes:
        path: the file; never part of a message.
        case: local key of the file, which messages use.
        member: "frame:3" of a multi-frame file, else "".
        position: LPS mm of the centre of its first pixel; (0, 0, number) for
            a picture that a table numbers.
        along, down: unit vectors in which the column and the row index grow.
        spacing: (row gap, column gap) in mm.
        is_calibrated: False where `spacing` is only a ratio of pixels.
        pixels: None for pictures, whose size is known when they are opened.
        series: what slices of one series share; a UID, so never shown.
        tags: DICOM keyword → value by which images at one place differ
            (echo time, acquisition number, …); never shown as a whole.
        number: Instance Number; breaks ties only.
        is_named_scout: the series' description calls it a localiser.
    """

    path: Path = field(repr=False)
    case: str
    member: str
    position: Vector
    along: Vector
    down: Vector
    spacing: tuple[float, float]
    is_calibrated: bool = True
    pixels: Pixels | None = None
    series: str = field(default="", repr=False)
    tags: dict[str, str] = field(default_factory=dict, repr=False)
    number: int = 0
    is_named_scout: bool = False

    @property
    def name(self) -> str:
        """How messages name the slice: its file and, if need be, its frame."""
        return f"{self.case}#{self.member}" if self.member else self.case


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file or frame that is in no series, and why.

    Attributes:
        case: local key of the file, "#frame:3" behind it for a frame.
        reason: what was found, in plain words.
        kind: "no_image" no DICOM image, or one that cannot be read;
            "localiser"; "capture" a secondary capture or a colour picture;
            "unplaced" no usable position or orientation; "copy" the same
            instance is there twice; "single" no neighbour in its orientation;
            "mixed" every slice of the series has an orientation of its own.
    """

    case: str
    reason: str
    kind: Literal[
        "no_image", "localiser", "capture", "unplaced", "copy", "single", "mixed"
    ]
