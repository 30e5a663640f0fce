"""TIFF and BigTIFF → Image, through tifffile: every depth, page and compression."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from medlens.core import Array, Geometry, Image, Provenance, ReadError
from medlens.read import limits
from medlens.read.finite import check_finite
from medlens.read.planes import on_black, to_planes, turn
from medlens.read.silence import silence
from medlens.read.source import Source, parse_member

# TIFF 6.0 tag 262, PhotometricInterpretation
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_REDUCED_PAGE = 1  # tag 254: a thumbnail of another page
_MAX_PAGES = 100_000


def count_pages(source: Source) -> int:
    """Full-size pages of a TIFF file; thumbnails are not counted."""
    with _open(source) as pages:
        return len(pages)


def read_tiff(source: Source, member: str = "") -> Image:
    """One page of a TIFF file.

    Args:
        source: a TIFF or BigTIFF file.
        member: "frame:<page>", or "" for a file with one page.

    Returns:
        (C, 1, H, W) of the stored dtype, larger = brighter also where the
        page says white is zero; stage "stored"; geometry uncalibrated, since
        the resolution tags describe paper.

    Raises:
        ReadError: cut off, damaged, too large, or a colour space other than
            grey, palette, RGB, YCbCr and CMYK.
    """
    with _open(source) as pages:
        page = pages[parse_member(member, "frame", len(pages), source.case)]
        pixels, bits = _decode(page, source)
        tag = page.tags.get(274)
        orientation = tag.value if tag is not None else 1
        facts = {
            "Rows": str(page.imagelength),
            "Columns": str(page.imagewidth),
            "SamplesPerPixel": str(page.samplesperpixel),
            "BitsStored": str(page.bitspersample),
            "Compression": str(int(page.compression)),
            "Orientation": str(orientation),
        }
    check_finite(pixels, source.case)
    array = to_planes(turn(pixels, orientation if isinstance(orientation, int) else 1))
    is_float = array.dtype.kind == "f"
    span = (None, None) if is_float else _span(array.dtype, bits)
    return Image(
        array=array,
        geometry=Geometry.uncalibrated(),
        bits_stored=bits,
        valid_min=span[0],
        valid_max=span[1],
        provenance=Provenance(source.case, "tiff", facts=facts),
    )


def _span(dtype: np.dtype[Any], bits: int) -> tuple[float, float]:
    if dtype.kind == "i":
        return float(-(2 ** (bits - 1))), float(2 ** (bits - 1) - 1)
    return 0.0, float(2**bits - 1)


@contextmanager
def _open(source: Source) -> Iterator[list[Any]]:
    """Pages of the file; whatever tifffile trips on becomes a ReadError."""
    import tifffile

    try:
        with silence("tifffile"), tifffile.TiffFile(source.path) as file:
            if len(file.pages) > _MAX_PAGES:
                raise ReadError(f"{source.case}: holds more than {_MAX_PAGES:,} pages")
            pages = [page for page in file.pages if not _is_thumbnail(page)]
            if not pages:
                raise ReadError(f"{source.case}: the TIFF file has no page with pixels")
            yield pages
    except (
        tifffile.TiffFileError, struct.error, OSError, RuntimeError,
        ValueError, KeyError, IndexError, TypeError, ZeroDivisionError,
        AttributeError, NotImplementedError, OverflowError,
    ):  # fmt: skip
        raise ReadError(
            f"{source.case}: the TIFF file is damaged, cut off, or packed in a way "
            "that is not read; save it as PNG or uncompressed TIFF"
        ) from None


def _is_thumbnail(page: Any) -> bool:
    tag = page.tags.get(254) if hasattr(page, "tags") else None
    return tag is not None and bool(int(tag.value) & _REDUCED_PAGE)


def _decode(page: Any, source: Source) -> tuple[Array, int]:
    """(H, W) or (H, W, 3) pixels with their significant bits."""
    limits.check_size(
        source.case,
        rows=page.imagelength,
        columns=page.imagewidth,
        bytes_per_pixel=page.samplesperpixel * max(1, page.bitspersample // 8),
    )
    if page.imagedepth != 1:
        raise ReadError(
            f"{source.case}: a TIFF page with {page.imagedepth} planes is not read"
        )
    ends = [a + n for a, n in zip(page.dataoffsets, page.databytecounts, strict=False)]
    if not ends or max(ends) > source.size:
        raise ReadError(
            f"{source.case}: the TIFF file is truncated: its pixels end at byte "
            f"{max(ends, default=0):,} and the file at {source.size:,}; copy it again"
        )
    pixels = _planar_last(page, source)
    return _to_colour(pixels, page, source)


def _planar_last(page: Any, source: Source) -> Array:
    """(H, W, S) also where the samples are stored as planes."""
    pixels = np.asarray(page.asarray())
    if pixels.dtype.kind not in "buif":
        raise ReadError(
            f"{source.case}: the TIFF pixels are of type {pixels.dtype}; wanted "
            "integers or floats; convert it"
        )
    samples = page.samplesperpixel
    if samples > 1 and page.planarconfig == 2:
        pixels = np.moveaxis(pixels.reshape(samples, *pixels.shape[-2:]), 0, -1)
    return pixels.reshape(page.imagelength, page.imagewidth, samples)


def _to_colour(pixels: Array, page: Any, source: Source) -> tuple[Array, int]:
    photometric, bits = int(page.photometric), int(page.bitspersample)
    if pixels.dtype.kind == "b":
        pixels, bits = pixels.astype(np.uint8), 1
    if photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO):
        grey = pixels[..., 0]
        if photometric == _WHITE_IS_ZERO:
            grey = _invert(grey, bits)
        return _with_alpha(grey, pixels, page, 1, bits), bits
    if photometric == _PALETTE:
        table = np.asarray(page.colormap)  # (3, entries) uint16
        return table[:, pixels[..., 0]].transpose(1, 2, 0), 16
    if photometric in (_RGB, _YCBCR) and pixels.shape[-1] >= 3:
        # tifffile hands JPEG-compressed YCbCr on as RGB; other YCbCr it refuses.
        if photometric == _YCBCR and int(page.compression) not in (6, 7):
            raise ReadError(
                f"{source.case}: YCbCr TIFF without JPEG compression is not read; "
                "save it as RGB"
            )
        return _with_alpha(pixels[..., :3], pixels, page, 3, bits), bits
    if photometric == _CMYK and pixels.shape[-1] >= 4 and pixels.dtype.kind == "u":
        top = 2**bits - 1
        ink = (top - pixels[..., :4].astype(np.float32)) / top
        rgb = np.rint(ink[..., :3] * ink[..., 3:] * top)
        return rgb.astype(pixels.dtype), bits
    raise ReadError(
        f"{source.case}: TIFF colour space {photometric} is not read; "
        "wanted grey, palette, RGB, YCbCr or CMYK; convert it"
    )


def _invert(grey: Array, bits: int) -> Array:
    """WhiteIsZero turned so that larger is brighter."""
    if grey.dtype.kind == "u":
        return np.asarray(2**bits - 1 - grey.astype(np.int64), dtype=grey.dtype)
    return np.asarray(~grey if grey.dtype.kind == "i" else -grey)


def _with_alpha(
    colour: Array, pixels: Array, page: Any, samples: int, bits: int
) -> Array:
    extra = [int(kind) for kind in (page.extrasamples or ())]
    # ExtraSamples 1 = premultiplied (already on black), 2 = plain alpha
    if extra[:1] != [2] or colour.dtype.kind != "u":
        return colour
    return on_black(colour, pixels[..., samples], 2**bits - 1)
