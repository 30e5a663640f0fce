"""Slices of any spacing and shear → an even, upright grid, by linear weights.

Along the normal each new slice is the weighted mean of its two neighbours; within
the plane a slice is moved by its own shift (gantry tilt), also linearly. Only two
slices are held at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from medlens.core import Array, Geometry, ReadError, release
from medlens.read.series.series import Series
from medlens.read.series.stack import SIDEWAYS_SHARE, FloatArray

RELEASED_SLICES = 16  # pages of a mapped result are let go this often
MAX_HOLE_MM = 10.0
MAX_HOLE_GAPS = 4.0
"""A hole between slices is bridged up to the larger of both; more would be made up."""

_MOST_GAPS = 20.0  # and never more new slices than this for each old one

Box = tuple[int, int, int, int]
"""First and past-the-end row, first and past-the-end column."""


@dataclass(frozen=True)
class Grid:
    """The even grid that a series is brought onto.

    Attributes:
        geometry: of the new grid.
        shape: (D, H, W).
        kept: (n,) indices of the slices used: the first at each place.
        before: (D,) index into `kept` of the slice before each new one.
        weights: (D,) 0..1, how much of the slice after it counts.
        shifts: (n, 2) rows and columns by which each kept slice is moved.
    """

    geometry: Geometry
    shape: tuple[int, int, int]
    kept: tuple[int, ...]
    before: tuple[int, ...]
    weights: FloatArray
    shifts: FloatArray


def plan_grid(series: Series, rows: int, columns: int) -> Grid:
    """The even grid from the first slice to the last, at the usual gap.

    Rows and columns grow so that every sheared slice fits inside.

    Raises:
        ReadError: one place only, or a hole too wide to bridge.
    """
    stack = series.stack
    kept = np.setdiff1d(np.arange(len(stack.offsets)), stack.doubles)
    offsets = stack.offsets[kept]
    if len(kept) < 2:
        raise ReadError(
            f"{series.case}: all slices share one place; wanted two or more"
        )
    _refuse_holes(series, offsets)
    count = max(2, round(float(np.ptp(offsets)) / stack.gap) + 1)
    gap = float(np.ptp(offsets)) / (count - 1)
    places = offsets[0] + gap * np.arange(count)
    before = np.clip(np.searchsorted(offsets, places, "right") - 1, 0, len(kept) - 2)
    weights = (places - offsets[before]) / np.diff(offsets)[before]
    shifts, start, size = _plan_shifts(series, kept, rows, columns)
    spacing = series.slices[0].spacing
    axes = (stack.normal * gap, stack.down * spacing[0], stack.along * spacing[1])
    affine = np.eye(4)
    affine[:3, :3] = np.column_stack(axes)
    affine[:3, 3] = start + stack.normal * offsets[0]
    geometry = Geometry(affine, all(item.is_calibrated for item in series.slices))
    return Grid(
        geometry, (count, *size), tuple(kept.tolist()), tuple(before.tolist()),
        np.clip(weights, 0.0, 1.0), shifts,
    )  # fmt: skip


def _refuse_holes(series: Series, offsets: FloatArray) -> None:
    gap = series.stack.gap
    most = MAX_HOLE_GAPS * gap
    if series.slices[0].is_calibrated:
        most = max(most, min(MAX_HOLE_MM, _MOST_GAPS * gap))
    widest = float(np.diff(offsets).max())
    if widest > most * (1 + 1e-6):
        raise ReadError(
            f"{series.case}: a hole of {widest:.1f} between slices is too wide to be "
            f"bridged (at most {most:.1f}, usual gap {gap:.4g}); add the missing "
            "slices, or part the series there"
        )


def _plan_shifts(
    series: Series, kept: Array, rows: int, columns: int
) -> tuple[FloatArray, FloatArray, tuple[int, int]]:
    """Shift of each slice in pixels, in-plane start in mm, rows and columns."""
    stack, spacing = series.stack, series.slices[0].spacing
    positions = stack.positions[kept]
    beside = positions - np.outer(stack.offsets[kept], stack.normal)
    axes = np.column_stack([stack.down * spacing[0], stack.along * spacing[1]])
    shifts: FloatArray = (beside - beside[0]) @ np.linalg.pinv(axes).T  # (n, 2)
    is_straight = np.ptp(shifts, axis=0).max() <= SIDEWAYS_SHARE
    if is_straight:
        return np.zeros_like(shifts), beside.mean(axis=0), (rows, columns)
    low = shifts.min(axis=0)
    shifts = shifts - low
    more = np.ceil(shifts.max(axis=0) - 1e-6).astype(int)
    size = (rows + int(more[0]), columns + int(more[1]))
    return shifts, beside[0] + axes @ low, size


def fill_grid(
    grid: Grid, read: Callable[[int], Array], out: Array, *, is_whole: bool
) -> None:
    """Write the resampled slices into `out`; places outside all take its minimum.

    Args:
        grid: from `plan_grid`.
        read: (C, H, W) of a slice by its index in the series; called once for
            each, in rising order.
        out: (C, D, H, W) to write into.
        is_whole: round to whole numbers.
    """
    held: dict[int, tuple[Array, Box]] = {}
    boxes: list[tuple[Box, ...]] = []
    lowest = np.inf
    for at, (before, weight) in enumerate(zip(grid.before, grid.weights, strict=True)):
        wanted = (before, before + 1)
        held = {key: held[key] for key in wanted if key in held}
        for key in wanted:
            if key not in held:
                plane = read(grid.kept[key])
                lowest = min(lowest, float(plane.min()))
                held[key] = move_plane(plane, grid.shifts[key], grid.shape[1:])
        mixed = _mix(held[before], held[before + 1], float(weight))
        out[:, at] = np.rint(mixed) if is_whole else mixed
        if at % RELEASED_SLICES == 0:
            release(out)
        boxes.append(tuple(held[key][1] for key in wanted))
    for at, inside in enumerate(boxes):
        mask = np.ones(grid.shape[1:], dtype=bool)
        for box in inside:
            mask[_window(box)] = False
        if mask.any():
            out[:, at, mask] = lowest


def move_plane(
    plane: Array, shift: FloatArray, size: tuple[int, int]
) -> tuple[Array, Box]:
    """A plane moved by whole and part pixels, and the box where it has values.

    Args:
        plane: (C, H, W).
        shift: rows and columns to move by, 0 or above.
        size: (rows, columns) of the result.

    Returns:
        (C, rows, columns) float32 (float64 for such input), 0 outside the box.
    """
    kind = np.float64 if plane.dtype.itemsize > 4 else np.float32
    moved = plane.astype(kind, copy=False)
    box: list[int] = []
    for axis, step in zip((1, 2), shift, strict=True):
        whole = int(np.floor(step + 1e-9))
        part = float(step - whole)
        if part > 1e-6:
            first, last = _ends(moved, axis)
            # Pixel r of the result lies between r - whole - 1 and r - whole.
            moved, whole = first * kind(part) + last * kind(1 - part), whole + 1
        box += [whole, whole + moved.shape[axis]]
    result = np.zeros((plane.shape[0], *size), dtype=kind)
    window: Box = (box[0], box[1], box[2], box[3])
    result[(slice(None), *_window(window))] = moved
    return result, window


def _ends(values: Array, axis: int) -> tuple[Array, Array]:
    """All but the last, and all but the first, along an axis."""
    count = values.shape[axis]
    first = np.take(values, range(count - 1), axis=axis)
    return first, np.take(values, range(1, count), axis=axis)


def _window(box: Box) -> tuple[slice, slice]:
    return slice(box[0], box[1]), slice(box[2], box[3])


def _mix(one: tuple[Array, Box], two: tuple[Array, Box], weight: float) -> Array:
    """Weighted mean where both have values, else the one that has."""
    (first, box), (second, other) = one, two
    mixed = first * first.dtype.type(1 - weight) + second * second.dtype.type(weight)
    if box == other:
        return np.asarray(mixed)
    mine = np.zeros(first.shape[1:], dtype=bool)
    theirs = mine.copy()
    mine[_window(box)], theirs[_window(other)] = True, True
    mixed = np.where(mine & ~theirs, first, mixed)
    return np.asarray(np.where(theirs & ~mine, second, mixed))
