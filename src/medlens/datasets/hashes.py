"""Small descriptors of images, made so that copies of one image lie close.

An image is kept as a `SIDE` x `SIDE` thumbnail. Its locally normalised map is
blind to brightness, contrast and (nearly) gamma. Windows of that map are
projected onto directions in which the images of this data set differ most and
crops of one image differ least (linear discriminant analysis, Fisher 1936,
learned on the data set itself). So the anatomy that all chest radiographs
share costs no bits, and what tells one patient from another fills them.

A copy may be flipped, turned by 90 degrees or cropped: the index holds one
descriptor an image, and an image asks with `QUERIES` of its own descriptors, 8
orientations x 22 windows. All of them are one matrix product, `ask`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from medlens.core import Array

FloatArray = NDArray[np.float32]

SIDE = 54
"""Rows and columns of a thumbnail: 2,916 bytes a case."""

MAP = SIDE // 2
"""Rows and columns of the coarse map."""

DIMENSIONS = 64
"""Numbers in a descriptor: recall stopped growing there on the X-ray sets."""

_CELLS = 16
ORIENTATIONS = 8
Interval = tuple[float, float]
Window = tuple[Interval, Interval]


def make_thumbnail(plane: Array, *, side: int = SIDE) -> NDArray[np.uint8]:
    """A grey plane, stretched to a square, its range spread over 0..255.

    The side ratio is given up on purpose: any crop, resized back or not, is
    then a window of the same square.

    Args:
        plane: (H, W), a dtype that OpenCV resizes.
        side: rows and columns of the result.

    Returns:
        (side, side) uint8; the 0.5th and 99.5th percentile become 0 and 255.
    """
    shrinks = min(plane.shape) >= side
    small = cv2.resize(
        plane,
        (side, side),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
    ).astype(np.float32)
    low, high = np.percentile(small, [0.5, 99.5])
    spread = (small - low) * (255.0 / max(float(high - low), 1e-6))
    thumbnail: NDArray[np.uint8] = np.rint(np.clip(spread, 0, 255)).astype(np.uint8)
    return thumbnail


def normalise_locally(
    thumbnails: Array, *, smooth: float, reach: float, floor: float
) -> FloatArray:
    """Detail of each thumbnail in units of its local standard deviation.

    Args:
        thumbnails: (n, S, S) uint8.
        smooth: sigma in pixels of what is kept.
        reach: sigma in pixels of the surround that is taken off.
        floor: grey levels added (in squares) to the local deviation, so that
            the noise of an empty background stays small.

    Returns:
        (n, S, S) float32.
    """
    side = thumbnails.shape[-1]
    kept = _blur(thumbnails.astype(np.float32), _gauss(side, smooth))
    wide = _gauss(side, reach)
    detail = kept - _blur(kept, wide)
    power = _blur(detail * detail, wide)
    detail /= np.sqrt(power + np.float32(floor**2))
    return detail


def _blur(planes: FloatArray, weights: FloatArray) -> FloatArray:
    """Planes smoothed along both axes; two products beat a filter at this size."""
    across = planes.reshape(-1, planes.shape[-1]) @ weights.T
    result: FloatArray = np.matmul(weights, across.reshape(planes.shape))
    return result


@lru_cache(maxsize=16)
def _gauss(side: int, sigma: float) -> FloatArray:
    """(side, side) Gaussian smoothing of one axis, mirrored at the ends."""
    reach = 4 * int(np.ceil(sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    weights = np.zeros((side, side))
    for at in range(side):
        for shift, weight in zip(range(-reach, reach + 1), kernel, strict=True):
            place = (at + shift) % (2 * side - 2)
            weights[at, min(place, 2 * side - 2 - place)] += weight
    return weights.astype(np.float32)


def make_maps(thumbnails: Array) -> FloatArray:
    """(n, MAP, MAP) coarse maps: what descriptors and rough registration see."""
    maps = normalise_locally(thumbnails, smooth=1.7, reach=6.0, floor=6.0)
    coarse: FloatArray = maps.reshape(-1, MAP, 2, MAP, 2).mean(axis=(2, 4))
    return coarse


def turn(maps: Array, orientation: int) -> Array:
    """Maps in one of the 8 orientations of a square.

    Args:
        maps: (n, S, S).
        orientation: 0..7; bit 2 transposes, then bit 1 flips rows, then bit 0
            flips columns.
    """
    if orientation & 4:
        maps = maps.transpose(0, 2, 1)
    if orientation & 2:
        maps = maps[:, ::-1]
    return maps[:, :, ::-1] if orientation & 1 else maps


def list_windows() -> list[Window]:
    """(rows, columns) as shares of the side; the whole image comes first.

    Crops that keep 64 % of the area are met; wide steps are enough, because
    the descriptors were learned to bear half a step.
    """
    starts: list[Interval] = [
        *[(0.0, 1.0), (0.0, 0.9), (0.05, 0.95), (0.1, 1.0)],
        *[(0.0, 0.8), (0.1, 0.9), (0.2, 1.0)],
    ]
    return [
        (rows, columns)
        for rows in starts
        for columns in starts
        if (rows[1] - rows[0]) * (columns[1] - columns[0]) > 0.75
    ]


_CORNERS = ((0.0, 0.9), (0.1, 1.0))
WINDOWS = tuple(list_windows())
QUERIES = ORIENTATIONS * len(WINDOWS)

FIRST_LOOK = tuple(
    orientation * len(WINDOWS) + at
    for orientation in range(ORIENTATIONS)
    for at, (rows, columns) in enumerate(WINDOWS)
    if (rows, columns) == ((0.0, 1.0), (0.0, 1.0))
    or (rows in _CORNERS and columns in _CORNERS)
)
"""Queries of the whole image and its four corners, in all orientations."""


@dataclass(frozen=True)
class Describer:
    """The learned way from coarse maps to descriptors.

    Attributes:
        operator: (MAP * MAP, QUERIES * D), all windows in all orientations.
        offset: (D,) descriptor of the mean image, taken off.
    """

    operator: FloatArray
    offset: FloatArray

    def ask(self, maps: FloatArray) -> FloatArray:
        """(n, QUERIES, D) unit descriptors; query 0 is the image as it is."""
        flat = maps.reshape(len(maps), -1)
        found = (flat @ self.operator).reshape(len(maps), QUERIES, -1)
        return _unit(found - self.offset)

    def describe(self, maps: FloatArray) -> FloatArray:
        """(n, D) unit descriptors of whole images."""
        size = len(self.offset)
        flat = maps.reshape(len(maps), -1)
        return _unit(flat @ self.operator[:, :size] - self.offset)


def learn_describer(maps: FloatArray, *, seed: int = 0) -> Describer:
    """Learn the projection from a sample of a data set's own maps.

    Args:
        maps: (n, MAP, MAP); some hundred are enough. Below 150 the projection
            is fixed (low cosine frequencies) instead.
        seed: seed of the crops that the learning looks at.
    """
    if len(maps) < 150:
        projection, mean = _cosines(), np.zeros(_CELLS**2, np.float32)
    else:
        projection, mean = _discriminants(maps, np.random.default_rng(seed))
    views = [_see(window).T @ projection for window in WINDOWS]
    # Turning a map and then looking is looking through the turned operator.
    blocks = [
        _turn_back(view, orientation)
        for orientation in range(ORIENTATIONS)
        for view in views
    ]
    operator = np.concatenate(blocks, axis=1)
    return Describer(np.ascontiguousarray(operator), mean @ projection)


def _unit(vectors: FloatArray) -> FloatArray:
    length = np.sqrt(np.einsum("...d,...d->...", vectors, vectors))
    result: FloatArray = vectors / (length[..., None] + np.float32(1e-6))
    return result


def _averages(interval: Interval, cells: int) -> FloatArray:
    """(cells, MAP) area means over an interval of the side."""
    edges = np.linspace(interval[0], interval[1], cells + 1) * MAP
    pixel = np.arange(MAP)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(
        edges[:-1, None], pixel
    )
    weights = np.clip(overlap, 0, None)
    result: FloatArray = (weights / weights.sum(axis=1, keepdims=True)).astype(
        np.float32
    )
    return result


def _see(window: Window) -> FloatArray:
    """(_CELLS², MAP²) that cuts a window out and takes its mean off."""
    rows, columns = (_averages(interval, _CELLS) for interval in window)
    view = np.einsum("ia,jb->ijab", rows, columns).reshape(_CELLS**2, MAP**2)
    result: FloatArray = view - view.mean(axis=0)
    return result


def _turn_back(view: FloatArray, orientation: int) -> FloatArray:
    """(MAP², D) view of the unturned map that equals `view` of the turned one."""
    planes = view.reshape(MAP, MAP, -1)
    if orientation & 1:
        planes = planes[:, ::-1]
    if orientation & 2:
        planes = planes[::-1]
    if orientation & 4:
        planes = planes.transpose(1, 0, 2)
    return planes.reshape(len(view), -1)


def _cosines() -> FloatArray:
    """(_CELLS², 64) lowest two-dimensional cosine frequencies."""
    phase = (np.arange(_CELLS) + 0.5) * np.pi / _CELLS
    waves = np.cos(phase[:, None] * np.arange(8))
    basis = np.einsum("iu,jv->ijuv", waves, waves).reshape(_CELLS**2, -1)
    result: FloatArray = (basis / np.linalg.norm(basis, axis=0)).astype(np.float32)
    return result


def _discriminants(
    maps: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Directions of large variance between images and small between crops."""
    sample = maps[np.sort(rng.permutation(len(maps))[:600])]
    looks, moves = [], []
    for _ in range(16):
        planes = turn(sample, int(rng.integers(ORIENTATIONS))).reshape(len(sample), -1)
        window = _random_window(rng)
        here = _look(planes, window)
        looks.append(here)
        moves += [here - _look(planes, _jitter(window, rng)) for _ in range(2)]
    seen, moved = np.concatenate(looks), np.concatenate(moves)
    mean = seen.mean(axis=0)
    between = ((seen - mean).T @ (seen - mean)).astype(np.float64) / len(seen)
    within = (moved.T @ moved).astype(np.float64) / (2 * len(moved))
    # Noise, marks and recompression move all directions a little.
    within += np.eye(_CELLS**2) * (0.1 * np.trace(within) / _CELLS**2 + 1e-6)
    # The generalised problem by Cholesky, in double precision.
    root = np.linalg.cholesky(within)
    half = np.linalg.solve(root, between)
    _, vectors = np.linalg.eigh(np.linalg.solve(root, half.T))
    directions = np.linalg.solve(root.T, vectors[:, : -DIMENSIONS - 1 : -1])
    return directions.astype(np.float32), mean.astype(np.float32)


def _look(planes: FloatArray, window: Window) -> FloatArray:
    return _unit(planes @ _see(window).T)


def _random_window(rng: np.random.Generator) -> Window:
    rows, columns = rng.uniform(0.8, 1.0, 2)
    top, left = rng.uniform(0, 1 - rows), rng.uniform(0, 1 - columns)
    return (top, top + rows), (left, left + columns)


def _jitter(window: Window, rng: np.random.Generator) -> Window:
    """The window with each edge moved by up to 8 % of the side."""
    moves = rng.uniform(-0.08, 0.08, 4)
    (top, bottom), (left, right) = window
    return (
        (max(0.0, top + moves[0]), min(1.0, bottom + moves[1])),
        (max(0.0, left + moves[2]), min(1.0, right + moves[3])),
    )
