"""Pixels without what is hidden beside them: unused bits, and bytes after the last one.

Overlays of old files lie in bits of the pixels that the image does not use (PS3.3
C.9.2, retired), with the words that somebody typed onto the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medlens.deidentify.dataset import IdentityError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

FLOATS = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}
WHOLE = (8, 16, 32, 64)  # bits of a word
OVERLAYS = range(0x6000, 0x6020, 2)
BITS, PLANE = 0x0100, 0x3000  # Overlay Bits Allocated, Overlay Data
SIZES = 1 << 40  # bits that no file has


def clean_pixels(data: Dataset, *, is_little: bool) -> None:
    """Cut native pixels to what the header says of them, and clear their unused bits.

    Signed pixels have their sign in the bits above, unsigned ones zeros.

    Args:
        data: data set that is changed; its pixels are in the file's byte order.
        is_little: that order.

    Raises:
        IdentityError: the header does not tell how large the pixels are.
    """
    for keyword, width in FLOATS.items():
        if keyword in data and "PixelData" in data:
            del data[keyword]
        elif keyword in data:
            data[keyword].value = _cut(
                bytes(data[keyword].value or b""), _bits(data, width)
            )
    if "PixelData" in data:
        width = _whole(data, "BitsAllocated", 0)
        pixels = _cut(bytes(data["PixelData"].value or b""), _bits(data, width))
        data["PixelData"].value = _clear(pixels, data, width, is_little=is_little)


def has_hidden_overlay(source: Dataset) -> bool:
    """True where an overlay has no plane of its own: it lies in the pixels."""
    return any(
        (group, BITS) in source and (group, PLANE) not in source for group in OVERLAYS
    )


def _bits(data: Dataset, width: int) -> int:
    samples = _whole(data, "SamplesPerPixel", 1)
    if data.get("PhotometricInterpretation") == "YBR_FULL_422":
        samples = 2  # two of brightness and one of each colour for two pixels
    rows, columns = _whole(data, "Rows", 0), _whole(data, "Columns", 0)
    frames = _whole(data, "NumberOfFrames", 1)
    count = rows * columns * samples * frames * width
    if not 0 < count < SIZES:
        raise IdentityError(
            "its header does not tell how large its pixels are, so that what lies "
            "after them cannot be known; leave it out"
        )
    return count


def _whole(data: Dataset, keyword: str, default: int) -> int:
    try:
        return int(data.get(keyword) or default)
    except (TypeError, ValueError):
        return default


def _cut(pixels: bytes, bits: int) -> bytes:
    """As many bytes as there are pixels, and a zero where that is odd (PS3.5 8.1.1)."""
    size = (bits + 7) // 8
    return (
        pixels[:size] + bytes(1) if size % 2 and len(pixels) > size else pixels[:size]
    )


def _clear(pixels: bytes, data: Dataset, width: int, *, is_little: bool) -> bytes:
    stored = _whole(data, "BitsStored", width)
    low = _whole(data, "HighBit", stored - 1) - stored + 1
    if width not in WHOLE or not 0 < stored < width:
        return pixels
    if not 0 <= low <= width - stored:
        raise IdentityError(
            "its header contradicts itself about which bits are its pixels; leave it "
            "out"
        )
    word = np.dtype(f"{'<' if is_little else '>'}u{width // 8}")
    whole = len(pixels) - len(pixels) % word.itemsize
    words = np.frombuffer(pixels[:whole], word)
    used = word.type(((1 << stored) - 1) << low)
    kept = words & used
    if _whole(data, "PixelRepresentation", 0):
        sign = word.type(1 << (low + stored - 1))
        above = word.type((1 << width) - (1 << (low + stored)))
        kept = np.where(kept & sign, kept | above, kept)
    return bytes(kept.astype(word).tobytes()) + pixels[whole:]
