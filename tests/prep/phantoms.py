"""Small images whose right answer is known by construction."""

from __future__ import annotations

from typing import Any

import numpy as np

from medlens.core import Array, Geometry, Image, Provenance


def image_of(array: Array, **fields: Any) -> Image:
    """An Image of (H, W), (C, H, W) or (C, D, H, W), named "case 1"."""
    if array.ndim == 2:
        array = array[None, None]
    elif array.ndim == 3:
        array = array[:, None]
    if array.dtype.kind in "iu":
        fields.setdefault("bits_stored", array.dtype.itemsize * 8)
    fields.setdefault("geometry", Geometry.uncalibrated())
    return Image(array, provenance=Provenance(case="case 1"), **fields)


def windowed(array: Array, **fields: Any) -> Image:
    """An Image of values in 0..1 that counts as windowed."""
    return image_of(
        array.astype(np.float32),
        stage="windowed",
        valid_min=0.0,
        valid_max=1.0,
        **fields,
    )


def disc(size: int = 128) -> Array:
    """(size, size) float32: a disc of 0.7 on 0.2, with a darker core of 0.4."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    radius = np.hypot(x, y) / size
    return np.select([radius < 0.12, radius < 0.35], [0.4, 0.7], 0.2).astype(np.float32)


def noisy_disc(sigma: float, size: int = 128) -> Array:
    """`disc` with white noise of a known standard deviation."""
    noise = np.random.default_rng(0).normal(0, sigma, (size, size))
    return (disc(size) + noise).astype(np.float32)


def colours(size: int = 12) -> Array:
    """(3, 1, size, size) float32 of random RGB in 0..1, corners of the cube among."""
    rgb = np.random.default_rng(1).random((3, size * size), dtype=np.float32)
    corners = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1])).reshape(3, 8)
    rgb[:, :8] = corners
    return rgb.reshape(3, 1, size, size)
