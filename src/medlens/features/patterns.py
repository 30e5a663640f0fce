"""Texture without grey levels: local binary patterns, Gabor, wavelets."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from medlens.features.names import (
    GABOR_ANGLES,
    GABOR_WAVELENGTHS,
    LBP_POINTS,
    WAVELET_LEVELS,
)
from medlens.features.region import Region
from medlens.features.texture import entropy

Plane = NDArray[np.float64]

BANDWIDTH = 0.5
"""σ of the Gabor envelope in wavelengths; about 1.1 octaves."""


def local_binary_patterns(grey: Plane) -> NDArray[np.int64]:
    """Rotation-invariant uniform patterns of 8 points at radius 1 (Ojala 2002).

    Diagonal points are interpolated. Ties count as "brighter", and no rounding
    can break one: only differences from the centre are interpolated.

    Args:
        grey: (H, W); the border is repeated outwards.

    Returns:
        (H, W): number of ones 0…8 of a pattern with at most two changes on its
        way round, 9 for all others.
    """
    padded = np.pad(grey, 1, mode="edge")
    height, width = grey.shape

    def step(rows: int, columns: int) -> Plane:
        top, left = 1 + rows, 1 + columns
        return padded[top : top + height, left : left + width] - grey

    side = np.sqrt(0.5)
    straight, corner = side * (1 - side), side * side
    ring = [(0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1)]
    bits = []
    for rows, columns in ring:
        if rows and columns:
            edges = step(rows, 0) + step(0, columns)
            difference = straight * edges + corner * step(rows, columns)
        else:
            difference = step(rows, columns)
        bits.append((difference >= 0).view(np.uint8))
    ones = np.sum(bits, axis=0, dtype=np.uint8)
    changes = np.sum(
        [bits[k] ^ bits[k - 1] for k in range(LBP_POINTS)], axis=0, dtype=np.uint8
    )
    return np.where(changes <= 2, ones, LBP_POINTS + 1).astype(np.int64)


def measure_lbp(region: Region) -> dict[str, float]:
    """Shares of the ten patterns inside the mask, and their entropy."""
    patterns = region.pick(local_binary_patterns(region.grey))
    shares = np.bincount(patterns, minlength=LBP_POINTS + 2) / patterns.size
    names = [f"lbp_{ones}" for ones in range(LBP_POINTS + 1)] + ["lbp_other"]
    return dict(zip(names, shares.tolist(), strict=True)) | {
        "lbp_entropy": entropy(shares)
    }


def gabor_energies(grey: Plane, wavelength: float) -> dict[int, NDArray[np.float32]]:
    """Squared magnitude of the Gabor answer at 0, 45, 90 and 135°.

    The envelope is round, so every filter is a product of two lines, and 45°
    and 135° share all four products. The filters have no answer to a constant.

    Args:
        grey: (H, W), near 0 on average and of spread about 1 (float32 inside).
        wavelength: px; above 2.

    Returns:
        angle of the wave's direction, from rows' direction towards columns'
        ends → (H, W) energies. A wave of amplitude a gives about (a/2)².
    """
    source = grey.astype(np.float32)
    sigma = BANDWIDTH * wavelength
    reach = int(np.ceil(3 * sigma))
    x = np.arange(-reach, reach + 1)
    plain = np.exp(-(x**2) / (2 * sigma**2))
    plain /= plain.sum()

    def answer(along_w: Plane, along_h: Plane) -> NDArray[np.float32]:
        return np.asarray(
            cv2.sepFilter2D(
                source, cv2.CV_32F, along_w, along_h, borderType=cv2.BORDER_REFLECT_101
            )
        )

    def wave(frequency: float) -> tuple[Plane, Plane]:
        phase = 2 * np.pi * frequency * x
        return plain * np.cos(phase), plain * np.sin(phase)

    smooth = answer(plain, plain)
    cosine, sine = wave(1 / wavelength)
    constant = np.float32(cosine.sum())
    energies = {
        0: (answer(cosine, plain) - constant * smooth) ** 2 + answer(sine, plain) ** 2,
        90: (answer(plain, cosine) - constant * smooth) ** 2 + answer(plain, sine) ** 2,
    }
    cosine, sine = wave(1 / (wavelength * np.sqrt(2)))
    constant = np.float32(cosine.sum() ** 2)
    even, odd = answer(cosine, cosine) - constant * smooth, answer(sine, sine)
    left, right = answer(sine, cosine), answer(cosine, sine)
    energies[45] = (even - odd) ** 2 + (left + right) ** 2
    energies[135] = (even + odd) ** 2 + (left - right) ** 2
    return energies


def measure_gabor(region: Region) -> dict[str, float]:
    """Mean Gabor energy inside the mask, as a share of the region's variance."""
    names = {
        (wavelength, angle): f"gabor_{wavelength}px_{angle}"
        for wavelength in GABOR_WAVELENGTHS
        for angle in GABOR_ANGLES
    }
    if region.is_flat:
        return dict.fromkeys(names.values(), 0.0)
    scaled = _standardise(region)
    values = {}
    for wavelength in GABOR_WAVELENGTHS:
        energies = gabor_energies(scaled, wavelength)
        for angle in GABOR_ANGLES:
            values[names[wavelength, angle]] = float(
                region.pick(energies[angle]).mean(dtype=np.float64)
            )
    return values


def measure_wavelets(region: Region) -> dict[str, float]:
    """Energy of the Haar details, as shares of the region's variance.

    An orthonormal Haar transform of (image − mean of the region); a coefficient
    counts when all its pixels lie inside the mask. Sides that do not divide by
    two repeat their last row or column. Levels that no longer fit are 0.
    """
    values = {
        f"wavelet_{level}_{band}": 0.0
        for level in range(1, WAVELET_LEVELS + 1)
        for band in ("horizontal", "vertical", "diagonal")
    }
    if region.is_flat:
        return values
    approximation, mask = _standardise(region), region.mask
    for level in range(1, WAVELET_LEVELS + 1):
        if min(approximation.shape) < 2:
            break
        approximation, bands, mask = _haar_step(approximation, mask)
        for band, detail in bands.items():
            inside = detail[mask]
            energy = float((inside**2).sum()) / 4**level
            values[f"wavelet_{level}_{band}"] = energy / max(inside.size, 1)
    return values


def _haar_step(
    plane: Plane, mask: NDArray[np.bool_]
) -> tuple[Plane, dict[str, Plane], NDArray[np.bool_]]:
    """Approximation and the three details at half the size."""
    odd = [(0, side % 2) for side in plane.shape]
    plane, mask = np.pad(plane, odd, mode="edge"), np.pad(mask, odd, mode="edge")
    a, b = plane[::2, ::2], plane[::2, 1::2]
    c, d = plane[1::2, ::2], plane[1::2, 1::2]
    bands = {
        "horizontal": (a + b - c - d) / 2,
        "vertical": (a - b + c - d) / 2,
        "diagonal": (a - b - c + d) / 2,
    }
    whole = mask[::2, ::2] & mask[::2, 1::2] & mask[1::2, ::2] & mask[1::2, 1::2]
    return (a + b + c + d) / 2, bands, whole


def _standardise(region: Region) -> Plane:
    """Grey values with mean 0 and variance 1 inside the region.

    Values outside the mask are held within the range of those inside, so that
    a bright neighbour does not drown the region.
    """
    low, high = region.inside.min(), region.inside.max()
    mean = region.inside.mean()
    centred = (np.clip(region.grey, low, high) - mean) / (high - low)
    scaled: Plane = centred / region.pick(centred).std()
    return scaled
