"""What rules look at: a few facts of an image's header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from medlens.read.dicom.geometry import read_axes, read_spacing
from medlens.read.dicom.groups import places
from medlens.read.dicom.numbers import number, text, value_of

PLANES = ("sagittal", "coronal", "axial")  # by the normal's largest part: x, y, z


@dataclass(frozen=True)
class Facts:
    """Facts of an image or of the first slice of a series; "" and None: not known.

    Attributes:
        is_series: slices that make a volume; False for an image alone.
        slices: of the series; 1 for an image.
        modality, body_part, series_description, protocol_name, manufacturer,
        view_position, laterality, photometric_interpretation: header values.
        image_type: its values.
        orientation: plane that the image lies in most: "axial", "coronal",
            "sagittal".
        has_contrast: a contrast agent is named.
        slice_thickness_mm, slice_gap_mm, pixel_spacing_mm: in mm; the gap as measured
            between positions, the pixel spacing as mean of rows and columns.
        is_capture: a secondary capture or screen shot.
        institution: where it was made; no rule looks at it, drift is watched by it.
    """

    is_series: bool = False
    slices: int = 1
    modality: str = ""
    body_part: str = ""
    series_description: str = ""
    protocol_name: str = ""
    manufacturer: str = ""
    view_position: str = ""
    laterality: str = ""
    photometric_interpretation: str = ""
    image_type: tuple[str, ...] = ()
    orientation: str = ""
    has_contrast: bool = False
    slice_thickness_mm: float | None = None
    slice_gap_mm: float | None = None
    pixel_spacing_mm: float | None = None
    is_capture: bool = False
    institution: str = ""


def read_facts(
    data: Any,
    *,
    slices: int = 1,
    gap_mm: float | None = None,
    is_series: bool = False,
    is_capture: bool = False,
) -> Facts:
    """Facts of a header.

    Args:
        data: pydicom Dataset without pixels; read it inside `core.quiet.quiet`.
        slices, gap_mm, is_series: what grouping found.
        is_capture: see `Facts`.
    """
    spacing, spacing_source = read_spacing(data, 0)
    return Facts(
        is_series=is_series,
        slices=slices,
        modality=text(data, "Modality", 16).upper(),
        body_part=text(data, "BodyPartExamined", 16).upper(),
        series_description=_words(data, "SeriesDescription"),
        protocol_name=_words(data, "ProtocolName"),
        manufacturer=_words(data, "Manufacturer"),
        view_position=text(data, "ViewPosition", 16).upper(),
        laterality=(
            text(data, "ImageLaterality", 1) or text(data, "Laterality", 1)
        ).upper(),
        photometric_interpretation=text(data, "PhotometricInterpretation", 16),
        image_type=tuple(v for v in text(data, "ImageType").upper().split("\\") if v),
        orientation=_orientation(data),
        has_contrast=bool(text(data, "ContrastBolusAgent")),
        slice_thickness_mm=_thickness(data),
        slice_gap_mm=gap_mm,
        pixel_spacing_mm=float(sum(spacing) / 2) if spacing_source else None,
        is_capture=is_capture,
        institution=text(data, "InstitutionName"),
    )


def _words(data: Any, keyword: str) -> str:
    """Text in its own script, for patterns in that script."""
    value = value_of(data, keyword)
    return "" if value is None or isinstance(value, bytes) else str(value)[:64].strip()


def _thickness(data: Any) -> float | None:
    """At the root of a plain header, per frame or shared in an enhanced one."""
    found = (
        number(place, "SliceThickness")
        for place in places(data, 0, "PixelMeasuresSequence")
    )
    return next((value for value in found if value is not None), None)


def _orientation(data: Any) -> str:
    axes = read_axes(data, 0)
    if axes is None:
        return ""
    normal = np.cross(np.asarray(axes[0], float), np.asarray(axes[1], float))
    return PLANES[int(np.argmax(np.abs(normal)))] if np.isfinite(normal).all() else ""
