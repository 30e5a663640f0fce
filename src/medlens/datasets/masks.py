"""The mask of a case: a file of label values → label indices on the image's grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medlens.core import Array, Geometry, Image, ReadError
from medlens.datasets.manifest import Case, CaseSlice
from medlens.datasets.volumes import open_case, series_of
from medlens.read import list_members, open_image

_HALF_VOXEL = 0.5
# JPEG spreads the two values of a mask: this near to an end counts as one.
_NEAR = 48
_CLEAR = 0.95

Grid = tuple[tuple[int, int, int], Geometry]


def open_mask(
    case: Case, mask_values: Sequence[int], *, image: Image | None = None
) -> NDArray[np.uint8]:
    """Label index of each voxel of a case, on the grid of its image.

    Masks with a place in the patient are turned and flipped onto the image's
    axes where they are stored another way round; nothing is interpolated.

    Args:
        case: with a mask, or with slices that have masks.
        mask_values: value of each label in the files, in the order of the
            labels; at most 256.
        image: the case as `open_case` gave it (slices kept as they are), to
            spare a second reading.

    Returns:
        (D, H, W) uint8 indices into `mask_values`; where masks belong to
        slices, in the order of `case.slices`.

    Raises:
        ReadError: no mask, unreadable, in colour, of another grid (more than
            half a voxel apart anywhere), or with values that are no label.
    """
    if case.mask is None and any(part.mask for part in case.slices):
        return _open_slices(case, mask_values, image)
    if case.mask is None:
        raise ReadError(f"{case.key}: has no mask; wanted one")
    stored = read_mask(case.mask, case=case.key, member=case.member)
    array = _onto(stored, _grid_of(case, image), case.key)
    return _to_indices(array, mask_values, case.key)


def read_mask(path: Path, *, case: str, member: str = "") -> Image:
    """A mask as it is stored, one channel.

    Args:
        path: NIfTI, PNG, TIFF, BMP, or a JPEG of two values.
        case: local key of the image that it belongs to, for messages.
        member: of the image's file; used where the mask's file has several too.

    Returns:
        (1, D, H, W); JPEG becomes 0 and 255 again.

    Raises:
        ReadError: unreadable, in colour, or a JPEG of more than two values.
    """
    name = f"{case}: mask '{path.name}'"
    inside = _members(path, name)
    image = open_image(path, member=member if inside != [""] else "", case=name)
    if image.array.shape[0] != 1:
        raise ReadError(
            f"{name} is in colour; wanted one whole number a label: save it in grey"
        )
    if image.provenance.format == "jpeg":
        return image.with_array(_two_values(image.array, name))
    return image


def _members(path: Path, name: str) -> list[str]:
    try:
        return list_members(path)
    except ReadError as error:
        raise ReadError(f"{name}{str(error).removeprefix(path.name)}") from None


def _two_values(array: Array, name: str) -> Array:
    is_clear = (array < _NEAR) | (array > 255 - _NEAR)
    if is_clear.mean() < _CLEAR:
        raise ReadError(
            f"{name} is a JPEG of more than two values, which JPEG changes; wanted "
            "PNG, TIFF or NIfTI"
        )
    return np.where(array >= 128, np.uint8(255), np.uint8(0))


def _open_slices(
    case: Case, mask_values: Sequence[int], image: Image | None
) -> NDArray[np.uint8]:
    """Masks of slices, one by one, so that one is held besides the result."""
    size = image.array.shape[1:] if image is not None else _slice_size(case)
    if size[0] != len(case.slices):
        raise ReadError(
            f"{case.key}: the image has {size[0]} slices, its masks "
            f"{len(case.slices)}; open it with uneven='keep'"
        )
    result = np.empty(size, np.uint8)
    for at, part in enumerate(case.slices):
        if part.mask is None:
            raise ReadError(f"{part.key}: has no mask, other slices have one")
        plane = read_mask(part.mask, case=part.key, member=part.member).array[0]
        if plane.shape != (1, *size[1:]):
            raise ReadError(_sizes_differ(part.key, plane.shape, (1, *size[1:])))
        result[at] = _to_indices(plane, mask_values, part.key)[0]
    return result


def _slice_size(case: Case) -> tuple[int, ...]:
    first: CaseSlice = case.slices[0]
    image = open_image(first.path, member=first.member, case=first.key)
    return (len(case.slices), *image.array.shape[2:])


def _grid_of(case: Case, image: Image | None) -> Grid:
    """Size and place of a case's image, from headers where that is enough."""
    if image is None and case.slices:
        series = series_of(case)
        _, rows, columns = _slice_size(case)
        known = series.geometry.is_calibrated and series.is_even
        geometry = series.geometry if known else Geometry.uncalibrated()
        return (len(case.slices), rows, columns), geometry
    image = open_case(case, uneven="keep") if image is None else image
    depth, rows, columns = image.array.shape[1:]
    return (depth, rows, columns), image.geometry


def _onto(mask: Image, grid: Grid, key: str) -> Array:
    """(D, H, W) stored values in the image's order of axes and directions."""
    shape, geometry = grid
    array: Array = mask.array[0]
    if not (geometry.is_calibrated and mask.geometry.is_calibrated):
        if array.shape != shape:
            raise ReadError(_sizes_differ(key, array.shape, shape))
        return array
    # Image index -> mask index.
    turn = np.linalg.inv(mask.geometry.affine) @ geometry.affine
    order = np.abs(turn[:3, :3]).argmax(axis=0).tolist()
    if len(set(order)) < 3:
        raise ReadError(_elsewhere(key, None))
    turned: Array = array.transpose(order)
    if turned.shape != shape:
        raise ReadError(_sizes_differ(key, array.shape, shape))
    backs = [axis for axis in range(3) if turn[order[axis], axis] < 0]
    away = _offset(turn, shape, order, backs)
    if away > _HALF_VOXEL:
        raise ReadError(_elsewhere(key, away))
    return np.asarray(np.flip(turned, tuple(backs)))


def _offset(
    turn: NDArray[np.float64],
    shape: tuple[int, int, int],
    order: Sequence[int],
    backs: Sequence[int],
) -> float:
    """Largest distance, in voxels of the mask, over the corners of the grid.

    Args:
        turn: (4, 4) image index → mask index.
        shape: of the image.
        order: mask axis of each image axis.
        backs: image axes along which the mask runs backwards.
    """
    ends = np.array(shape) - 1
    corners = np.array(list(np.ndindex(2, 2, 2))) * ends  # (8, 3)
    there = corners @ turn[:3, :3].T + turn[:3, 3]
    wanted = np.empty_like(there)
    for axis in range(3):
        index = corners[:, axis]
        wanted[:, order[axis]] = ends[axis] - index if axis in backs else index
    return float(np.abs(there - wanted).max())


def _elsewhere(key: str, away: float | None) -> str:
    far = "at an angle to it" if away is None else f"up to {away:.1f} voxels away"
    return (
        f"{key}: its mask lies elsewhere in the patient than the image ({far}); wanted "
        "the same grid: resample the mask to the image (nearest neighbour), or "
        "correct its affine"
    )


def _sizes_differ(key: str, found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    shown = [" × ".join(map(str, shape)) for shape in (found, wanted)]
    return (
        f"{key}: its mask has {shown[0]} voxels (slices × rows × columns), the image "
        f"{shown[1]}; wanted the same grid: resample the mask (nearest neighbour)"
    )


def _to_indices(
    array: Array, mask_values: Sequence[int], key: str
) -> NDArray[np.uint8]:
    """Values → indices, plane by plane, so that no copy is wider than a byte."""
    if not 0 < len(mask_values) <= 256:
        raise ValueError("mask_values must name 1 to 256 values")
    values = np.array(mask_values, np.int64)
    order = np.argsort(values).astype(np.uint8)
    ascending = values[order]
    result = np.empty(array.shape, np.uint8)
    for at, plane in enumerate(array):
        place = np.searchsorted(ascending, plane).clip(0, len(values) - 1)
        odd = ascending[place] != plane
        if odd.any():
            raise ReadError(_no_label(key, float(plane[odd][0]), mask_values))
        result[at] = order[place]
    return result


def _no_label(key: str, value: float, mask_values: Sequence[int]) -> str:
    if not value.is_integer():
        return _fraction(key, value)
    known = ", ".join(map(str, sorted(mask_values)[:20]))
    return f"{key}: its mask holds {value:.0f}, which is no label; wanted {known}"


def _fraction(key: str, value: float) -> str:
    return (
        f"{key}: its mask holds {value:.4g}, which is no whole number, as "
        "interpolation leaves it; wanted one whole number a label: resample by "
        "nearest neighbour"
    )


def count_values(mask: Image, key: str) -> dict[int, int]:
    """Value → voxels of a mask, plane by plane.

    Raises:
        ReadError: a value that is no whole number of at most 32 bits.
    """
    counts: dict[int, int] = {}
    for whole in _whole_planes(mask.array[0], key):
        low, high = int(whole.min()), int(whole.max())
        if high - low < 1 << 17:
            tally = np.bincount((whole - low).ravel())
            values = np.flatnonzero(tally)
            found = zip((values + low).tolist(), tally[values].tolist(), strict=True)
        else:
            each, many = np.unique(whole, return_counts=True)
            found = zip(each.tolist(), many.tolist(), strict=True)
        for value, n in found:
            counts[value] = counts.get(value, 0) + n
    return counts


def _whole_planes(array: Array, key: str) -> Iterator[NDArray[np.int64]]:
    for plane in array:
        if plane.dtype.kind == "f":
            odd = plane != np.rint(plane)
            if odd.any():
                raise ReadError(_fraction(key, float(plane[odd][0])))
            if np.abs(plane).max() >= 2**31:
                raise ReadError(f"{key}: its mask holds values of more than 32 bits")
        yield plane.astype(np.int64)
