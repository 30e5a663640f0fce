"""Random changes of place of volumes: affine, elastic, flips, quarter turns.

Pairs of `draw_…` and `apply_…` as in `augment_space.py`; affine and elastic are
drawn only, because `warp.py` does both in one interpolation. Arrays are
(C, D, H, W).
"""

# ruff: noqa: ARG001 (all draws have one signature, whether they need it or not)

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medlens.core import Array
from medlens.prep.augment_space import Draw
from medlens.prep.volume import COARSE


@dataclass(frozen=True)
class Frame:
    """The grid that a change is drawn for.

    Attributes:
        shape: (C, D, H, W).
        spacing: mm between voxels along D, H, W.
    """

    shape: tuple[int, int, int, int]
    spacing: tuple[float, float, float]

    @property
    def ratio(self) -> float:
        """Distance of slices in distances of pixels."""
        return self.spacing[0] / min(self.spacing[1:])

    @property
    def is_coarse(self) -> bool:
        """Whether nothing should pass between slices: too far apart, or one only."""
        return self.shape[1] == 1 or self.ratio > COARSE


def draw_affine(
    rng: np.random.Generator,
    frame: Frame,
    *,
    rotate: float = 15.0,
    scale: float = 0.15,
    translate: float = 0.05,
    border: str = "black",
) -> Draw:
    """One matrix from output to input voxels, (3, 4) in order d, h, w.

    Angles and scale are meant in the patient: the matrix knows the spacing.

    Args:
        rng: source of the draw.
        frame: shape and spacing.
        rotate: largest angle in degrees about each axis, either way; about H and
            W divided by the ratio of spacings where slices are far apart.
        scale: 0.1 draws a factor between 1/1.1 and 1.1.
        translate: largest shift as a share of each side.
        border: what comes in from outside: black, edge or mirror.
    """
    angles = np.radians(rng.uniform(-rotate, rotate, 3))  # about D, H, W
    size, moves = rng.uniform(-1, 1), rng.uniform(-translate, translate, 3)
    is_flat = frame.shape[1] == 1
    if is_flat:
        angles[1:], moves[0] = 0, 0
    elif frame.is_coarse:
        angles[1:] /= frame.ratio
    linear = _rotation(angles) / np.exp(size * np.log1p(scale))
    if is_flat:
        linear[0, 0] = 1
    mm = np.array(frame.spacing)
    linear = linear * mm / mm[:, None]  # turned in mm, said in voxels
    sides = np.array(frame.shape[1:])
    centre = (sides - 1) / 2
    shift = centre - linear @ (centre + moves * sides)
    return {"matrix": np.column_stack([linear, shift]), "border": border}


def draw_elastic(
    rng: np.random.Generator, frame: Frame, *, amount: float = 0.03, grid: int = 4
) -> Draw:
    """Random shifts on a coarse grid, (3, gd, gh, gw) in voxels.

    Args:
        rng: source of the draw.
        frame: shape and spacing; nothing is moved between slices that are far
            apart.
        amount: standard deviation of a shift as a share of each side.
        grid: cells along each side; more cells bend more sharply.
    """
    counts = [min(grid + 1, n) for n in frame.shape[1:]]
    shifts = rng.standard_normal((3, *counts), dtype=np.float32)
    sides = np.array(frame.shape[1:], dtype=np.float32).reshape(3, 1, 1, 1)
    shifts = np.clip(shifts, -2, 2) * np.float32(amount) * sides
    if frame.is_coarse:
        shifts[0] = 0
    return {"shifts": shifts}


def draw_horizontal_flip(rng: np.random.Generator, frame: Frame) -> Draw:
    """Nothing to draw; whether it happens is drawn for every step alike."""
    return {}


def apply_horizontal_flip(array: Array) -> Array:
    """W reversed. Never where laterality matters."""
    return np.ascontiguousarray(array[..., ::-1])


def draw_vertical_flip(rng: np.random.Generator, frame: Frame) -> Draw:
    """Nothing to draw."""
    return {}


def apply_vertical_flip(array: Array) -> Array:
    """H reversed."""
    return np.ascontiguousarray(array[..., ::-1, :])


def draw_depth_flip(rng: np.random.Generator, frame: Frame) -> Draw:
    """Nothing to draw."""
    return {}


def apply_depth_flip(array: Array) -> Array:
    """The slices in reverse order."""
    return np.ascontiguousarray(array[:, ::-1])


def draw_rot90(rng: np.random.Generator, frame: Frame) -> Draw:
    """Quarter turns: 0 to 3, or 0 and 2 where the slices are not square."""
    turns = int(rng.integers(4))
    return {"turns": turns if frame.shape[2] == frame.shape[3] else turns // 2 * 2}


def apply_rot90(array: Array, *, turns: int) -> Array:
    """So many quarter turns within each slice."""
    return np.ascontiguousarray(np.rot90(array, turns, axes=(-2, -1)))


def _rotation(angles: Array) -> Array:
    """(3, 3) in order d, h, w: about W, then about H, then about D."""
    result = np.eye(3)
    for axis, angle in enumerate(angles):
        a, b = [k for k in range(3) if k != axis]
        turn = np.eye(3)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        result = result @ turn
    return result
