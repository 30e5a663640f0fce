"""NIfTI volumes as classic CT or MR series, slice by slice, where they lie.

Classic instances and not one multi-frame object: every viewer and every reader of
series takes them, ours among them.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medlens.core import Array, Geometry, Image
from medlens.read import open_image
from medlens.read.source import Source
from medlens.serve.receive.wrap import (
    WrapError,
    Wrapping,
    as_decimal,
    begin_dataset,
)
from medlens.serve.receive.wrap_values import Stored16, choose_stored

CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
AIR_HU = -900.0
"""Volumes of whole numbers that reach as low are taken for CT where nothing is said."""

_PERPENDICULAR = 1e-4  # cosine between rows and columns that DICOM can hold
_Allocate = Callable[[tuple[int, ...], Any], Array]


@dataclass(frozen=True)
class _Volume:
    """One volume and all that its slices share."""

    image: Image
    wrapping: Wrapping
    coding: Stored16
    modality: str
    index: int


def wrap_nifti(
    source: Source, wrapping: Wrapping, *, most_slices: int, most_bytes: int,
    allocate: _Allocate = np.empty,
) -> Iterator[Any]:  # fmt: skip
    """Data sets of all slices of all volumes.

    Args:
        source: a NIfTI file.
        wrapping: its names and details.
        most_slices, most_bytes: of all volumes together, refused by the header.
        allocate: makes the array of one volume, see `open_image`.

    Raises:
        WrapError: too large, without physical size, in colour, or its rows and
            columns are not perpendicular.
        ReadError: it cannot be read.
    """
    from medlens.read.nifti import read_grid

    volumes, depth, rows, columns = read_grid(source)
    _check_size(source.case, volumes, (depth, rows, columns), most_slices, most_bytes)
    said = wrapping.details.modality
    if said not in ("", "CT", "MR"):
        raise WrapError(
            f"{source.case}: modality {said} is said of a NIfTI volume; wanted CT or "
            "MR, or none to leave it open"
        )
    modality = said
    for index in range(volumes):
        member = f"volume:{index}" if volumes > 1 else ""
        image = open_image(
            source.path, member=member, case=source.case, allocate=allocate
        )
        _check_image(image, source.case)
        modality = modality or guess_modality(image.array)
        coding = _coding(source.path, image)
        volume = _Volume(image, wrapping, coding, modality, index)
        for place in range(image.array.shape[1]):
            yield _wrap_slice(volume, place)


def _check_size(
    case: str, volumes: int, grid: tuple[int, int, int], most_slices: int,
    most_bytes: int,
) -> None:  # fmt: skip
    depth, rows, columns = grid
    if (
        volumes * depth > most_slices
        or 2 * volumes * depth * rows * columns > most_bytes
    ):
        raise WrapError(
            f"{case}: {volumes} volume(s) of {depth} x {rows} x {columns} voxels; the "
            f"limit is {most_slices:,} slices and {most_bytes >> 20:,} MiB; crop it"
        )
    if max(rows, columns) > 65_535:
        raise WrapError(
            f"{case}: a side of {max(rows, columns):,} voxels; DICOM has 65,535"
        )


def _check_image(image: Image, case: str) -> None:
    if image.is_colour:
        raise WrapError(
            f"{case}: is a NIfTI volume in colour; wanted one value a voxel; convert it"
        )
    if not image.geometry.is_calibrated:
        raise WrapError(
            f"{case}: the NIfTI header has no physical size (sform, qform and pixdim "
            "are empty); set one of them"
        )
    down, along = image.geometry.direction[:, 1], image.geometry.direction[:, 2]
    if abs(float(down @ along)) > _PERPENDICULAR:
        raise WrapError(
            f"{case}: rows and columns of the NIfTI grid are not perpendicular, which "
            "DICOM cannot hold; resample it"
        )


def guess_modality(values: Array) -> str:
    """ "CT" for whole numbers that reach down to air in Hounsfield units, else "MR"."""
    if float(values.min()) > AIR_HU:
        return "MR"
    whole = all((plane == np.rint(plane)).all() for plane in values[0])
    return "CT" if whole else "MR"


def _coding(path: Path, image: Image) -> Stored16:
    slope, intercept = _file_scale(path)
    return choose_stored(lambda: iter(image.array[0]), slope=slope, intercept=intercept)


def _file_scale(path: Path) -> tuple[float | None, float]:
    """scl_slope and scl_inter of a NIfTI file; None where there is no scale."""
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    with path.open("rb") as file:
        head = file.read(540)
    if head[:2] == b"\x1f\x8b":
        with gzip.open(path) as packed:
            head = packed.read(540)
    is_second = head[4:7] in (b"n+2", b"ni2")
    header = Nifti2Header if is_second else Nifti1Header
    found = header(head[: 540 if is_second else 348], check=False)
    slope, intercept = float(found["scl_slope"]), float(found["scl_inter"])
    if not np.isfinite([slope, intercept]).all() or slope == 0:
        return None, 0.0
    return slope, intercept


def _wrap_slice(volume: _Volume, place: int) -> Any:
    is_ct = volume.modality == "CT"
    data = begin_dataset(
        volume.wrapping,
        sop_class=CT if is_ct else MR,
        series=volume.index,
        instance=place,
        modality=volume.modality,
    )
    data.ImageType = ["DERIVED", "SECONDARY", "AXIAL" if is_ct else "OTHER"]
    data.AcquisitionNumber = volume.index + 1
    data.PatientPosition = ""
    if is_ct:
        data.KVP = None
    else:
        _add_mr(data)
    said = bool(volume.wrapping.details.modality)
    data.DerivationDescription = _describe(volume, said)
    _add_place(data, volume, place)
    _add_pixels(data, volume, place)
    return data


def _describe(volume: _Volume, said: bool) -> str:
    words = ["converted from NIfTI by medlens"]
    if not said:
        words.append(f"modality {volume.modality} was not given but taken")
    if volume.coding.step:
        words.append(f"values are right to {volume.coding.step:.3g}")
    return "; ".join(words)


def _add_mr(data: Any) -> None:
    """Type 1 and 2 of the MR Image module (C.8.3.1): nothing of it is known."""
    data.ScanningSequence, data.SequenceVariant = "RM", "NONE"
    data.ScanOptions, data.MRAcquisitionType = "", ""
    data.RepetitionTime = data.EchoTime = data.EchoTrainLength = None


def _add_place(data: Any, volume: _Volume, place: int) -> None:
    geometry: Geometry = volume.image.geometry
    gap, rows, columns = geometry.spacing
    direction = geometry.direction
    position = geometry.to_patient(np.array([place, 0, 0], dtype=np.float64))
    normal = np.cross(direction[:, 2], direction[:, 1])
    data.FrameOfReferenceUID = volume.wrapping.uid("frame of reference")
    data.PositionReferenceIndicator = ""
    data.ImagePositionPatient = [as_decimal(value) for value in position]
    data.ImageOrientationPatient = [
        as_decimal(value) for value in (*direction[:, 2], *direction[:, 1])
    ]
    data.PixelSpacing = [as_decimal(rows), as_decimal(columns)]
    # Across the slices, where they are stacked at a slant.
    across = gap * abs(float(normal @ direction[:, 0]))
    data.SliceThickness = as_decimal(across)
    if volume.modality == "MR":
        data.SpacingBetweenSlices = as_decimal(across)


def _add_pixels(data: Any, volume: _Volume, place: int) -> None:
    coding, plane = volume.coding, volume.image.array[0, place]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = plane.shape
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    data.PixelRepresentation = int(coding.is_signed)
    data.RescaleIntercept, data.RescaleSlope = coding.intercept, coding.slope
    data.RescaleType = "HU" if volume.modality == "CT" else "US"
    data.PixelData = coding.pack(plane)
    data["PixelData"].VR = "OW"
