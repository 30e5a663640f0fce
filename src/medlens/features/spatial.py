"""How intensity is spread over a region: autocorrelation and local peaks.

Sums over all pairs of voxels are convolutions with a kernel of the distance, so
a Fourier transform gives them in n log n instead of n².
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]
Spacing = tuple[float, ...]

PEAK_RADIUS_MM = (3 / (4 * np.pi)) ** (1 / 3) * 10
"""Radius of a ball of 1 cm³."""


def measure_autocorrelation(
    values: Values, mask: Mask, *, spacing: Spacing
) -> dict[str, float]:
    """Moran's I (IBSI N365) and Geary's C (IBSI NPT7), weights 1 / distance.

    Args:
        values: (D, H, W), finite inside the mask; any number of axes.
        mask: same shape, at least one True.
        spacing: mm for each axis.

    Returns:
        Both values; 0 where the region is constant or a single voxel.
    """
    inside = values[mask]
    if inside.max() == inside.min():
        return {"morph_moran": 0.0, "morph_geary": 0.0}
    n = inside.size
    centred = np.zeros(values.shape)
    centred[mask] = (inside - inside.mean()) / (inside.max() - inside.min())
    answers = _weigh_neighbours([centred, mask.astype(np.float64)], spacing)
    neighbours, weights = (answer[mask] for answer in answers)
    own = centred[mask]
    total, squares = weights.sum(), (own**2).sum()
    products = (own * neighbours).sum()
    differences = 2 * ((own**2 * weights).sum() - products)
    return {
        "morph_moran": float(n * products / (total * squares)),
        "morph_geary": float((n - 1) * differences / (2 * total * squares)),
    }


def measure_peaks(values: Values, mask: Mask, *, spacing: Spacing) -> dict[str, float]:
    """Local (IBSI VJGA) and global (IBSI 0F91) intensity peak.

    Means over a ball of 1 cm³ around voxels of the region. The ball takes in
    voxels outside the region, but neither beyond the array nor those that are
    not finite.

    Args:
        values: (D, H, W), finite inside the mask.
        mask: same shape, at least one True.
        spacing: mm for each axis.
    """
    from scipy.signal import fftconvolve

    ball = _build_ball(spacing, values.shape)
    known = np.isfinite(values)
    lowest, highest = values[mask].min(), values[mask].max()
    scale = max(float(np.abs(values[known]).max()), np.finfo(float).tiny)
    filled = np.where(known, values / scale, 0.0)
    number = np.rint(fftconvolve(known.astype(np.float64), ball, mode="same"))
    means = fftconvolve(filled, ball, mode="same")[mask] / number[mask] * scale
    if lowest == highest == scale and known.all():
        means = np.full(means.shape, highest)
    brightest = values[mask] == highest
    return {
        "peak_local": float(means[brightest].max()),
        "peak_global": float(means.max()),
    }


def _weigh_neighbours(planes: list[Values], spacing: Spacing) -> list[Values]:
    """Sum over all other voxels, each divided by its distance in mm."""
    from scipy import fft

    shape = planes[0].shape
    sizes = [fft.next_fast_len(2 * side - 1, real=True) for side in shape]
    squares = np.zeros(())
    for size, side, step in zip(sizes, shape, spacing, strict=True):
        index = np.arange(size)
        # Offsets beyond a side never meet two voxels; their weight is free.
        offset = np.where(index < side, index, index - size) * step
        squares = np.add.outer(squares, offset**2)
    squares.flat[0] = np.inf
    kernel = fft.rfftn(1 / np.sqrt(squares))
    box = tuple(slice(side) for side in shape)
    return [
        fft.irfftn(fft.rfftn(plane, sizes) * kernel, sizes)[box] for plane in planes
    ]


def _build_ball(spacing: Spacing, shape: tuple[int, ...]) -> Values:
    """1 inside the ball, 0 outside, odd sides, no larger than the array needs."""
    squares = np.zeros(())
    for step, side in zip(spacing, shape, strict=True):
        reach = min(int(PEAK_RADIUS_MM / step), side - 1)
        squares = np.add.outer(squares, (np.arange(-reach, reach + 1) * step) ** 2)
    inside: Values = (squares <= PEAK_RADIUS_MM**2).astype(np.float64)
    return inside
