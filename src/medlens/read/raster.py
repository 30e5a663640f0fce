"""PNG, JPEG, BMP and WebP → Image, on OpenCV's codecs."""

from __future__ import annotations

import cv2
import numpy as np

from medlens.core import Array, Geometry, Image, Provenance, ReadError
from medlens.read import limits
from medlens.read.headers import Header, read_header
from medlens.read.planes import on_black, to_planes, turn
from medlens.read.source import Source, parse_member, read_bytes

# Baseline, extended and progressive; the others need another decoder.
_COMMON_PROCESSES = (-1, 0, 1, 2)


def read_raster(source: Source, member: str = "", *, preview: int = 0) -> Image:
    """One PNG, JPEG, BMP or WebP picture.

    Args:
        source: of one of these kinds.
        member: "" or "frame:0".
        preview: where above 0, an 8-bit JPEG comes in grey and at the
            smallest scale of 1, 1/2, 1/4 and 1/8 that keeps its shorter side
            at this length or above.

    Returns:
        (C, 1, H, W) uint8 or uint16, upright by its EXIF Orientation; stage
        "stored"; geometry uncalibrated.

    Raises:
        ReadError: cut off, damaged, or too large.
    """
    parse_member(member, "frame", 1, source.case)
    data = read_bytes(source)
    header = read_header(data, source.kind, source.case)
    depth = 2 if header.bits > 8 else 1
    limits.check_size(
        source.case,
        rows=header.rows,
        columns=header.columns,
        bytes_per_pixel=depth * (header.samples + header.alpha),
    )
    scale = _reduction(header, preview)
    array = to_planes(turn(_decode(data, header, source, scale), header.orientation))
    geometry = Geometry.uncalibrated()
    if scale > 1:
        step = np.diag([1.0, scale, scale, 1.0])
        step[1:3, 3] = (scale - 1) / 2
        geometry = geometry.then(step)
    bits = header.bits if header.bits > 8 else 8
    return Image(
        array=array,
        geometry=geometry,
        bits_stored=bits,
        valid_min=0.0,
        valid_max=float(2**bits - 1),
        provenance=Provenance(source.case, source.kind, facts=_facts(header, array)),
    )


def _reduction(header: Header, preview: int) -> int:
    """1, 2, 4 or 8: how far libjpeg may scale down while it decodes."""
    if not preview or header.process not in _COMMON_PROCESSES[1:]:
        return 1
    if header.samples == 4 or header.bits != 8:  # decoded whole, by other decoders
        return 1
    fit = min(header.rows, header.columns) // preview
    return max(step for step in (1, 2, 4, 8) if step <= max(1, fit))


_REDUCED = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


def _decode(data: bytes, header: Header, source: Source, scale: int) -> Array:
    """(H, W) or (H, W, 3) in R, G, B order, not yet turned."""
    if header.process not in _COMMON_PROCESSES or header.bits not in (1, 2, 4, 8, 16):
        return _decode_odd_jpeg(data, header, source)
    if header.samples == 4 or (header.alpha and header.palette):
        return _decode_by_pillow(data, source)
    flags = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
    if header.alpha:
        flags = cv2.IMREAD_UNCHANGED
    elif header.process >= 0 and scale > 1:
        flags = _REDUCED[scale]
    pixels = _imdecode(data, flags, source)
    if header.alpha and pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        opaque = np.iinfo(pixels.dtype).max
        return on_black(_to_rgb(pixels[..., :-1]), pixels[..., -1], opaque)
    return _to_rgb(pixels)


def _imdecode(data: bytes, flags: int, source: Source) -> Array:
    buffer = np.frombuffer(data, dtype=np.uint8)
    try:
        pixels = cv2.imdecode(buffer, flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise ReadError(
            f"{source.case}: the pixels of the {source.kind.upper()} file cannot be "
            "decoded; the file is damaged, export it again"
        )
    decoded: Array = pixels
    return decoded


def _to_rgb(pixels: Array) -> Array:
    """OpenCV's B, G, R order turned to R, G, B; one channel loses its axis."""
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        return pixels[..., 0]
    return pixels if pixels.ndim == 2 else pixels[..., 2::-1]


def _decode_by_pillow(data: bytes, source: Source) -> Array:
    """CMYK JPEGs and palettes with transparency, which OpenCV gets wrong."""
    from io import BytesIO

    from PIL import Image as PillowImage

    try:
        with PillowImage.open(BytesIO(data), formats=("PNG", "JPEG")) as picture:
            if picture.mode == "CMYK":
                return np.asarray(picture.convert("RGB"))
            pixels = np.asarray(picture.convert("RGBA"))
    except (OSError, ValueError, SyntaxError):
        raise ReadError(
            f"{source.case}: the pixels of the {source.kind.upper()} file cannot be "
            "decoded; the file is damaged, export it again"
        ) from None
    return on_black(pixels[..., :3], pixels[..., 3], 255)


def _decode_odd_jpeg(data: bytes, header: Header, source: Source) -> Array:
    """12-bit, lossless and arithmetic JPEG."""
    import imagecodecs

    try:
        pixels: Array = imagecodecs.jpeg8_decode(data)
    except (RuntimeError, ValueError):
        raise ReadError(
            f"{source.case}: a JPEG of process {header.process} with {header.bits} "
            "bits cannot be decoded; save it as PNG"
        ) from None
    return pixels


def _facts(header: Header, array: Array) -> dict[str, str]:
    turned = header.orientation in (5, 6, 7, 8)
    rows, columns = header.rows, header.columns
    if turned:
        rows, columns = columns, rows
    return {
        "Rows": str(rows),
        "Columns": str(columns),
        "SamplesPerPixel": str(header.samples),
        "BitsStored": str(header.bits),
        "Orientation": str(header.orientation),
        "HasAlpha": "YES" if header.alpha else "NO",
        "IsGrey": "YES" if array.shape[0] == 1 else "NO",
    }
