"""Contrast and sharpness: CLAHE, histogram equalisation and matching, gamma.

All functions take (C, D, H, W) and a `span`, the values that stand for black
and white, and return the dtype they were given. On colour images the contrast
functions change the luma and leave the colour differences alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from medlens.core import Array
from medlens.prep.clahe import equalise_tiles
from medlens.prep.colour import rgb_to_ybr, ybr_to_rgb
from medlens.prep.planes import Span, each_plane, from_unit, to_unit

UNIT: Span = (0.0, 1.0)


def clahe(
    array: Array, *, span: Span = UNIT, clip: float = 2.0, tiles: int = 8
) -> Array:
    """Local contrast, limited so that noise is not blown up; see `clahe.py`.

    Args:
        array: (C, D, H, W); C = 3 is RGB.
        span: black and white.
        clip: multiple of the mean bin height, 0 for no limit.
        tiles: along each side; their size follows the image.
    """
    return _on_luma(
        array, span, lambda p, s: equalise_tiles(p, span=s, clip=clip, tiles=tiles)
    )


def equalise(array: Array, *, span: Span = UNIT) -> Array:
    """Histogram equalisation of each slice, over 4,096 levels.

    A value becomes the share of pixels at or below it, less the share of the
    darkest value, so that black stays black.
    """

    def change(plane: Array, span: Span) -> Array:
        unit = np.clip(to_unit(plane, span), 0, 1)
        shares = np.cumsum(_histogram(unit))
        first = shares[np.flatnonzero(shares)[0]]
        if first >= 1:
            return plane
        table = np.maximum((shares - first) / (1 - first), 0)
        return from_unit(_interpolated(unit, table), span, plane.dtype)

    return _on_luma(array, span, change)


def match_histogram(
    array: Array, *, span: Span = UNIT, quantiles: Sequence[float] = (0.0, 1.0)
) -> Array:
    """Give each slice the grey-value distribution of a reference.

    Args:
        array: (C, D, H, W).
        span: black and white.
        quantiles: values 0..1 of the reference at evenly spaced shares of its
            pixels, from 0 to 1, never falling; `quantiles_of` makes them.
            The default spreads values evenly.
    """
    shares = np.linspace(0, 1, len(quantiles))
    values = np.maximum.accumulate(np.asarray(quantiles, dtype=np.float64))

    def change(plane: Array, span: Span) -> Array:
        unit = np.clip(to_unit(plane, span), 0, 1)
        histogram = _histogram(unit)
        middle = np.cumsum(histogram) - histogram / 2  # mid-rank of each level
        table = np.interp(middle, shares, values)
        return from_unit(_interpolated(unit, table), span, plane.dtype)

    return _on_luma(array, span, change)


def quantiles_of(array: Array, *, span: Span = UNIT, count: int = 33) -> list[float]:
    """Values 0..1 of a reference image, for `match_histogram`."""
    unit = np.clip(to_unit(array, span), 0, 1)
    found = np.quantile(unit.astype(np.float64), np.linspace(0, 1, count))
    return [round(float(value), 6) for value in found]


def gamma(array: Array, *, span: Span = UNIT, gamma: float = 1.0) -> Array:
    """value^gamma on 0..1: below 1 brightens, above 1 darkens the middle."""
    unit = np.clip(to_unit(array, span), 0, 1)
    return from_unit(np.power(unit, np.float32(gamma)), span, array.dtype)


def unsharp(
    array: Array, *, span: Span = UNIT, sigma: float = 2.0, amount: float = 1.0
) -> Array:
    """Unsharp mask: value + amount · (value − Gaussian blur), clipped to the span.

    Args:
        array: (C, D, H, W).
        span: black and white.
        sigma: of the blur, in pixels of this grid.
        amount: 0 changes nothing.
    """

    def change(plane: Array) -> Array:
        unit = to_unit(plane, span)
        blurred = cv2.GaussianBlur(unit, (0, 0), sigma)
        sharp = cv2.addWeighted(unit, 1 + amount, blurred, -amount, 0)
        return from_unit(np.clip(sharp, 0, 1), span, plane.dtype)

    return each_plane(array, change)


LEVELS = 4096


def _histogram(unit: Array) -> Array:
    """Share of pixels (float64) nearest to each of 4,096 levels of 0..1."""
    half = 0.5 / (LEVELS - 1)
    counts = cv2.calcHist([unit], [0], None, [LEVELS], [-half, 1 + half])
    return np.asarray(counts, dtype=np.float64).reshape(-1) / unit.size


def _interpolated(unit: Array, table: Array) -> Array:
    """`table` over 0..1, linear between its entries, as float32."""
    level = unit * np.float32(LEVELS - 1)
    below = np.minimum(level.astype(np.intp), LEVELS - 2)
    low = table.astype(np.float32)
    return low[below] + np.diff(low)[below] * (level - below)


def _on_luma(array: Array, span: Span, change: Callable[[Array, Span], Array]) -> Array:
    """`change` on each grey plane, or on the luma of RGB."""
    if array.shape[0] != 3:
        return each_plane(array, lambda plane: change(plane, span))
    ybr = rgb_to_ybr(to_unit(array, span))
    luma = each_plane(ybr[:1], lambda plane: change(plane, UNIT))
    rgb = np.clip(ybr_to_rgb(np.concatenate([luma, ybr[1:]])), 0, 1)
    return from_unit(rgb, span, array.dtype)
