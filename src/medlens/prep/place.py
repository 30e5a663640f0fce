"""A map computed on the prepared image, put back on the source image."""

from __future__ import annotations

import cv2
import numpy as np

from medlens.core import Array, Image, PrepError
from medlens.prep.resample import resize_plane


def place_on_source(
    values: Array, prepared: Image, source: Image, *, fill: float = 0.0
) -> Array:
    """Values on the grid of `source`, by the two images' geometry.

    Args:
        values: (K, h, w); its cells tile the field of the prepared image
            evenly, so that a 7×7 evidence map needs no enlarging before.
        prepared: what the pipeline returned.
        source: what the pipeline was given.
        fill: value of source pixels outside the prepared image.

    Returns:
        (K, H, W) float32, H and W of the source; linear interpolation, and
        antialiased where the source grid is coarser.

    Raises:
        PrepError: the two images do not lie in one plane.
    """
    to_prepared = _plane_map(prepared, source)
    height, width = prepared.array.shape[2:]
    rows, columns = source.array.shape[2:]
    values = _thin(values.astype(np.float32, copy=False), to_prepared, (height, width))
    cell_h, cell_w = height / values.shape[1], width / values.shape[2]
    # prepared index → index of the map's own cells, half-pixel centres
    to_cell = np.array(
        [
            [1 / cell_h, 0, 0.5 / cell_h - 0.5],
            [0, 1 / cell_w, 0.5 / cell_w - 0.5],
            [0, 0, 1],
        ]
    )
    matrix = _xy(to_cell @ to_prepared)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    placed = np.empty((values.shape[0], rows, columns), dtype=np.float32)
    for k, layer in enumerate(values):
        cv2.warpAffine(
            np.ascontiguousarray(layer),
            matrix,
            (columns, rows),
            dst=placed[k],
            flags=flags,
            borderMode=cv2.BORDER_REPLICATE,
        )
    _fill_outside(placed, to_prepared, (height, width), fill)
    return placed


def _plane_map(prepared: Image, source: Image) -> Array:
    """(3, 3) map of source (h, w, 1) to prepared (h, w, 1)."""
    full = np.linalg.inv(prepared.geometry.affine) @ source.geometry.affine
    across = np.abs(full[0, 1:3]).max() * max(source.array.shape[2:])
    if across > 0.5 or abs(full[0, 3]) > 0.5:
        raise PrepError(
            f"{source.case}: the prepared image does not lie in the plane of the "
            "source; pass the image that the pipeline was given"
        )
    matrix = np.eye(3)
    matrix[:2, :2], matrix[:2, 2] = full[1:3, 1:3], full[1:3, 3]
    return matrix


def _thin(values: Array, to_prepared: Array, shape: tuple[int, int]) -> Array:
    """The map shrunk where one source pixel covers several of its cells."""
    steps = np.linalg.norm(to_prepared[:2, :2], axis=1)  # prepared pixels per source's
    cells = np.array(values.shape[1:]) / shape * steps
    wanted = [
        max(1, round(n / c)) if c > 1 else n
        for n, c in zip(values.shape[1:], cells, strict=True)
    ]
    if tuple(wanted) == values.shape[1:]:
        return values
    return np.stack(
        [
            resize_plane(v, height=wanted[0], width=wanted[1], kernel="linear")
            for v in values
        ]
    )


def _fill_outside(
    placed: Array, to_prepared: Array, shape: tuple[int, int], fill: float
) -> None:
    """Put `fill` where the prepared image covers no source pixel's centre."""
    h, w = (np.arange(side) for side in placed.shape[1:])
    (a, b, c), (d, e, f) = to_prepared[:2]
    # Rows and columns apart, unless the image is turned: this took most of the time.
    if max(abs(b) * len(w), abs(d) * len(h)) < 1e-9:
        placed[:, ~_within(a * h + c, shape[0])] = fill
        placed[:, :, ~_within(e * w + f, shape[1])] = fill
        return
    rows = _within(a * h[:, None] + b * w + c, shape[0])
    columns = _within(d * h[:, None] + e * w + f, shape[1])
    placed[:, ~(rows & columns)] = fill


def _within(position: Array, side: int) -> Array:
    """Half a pixel beyond the outermost centres, with room for rounding."""
    inside: Array = (position >= -0.5 - 1e-6) & (position <= side - 0.5 + 1e-6)
    return inside


def _xy(matrix: Array) -> Array:
    """OpenCV's (2, 3) order (x, y) of a map in order (h, w)."""
    swap = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]], dtype=np.float64)
    return np.ascontiguousarray((swap @ matrix @ swap)[:2])
