"""One interpolation that turns, scales, shifts and bends a volume and its mask.

Positions are followed backwards: for each voxel of the result the place in the
source it comes from. OpenCV samples planes only, so that the slices lie below one
another in one tall plane; two samplings, in the slice below and in the one above,
blended by the rest, are the trilinear interpolation, several times as fast as
scipy.ndimage.map_coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from medlens.core import Array

LONGEST_SIDE = 32_000
"""Rows and columns of a plane that cv2.remap samples; it counts in 16 bits."""

SLAB = 1 << 18
"""Voxels of the result computed at a time: what fits in the processor's cache."""

BORDERS = ("black", "edge", "mirror")

Places = list[Array]
"""Source indices d, h, w of the voxels of a slab, each (n, H, W) float32."""


@dataclass(frozen=True)
class Warp:
    """Where each voxel of the result comes from.

    Attributes:
        matrix: (3, 4) result index (d, h, w, 1) → source index.
        bend: (3, gd, gh, gw) further shifts in source voxels on a coarse grid
            that spans the volume, or None.
        border: what comes in from outside: black, edge or mirror.
    """

    matrix: Array
    bend: Array | None = None
    border: str = "black"


def warp(array: Array, mask: Array | None, how: Warp) -> tuple[Array, Array | None]:
    """The volume by linear interpolation and its mask by the nearest voxel.

    Args:
        array: (C, D, H, W) float32.
        mask: (D, H, W) uint8, or None.
        how: where each voxel comes from. With black borders a place more than
            half a voxel outside gives 0.

    Returns:
        The same shapes; what comes from outside is 0 in the mask as well.
    """
    shape = array.shape[1:]
    tall = [_tall(channel) for channel in np.ascontiguousarray(array)]
    tall_mask = None if mask is None else _tall(np.ascontiguousarray(mask))
    result = np.empty_like(array)
    labels = None if mask is None else np.empty_like(mask)
    bend = None if how.bend is None else _planes(how.bend, shape)
    step = max(1, min(SLAB // (shape[1] * shape[2]), LONGEST_SIDE // shape[1]))
    for first in range(0, shape[0], step):
        last = min(first + step, shape[0])
        places = _places(how.matrix, shape, first, last)
        if bend is not None:
            _add_bend(places, bend, shape[0], first, last)
        outside = _admit(places, shape, how.border)
        for c, plane in enumerate(tall):
            result[c, first:last] = _linear(plane, places, shape)
        if labels is not None and tall_mask is not None:
            labels[first:last] = _nearest(tall_mask, places, shape)
        if outside is not None:
            result[:, first:last][:, outside] = 0
            if labels is not None:
                labels[first:last][outside] = 0
    return result, labels


def enlarge(coarse: Array, shape: tuple[int, int, int]) -> Array:
    """A coarse grid (gd, gh, gw), smoothly spread over (D, H, W) float32.

    Cubic within slices, half-pixel centres; between slices a smooth step.
    """
    (planes,) = _planes(coarse[None], shape)
    return np.stack([_between(planes, d, shape[0]) for d in range(shape[0])])


def _planes(coarse: Array, shape: tuple[int, int, int]) -> Array:
    """(n, gd, gh, gw) → (n, gd, H, W): each plane of the coarse grid enlarged."""
    _, height, width = shape
    size = (width, height)
    return np.stack(
        [
            [cv2.resize(p, size, interpolation=cv2.INTER_CUBIC) for p in planes]
            for planes in coarse.astype(np.float32)
        ]
    )


def _between(planes: Array, d: int, depth: int) -> Array:
    """(H, W) of slice d, between the planes (gd, H, W) of a coarse grid."""
    count = len(planes)
    place = min(max((d + 0.5) * count / depth - 0.5, 0.0), count - 1.0)
    low = min(int(place), max(count - 2, 0))
    rest = place - low
    if rest == 0:
        return np.asarray(planes[low])
    # smooth in the middle and level at the planes, so that no crease shows
    rest = rest * rest * (3 - 2 * rest)
    return np.asarray(cv2.addWeighted(planes[low], 1 - rest, planes[low + 1], rest, 0))


def _places(matrix: Array, shape: tuple[int, ...], first: int, last: int) -> Places:
    """Where the slices first..last of the result come from, without bending."""
    grid = [
        np.arange(first, last, dtype=np.float32)[:, None, None],
        np.arange(shape[1], dtype=np.float32)[:, None],
        np.arange(shape[2], dtype=np.float32),
    ]
    a = matrix.astype(np.float32)
    return [
        (grid[0] * a[k, 0] + (grid[1] * a[k, 1] + a[k, 3])) + grid[2] * a[k, 2]
        for k in range(3)
    ]


def _add_bend(places: Places, bend: Array, depth: int, first: int, last: int) -> None:
    for place, planes in zip(places, bend, strict=True):
        for d in range(first, last):
            place[d - first] += _between(planes, d, depth)


def _admit(places: Places, shape: tuple[int, ...], border: str) -> Array | None:
    """Places brought inside, in place; a mask of what is black, if anything is."""
    outside = None
    for place, count in zip(places, shape, strict=True):
        if border == "mirror" and count > 1:
            place[:] = (count - 1) - np.abs(np.abs(place) % (2 * count - 2) - count + 1)
        elif border == "black" and (place.min() < -0.5 or place.max() > count - 0.5):
            beyond = (place < -0.5) | (place > count - 0.5)
            outside = beyond if outside is None else outside | beyond
        np.clip(place, 0, count - 1, out=place)
    return outside


def _tall(volume: Array) -> Array:
    """(D, H, W) → the slices below one another, in as many columns as needed."""
    depth, height, width = volume.shape
    rows = max(1, LONGEST_SIDE // height)
    if depth <= rows:
        return volume.reshape(depth * height, width)
    columns = -(-depth // rows)
    plane = np.zeros((rows * height, columns * width), volume.dtype)
    for d in range(depth):
        top, left = d % rows * height, d // rows * width
        plane[top : top + height, left : left + width] = volume[d]
    return plane


def _maps(slices: Array, places: Places, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """(rows, W) columns x and rows y of the tall plane, for whole slice numbers."""
    depth, height, width = shape
    rows = max(1, LONGEST_SIDE // height)
    x, y = places[2], places[1]
    if depth > rows:
        column = np.floor(slices / rows)
        x = x + column * width
        slices = slices - column * rows
    y = y + slices * np.float32(height) if depth > 1 else y
    flat = (-1, places[2].shape[-1])
    return x.reshape(flat), y.reshape(flat)


def _sample(plane: Array, x: Array, y: Array, method: int) -> Array:
    return np.asarray(cv2.remap(plane, x, y, method, borderMode=cv2.BORDER_REPLICATE))


def _linear(plane: Array, places: Places, shape: tuple[int, ...]) -> Array:
    below = np.floor(places[0]) if shape[0] > 1 else places[0]
    low = _sample(plane, *_maps(below, places, shape), cv2.INTER_LINEAR)
    if shape[0] > 1:
        rest = (places[0] - below).reshape(low.shape)
        above = np.minimum(below + 1, shape[0] - 1)
        high = _sample(plane, *_maps(above, places, shape), cv2.INTER_LINEAR)
        high -= low
        high *= rest
        low += high
    return low.reshape(places[0].shape)


def _nearest(plane: Array, places: Places, shape: tuple[int, ...]) -> Array:
    whole = [np.rint(place) for place in places]
    labels = _sample(plane, *_maps(whole[0], whole, shape), cv2.INTER_NEAREST)
    return labels.reshape(places[0].shape)
