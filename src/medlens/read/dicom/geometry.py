"""Where a frame lies in the patient (PS3.3 C.7.6.2), and how sure that is."""

from __future__ import annotations

from typing import Any

import numpy as np

from medlens.core import Array, Geometry
from medlens.read.dicom.groups import places
from medlens.read.dicom.numbers import items, number, numbers, whole

_CENTIMETRE = 3  # C.8.5.5.1.15, Physical Units
_TISSUE = 1  # C.8.5.5.1.1, Region Spatial Format 2D


def read_geometry(data: Any, frame: int) -> tuple[Geometry, str]:
    """Geometry of one frame and the keyword its spacing came from ("" for none).

    Spacing comes from Pixel Spacing; else Imager Pixel Spacing or Nominal
    Scanned Pixel Spacing (at the detector or film, so magnified against the
    patient); else the ultrasound regions where all of them agree; else pixels
    count as 1 mm, in the ratio of Pixel Aspect Ratio, and `is_calibrated` is
    False. Zero, negative and non-finite values count as missing.
    """
    (row_gap, column_gap), source = read_spacing(data, frame)
    depth = _positive(data, frame, "SliceThickness") or _positive(
        data, frame, "SpacingBetweenSlices"
    )
    direction = _read_direction(data, frame)
    position = find_position(data, frame)
    geometry = Geometry.from_parts(
        spacing=(depth or 1.0, row_gap, column_gap),
        origin=(position[0], position[1], position[2]) if position else (0.0, 0.0, 0.0),
        direction=direction,
        is_calibrated=bool(source),
    )
    return geometry, source


def _is_length(value: float) -> bool:
    """A distance between pixels that a scanner or microscope can have, in mm."""
    return 1e-4 <= value <= 1e4


def _find(data: Any, frame: int, sequence: str, keyword: str, size: int) -> list[float]:
    for place in places(data, frame, sequence):
        found = numbers(place, keyword)
        if len(found) >= size and max(map(abs, found)) < 1e9:
            return found[:size]
    return []


def _positive(data: Any, frame: int, keyword: str) -> float | None:
    for place in places(data, frame, "PixelMeasuresSequence"):
        value = number(place, keyword)
        if value is not None and _is_length(value):
            return value
    return None


def find_position(data: Any, frame: int) -> list[float]:
    """LPS mm of the centre of a frame's first pixel, [] where it is not known."""
    return _find(data, frame, "PlanePositionSequence", "ImagePositionPatient", 3)


def read_spacing(data: Any, frame: int) -> tuple[tuple[float, float], str]:
    """(row gap, column gap) in mm: between rows first, as in the header.

    Returns:
        The gaps, and the keyword they came from, "" where they are only a
        ratio of pixels.
    """
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        found = _find(data, frame, "PixelMeasuresSequence", keyword, 2)
        if found and all(map(_is_length, found)):
            return (found[0], found[1]), keyword
    regions = _read_regions(data)
    if regions:
        return regions, "SequenceOfUltrasoundRegions"
    ratio = numbers(data, "PixelAspectRatio")
    if len(ratio) == 2 and min(ratio) > 0 and max(ratio) / min(ratio) < 100:
        return (ratio[0] / ratio[1], 1.0), ""
    return (1.0, 1.0), ""


def _read_regions(data: Any) -> tuple[float, float] | None:
    """Spacing of the 2D tissue regions of an ultrasound image, if they agree."""
    found = set()
    for region in items(data, "SequenceOfUltrasoundRegions"):
        if whole(region, "RegionSpatialFormat") != _TISSUE:
            continue
        units = {whole(region, f"PhysicalUnits{axis}Direction") for axis in ("X", "Y")}
        down, across = (
            number(region, "PhysicalDeltaY"),
            number(region, "PhysicalDeltaX"),
        )
        if units != {_CENTIMETRE} or not down or not across:
            return None
        gaps = round(abs(down) * 10, 9), round(abs(across) * 10, 9)
        if not all(map(_is_length, gaps)):
            return None
        found.add(gaps)
    return found.pop() if len(found) == 1 else None


def read_axes(data: Any, frame: int) -> tuple[Array, Array] | None:
    """Unit vectors along a row and down a column, None if unusable.

    Image Orientation (Patient): the first three numbers point along a row, in
    which the column index (W) grows; the next three down a column, in which the
    row index (H) grows.
    """
    found = _find(data, frame, "PlaneOrientationSequence", "ImageOrientationPatient", 6)
    if not found:
        return None
    along, down = np.array(found[:3]), np.array(found[3:])
    lengths = np.linalg.norm(along), np.linalg.norm(down)
    if not all(0.99 < length < 1.01 for length in lengths):
        return None
    along, down = along / lengths[0], down / lengths[1]
    return None if abs(along @ down) > 0.01 else (along, down)


def _read_direction(data: Any, frame: int) -> Array | None:
    """(3, 3) columns D, H, W from Image Orientation (Patient), None if unusable."""
    axes = read_axes(data, frame)
    if axes is None:
        return None
    along, down = axes
    normal = np.cross(along, down)
    return np.column_stack([normal / np.linalg.norm(normal), down, along])
