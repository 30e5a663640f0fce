"""What the audit keeps of a volume, a series of slices and a mask."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from medlens.core import Array, Image, ReadError
from medlens.datasets.hashes import make_thumbnail
from medlens.datasets.manifest import Case
from medlens.datasets.masks import open_mask
from medlens.datasets.signals import Signal, measure_signal, middle_plane
from medlens.datasets.volumes import open_case, series_of
from medlens.read import open_image

PLANES = 8
"""Planes that stand for a volume, at equal shares of its depth."""

PLANE_SIDE = 32


def measure_case(case: Case, *, mask_values: Sequence[int] = ()) -> Signal:
    """Everything the audit wants of a case: image, volume or series.

    A series is read slice by slice, so that one slice is held at a time,
    however many there are.

    Args:
        case: of any manifest.
        mask_values: where masks are the labels; the mask is looked at too.

    Raises:
        ReadError: the image or its mask cannot be read, or do not fit.
    """
    if case.slices and not mask_values:
        return _measure_slices(case)
    image = open_case(case, uneven="keep")
    signal = measure_signal(image, _file_of(case), member=case.member)
    if image.array.shape[1] > 1:
        signal = _add_volume(signal, image)
    if case.slices:
        signal = _add_series(signal, case)
    if mask_values:
        mask = open_mask(case, mask_values, image=image)
        voxels, extents = measure_mask(mask, len(mask_values))
        signal = replace(signal, voxels=voxels, extents=extents)
    return signal


def _file_of(case: Case) -> Path:
    return case.slices[len(case.slices) // 2].path if case.slices else case.path


def keep_planes(depth: int, read: Callable[[int], Array]) -> NDArray[np.uint8]:
    """(PLANES, S, S) thumbnails at equal shares of the depth.

    Args:
        depth: slices of the volume.
        read: slice number → (H, W) grey plane.
    """
    return np.stack([_small(read(at)) for at in planes_of(depth)])


def planes_of(depth: int) -> list[int]:
    """Slices that stand for a volume: the middles of eight equal parts."""
    return [int((part + 0.5) * depth / PLANES) for part in range(PLANES)]


def _small(plane: Array) -> NDArray[np.uint8]:
    known = plane.dtype in (np.uint8, np.uint16, np.int16, np.float32, np.float64)
    plane = np.ascontiguousarray(plane if known else plane.astype(np.float32))
    # Averaged first: percentiles of a large plane cost more than the rest.
    size = (min(plane.shape[1], 4 * PLANE_SIDE), min(plane.shape[0], 4 * PLANE_SIDE))
    small: Array = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    return make_thumbnail(small, side=PLANE_SIDE)


def _add_volume(signal: Signal, image: Image) -> Signal:
    """The signal of a volume with its planes and the gap between slices."""

    def grey(at: int) -> Array:
        return middle_plane(image.with_array(image.array[:, at : at + 1]))

    gap = image.geometry.spacing[0] if image.geometry.is_calibrated else 0.0
    return replace(signal, gap=gap, planes=keep_planes(image.array.shape[1], grey))


def _add_series(signal: Signal, case: Case) -> Signal:
    series = series_of(case)
    files = {part.path for part in case.slices}
    calibrated = series.slices[0].is_calibrated
    return replace(
        signal,
        gap=float(series.stack.gap) if calibrated and len(case.slices) > 1 else 0.0,
        spacing=series.slices[0].spacing if calibrated else (0.0, 0.0),
        findings=() if series.is_even else series.findings,
        file_bytes=sum(_size_of(path) for path in files),
    )


def _measure_slices(case: Case) -> Signal:
    """A series, slice by slice in the order of the volume."""
    depth = len(case.slices)
    wanted = planes_of(depth)
    digest = hashlib.blake2b(f"{depth}".encode(), digest_size=16)
    kept: dict[int, NDArray[np.uint8]] = {}
    ends: list[float] = []
    size: tuple[int, ...] = ()
    middle: Image | None = None
    for at, part in enumerate(case.slices):
        image = open_image(part.path, member=part.member, case=part.key)
        size = size or image.array.shape[2:]
        if image.array.shape[2:] != size:
            raise ReadError(
                f"{part.key}: has another size than other slices of the series; wanted "
                "one size"
            )
        digest.update(np.ascontiguousarray(image.array).data)
        ends += [float(image.array.min()), float(image.array.max())]
        if at in wanted:
            kept[at] = _small(middle_plane(image))
        middle = image if at == depth // 2 else middle
    assert middle is not None
    part = case.slices[depth // 2]
    signal = measure_signal(middle, part.path, member=part.member)
    signal = replace(
        signal,
        digest=digest.digest(),
        depth=depth,
        low=min(ends),
        high=max(ends),
        planes=np.stack([kept[at] for at in wanted]) if depth > 1 else None,
    )
    return _add_series(signal, case)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def measure_mask(
    mask: NDArray[np.uint8], count: int
) -> tuple[tuple[int, ...], tuple[tuple[int, int, int], ...]]:
    """Voxels of each label, and the slices, rows and columns that it spans."""
    voxels = np.zeros(count, np.int64)
    spans = [[np.zeros(size, bool) for size in mask.shape] for _ in range(count)]
    for at, plane in enumerate(mask):
        here = np.bincount(plane.ravel(), minlength=count)
        voxels += here
        for label in np.flatnonzero(here[1:]) + 1:
            inside = plane == label
            spans[label][0][at] = True
            spans[label][1] |= inside.any(axis=1)
            spans[label][2] |= inside.any(axis=0)
    extents = [(_length(span[0]), _length(span[1]), _length(span[2])) for span in spans]
    extents[0] = (mask.shape[0], mask.shape[1], mask.shape[2])
    return tuple(int(n) for n in voxels), tuple(extents)


def _length(where: NDArray[np.bool_]) -> int:
    found = np.flatnonzero(where)
    return int(found[-1] - found[0] + 1) if len(found) else 0
