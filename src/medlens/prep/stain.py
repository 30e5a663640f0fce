"""Stains of microscopy slides told apart by their optical density.

Sources: Ruifrok and Johnston, Anal Quant Cytol Histol 23 (2001) 291–299;
Macenko et al., ISBI 2009, 1107–1110.
"""

from __future__ import annotations

import numpy as np

from medlens.core import Array
from medlens.prep.colour import optical_density

STAINS: dict[str, tuple[float, float, float]] = {
    "hematoxylin": (0.65, 0.70, 0.29),
    "eosin": (0.07, 0.99, 0.11),
    "dab": (0.27, 0.57, 0.78),
}
"""Optical density of each stain in R, G, B, as Ruifrok and Johnston measured it."""

LEAST_DENSITY = 0.15
"""Optical density below which a pixel counts as empty glass (Macenko)."""


def stain_matrix(first: str, second: str, third: str = "") -> Array:
    """(3, 3) unit optical densities, one stain a row.

    Without a third stain its row is the direction at right angles to both, so
    that it takes up what the two do not explain.
    """
    rows = [np.array(STAINS[first]), np.array(STAINS[second])]
    rows.append(np.array(STAINS[third]) if third else np.cross(rows[0], rows[1]))
    return np.stack([row / np.linalg.norm(row) for row in rows])


def estimate_stains(array: Array) -> Array:
    """Stain matrix of this slide by Macenko's method.

    The two directions of largest variance of the optical density span a plane;
    the stains are the 1st and 99th percentile of the angles in it. The row with
    more red density (hematoxylin) comes first.

    Args:
        array: (3, D, H, W), light in 0..1.

    Returns:
        (3, 3) float64 unit rows: hematoxylin-like, eosin-like, remainder.
        Ruifrok and Johnston's values where fewer than 16 pixels are stained or
        where all of them have one colour.
    """
    density = optical_density(array).reshape(3, -1).T.astype(np.float64)  # (N, 3)
    stained = density[(density > LEAST_DENSITY).any(axis=1)]
    fallback = stain_matrix("hematoxylin", "eosin")
    if len(stained) < 16:
        return fallback
    variances, directions = np.linalg.eigh(np.cov(stained.T))
    if variances[1] < 1e-8:
        return fallback
    plane = directions[:, [2, 1]]
    plane = plane * np.where(plane.sum(axis=0) < 0, -1.0, 1.0)
    projected = stained @ plane
    angles = np.arctan2(projected[:, 1], projected[:, 0])
    ends = np.percentile(angles, [1, 99])
    rows = [plane @ np.array([np.cos(end), np.sin(end)]) for end in ends]
    rows.sort(key=lambda row: -row[0])
    remainder = np.cross(rows[0], rows[1])
    if np.linalg.norm(remainder) < 1e-6:
        return fallback
    return np.stack([row / np.linalg.norm(row) for row in (*rows, remainder)])


def separate_stains(array: Array, *, matrix: Array) -> Array:
    """Amount of each stain in each pixel (colour deconvolution).

    Args:
        array: (3, D, H, W), light in 0..1.
        matrix: (3, 3) unit optical densities, one stain a row.

    Returns:
        (3, D, H, W) float32 in optical density units; may fall below 0.
    """
    density = optical_density(array)
    unmix = np.linalg.inv(matrix).astype(np.float32)
    # density = amounts @ matrix for every pixel
    return np.asarray(np.einsum("cdhw,cs->sdhw", density, unmix))


def combine_stains(amounts: Array, *, matrix: Array) -> Array:
    """Light in 0..1 of stain amounts; the inverse of `separate_stains`."""
    density = np.einsum("sdhw,sc->cdhw", amounts, matrix.astype(np.float32))
    return np.asarray(np.power(np.float32(10), -density))
