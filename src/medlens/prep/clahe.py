"""Contrast-limited adaptive histogram equalisation that keeps 16 bits.

OpenCV's own CLAHE takes 16-bit images, but counts them in 65,536 bins: the
clip limit then means something else than for 8 bits (12-bit data meet it in
every bin and come out almost unchanged), and a tile smaller than 65,536 pixels
loses its white end (OpenCV issue 25837). Here the histogram has 256 levels at
every depth and the mapping between two levels is interpolated, so that a clip
limit means the same for all images and no grey value is lost.
"""

from __future__ import annotations

import cv2
import numpy as np

from medlens.core import Array
from medlens.prep.planes import Span, from_unit, to_unit

LEVELS = 256
STRIP_PIXELS = 1 << 16
"""Pixels worked on at once: the temporaries of a strip stay in the cache."""


def equalise_tiles(plane: Array, *, span: Span, clip: float, tiles: int) -> Array:
    """CLAHE of one plane (Zuiderveld, Graphics Gems IV, 1994, VIII.5).

    Args:
        plane: (H, W), uint8, uint16, int16 or float32.
        span: black and white in the unit of `plane`; values outside are clipped.
        clip: largest height of a histogram bin, as a multiple of the mean
            height; 0 for no limit.
        tiles: tiles along each side.

    Returns:
        (H, W), dtype and span of `plane`.
    """
    height, width = plane.shape
    rows, columns = min(tiles, height), min(tiles, width)
    level = np.clip(to_unit(plane, span), 0, 1) * np.float32(LEVELS - 1)
    tables = _tables(level, rows=rows, columns=columns, clip=clip)
    top, top_share = _neighbours(height, rows)
    left, left_share = _neighbours(width, columns)
    left_base = left * LEVELS
    right_base = np.minimum(left + 1, columns - 1) * LEVELS
    result = np.empty((height, width), dtype=np.float32)
    strip = max(1, STRIP_PIXELS // width)
    for start in range(0, height, strip):
        part = slice(start, min(start + strip, height))
        upper, share = top[part], top_share[part, None]
        lower = np.minimum(upper + 1, rows - 1)
        # tables of the two tile rows blended once per image row: (R, columns * 256)
        blended = tables[upper] + (tables[lower] - tables[upper]) * share
        result[part] = _interpolate(
            level[part], blended, left_base, right_base, left_share
        )
    return from_unit(result, span, plane.dtype)


def _tables(level: Array, *, rows: int, columns: int, clip: float) -> Array:
    """(rows, columns * 256) grey values 0..1, one table of 256 a tile."""
    height, width = level.shape
    nearest = (level + np.float32(0.5)).astype(np.uint8)
    # sides that the tiles do not divide are mirrored on, as OpenCV does
    padded = cv2.copyMakeBorder(
        nearest, 0, -height % rows, 0, -width % columns, cv2.BORDER_REFLECT_101
    )
    tile_h, tile_w = padded.shape[0] // rows, padded.shape[1] // columns
    histograms = np.empty((rows, columns, LEVELS), dtype=np.float32)
    for r in range(rows):
        for c in range(columns):
            tile = padded[r * tile_h : (r + 1) * tile_h, c * tile_w : (c + 1) * tile_w]
            counts = cv2.calcHist([tile], [0], None, [LEVELS], [0, LEVELS])
            histograms[r, c] = counts.reshape(-1)
    area = tile_h * tile_w
    if clip > 0:
        limit = np.float32(max(1.0, clip * area / LEVELS))
        excess = np.maximum(histograms - limit, 0).sum(axis=2, keepdims=True)
        histograms = np.minimum(histograms, limit) + excess / np.float32(LEVELS)
    shares = np.cumsum(histograms, axis=2, dtype=np.float64) / area
    tables: Array = shares.astype(np.float32).reshape(rows, columns * LEVELS)
    return tables


def _neighbours(length: int, tiles: int) -> tuple[Array, Array]:
    """Tile before each pixel, and the share of the tile after it (0..1)."""
    size = -(-length // tiles)
    position = (np.arange(length) + 0.5) / size - 0.5
    position = np.clip(position, 0, tiles - 1)
    before = np.floor(position).astype(np.intp)
    return before, (position - before).astype(np.float32)


def _interpolate(
    level: Array, blended: Array, left: Array, right: Array, share: Array
) -> Array:
    """Value of each pixel between two levels and between two tile columns."""
    below = level.astype(np.intp)  # level ≥ 0: truncation is floor
    above_share = level - below
    row_base = np.arange(level.shape[0], dtype=np.intp)[:, None] * blended.shape[1]
    below += row_base
    step = (level < LEVELS - 1).astype(np.intp)
    flat = blended.reshape(-1)
    columns = []
    for base in (left, right):
        index = below + base
        low = flat.take(index)
        index += step
        high = flat.take(index)
        columns.append(low + (high - low) * above_share)
    return np.asarray(columns[0] + (columns[1] - columns[0]) * share)
