"""A made CT of a chest, for trying a viewer on: shapes in Hounsfield units, no patient.

Ellipsoids and tubes stand for body, lungs, heart, aorta, spine, ribs and one round
nodule. It looks like a chest from afar, and measures like one: every size is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlens.core import Geometry

SHAPE = (112, 256, 256)  # slices, rows, columns
SPACING = (2.5, 1.4, 1.4)  # mm
AIR, FAT, LUNG, WATER, MUSCLE, BLOOD, LIVER, MARROW, BONE, NODULE = (
    -1000, -95, -860, 0, 45, 55, 65, 180, 850, 40,
)  # fmt: skip
NOISE_HU = 14.0
NODULE_AT = (-18.0, -12.0, -72.0)
"""mm from the middle: towards the feet, towards the front, towards the right."""
_STRIPES = 4  # slices of one noise draw, so that no large array of floats is held

Field = NDArray[np.float32]


@dataclass(frozen=True)
class _Grid:
    """mm from the middle of the volume; z towards the head, y back, x left."""

    z: Field  # (D, 1, 1)
    y: Field  # (1, H, 1)
    x: Field  # (1, 1, W)


def make_chest(*, nodule_mm: float, seed: int = 0) -> NDArray[np.int16]:
    """(D, H, W) int16 in Hounsfield units; the same arguments, the same voxels.

    Args:
        nodule_mm: diameter of the nodule in the right lung; 0 for none.
        seed: of the noise.
    """
    grid = _grid()
    values = np.full(SHAPE, AIR, np.int16)
    # From the shoulders to the neck.
    shrink = (1 - 0.18 * np.clip((grid.z - 90) / 60, 0, 1)).astype(np.float32)
    _fill(values, _column(grid, (0, 0), (112, 160), shrink), FAT)
    _fill(values, _column(grid, (0, 0), (102, 149), shrink), MUSCLE)
    for side in (-1, 1):
        _fill(values, _ball(grid, (10, -2, 74 * side), (118, 82, 56)), LUNG)
    _fill(values, _ball(grid, (-150, 6, -50), (98, 88, 92)), LIVER)
    _fill(values, _ball(grid, (-28, -34, 24), (62, 46, 56)), BLOOD)  # heart
    _fill(values, _column(grid, (44, 22), (13, 13)), BLOOD)  # descending aorta
    _fill(values, _column(grid, (-4, 0), (8.5, 8.5)) & (grid.z > 20), AIR)  # trachea
    _add_vessels(values, grid)
    _add_bones(values, grid)
    if nodule_mm > 0:
        half = nodule_mm / 2
        _fill(values, _ball(grid, NODULE_AT, (half, half, half)), NODULE)
    _add_noise(values, seed)
    return values


def chest_geometry() -> Geometry:
    """Index → patient mm (LPS): slices towards the head, rows back, columns left."""
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    affine[2, 0], affine[1, 1], affine[0, 2] = SPACING
    extent = [(n - 1) / 2 * mm for n, mm in zip(SHAPE, SPACING, strict=True)]
    affine[:3, 3] = (-extent[2], -extent[1], -extent[0])
    return Geometry(affine)


def _grid() -> _Grid:
    axes = [
        (np.arange(n, dtype=np.float32) - (n - 1) / 2) * mm
        for n, mm in zip(SHAPE, SPACING, strict=True)
    ]
    z, y, x = (axis.astype(np.float32) for axis in axes)
    return _Grid(z[:, None, None], y[None, :, None], x[None, None, :])


def _fill(values: NDArray[np.int16], where: NDArray[np.bool_], hu: int) -> None:
    np.copyto(values, np.int16(hu), where=where)


def _ball(
    grid: _Grid, centre: tuple[float, float, float], half: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """Voxels of an ellipsoid: centre and half axes in mm, each (z, y, x)."""
    parts = (grid.z - centre[0], grid.y - centre[1], grid.x - centre[2])
    squares = [(part / mm) ** 2 for part, mm in zip(parts, half, strict=True)]
    inside: NDArray[np.bool_] = squares[0] + squares[1] + squares[2] <= 1
    return inside


def _column(
    grid: _Grid,
    centre: tuple[float, float],
    half: tuple[float, float],
    shrink: Field | float = 1.0,
) -> NDArray[np.bool_]:
    """Voxels of an upright column of elliptic section: (y, x) in mm."""
    y, x = (grid.y - centre[0]) / half[0], (grid.x - centre[1]) / half[1]
    inside: NDArray[np.bool_] = y**2 + x**2 <= np.asarray(shrink) ** 2 + 0 * grid.z
    return inside


def _add_vessels(values: NDArray[np.int16], grid: _Grid) -> None:
    """Branches from each hilum into the lung, thinner outwards."""
    in_lung = values == LUNG
    for side in (-1, 1):
        for at in range(9):
            turn = 2.4 * at
            tip = (70 * np.sin(turn), 52 * np.cos(turn), side * (66 + 26 * np.sin(at)))
            _fill(values, in_lung & _branch(grid, (0, -4, 26 * side), tip), BLOOD)


def _branch(
    grid: _Grid, start: tuple[float, float, float], tip: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """A tube that tapers from 3.5 to 1.2 mm radius."""
    ends = [np.float32(b - a) for a, b in zip(start, tip, strict=True)]
    parts = (grid.z - start[0], grid.y - start[1], grid.x - start[2])
    length = sum(float(end) ** 2 for end in ends)
    along = sum(part * end for part, end in zip(parts, ends, strict=True)) / length
    along = np.clip(along, 0, 1)
    away = sum((part - along * end) ** 2 for part, end in zip(parts, ends, strict=True))
    near: NDArray[np.bool_] = away <= (3.5 - 2.3 * along) ** 2
    return near


def _add_bones(values: NDArray[np.int16], grid: _Grid) -> None:
    period = (grid.z % 28) / 28  # a vertebra and its disc
    body = _column(grid, (66, 0), (17, 22))
    _fill(values, body & (period < 0.82), BONE)
    _fill(values, _column(grid, (66, 0), (13, 18)) & (period < 0.72), MARROW)
    _fill(values, body & (period >= 0.82), 90)  # disc
    _fill(values, _column(grid, (90, 0), (9, 10)), WATER + 10)  # canal
    ring = _column(grid, (0, 0), (99, 145)) & ~_column(grid, (0, 0), (92, 138))
    slope = (grid.z + 0.35 * grid.y) % 26  # ribs fall towards the front
    _fill(values, ring & (slope < 9) & (np.abs(grid.x) > 14), BONE)
    _fill(values, _ball(grid, (10, -95, 0), (78, 7, 17)), BONE - 300)  # sternum


def _add_noise(values: NDArray[np.int16], seed: int) -> None:
    rng = np.random.default_rng(seed)
    for start in range(0, len(values), _STRIPES):
        part = values[start : start + _STRIPES]
        noise = rng.standard_normal(part.shape, dtype=np.float32) * NOISE_HU
        part[:] = np.clip(part + noise, -1024, 3071).astype(np.int16)
