"""Random changes of values: brightness, contrast, gamma, noise, sharpness.

Pairs of `draw_…` and `apply_…` as in `augment_space.py`. Arrays are (C, H, W)
float32 in 0..1; results are clipped to that once, after the last step.
"""

# ruff: noqa: ARG001 (all draws have one signature, whether they need it or not)

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from medlens.core import Array
from medlens.prep.augment_space import Draw, Shape, per_channel

POOL = 1 << 20


def draw_brightness(
    rng: np.random.Generator, shape: Shape, *, limit: float = 0.1
) -> Draw:
    """A shift of all values, up to `limit` of black to white, either way."""
    return {"shift": float(rng.uniform(-limit, limit))}


def apply_brightness(array: Array, *, shift: float) -> Array:
    """value + shift."""
    return array + np.float32(shift)


def draw_contrast(
    rng: np.random.Generator, shape: Shape, *, limit: float = 0.2
) -> Draw:
    """A factor between 1/(1 + limit) and 1 + limit."""
    return {"factor": float(np.exp(rng.uniform(-1, 1) * np.log1p(limit)))}


def apply_contrast(array: Array, *, factor: float) -> Array:
    """Distance from the image's mean, times factor."""
    mean = float(array.mean())
    return np.asarray(array * np.float32(factor) + np.float32(mean * (1 - factor)))


def draw_gamma(rng: np.random.Generator, shape: Shape, *, limit: float = 0.2) -> Draw:
    """An exponent between 1/(1 + limit) and 1 + limit."""
    return {"exponent": float(np.exp(rng.uniform(-1, 1) * np.log1p(limit)))}


def apply_gamma(array: Array, *, exponent: float) -> Array:
    """value^exponent; values below 0, left by an earlier step, count as 0."""
    positive = np.maximum(array, np.float32(0))
    return np.stack([cv2.pow(plane, exponent) for plane in positive])


def draw_noise(rng: np.random.Generator, shape: Shape, *, sigma: float = 0.03) -> Draw:
    """A standard deviation up to `sigma` and where in the pool to start."""
    return {"deviation": float(rng.uniform(0, sigma)), "start": int(rng.integers(POOL))}


def apply_noise(array: Array, *, deviation: float, start: int) -> Array:
    """Gaussian noise added.

    Taken from a fixed pool of a million normal numbers, from `start` on: drawing
    them afresh would cost more than all other steps together.
    """
    pool = _normal_pool()
    noise = pool[start : start + array.size]
    if noise.size < array.size:
        noise = np.resize(np.roll(pool, -start), array.size)
    return np.asarray(array + noise.reshape(array.shape) * np.float32(deviation))


def draw_blur(rng: np.random.Generator, shape: Shape, *, sigma: float = 1.0) -> Draw:
    """A Gaussian of up to `sigma` pixels."""
    return {"sigma": float(rng.uniform(0.1, max(sigma, 0.1)))}


def apply_blur(array: Array, *, sigma: float) -> Array:
    """Gaussian blur."""
    return per_channel(array, lambda plane: cv2.GaussianBlur(plane, (0, 0), sigma))


def draw_sharpen(
    rng: np.random.Generator, shape: Shape, *, amount: float = 0.5
) -> Draw:
    """An amount of unsharp masking up to `amount`."""
    return {"amount": float(rng.uniform(0, amount))}


def apply_sharpen(array: Array, *, amount: float) -> Array:
    """value + amount · (value − blur of one pixel)."""

    def sharpen(plane: Array) -> Array:
        blurred = cv2.GaussianBlur(plane, (0, 0), 1.0)
        return np.asarray(cv2.addWeighted(plane, 1 + amount, blurred, -amount, 0))

    return per_channel(array, sharpen)


def draw_low_resolution(
    rng: np.random.Generator, shape: Shape, *, factor: float = 2.0
) -> Draw:
    """A factor between 1 and `factor`."""
    return {"factor": float(rng.uniform(1, factor))}


def apply_low_resolution(array: Array, *, factor: float) -> Array:
    """The image as a detector with pixels `factor` times as large would see it."""
    _, height, width = array.shape
    small = max(1, round(width / factor)), max(1, round(height / factor))

    def lower(plane: Array) -> Array:
        coarse = cv2.resize(plane, small, interpolation=cv2.INTER_AREA)
        return np.asarray(
            cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
        )

    return per_channel(array, lower)


def draw_colour_jitter(
    rng: np.random.Generator,
    shape: Shape,
    *,
    hue: float = 10.0,
    saturation: float = 0.2,
) -> Draw:
    """A turn of the hue in degrees, either way, and a factor on the saturation.

    Args:
        rng: source of the draw.
        shape: (C, H, W).
        hue: largest turn in degrees.
        saturation: 0.2 draws a factor between 1/1.2 and 1.2.
    """
    turn, stronger = rng.uniform(-1, 1, 2)
    return {
        "turn": float(np.radians(turn * hue)),
        "factor": float(np.exp(stronger * np.log1p(saturation))),
    }


def apply_colour_jitter(array: Array, *, turn: float, factor: float) -> Array:
    """Colours turned about the grey axis and stretched away from it.

    Grey images (any but three channels) are left alone.
    """
    if array.shape[0] != 3:
        return array
    grey = np.full((3, 3), 1 / 3)
    side = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    # Rodrigues' rotation about (1, 1, 1), its part off the axis scaled
    matrix = grey + factor * (np.cos(turn) * (np.eye(3) - grey) + np.sin(turn) * side)
    # einsum, not @: BLAS threads cost more than they give on so few numbers
    return np.asarray(np.einsum("oc,chw->ohw", matrix.astype(np.float32), array))


@lru_cache(maxsize=1)
def _normal_pool() -> Array:
    pool = np.random.default_rng(1).standard_normal(POOL, dtype=np.float32)
    pool.setflags(write=False)
    return pool
