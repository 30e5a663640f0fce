"""One compressed or native frame → stored values.

Decoders, chosen by measurement on 2 cores (docs/read.md): imagecodecs for the
JPEG family and RLE, pyjpegls for JPEG-LS, openjpeg for JPEG 2000 and HTJ2K; all
of them permissively licensed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from medlens.core import Array, ReadError
from medlens.read.dicom.codestream import Codestream, parse_jpeg, parse_jpeg2000
from medlens.read.dicom.header import NATIVE
from medlens.read.dicom.layout import Layout

_ENCAPSULATED_NATIVE = "1.2.840.10008.1.2.1.98"
_DEFLATED_FRAME = "1.2.840.10008.1.2.8.1"
_RLE = "1.2.840.10008.1.2.5"
_JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
_JPEG = tuple(f"1.2.840.10008.1.2.4.{end}" for end in (50, 51, 57, 70))
_JPEG_2000 = tuple(f"1.2.840.10008.1.2.4.{end}" for end in (90, 91, 201, 202, 203))


@dataclass(frozen=True)
class Stored:
    """Decoded samples of one frame.

    Attributes:
        values: (H, W) or (H, W, 3); unsigned integers with the sign bit not
            yet spread, or floats.
        bits: significant bits of `values`; 0 for floats.
        shift: bits below the significant ones.
        colour: the space the samples are in now: "RGB" or "YBR" for three
            samples, "" for one.
    """

    values: Array
    bits: int
    shift: int = 0
    colour: str = ""


def is_known(syntax: str) -> bool:
    """Whether the transfer syntax is one that can be decoded."""
    known = (*NATIVE, _ENCAPSULATED_NATIVE, _DEFLATED_FRAME, _RLE)
    return syntax in (*known, *_JPEG_LS, *_JPEG, *_JPEG_2000)


def decode_frame(data: bytes, layout: Layout, first_bit: int, case: str) -> Stored:
    """Decode one frame.

    Args:
        data: from `read_frame`.
        layout: of the data set.
        first_bit: where a native 1-bit frame starts in its first byte.
        case: local key, for messages.

    Raises:
        ReadError: the stream is damaged or contradicts the header.
    """
    syntax = layout.syntax
    if syntax in (*NATIVE, _ENCAPSULATED_NATIVE):
        return _decode_native(data, layout, first_bit, case)
    if syntax == _DEFLATED_FRAME:
        return _decode_native(_inflate_frame(data, layout, case), layout, 0, case)
    decode: Callable[[bytes, Layout, str], Stored]
    if syntax == _RLE:
        decode = _decode_rle
    elif syntax in _JPEG_LS:
        decode = _decode_jpeg_ls
    else:
        decode = _decode_jpeg_2000 if syntax in _JPEG_2000 else _decode_jpeg
    try:
        return decode(data, layout, case)
    except (
        RuntimeError,
        ValueError,
        TypeError,
        OSError,
        ArithmeticError,
        struct.error,
    ):
        raise _damaged(layout, case) from None


def _damaged(layout: Layout, case: str) -> ReadError:
    return ReadError(
        f"{case}: the compressed pixels (transfer syntax {layout.syntax}) cannot be "
        "decoded; the file is damaged or cut off, export it again"
    )


def _colour_of(layout: Layout) -> str:
    if layout.samples == 1:
        return ""
    return "RGB" if layout.photometric == "RGB" else "YBR"


def _decode_native(data: bytes, layout: Layout, first_bit: int, case: str) -> Stored:
    if layout.bits_allocated == 1:
        packed = np.frombuffer(data, dtype=np.uint8)
        bits = np.unpackbits(packed, bitorder="little")[first_bit:]
        return Stored(_shaped(bits, layout, case), 1)
    kind = "f" if layout.is_float else "u"
    order = "<" if layout.little_endian else ">"
    dtype = np.dtype(f"{order}{kind}{layout.bits_allocated // 8}")
    usable = len(data) // dtype.itemsize * dtype.itemsize
    values = np.frombuffer(data[:usable], dtype=dtype)
    values = values.astype(dtype.newbyteorder("="), copy=False)
    if layout.is_float:
        return Stored(_shaped(values, layout, case), 0)
    shaped = _shaped(_spread_chroma(values, layout), layout, case)
    shift = layout.high_bit + 1 - layout.bits_stored
    return Stored(shaped, layout.bits_stored, shift, _colour_of(layout))


def _spread_chroma(values: Array, layout: Layout) -> Array:
    """Y1 Y2 Cb Cr of each pixel pair → Y Cb Cr of each pixel (C.7.6.3.1.2)."""
    if layout.samples != 3 or not layout.is_subsampled:
        return values
    pairs = values[: len(values) // 4 * 4].reshape(-1, 4)
    return pairs[:, [0, 2, 3, 1, 2, 3]].ravel()


def _shaped(
    values: Array, layout: Layout, case: str, *, planar: bool | None = None
) -> Array:
    """(H, W) or (H, W, 3) of a flat run of samples."""
    rows, columns, samples = layout.rows, layout.columns, layout.samples
    wanted = rows * columns * samples
    if values.size < wanted:
        raise ReadError(
            f"{case}: the frame decodes to {values.size:,} samples; "
            f"{columns} x {rows} x {samples} need {wanted:,}; the file is damaged"
        )
    values = values[:wanted]
    if samples == 1:
        return values.reshape(rows, columns)
    if layout.planar if planar is None else planar:
        return np.moveaxis(values.reshape(samples, rows, columns), 0, -1)
    return values.reshape(rows, columns, samples)


def _inflate_frame(data: bytes, layout: Layout, case: str) -> bytes:
    """Deflated Image Frame Compression (PS3.5 A.4.12): one stream a frame."""
    most = -(-layout.frame_bits // 8) + 1
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, most)
    except zlib.error:
        raise _damaged(layout, case) from None


def _decode_rle(data: bytes, layout: Layout, case: str) -> Stored:
    """RLE Lossless (PS3.5 Annex G): one segment a byte of each sample.

    Samples come by plane and bytes of a sample most significant first.
    """
    pixels, width = layout.rows * layout.columns, layout.bits_allocated // 8
    if layout.bits_allocated == 1:  # packed first, then run-length encoded
        packed = _unpack_segments(data, 1, -(-pixels // 8))
        return _decode_native(packed.tobytes(), layout, 0, case)
    segments = _unpack_segments(data, layout.samples * width, pixels)
    planes = segments.reshape(layout.samples, width, pixels)
    values = np.empty((layout.samples, pixels, width), dtype=np.uint8)
    for byte in range(width):
        values[..., width - 1 - byte] = planes[:, byte]
    flat = values.reshape(-1).view(f"<u{width}")
    shaped = _shaped(flat, layout, case, planar=True)
    shift = layout.high_bit + 1 - layout.bits_stored
    return Stored(shaped, layout.bits_stored, shift, _colour_of(layout))


def _unpack_segments(data: bytes, count: int, size: int) -> Array:
    """(count, size) bytes of the run-length encoded segments.

    pylibjpeg's decoder ends the process's thread with a Rust panic on damaged
    data, so the PackBits decoder of imagecodecs does the work.
    """
    import imagecodecs

    found, *offsets = struct.unpack_from("<16L", data)
    if found != count:
        raise ValueError("number of RLE segments")
    bounds = [*offsets[:count], len(data)]
    segments = np.empty((count, size), dtype=np.uint8)
    for index, (start, stop) in enumerate(pairwise(bounds)):
        if not 64 <= start < stop <= len(data):
            raise ValueError("offset of an RLE segment")
        done = imagecodecs.packbits_decode(data[start:stop], out=segments[index])
        if len(done) != size:
            raise ValueError("length of an RLE segment")
    return segments


def _check(stream: Codestream | None, layout: Layout, case: str) -> Codestream:
    if stream is None:
        raise _damaged(layout, case)
    found = (stream.columns, stream.rows, stream.components)
    wanted = (layout.columns, layout.rows, layout.samples)
    if found != wanted:
        raise ReadError(
            f"{case}: the compressed frame is {found[0]} x {found[1]} with {found[2]} "
            f"sample(s), the header says {wanted[0]} x {wanted[1]} with {wanted[2]}; "
            "the file contradicts itself, export it again"
        )
    if not stream.ends:
        raise ReadError(
            f"{case}: the compressed frame is truncated (no end-of-image marker); "
            "export it again"
        )
    return stream


def _container(precision: int) -> np.dtype[np.generic]:
    """Unsigned type that codecs use for a precision."""
    size = 1 if precision <= 8 else 2 if precision <= 16 else 4
    return np.dtype(f"<u{size}")


def _bits(stream: Codestream, layout: Layout) -> int:
    """Bits to keep: embedded overlays lie above Bits Stored, if at all."""
    return min(stream.precision, layout.bits_stored)


def _decode_jpeg_ls(data: bytes, layout: Layout, case: str) -> Stored:
    import jpeg_ls  # type: ignore[import-untyped]

    stream = _check(parse_jpeg(data), layout, case)
    raw, info = jpeg_ls.decode_buffer(data)
    values = np.frombuffer(raw, dtype=_container(stream.precision))
    # Interleave mode 0 hands samples back by plane, 1 and 2 by pixel.
    values = _shaped(values, layout, case, planar=info["interleave_mode"] == 0)
    return Stored(values, _bits(stream, layout), colour=_colour_of(layout))


def _decode_jpeg_2000(data: bytes, layout: Layout, case: str) -> Stored:
    from openjpeg.utils import decode_pixel_data

    stream = _check(parse_jpeg2000(data), layout, case)
    raw = decode_pixel_data(data, version=2)
    values = np.frombuffer(raw, dtype=_container(stream.precision))
    values = _shaped(values, layout, case, planar=False)
    # OpenJPEG undoes the codestream's own colour transform (YBR_ICT, YBR_RCT).
    is_ybr = layout.photometric in ("YBR_FULL", "YBR_FULL_422")
    colour = "" if layout.samples == 1 else "YBR" if is_ybr else "RGB"
    return Stored(values, _bits(stream, layout), colour=colour)


def _decode_jpeg(data: bytes, layout: Layout, case: str) -> Stored:
    import imagecodecs

    stream = _check(parse_jpeg(data), layout, case)
    if layout.samples == 1:
        return Stored(imagecodecs.jpeg8_decode(data), _bits(stream, layout))
    space = _jpeg_space(stream, layout)
    if stream.process == 3:  # lossless: libjpeg leaves the samples as they are
        values = imagecodecs.jpeg8_decode(data, colorspace="RGB", outcolorspace="RGB")
        return Stored(values, _bits(stream, layout), colour=space)
    source = "YCBCR" if space == "YBR" else "RGB"
    values = imagecodecs.jpeg8_decode(data, colorspace=source, outcolorspace="RGB")
    return Stored(values, _bits(stream, layout), colour="RGB")


def _jpeg_space(stream: Codestream, layout: Layout) -> str:
    """Colour space of a JPEG: its own markers before the header's word."""
    if stream.transform is not None:
        return "YBR" if stream.transform == 1 else "RGB"
    if stream.ids in (b"RGB", b"rgb"):
        return "RGB"
    return "YBR" if stream.jfif else _colour_of(layout)
