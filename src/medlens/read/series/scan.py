"""One DICOM file → its slices, from the header alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from medlens.core import ReadError
from medlens.core.quiet import quiet
from medlens.read.dicom.codecs import is_known
from medlens.read.dicom.geometry import find_position, read_axes, read_spacing
from medlens.read.dicom.header import read_header, sop_class_name, with_article
from medlens.read.dicom.layout import GREY, Layout, read_layout
from medlens.read.dicom.numbers import items, text, whole
from medlens.read.dicom.values import (
    Modality,
    read_modality,
    rescaled_span,
    stored_span,
)
from medlens.read.series.slices import LeftOut, Pixels, Slice, Vector
from medlens.read.series.tags import read_tags
from medlens.read.source import open_source

MAX_FRAMES = 100_000
# Secondary Capture Image Storage and its multi-frame kinds (PS3.4 B.5)
_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
# Segmentations, surfaces, real world values; radiotherapy objects
_NO_SCAN = ("1.2.840.10008.5.1.4.1.1.66.", "1.2.840.10008.5.1.4.1.1.481.")
_SCOUT = re.compile(
    r"(?<![a-z])(locali[sz]er|loc|scout|topogram|scanogram|surview|survey|"
    r"3[- ]?pl(ane)?|定位像?)(?![a-z])",
    re.IGNORECASE,
)


def scan_file(path: Path, case: str = "") -> tuple[list[Slice], list[LeftOut], str]:
    """Slices of a DICOM file, frames that are none, and its instance UID.

    No pixel is read.

    Raises:
        ReadError: no DICOM image, or a damaged one.
    """
    source = open_source(path, case)
    if source.kind != "dicom":
        raise ReadError(f"{source.case}: is no DICOM file ({source.kind})")
    header = read_header(source)
    with quiet():
        data = header.data
        uid = text(data, "SOPInstanceUID")
        unfit = _unfit(data, source.case)
        if unfit is not None:
            return [], [unfit], uid
        layout = read_layout(header, source.case)
        if layout.photometric not in GREY:
            reason = f"is a colour picture ({layout.photometric}), no slice of a scan"
            return [], [LeftOut(source.case, reason, "capture")], uid
        if not is_known(layout.syntax):
            reason = "has a transfer syntax that is not read; convert the file"
            return [], [LeftOut(source.case, reason, "no_image")], uid
        if layout.frames > MAX_FRAMES:
            raise ReadError(
                f"{source.case}: {layout.frames:,} frames; at most {MAX_FRAMES:,} are "
                "read"
            )
        if layout.frames > 1 and not items(data, "PerFrameFunctionalGroupsSequence"):
            reason = f"is a film of {layout.frames:,} frames without a place for each"
            return [], [LeftOut(source.case, reason, "unplaced")], uid
        slices, left_out = _scan_frames(data, layout, path, source.case)
    return slices, left_out, uid


def _unfit(data: Any, case: str) -> LeftOut | None:
    """Why no frame of a file is a slice, by its class and type."""
    uid = text(data, "SOPClassUID")
    kinds = text(data, "ImageType").upper().split("\\")
    if uid == _CAPTURE or uid.startswith(f"{_CAPTURE}."):
        name = sop_class_name(data) or "secondary capture"
        reason = f"is {with_article(name)}, no scan"
        return LeftOut(case, reason, "capture")
    if any(kind.startswith(("SCREEN", "SECONDARY CAPTURE")) for kind in kinds):
        return LeftOut(case, "is a screen shot by its Image Type", "capture")
    if uid.startswith(_NO_SCAN):
        name = sop_class_name(data) or "derived object"
        reason = f"is {with_article(name)}, no scan"
        return LeftOut(case, reason, "no_image")
    return None


@dataclass(frozen=True)
class _Shared:
    """What all frames of a file have in common."""

    data: Any
    layout: Layout
    path: Path
    case: str
    series: str
    number: int
    is_named_scout: bool


def _scan_frames(
    data: Any, layout: Layout, path: Path, case: str
) -> tuple[list[Slice], list[LeftOut]]:
    uid = text(data, "SeriesInstanceUID") or f"folder {path.parent}"
    words = (text(data, word) for word in ("SeriesDescription", "ProtocolName"))
    shared = _Shared(
        data, layout, path, case, f"{text(data, 'Modality', 16)} {uid}",
        whole(data, "InstanceNumber", 0) or 0, any(map(_SCOUT.search, words)),
    )  # fmt: skip
    found = [_scan_frame(shared, frame) for frame in range(layout.frames)]
    slices = [item for item in found if isinstance(item, Slice)]
    left_out = [item for item in found if isinstance(item, LeftOut)]
    if not slices and len({(item.reason, item.kind) for item in left_out}) == 1:
        left_out = [replace(left_out[0], case=case)]  # one line for 900 frames
    return slices, left_out


def _scan_frame(shared: _Shared, frame: int) -> Slice | LeftOut:
    data, case = shared.data, shared.case
    single = shared.layout.frames == 1
    member = "" if single else f"frame:{frame}"
    name = case if single else f"{case}#{member}"
    tags = read_tags(data, frame)
    if "LOCALIZER" in tags["FrameType"].upper().split("\\"):
        return LeftOut(name, "is a localiser by its Image Type", "localiser")
    position = find_position(data, frame)
    axes = read_axes(data, frame)
    if not position or axes is None:
        what = "Image Orientation (0020,0037)" if position else _POSITION
        reason = f"has no usable {what}, so its place in the patient is unknown"
        return LeftOut(name, reason, "unplaced")
    spacing, calibrated = read_spacing(data, frame)
    return Slice(
        shared.path, case, member, _vector(position), _vector(axes[0]),
        _vector(axes[1]), spacing, bool(calibrated),
        _read_pixels(data, frame, shared.layout, case), shared.series, tags,
        shared.number if single else frame, shared.is_named_scout,
    )  # fmt: skip


_POSITION = "Image Position (0020,0032)"


def _vector(values: Any) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _read_pixels(data: Any, frame: int, layout: Layout, case: str) -> Pixels:
    modality = read_modality(data, frame, layout, case)
    if layout.is_float:
        wide = layout.bits_allocated > 32
        return Pixels(layout.rows, layout.columns, is_whole=False, is_wide=wide)
    low, high = rescaled_span(modality, stored_span(layout), case)
    wide = layout.bits_allocated > 16
    return Pixels(layout.rows, layout.columns, low, high, _is_whole(modality), wide)


def _is_whole(modality: Modality) -> bool:
    if modality.lut is not None:
        return bool(np.issubdtype(modality.lut.entries.dtype, np.integer))
    return modality.slope == 1 and modality.intercept == int(modality.intercept)
