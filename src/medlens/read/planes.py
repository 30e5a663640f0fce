"""From decoded pixels, however interleaved, to (C, D, H, W)."""

from __future__ import annotations

import numpy as np

from medlens.core import Array


def to_planes(pixels: Array) -> Array:
    """(H, W) or (H, W, 3) → contiguous (C, 1, H, W); C is 1 where R = G = B.

    Grey radiographs are often saved as RGB; three equal channels say nothing
    more than one, so they become one.
    """
    if pixels.ndim == 2:
        return np.ascontiguousarray(pixels)[None, None]
    red, green, blue = (pixels[..., index] for index in range(3))
    # A sparse look first: true colour is found out without a full comparison.
    for step in (16, 1):
        part = (slice(None, None, step),) * 2
        if not (
            np.array_equal(red[part], green[part])
            and np.array_equal(green[part], blue[part])
        ):
            return np.ascontiguousarray(np.moveaxis(pixels, -1, 0))[:, None]
    return np.ascontiguousarray(red)[None, None]


def on_black(pixels: Array, alpha: Array, opaque: int) -> Array:
    """Colours composed on black: what a viewer with a dark background shows.

    Colour under a transparent pixel is arbitrary, so dropping alpha alone
    would let it in.

    Args:
        pixels: (H, W) or (H, W, 3) integers.
        alpha: (H, W), 0 transparent … `opaque`.
        opaque: alpha of a solid pixel, 255 or 65535.
    """
    if alpha.min() == opaque:
        return pixels
    weight = alpha.astype(np.float32) / opaque
    mixed = pixels * (weight if pixels.ndim == 2 else weight[..., None])
    composed: Array = np.rint(mixed).astype(pixels.dtype)
    return composed


def turn(pixels: Array, orientation: int) -> Array:
    """Pixels turned upright by an EXIF / TIFF Orientation of 1…8.

    TIFF 6.0 tag 274: the value names the visual places of row 0 and column 0.
    Values outside 1…8 mean nothing and change nothing.
    """
    if orientation in (5, 6, 7, 8):
        pixels = np.swapaxes(pixels, 0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
