"""Random changes of place: affine, flips, quarter turns, elastic, cutout.

Each change comes as a pair: `draw_…` picks its numbers, `apply_…` does it. Draws
are plain numbers, so that what was done to a case can be logged and repeated.
Arrays are (C, H, W) float32 in 0..1.
"""

# ruff: noqa: ARG001 (all draws have one signature, whether they need it or not)

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from medlens.core import Array

Draw = dict[str, Any]
Shape = tuple[int, int, int]
BORDERS = {
    "black": cv2.BORDER_CONSTANT,
    "edge": cv2.BORDER_REPLICATE,
    "mirror": cv2.BORDER_REFLECT_101,
}


def draw_affine(
    rng: np.random.Generator,
    shape: Shape,
    *,
    rotate: float = 10.0,
    scale: float = 0.1,
    translate: float = 0.05,
    shear: float = 0.0,
    border: str = "black",
) -> Draw:
    """One matrix from output to input pixels, (2, 3) in OpenCV's order x, y.

    Args:
        rng: source of the draw.
        shape: (C, H, W).
        rotate, shear: largest angle in degrees, either way.
        scale: 0.1 draws a factor between 1/1.1 and 1.1.
        translate: largest shift as a share of each side.
        border: what comes in from outside: black, edge or mirror.
    """
    _, height, width = shape
    angle, slant, size, down, along = rng.uniform(-1, 1, 5)
    turn, lean = np.radians(angle * rotate), np.tan(np.radians(slant * shear))
    factor = np.exp(size * np.log1p(scale))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear = rotation @ np.array([[1.0, lean], [0.0, 1.0]]) / factor
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    shift = np.array([along * width, down * height]) * translate
    matrix = np.column_stack([linear, centre - linear @ (centre + shift)])
    return {"matrix": matrix, "border": border}


def apply_affine(array: Array, *, matrix: Array, border: str) -> Array:
    """Rotation, scale, shift and shear in one interpolation."""
    return per_channel(
        array,
        lambda plane: cv2.warpAffine(
            plane,
            matrix,
            plane.shape[::-1],
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=BORDERS[border],
        ),
    )


def draw_horizontal_flip(rng: np.random.Generator, shape: Shape) -> Draw:
    """Nothing to draw; whether it happens is drawn for every step alike."""
    return {}


def apply_horizontal_flip(array: Array) -> Array:
    """Left and right exchanged. Never where laterality matters: in a chest
    radiograph the heart would move to the right."""
    return np.ascontiguousarray(array[:, :, ::-1])


def draw_vertical_flip(rng: np.random.Generator, shape: Shape) -> Draw:
    """Nothing to draw."""
    return {}


def apply_vertical_flip(array: Array) -> Array:
    """Top and bottom exchanged; for images without an up, such as slides."""
    return np.ascontiguousarray(array[:, ::-1])


def draw_rot90(rng: np.random.Generator, shape: Shape) -> Draw:
    """Quarter turns: 0 to 3, or 0 and 2 where the image is not square."""
    turns = int(rng.integers(4))
    return {"turns": turns if shape[1] == shape[2] else turns // 2 * 2}


def apply_rot90(array: Array, *, turns: int) -> Array:
    """So many quarter turns, counter-clockwise."""
    return np.ascontiguousarray(np.rot90(array, turns, axes=(1, 2)))


def draw_elastic(
    rng: np.random.Generator, shape: Shape, *, amount: float = 0.03, grid: int = 4
) -> Draw:
    """Random shifts on a coarse grid.

    Args:
        rng: source of the draw.
        shape: (C, H, W).
        amount: standard deviation of a shift as a share of each side.
        grid: cells along each side; more cells bend more sharply.
    """
    shifts = rng.standard_normal((2, grid + 1, grid + 1), dtype=np.float32)
    return {"shifts": np.clip(shifts, -2, 2) * np.float32(amount)}


def apply_elastic(array: Array, *, shifts: Array) -> Array:
    """Smooth bending: the coarse shifts are enlarged and the image sampled there."""
    _, height, width = array.shape
    size, cubic = (width, height), cv2.INTER_CUBIC
    across = cv2.resize(shifts[0] * np.float32(width), size, interpolation=cubic)
    down = cv2.resize(shifts[1] * np.float32(height), size, interpolation=cubic)
    across += np.arange(width, dtype=np.float32)
    down += np.arange(height, dtype=np.float32)[:, None]
    return per_channel(
        array,
        lambda plane: cv2.remap(
            plane, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
    )


def draw_cutout(
    rng: np.random.Generator, shape: Shape, *, size: float = 0.25, count: int = 1
) -> Draw:
    """Boxes (top, left, bottom, right) that will be blanked.

    Args:
        rng: source of the draw.
        shape: (C, H, W).
        size: largest side of a box as a share of the image's side.
        count: boxes.
    """
    _, height, width = shape
    places, shares = rng.random((count, 2)), rng.uniform(0.2, 1, (count, 2)) * size
    boxes = []
    for (y, x), (h, w) in zip(places, shares, strict=True):
        rows, columns = max(1, round(h * height)), max(1, round(w * width))
        top, left = round(y * (height - rows)), round(x * (width - columns))
        boxes.append((top, left, top + rows, left + columns))
    return {"boxes": boxes}


def apply_cutout(array: Array, *, boxes: list[tuple[int, int, int, int]]) -> Array:
    """Each box filled with the mean of the image (DeVries and Taylor, 2017)."""
    result = array.copy()
    level = array.mean(axis=(1, 2), keepdims=True)
    for top, left, bottom, right in boxes:
        result[:, top:bottom, left:right] = level
    return result


def per_channel(array: Array, change: Any) -> Array:
    if array.shape[0] == 1:
        return np.asarray(change(array[0]))[None]
    return np.stack([change(plane) for plane in array])
