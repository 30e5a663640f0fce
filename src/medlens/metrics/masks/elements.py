"""Elements of a mask's surface: where they lie and how large they are.

A surface half-way between voxels in and out crosses blocks of 2 × 2 × 2 voxels.
Which of the eight are in gives a code of eight bits, and each code a piece of
surface (marching cubes, Lorensen & Cline 1987; in a plane marching squares).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from medlens.metrics.masks.grid import Mask, Spacing

Codes = NDArray[np.uint8]
Sizes = NDArray[np.float64]


def find_codes(mask: Mask, axes: tuple[int, ...]) -> Codes:
    """Which voxels of each block are in, one bit each.

    Args:
        mask: (D, H, W); what lies beyond the array is out.
        axes: the axes along which blocks are two voxels long, two or three.

    Returns:
        Same shape but one longer along `axes`; block (0, 0, 0) ends at voxel
        (0, 0, 0).
    """
    pads = [(1, 1) if axis in axes else (0, 0) for axis in range(3)]
    padded = np.pad(mask.view(np.uint8), pads)
    shape = tuple(
        side + 1 if axis in axes else side for axis, side in enumerate(mask.shape)
    )
    codes = np.zeros(shape, dtype=np.uint8)
    for bit, corner in enumerate(product((0, 1), repeat=len(axes))):
        start = [0, 0, 0]
        for axis, offset in zip(axes, corner, strict=True):
            start[axis] = offset
        box = tuple(slice(s, s + n) for s, n in zip(start, shape, strict=True))
        codes |= padded[box] << np.uint8(bit)
    return codes


def element_sizes(spacing: Spacing, axes: tuple[int, ...]) -> Sizes:
    """Size of the surface in a block of each code.

    Returns:
        (256,) mm² for three axes, (16,) mm for two.
    """
    steps = tuple(spacing[axis] for axis in axes)
    return _areas(steps) if len(axes) == 3 else _lengths(steps)


@lru_cache(maxsize=32)
def _areas(steps: tuple[float, ...]) -> Sizes:
    """Area for each of the 256 ways in which eight voxels can be in."""
    from skimage.measure import marching_cubes, mesh_surface_area

    sizes = np.zeros(256)
    for code in range(1, 255):
        bits = [(code >> bit) & 1 for bit in range(8)]
        block = np.array(bits, dtype=np.float32).reshape(2, 2, 2)
        points, faces, _, _ = marching_cubes(block, 0.5, spacing=steps)
        sizes[code] = mesh_surface_area(points, faces)
    return sizes


def _lengths(steps: tuple[float, ...]) -> Sizes:
    """Length for each of the 16 ways in which four pixels can be in."""
    height, width = steps
    corner = float(np.hypot(height, width)) / 2
    # Bits: (0, 0), (0, 1), (1, 0), (1, 1) as (row, column).
    sizes = np.full(16, corner)
    sizes[[0, 15]] = 0
    sizes[[0b0011, 0b1100]] = width
    sizes[[0b0101, 0b1010]] = height
    sizes[[0b0110, 0b1001]] = 2 * corner
    return sizes
