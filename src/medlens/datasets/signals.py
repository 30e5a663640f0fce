"""What the audit keeps of one image: a thumbnail and some hundred bytes.

All later analysis works on these, so memory grows by about 4 KB a case and no
pixel is looked at twice.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medlens.core import Array, Image
from medlens.datasets.hashes import make_thumbnail

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
RING = 0.06
"""Width of the border ring as a share of each side."""

CORNER = 0.12
"""Side of the corner squares as a share of each side."""

FACTS = (
    "Manufacturer",
    "ManufacturerModelName",
    "PhotometricInterpretation",
    "ViewPosition",
    "BodyPartExamined",
    "Laterality",
    "TransferSyntaxUID",
    "ConversionType",
    "PatientOrientation",
    "BurnedInAnnotation",
    "LossyImageCompression",
    "HasAlpha",
)
"""Header values that may give a label away and name nobody."""

_PREVIEW = 256
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
_COLOURFUL = 0.04
_RESIZABLE = (np.uint8, np.uint16, np.int16, np.float32, np.float64)


@dataclass(frozen=True, slots=True)
class Signal:
    """One image, as far as the audit remembers it.

    Attributes:
        digest: of the decoded pixels; equal only for identical images.
        thumbnail: (SIDE, SIDE) uint8, grey.
        rows, columns, depth, channels: of the stored image.
        bits: significant bits.
        is_colour: the channels really differ.
        modality, format, stage: as the reader says; "" if unknown.
        spacing: mm between rows and columns, or (0, 0) if not calibrated.
        low, high: extreme values.
        spread: 99.5th minus 0.5th percentile.
        quantiles: values at `QUANTILES`.
        border: share of the area outside the smallest box around content.
        ring: (8,) mean and deviation of the four border strips, in units of
            the image's own range.
        corners: (16,) mean, deviation, smallest and largest of the corners.
        file_bytes: size of the file, 0 for a member of a larger one.
        jpeg_quality: 1..100 as estimated from the tables, 0 if no JPEG.
        facts: values of `FACTS` present in the header.
        series: stands for the scan or file that this is one slice or frame
            of; empty where nothing says.
        place: which slice or frame of it.
        gap: mm between slices of a volume, 0 if not calibrated or no volume.
        planes: (PLANES, S, S) of a volume, spread over its depth; None else.
        findings: what is wrong with the slices of a series, in words.
        voxels: of each label, where there is a mask.
        extents: slices, rows and columns that each label spans.
    """

    digest: bytes
    thumbnail: NDArray[np.uint8]
    rows: int
    columns: int
    depth: int
    channels: int
    bits: int
    is_colour: bool
    modality: str
    format: str
    stage: str
    spacing: tuple[float, float]
    low: float
    high: float
    spread: float
    quantiles: NDArray[np.float32]
    border: float
    ring: NDArray[np.float32]
    corners: NDArray[np.float32]
    file_bytes: int
    jpeg_quality: int
    facts: tuple[tuple[str, str], ...]
    series: bytes
    place: tuple[float, ...]
    gap: float = 0.0
    planes: NDArray[np.uint8] | None = None
    findings: tuple[str, ...] = ()
    voxels: tuple[int, ...] = ()
    extents: tuple[tuple[int, int, int], ...] = ()


def measure_signal(image: Image, path: Path, *, member: str = "") -> Signal:
    """Everything the audit wants of one image.

    Args:
        image: as read; of a volume, the middle plane along D is looked at.
        path: its file, for size and JPEG tables.
        member: not "" where the file holds more than this image.
    """
    channels, depth, rows, columns = image.array.shape
    planes = image.array[:, depth // 2]
    colour = channels == 3 and _is_colourful(planes)
    plane = _to_preview(middle_plane(image))
    values = plane.astype(np.float32)
    quantiles = np.quantile(values, [0.005, *QUANTILES, 0.995]).astype(np.float32)
    unit = _to_unit(values, float(quantiles[0]), float(quantiles[-1]))
    low, high = _extremes(image.array)
    known = image.provenance.facts
    spacing = image.geometry.spacing[1:] if image.geometry.is_calibrated else (0.0, 0.0)
    series, place = _place_in_series(image, path, member)
    return Signal(
        digest=_digest(image.array),
        thumbnail=make_thumbnail(plane),
        rows=rows,
        columns=columns,
        depth=depth,
        channels=channels,
        bits=image.bits_stored,
        is_colour=colour,
        modality=image.modality,
        format=image.provenance.format,
        stage=image.stage,
        spacing=spacing,
        low=low,
        high=high,
        spread=float(quantiles[-1] - quantiles[0]),
        quantiles=quantiles[1:-1],
        border=_border_share(unit),
        ring=_measure_ring(unit),
        corners=_measure_corners(unit),
        file_bytes=0 if member else _size_of(path),
        jpeg_quality=_jpeg_quality(path) if image.provenance.format == "jpeg" else 0,
        facts=tuple((name, known[name]) for name in FACTS if known.get(name)),
        series=series,
        place=place,
    )


def _place_in_series(
    image: Image, path: Path, member: str
) -> tuple[bytes, tuple[float, ...]]:
    """Which scan an image belongs to and where in it; b"" for one of its own."""
    kind, _, number = member.partition(":")
    if kind in ("frame", "volume") and number.isdecimal():
        return _short_digest(str(path)), (float(number),)
    series = image.provenance.uids.get("SeriesInstanceUID", "")
    origin = tuple(round(value, 2) for value in image.geometry.origin)
    return (_short_digest(series) if series else b""), origin


def _short_digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()


def middle_plane(image: Image) -> Array:
    """(H, W) grey plane that stands for an image; of a volume, the middle one."""
    return _to_grey(image.array[:, image.array.shape[1] // 2])


def _digest(array: Array) -> bytes:
    """16 bytes that stand for the pixels with their shape and type."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{array.shape} {array.dtype.newbyteorder('=')}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.digest()


def _to_grey(planes: Array) -> Array:
    """(H, W) luminance of (C, H, W), in a type that OpenCV resizes."""
    if planes.shape[0] == 1:
        plane: Array = planes[0]
    elif planes.dtype == np.uint8:
        return np.asarray(cv2.transform(_channels_last(planes), _LUMINANCE[None]))
    else:
        plane = np.tensordot(_LUMINANCE, planes.astype(np.float32), axes=1)
    return plane if plane.dtype in _RESIZABLE else plane.astype(np.float32)


def _channels_last(planes: Array) -> Array:
    return np.ascontiguousarray(np.moveaxis(planes, 0, -1))


def _to_preview(plane: Array) -> Array:
    """The plane averaged down by a whole number to about 256 px or more."""
    factor = min(plane.shape) // _PREVIEW
    if factor < 2:
        return np.ascontiguousarray(plane)
    size = (plane.shape[1] // factor, plane.shape[0] // factor)
    cropped = np.ascontiguousarray(plane[: size[1] * factor, : size[0] * factor])
    small: Array = cv2.resize(cropped, size, interpolation=cv2.INTER_AREA)
    return small


def _is_colourful(planes: Array) -> bool:
    """True when 1 % of the pixels have channels apart by 4 % of the range.

    JPEG keeps colour at half resolution, so grey pictures stored as RGB come
    back with channels some levels apart.
    """
    step = max(1, int(np.sqrt(planes.shape[1] * planes.shape[2] / 40_000)))
    some = planes[:, ::step, ::step].astype(np.float32)
    gap = some.max(axis=0) - some.min(axis=0)
    reach = max(float(some.max() - some.min()), 1e-6)
    return bool(np.mean(gap > _COLOURFUL * reach) > 0.01)


def _to_unit(
    values: NDArray[np.float32], low: float, high: float
) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = (values - low) / np.float32(max(high - low, 1e-6))
    return np.clip(unit, -1, 2)


def _extremes(array: Array) -> tuple[float, float]:
    return float(array.min()), float(array.max())


def _border_share(unit: NDArray[np.float32]) -> float:
    """Share of the area outside the box that holds all rows with content."""
    filled = unit > 0.08
    rows = np.flatnonzero(filled.mean(axis=1) > 0.01)
    columns = np.flatnonzero(filled.mean(axis=0) > 0.01)
    if not len(rows) or not len(columns):
        return 1.0
    box = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
    return float(1 - box / unit.size)


def _measure_ring(unit: NDArray[np.float32]) -> NDArray[np.float32]:
    rows = max(1, round(unit.shape[0] * RING))
    columns = max(1, round(unit.shape[1] * RING))
    strips = (unit[:rows], unit[-rows:], unit[:, :columns], unit[:, -columns:])
    found = [value for strip in strips for value in (strip.mean(), strip.std())]
    return np.array(found, np.float32)


def _measure_corners(unit: NDArray[np.float32]) -> NDArray[np.float32]:
    rows = max(1, round(unit.shape[0] * CORNER))
    columns = max(1, round(unit.shape[1] * CORNER))
    found: list[Any] = []
    for band in (unit[:rows], unit[-rows:]):
        for corner in (band[:, :columns], band[:, -columns:]):
            found += [corner.mean(), corner.std(), corner.min(), corner.max()]
    return np.array(found, np.float32)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _jpeg_quality(path: Path) -> int:
    """Quality of the IJG scale whose luminance table comes nearest; 0 if none.

    The scaling is that of the Independent JPEG Group's library; the sum of the
    standard luminance table (ITU-T T.81, table K.1) is 3,692.
    """
    try:
        with path.open("rb") as file:
            head = file.read(65536)
    except OSError:
        return 0
    found = re.search(rb"\xff\xdb..\x00(.{64})", head, re.DOTALL)
    if found is None:
        return 0
    scale = 100.0 * sum(found.group(1)) / 3692
    quality = (200 - scale) / 2 if scale <= 100 else 5000 / scale
    return int(np.clip(round(quality), 1, 100))
