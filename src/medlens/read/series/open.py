"""A series → one `Image`, slice by slice into an array made for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from medlens.core import Array, Geometry, Image, Provenance, ReadError, release
from medlens.read import limits
from medlens.read.open import open_image
from medlens.read.series.find import find_series
from medlens.read.series.resample import (
    RELEASED_SLICES,
    Grid,
    fill_grid,
    plan_grid,
)
from medlens.read.series.series import Series
from medlens.read.series.slices import Slice

Uneven = Literal["refuse", "resample", "keep"]
Allocate = Callable[[tuple[int, ...], Any], Array]

_OF_A_SLICE = ("InstanceNumber", "NumberOfFrames", "SpacingBetweenSlices")


def open_series(
    series: Series | str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    uneven: Uneven = "refuse",
    allocate: Allocate = np.empty,
) -> Image:
    """Read a series as a volume.

    Args:
        series: from `find_series` or `picture_series`; or a folder or files
            that hold exactly one.
        uneven: what to do where slices are missing, doubled, unevenly spaced or
            beside each other. "refuse": raise. "resample": interpolate linearly
            onto an even grid at the usual gap, without shear (tilted stacks are
            set upright too). "keep": stack the slices as they are, one by one,
            with `Geometry.is_calibrated` False, for models that look at slices
            in turn.
        allocate: makes the array from shape and dtype; `numpy.empty`, or
            something that maps a file.

    Returns:
        (C, D, H, W) with D along the slice normal (`along` x `down`), LPS
        geometry; an even tilted stack keeps its voxels and has a sheared
        affine unless it is resampled. Facts name `NumberOfSlices`, `SliceGap`,
        `GantryTilt` and, where it was asked for, `Resampled`.

    Raises:
        ReadError: a slice cannot be read, slices differ, the volume is larger
            than `medlens.read.limits` allows, or slices are uneven.
    """
    if uneven not in ("refuse", "resample", "keep"):
        raise ValueError("uneven must be 'refuse', 'resample' or 'keep'")
    if not isinstance(series, Series):
        series = _only_series(series)
    if not series.is_even and uneven == "refuse" and len(series.slices) > 1:
        raise ReadError(_refusal(series))
    tilted = float(np.linalg.norm(series.stack.shear)) > 0
    moves = uneven == "resample" and (not series.is_even or tilted)
    volume = _Volume.plan(series, is_resampled=moves and len(series.slices) > 1)
    return volume.read(allocate)


def _only_series(
    where: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
) -> Series:
    found = find_series(where)
    if len(found.series) == 1:
        return found.series[0]
    name = Path(where).name if isinstance(where, str | os.PathLike) else "the files"
    if found.series:
        cases = ", ".join(f"'{item.case}'" for item in found.series[:8])
        raise ReadError(
            f"{name}: holds {len(found.series)} series: {cases}; pick one of "
            "find_series(…).series"
        )
    first = found.left_out[0] if found.left_out else None
    why = f"; first: '{first.case}' {first.reason}" if first else ""
    raise ReadError(f"{name}: holds no DICOM series of two slices or more{why}")


def _refusal(series: Series) -> str:
    return (
        f"{series.case}: {'; '.join(series.findings)}; wanted evenly spaced slices, "
        "each once: add or remove files, or consent to linear resampling with "
        "uneven='resample', --uneven resample in commands that have it ('keep' stacks "
        "them as they are, without mm)"
    )


@dataclass(frozen=True)
class _Volume:
    """What will be read: shape, type and place, known before the first voxel."""

    series: Series
    first: Image
    channels: int
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    geometry: Geometry
    grid: Grid | None

    @classmethod
    def plan(cls, series: Series, *, is_resampled: bool) -> _Volume:
        """Check limits by the headers (for pictures, by the first of them)."""
        head = series.slices[0].pixels
        count = len(series.slices)
        if head is not None:
            dtype = _dtype_of(series.slices)
            size = (count, head.rows, head.columns)
            _check(series, 1, size, dtype)
        middle = _open(series.slices[count // 2])
        if head is None:
            dtype, size = middle.array.dtype, (count, *middle.array.shape[2:])
        # Grey pictures come with one channel even where they are stored in three.
        stored = middle.provenance.facts.get("SamplesPerPixel", "1")
        channels = 3 if head is None and stored == "3" else middle.array.shape[0]
        grid = plan_grid(series, size[1], size[2]) if is_resampled else None
        if grid is not None:
            size = grid.shape
        geometry = series.geometry if grid is None else grid.geometry
        if grid is None and not series.is_even:
            geometry = replace(geometry, is_calibrated=False)
        _check(series, channels, size, dtype)
        return cls(series, middle, channels, size, dtype, geometry, grid)

    def read(self, allocate: Allocate) -> Image:
        """Decode slice by slice."""
        slices = self.series.slices
        array = self._allocate(allocate)
        reader = _Reader(self)
        if self.grid is None:
            for at in range(len(slices)):
                array[:, at] = reader.read(at)
                if at % RELEASED_SLICES == 0:
                    release(array)
        else:
            whole = self.dtype.kind in "iub"
            fill_grid(self.grid, reader.read, array, is_whole=whole)
        if not reader.is_coloured:
            array = array[:1]
        return Image(
            array=array,
            geometry=self.geometry,
            modality=self.first.modality,
            stage=self.first.stage,
            bits_stored=max(reader.bits),
            voi=self.first.voi,
            valid_min=_end(min, reader.lows),
            valid_max=_end(max, reader.highs),
            provenance=self._provenance(reader.uids),
        )

    def _allocate(self, allocate: Allocate) -> Array:
        shape = (self.channels, *self.shape)
        try:
            return allocate(shape, self.dtype)
        except MemoryError:
            size = int(np.prod(shape, dtype=object)) * self.dtype.itemsize
            raise ReadError(
                f"{self.series.case}: there is not enough memory for "
                f"{size / 2**20:,.0f} MB of voxels; free some, or map a file with "
                "allocate"
            ) from None

    def _provenance(self, uids: list[str]) -> Provenance:
        made = self.first.provenance
        facts = {k: v for k, v in made.facts.items() if k not in _OF_A_SLICE}
        stack = self.series.stack
        facts["NumberOfSlices"] = str(len(self.series.slices))
        facts["SliceGap"] = f"{stack.gap:.6g}"
        if np.linalg.norm(stack.shear) > 0:
            facts["GantryTilt"] = f"{stack.tilt_degrees:.2f}"
        if self.grid is not None:
            facts["Resampled"] = f"linear, {self.shape[0]} slices"
        kept = {k: v for k, v in made.uids.items() if k != "SOPInstanceUID"}
        if any(uids):
            # Results name the instances that they were made of (PS3.3 C.17.2).
            kept["SOPInstanceUIDs"] = "\\".join(dict.fromkeys(uids))
        return Provenance(self.series.case, made.format, kept, facts)


class _Reader:
    """Opens slices one by one, holds them against the plan and keeps their facts."""

    def __init__(self, volume: _Volume) -> None:
        self._volume = volume
        self.bits: set[int] = set()
        self.lows: list[float | None] = []
        self.highs: list[float | None] = []
        self.uids: list[str] = []
        self.is_coloured = False

    def read(self, at: int) -> Array:
        """(C, H, W) of one slice.

        Raises:
            ReadError: its size or colours differ from the others'.
        """
        item, volume = self._volume.series.slices[at], self._volume
        image = _open(item)
        rows, columns = volume.first.array.shape[2:]
        if image.array.shape[1:] != (1, rows, columns):
            depth, height, width = image.array.shape[1:]
            found = f"{width} x {height}" + (f" x {depth}" if depth > 1 else "")
            raise ReadError(
                f"{volume.series.case}: slice '{item.name}' has {found} pixels, others "
                f"{columns} x {rows}; wanted one size; scale or leave it out"
            )
        self._check_values(image, item)
        self.is_coloured |= image.array.shape[0] == 3 or volume.channels == 1
        self.bits.add(image.bits_stored)
        self.lows.append(image.valid_min)
        self.highs.append(image.valid_max)
        self.uids.append(image.provenance.uids.get("SOPInstanceUID", ""))
        plane: Array = image.array[:, 0]
        return plane

    def _check_values(self, image: Image, item: Slice) -> None:
        volume = self._volume
        if image.array.shape[0] > volume.channels:
            raise ReadError(
                f"{volume.series.case}: slice '{item.name}' is in colour, others are "
                "grey; wanted one kind; convert them"
            )
        found, wanted = image.array.dtype, volume.dtype
        fits = np.can_cast(found, wanted, "safe") or (
            item.pixels is not None and _holds(wanted, image.array)
        )
        if not fits:
            raise ReadError(
                f"{volume.series.case}: slice '{item.name}' has values of type "
                f"{found}, others {wanted}; wanted one depth; convert them"
            )


def _holds(dtype: np.dtype[Any], values: Array) -> bool:
    """Whether a type chosen by the headers has room for what was decoded."""
    if dtype.kind == "f":
        return True
    info = np.iinfo(dtype)
    in_range = values.min() >= info.min and values.max() <= info.max
    return bool(values.dtype.kind in "iu" and in_range)


def _open(item: Slice) -> Image:
    return open_image(item.path, member=item.member, case=item.case)


def _end(choose: Callable[..., float], ends: list[float | None]) -> float | None:
    known = [end for end in ends if end is not None]
    return choose(known) if len(known) == len(ends) and known else None


def _dtype_of(slices: Sequence[Slice]) -> np.dtype[Any]:
    """Smallest type that holds the values of all slices, by their headers."""
    heads = [item.pixels for item in slices if item.pixels is not None]
    if not all(head.is_whole for head in heads):
        return np.dtype(np.float64 if any(h.is_wide for h in heads) else np.float32)
    low = min(head.low or 0.0 for head in heads)
    high = max(head.high or 0.0 for head in heads)
    for name in ("uint8", "int8", "uint16", "int16", "int32", "uint32"):
        info = np.iinfo(name)
        if info.min <= low and high <= info.max:
            return np.dtype(name)
    return np.dtype(np.float64)


def _check(
    series: Series, channels: int, shape: tuple[int, int, int], dtype: np.dtype[Any]
) -> None:
    voxels = channels * shape[0] * shape[1] * shape[2]
    limits.check_volume(series.case, voxels=voxels, bytes_per_voxel=dtype.itemsize)
    limits.check_size(series.case, rows=shape[1], columns=shape[2])
