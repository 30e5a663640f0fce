"""What an image looks like by pydicom: what the viewer is held against."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import pydicom
from pydicom.pixels import (
    apply_color_lut,
    apply_modality_lut,
    apply_voi_lut,
    pixel_array,
)

from medlens.core import Array


def rendered(data: bytes, *, frame: int = 0) -> Array:
    """(H, W, 3) uint8 of a frame as pydicom shows it.

    Modality LUT or rescale, VOI LUT before windows, PALETTE COLOR by its tables, YBR
    as RGB, MONOCHROME1 turned round; without a window from the smallest value to the
    largest, padding apart.

    Args:
        data: a DICOM file.
        frame: from 0.

    Raises:
        Exception: whatever pydicom raises where it cannot decode the file.
    """
    with warnings.catch_warnings():  # the files are odd on purpose
        warnings.simplefilter("ignore")
        return _rendered(data, frame)


def _rendered(data: bytes, frame: int) -> Array:
    header = pydicom.dcmread(io.BytesIO(data), force=True)
    values = _values(data, frame)
    photometric = header.PhotometricInterpretation
    if photometric == "PALETTE COLOR":
        return _eight_bits(apply_color_lut(values, header))
    if values.ndim == 3:
        return _eight_bits(values)
    shades = _shades(header, values)
    if photometric == "MONOCHROME1":
        shades = 1.0 - shades
    grey = np.rint(255.0 * shades).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)


def _values(data: bytes, frame: int) -> Array:
    """Stored values of a frame; a deflated file is read whole first."""
    try:
        return np.asarray(pixel_array(io.BytesIO(data), index=frame))
    except ValueError:
        header = pydicom.dcmread(io.BytesIO(data), force=True)
        return np.asarray(pixel_array(header, index=frame))


def frames_by_place(data: bytes) -> list[int]:
    """Frames in the order of their positions along the normal, from 0; as numbered
    where they have none."""
    header = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True, force=True)
    frames = int(header.get("NumberOfFrames", 1) or 1)
    groups = header.get("PerFrameFunctionalGroupsSequence")
    shared = header.get("SharedFunctionalGroupsSequence")
    if not groups or not shared or "PlanePositionSequence" not in groups[0]:
        return list(range(frames))
    plane = np.array(
        shared[0].PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float
    )
    normal = np.cross(plane[:3], plane[3:])
    depths = [
        float(
            np.dot(
                np.array(group.PlanePositionSequence[0].ImagePositionPatient, float),
                normal,
            )
        )
        for group in groups
    ]
    return [int(frame) for frame in np.argsort(depths, kind="stable")]


def _shades(header: Any, values: Array) -> Array:
    """0..1 of each pixel, before MONOCHROME1."""
    rescaled = apply_modality_lut(values, header)
    if "VOILUTSequence" in header:
        table = header.VOILUTSequence[0]
        bits = int(table.LUTDescriptor[2])
        top = max(2**bits - 1, int(np.max(np.asarray(table.LUTData))))
        return np.asarray(apply_voi_lut(rescaled, header) / top)
    if "WindowWidth" in header and header.WindowWidth is not None:
        low, high = _window_range(header)
        return np.asarray((apply_voi_lut(rescaled, header) - low) / (high - low))
    whole = rescaled.astype(np.float64)
    window = _float_window(header)
    if window is not None:
        return np.asarray(np.clip((whole - window[0]) / window[1] + 0.5, 0.0, 1.0))
    is_image = np.isfinite(whole) & ~_is_padding(header, values)
    low, high = float(whole[is_image].min()), float(whole[is_image].max())
    return np.asarray(np.clip((whole - low) / max(high - low, 1e-6), 0.0, 1.0))


def _float_window(header: Any) -> tuple[float, float] | None:
    """Center and width that all frames of floating point pixels share.

    LINEAR is laid out for whole numbers (a width of 1 is a threshold there), so on
    floats a window is taken for LINEAR_EXACT.
    """
    groups = header.get("SharedFunctionalGroupsSequence")
    is_float = "FloatPixelData" in header or "DoubleFloatPixelData" in header
    if not is_float or not groups or "FrameVOILUTSequence" not in groups[0]:
        return None
    place = groups[0].FrameVOILUTSequence[0]
    return float(place.WindowCenter), float(place.WindowWidth)


def _is_padding(header: Any, values: Array) -> Array:
    """Pixels that are none (PS3.3 C.7.5.1.1.2)."""
    first = header.get("PixelPaddingValue")
    if not isinstance(first, int):
        return np.zeros(values.shape, dtype=bool)
    last = header.get("PixelPaddingRangeLimit", first)
    return np.asarray((values >= min(first, last)) & (values <= max(first, last)))


def _window_range(header: Any) -> tuple[float, float]:
    """What pydicom's windowing calls black and white (its `apply_windowing`)."""
    if header.get("ModalityLUTSequence"):
        return 0.0, 2.0 ** int(header.ModalityLUTSequence[0].LUTDescriptor[2]) - 1
    bits = int(header.BitsStored)
    low, high = 0.0, 2.0**bits - 1
    if header.PixelRepresentation == 1:
        low, high = -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1
    slope, intercept = header.get("RescaleSlope"), header.get("RescaleIntercept")
    if slope is not None and intercept is not None:
        low, high = (end * float(slope) + float(intercept) for end in (low, high))
    return low, high


def _eight_bits(values: Array) -> Array:
    """Colours as 8 bits; those of 16 that fill the upper byte alone are 8-bit ones."""
    if values.dtype.itemsize == 1:
        return values.astype(np.uint8)
    width = 8 * values.dtype.itemsize
    if width == 16 and not (values & 255).any():
        return (values >> 8).astype(np.uint8)
    return np.rint(values.astype(np.float64) * 255 / (2.0**width - 1)).astype(np.uint8)
