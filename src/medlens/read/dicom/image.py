"""The steps in order: header, frame, codec, values, padding, colour, geometry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medlens.core import Array, Geometry, Image, Provenance, ReadError, Voi
from medlens.core.quiet import quiet
from medlens.read.dicom.codecs import decode_frame, is_known
from medlens.read.dicom.colour import palette_to_rgb, supplement_rgb, ybr_to_rgb
from medlens.read.dicom.facts import read_facts, read_uids
from medlens.read.dicom.frames import first_bit, read_frame
from medlens.read.dicom.geometry import read_geometry
from medlens.read.dicom.header import NATIVE, DicomHeader, read_header
from medlens.read.dicom.layout import GREY, Layout, read_layout
from medlens.read.dicom.lut import Lut, read_palette
from medlens.read.dicom.numbers import text
from medlens.read.dicom.show import show
from medlens.read.dicom.values import (
    Modality,
    Padding,
    padding_mask,
    read_modality,
    read_padding,
    rescale,
    rescaled_span,
    stored_span,
    to_stored,
)
from medlens.read.dicom.voi import mirror_voi, read_voi
from medlens.read.finite import check_finite
from medlens.read.planes import to_planes
from medlens.read.source import Source, parse_member


@dataclass(frozen=True)
class _Plan:
    """All that the header says of one frame, read before its pixels."""

    header: DicomHeader
    layout: Layout
    frame: int
    modality: Modality
    span: tuple[float, float] | None
    voi: Voi | None
    padding: Padding | None
    supplement: tuple[Lut, Lut, Lut] | None
    geometry: Geometry
    modality_name: str
    provenance: Provenance


def count_frames(source: Source) -> int:
    """Frames of a DICOM image."""
    header = read_header(source)
    with quiet():
        return read_layout(header, source.case).frames


def read_dicom(source: Source, member: str = "") -> Image:
    """One frame of a DICOM image.

    Args:
        source: a DICOM file, with or without preamble.
        member: "frame:<index>", or "" for a file with one frame.

    Returns:
        (C, 1, H, W), stage "rescaled": modality LUT or rescale applied, VOI
        kept in `Image.voi`. MONOCHROME1 is turned round within its valid range
        and its VOI mirrored; palette and YBR are RGB; padding pixels hold the
        smallest other value; overlays are left out.

    Raises:
        ReadError: damaged, no pixels, an unknown transfer syntax or colour
            space, NaN or infinite pixels.
    """
    header = read_header(source)
    with quiet():
        plan = _read_plan(header, source, member)
    layout = plan.layout
    data = read_frame(header, layout, plan.frame, source)
    start = first_bit(layout, plan.frame) if layout.syntax in NATIVE else 0
    stored = decode_frame(data, layout, start, source.case)
    values = to_stored(stored, layout)
    if layout.samples == 3:
        rgb = (
            ybr_to_rgb(values, layout, source.case)
            if stored.colour == "YBR"
            else values
        )
        return _to_image(plan, rgb, stored_span(layout), layout.bits_stored)
    if layout.photometric == "PALETTE COLOR":
        with quiet():
            rgb = palette_to_rgb(values, header.data, layout, source.case)
        bits = rgb.dtype.itemsize * 8
        return _to_image(plan, rgb, (0.0, 2.0**bits - 1), bits)
    return _to_grey_image(plan, values, source.case)


def _read_plan(header: DicomHeader, source: Source, member: str) -> _Plan:
    case, data = source.case, header.data
    if not is_known(header.transfer_syntax):
        name = _syntax_name(header.transfer_syntax)
        raise ReadError(
            f"{case}: transfer syntax {name} is not read; convert the file to "
            "Explicit VR Little Endian"
        )
    layout = read_layout(header, case)
    frame = parse_member(member, "frame", layout.frames, case)
    is_grey = layout.photometric in GREY
    modality = read_modality(data, frame, layout, case) if is_grey else Modality()
    span = None
    if is_grey and not layout.is_float:
        span = rescaled_span(modality, stored_span(layout), case)
    geometry, spacing_source = read_geometry(data, frame)
    supplemental = text(data, "PixelPresentation") in ("COLOR", "MIXED")
    has_palette = "RedPaletteColorLookupTableDescriptor" in data
    return _Plan(
        header=header,
        layout=layout,
        frame=frame,
        modality=modality,
        span=span,
        voi=read_voi(data, frame, layout, span, case) if is_grey else None,
        padding=read_padding(data, layout) if is_grey else None,
        supplement=read_palette(data, case, little_endian=layout.little_endian)
        if is_grey and supplemental and has_palette
        else None,
        geometry=geometry,
        modality_name=text(data, "Modality", 16),
        provenance=Provenance(
            case,
            "dicom",
            uids=read_uids(data),
            facts=read_facts(header, spacing_source),
        ),
    )


def _syntax_name(uid: str) -> str:
    """The standard's name of a transfer syntax; its bare text is not repeated."""
    from pydicom.uid import UID, UID_dictionary

    return str(UID(uid).name) if uid in UID_dictionary else "of an unknown UID"


def _to_grey_image(plan: _Plan, stored: Array, case: str) -> Image:
    layout, span, voi = plan.layout, plan.span, plan.voi
    padded = None if plan.padding is None else padding_mask(stored, plan.padding)
    if padded is not None and not padded.any():
        padded = None
    if plan.padding is not None and plan.padding.is_nan and padded is not None:
        stored = np.where(padded, stored.dtype.type(0), stored)
    check_finite(stored, case)
    values = rescale(stored, plan.modality, stored_span(layout))
    check_finite(values, case)
    if layout.photometric == "MONOCHROME1":
        values, total = _turn_round(values, span)
        voi = mirror_voi(voi, total)
    if padded is not None and not padded.all():
        values = np.where(padded, values[~padded].min(), values)
    if plan.supplement is not None:
        grey = show(values, voi, span)
        rgb = supplement_rgb(stored, grey, plan.supplement)
        return _to_image(plan, rgb, (0.0, 255.0), 8)
    return _to_image(plan, values, span, layout.bits_stored, voi)


def _turn_round(values: Array, span: tuple[float, float] | None) -> tuple[Array, float]:
    """Values mirrored within their valid range, and the sum that mirrors them."""
    low, high = span or (float(values.min()), float(values.max()))
    total = low + high
    if values.dtype.kind == "f":
        return (total - values).astype(values.dtype), total
    return (int(total) - values.astype(np.int64)).astype(values.dtype), total


def _to_image(
    plan: _Plan, pixels: Array, span: tuple[float, float] | None, bits: int,
    voi: Voi | None = None,
) -> Image:  # fmt: skip
    return Image(
        array=to_planes(pixels),
        geometry=plan.geometry,
        modality=plan.modality_name,
        stage="rescaled",
        bits_stored=bits,
        voi=voi,
        valid_min=span[0] if span else None,
        valid_max=span[1] if span else None,
        provenance=plan.provenance,
    )
