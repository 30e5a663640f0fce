"""Masks whose measures are known by geometry, and slow second opinions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def ellipsoid(
    shape: tuple[int, int, int],
    centre: tuple[float, float, float],
    radii_mm: tuple[float, float, float],
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> Mask:
    """True where the voxel's centre lies in the ellipsoid."""
    squares = np.zeros(())
    for side, middle, radius, step in zip(
        shape, centre, radii_mm, spacing, strict=True
    ):
        squares = np.add.outer(
            squares, ((np.arange(side) - middle) * step / radius) ** 2
        )
    return squares <= 1


def blobs(shape: tuple[int, ...], *, seed: int, share: float = 0.3) -> Mask:
    """Smooth random shapes that cover about a share of the grid."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1.2)
    return noise > np.quantile(noise, 1 - share)


def slow_border(mask: Mask) -> NDArray[np.int64]:
    """Indices of voxels with a face neighbour outside, one voxel at a time."""
    inside = {tuple(place) for place in np.argwhere(mask)}
    steps = np.concatenate(
        [np.eye(mask.ndim, dtype=int), -np.eye(mask.ndim, dtype=int)]
    )
    border = [
        place
        for place in sorted(inside)
        if any(tuple(np.add(place, step)) not in inside for step in steps)
    ]
    return np.array(border)


def slow_distances(
    first: NDArray[np.int64], second: NDArray[np.int64], spacing: tuple[float, ...]
) -> NDArray[np.float64]:
    """Distance from each place of the first to the nearest of the second."""
    gaps = (first[:, None] - second[None]) * np.asarray(spacing)
    return np.sqrt((gaps**2).sum(axis=2)).min(axis=1)
