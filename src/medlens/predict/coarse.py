"""How fine evidence is kept: on the source's own grid, or where that is too large on a
coarser one.

The map that a network gives has few cells; a large source's grid only draws them out.
"""

from __future__ import annotations

import numpy as np

from medlens.core import Image

LARGE_EVIDENCE = 256_000_000
"""Bytes of a case's evidence above which it is kept on a coarser grid."""
LARGEST_SIDE = 256
"""Cells of a coarser grid's longer side, at the most."""
_FLOAT = 4  # bytes

Plane = tuple[int, int]


def plane_for(planes: int, rows: int, columns: int, *, most: int) -> Plane | None:
    """Rows and columns at which so many planes fit; None where they fit at none.

    Args:
        planes: labels × slices.
        rows, columns: of the source.
        most: bytes of all float32 planes together.

    >>> plane_for(64, 512, 512, most=256_000_000)
    (512, 512)
    >>> plane_for(1000, 1024, 512, most=256_000_000)
    (256, 128)
    """
    if _FLOAT * planes * rows * columns <= most:
        return rows, columns
    longer = max(rows, columns)
    side = min(LARGEST_SIDE, longer)
    while side > 0:
        share = side / longer
        plane = max(1, round(rows * share)), max(1, round(columns * share))
        if plane != (rows, columns) and _FLOAT * planes * plane[0] * plane[1] <= most:
            return plane
        side //= 2
    return None


def coarsened(source: Image, plane: Plane) -> Image:
    """The grid of a source with fewer rows and columns, edge to edge, without pixels.

    Args:
        source: (C, D, H, W).
        plane: rows and columns of the grid; those of the source give its own.
    """
    depth, rows, columns = source.array.shape[1:]
    steps = np.array([rows / plane[0], columns / plane[1]])
    cells = np.diag([1.0, *steps, 1.0])  # index of a cell → index at its centre
    cells[1:3, 3] = (steps - 1) / 2
    # One zero stands for all pixels: only the grid is looked at.
    empty = np.broadcast_to(np.uint8(0), (1, depth, *plane))
    return source.with_array(empty, geometry=source.geometry.then(cells))
