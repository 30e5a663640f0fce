"""Random changes of the values of volumes that look further than one voxel.

Pairs of `draw_…` and `apply_…` as in `augment_tone.py`. Arrays are (C, D, H, W)
float32 in 0..1; results are clipped to that once, after the last step.
"""

from __future__ import annotations

import cv2
import numpy as np

from medlens.core import Array
from medlens.prep.augment_space import Draw
from medlens.prep.volume_place import Frame
from medlens.prep.warp import enlarge


def draw_bias_field(
    rng: np.random.Generator, frame: Frame, *, amount: float = 0.3, grid: int = 2
) -> Draw:
    """Logarithms of a field on a coarse grid.

    Args:
        rng: source of the draw.
        frame: shape and spacing.
        amount: standard deviation of the logarithm; 0.3 is a factor of 1.35.
        grid: cells along each side; a coil's field has few.
    """
    counts = [min(grid + 1, n) for n in frame.shape[1:]]
    field = np.clip(rng.standard_normal(counts, dtype=np.float32), -2, 2)
    return {"field": field * np.float32(amount)}


def apply_bias_field(array: Array, *, field: Array) -> Array:
    """Values times exp(field): smooth over the volume, alike in all channels."""
    shape = (array.shape[1], array.shape[2], array.shape[3])
    return np.asarray(array * cv2.exp(_tall(enlarge(field, shape))).reshape(shape))


def draw_blur(rng: np.random.Generator, frame: Frame, *, sigma: float = 1.0) -> Draw:
    """A Gaussian of up to `sigma` pixels, and its width in slices."""
    drawn = float(rng.uniform(0.1, max(sigma, 0.1)))
    return {"sigma": drawn, "through": 0.0 if frame.is_coarse else drawn / frame.ratio}


def apply_blur(array: Array, *, sigma: float, through: float) -> Array:
    """Gaussian blur, within slices by `sigma`, and across them by `through`."""
    blurred = np.stack(
        [[cv2.GaussianBlur(p, (0, 0), sigma) for p in channel] for channel in array]
    )
    if through < 0.2:  # the neighbours would count for less than 1 in 10^5
        return blurred
    return np.stack([_along_depth(channel, through) for channel in blurred])


def draw_low_resolution(
    rng: np.random.Generator, frame: Frame, *, factor: float = 2.0
) -> Draw:
    """A factor between 1 and `factor`, for each axis along which it acts."""
    drawn = float(rng.uniform(1, factor))
    return {"factors": (1.0 if frame.is_coarse else drawn, drawn, drawn)}


def apply_low_resolution(array: Array, *, factors: tuple[float, float, float]) -> Array:
    """The volume as voxels so many times as long would show it."""
    return _coarser(array, factors)


def draw_anisotropy(
    rng: np.random.Generator, frame: Frame, *, factor: float = 4.0
) -> Draw:
    """One axis, and a factor between 1 and `factor`; D is left out where coarse."""
    axis = int(rng.integers(1 if frame.is_coarse else 0, 3))
    factors = [1.0, 1.0, 1.0]
    factors[axis] = float(rng.uniform(1, factor))
    return {"factors": tuple(factors)}


def apply_anisotropy(array: Array, *, factors: tuple[float, float, float]) -> Array:
    """The volume as voxels that are longer along one axis would show it."""
    return _coarser(array, factors)


def _coarser(array: Array, factors: tuple[float, float, float]) -> Array:
    """Means of longer voxels, and linear interpolation back."""
    _, depth, height, width = array.shape
    small = [
        max(1, round(n / factor))
        for n, factor in zip(array.shape[1:], factors, strict=True)
    ]
    result = array
    if small[1:] != [height, width]:
        result = np.stack(
            [[_there_and_back(p, small[1], small[2]) for p in c] for c in result]
        )
    if small[0] != depth:
        # (D, H, W) -> (D, H*W): the slices are rows
        flat = result.reshape(array.shape[0], depth, -1)
        lowered = [_there_and_back(c, small[0], height * width) for c in flat]
        result = np.stack(lowered).reshape(array.shape)
    return result


def _there_and_back(plane: Array, rows: int, columns: int) -> Array:
    size = plane.shape[::-1]
    coarse = cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR))


def _along_depth(volume: Array, sigma: float) -> Array:
    """(D, H, W) blurred across slices."""
    size = 2 * max(1, round(3 * sigma)) + 1
    kernel = cv2.getGaussianKernel(size, sigma, cv2.CV_32F)
    flat = volume.reshape(volume.shape[0], -1)
    one = np.ones(1, np.float32)
    return np.asarray(cv2.sepFilter2D(flat, -1, one, kernel)).reshape(volume.shape)


def _tall(volume: Array) -> Array:
    return volume.reshape(-1, volume.shape[-1])
