"""The voxels of a NIfTI file, laid piece by piece where they belong.

One array of the answer's size and a few MB are held, however the file is
packed, scaled or ordered. The file is read and not mapped: under a mapping a file
that another program cuts short ends the process.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from medlens.core import Array, ReadError, release

Allocate = Callable[[tuple[int, ...], Any], Array]
PIECE_BYTES = 1 << 20
RELEASED_BYTES = 64 << 20  # pages of a mapped array are let go this often


@dataclass(frozen=True)
class Coding:
    """How voxels are stored and what they become.

    Attributes:
        stored: type in the file; with fields for RGB24 and RGBA32.
        dtype: of the answer, in native byte order.
        fields: names of the colours, () where voxels are grey.
        slope, inter: scaling; None where values stay as they are.
    """

    stored: np.dtype[Any]
    dtype: np.dtype[Any]
    fields: tuple[str, ...] = ()
    slope: float | None = None
    inter: float = 0.0

    @property
    def sample(self) -> np.dtype[Any]:
        """Type of one colour, or of a grey voxel."""
        return self.stored[self.fields[0]] if self.fields else self.stored

    @property
    def channels(self) -> int:
        """1 or 3."""
        return len(self.fields) or 1

    def bytes_of(self, grid: tuple[int, int, int]) -> int:
        """What the voxels of a grid take in the file."""
        return int(np.prod(grid, dtype=object)) * self.stored.itemsize


def coding_of(nifti: Any) -> Coding:
    """What a header says of its voxels.

    NIfTI-1 standard, scl_slope: a slope of 0 means that nothing is scaled; RGB is
    never scaled. Scaled values of 8 and 16 bits become float32, others float64.

    Args:
        nifti: nibabel's header object.
    """
    stored: np.dtype[Any] = nifti.get_data_dtype()
    fields = (stored.names or ())[:3]
    sample = stored[fields[0]] if fields else stored
    is_plain = sample.kind in "iuf" and sample.itemsize <= 8
    native = sample.newbyteorder("=") if is_plain else np.dtype(np.float64)
    slope, inter = (float(nifti[key]) for key in ("scl_slope", "scl_inter"))
    is_scaled = np.isfinite([slope, inter]).all() and slope != 0 and not fields
    if not is_scaled or (slope == 1 and inter == 0):
        return Coding(stored, native, fields)
    work = np.dtype(np.float64 if native.itemsize > 2 else np.float32)
    return Coding(stored, work, fields, slope, inter)


def read_voxels(
    file: IO[bytes],
    coding: Coding,
    grid: tuple[int, int, int],
    order: list[int],
    *,
    case: str,
    allocate: Allocate = np.empty,
) -> Array:
    """(C, D, H, W) rescaled values of one volume.

    Args:
        file: at its first voxel; i is fastest, k slowest.
        coding: from `coding_of`.
        grid: (i, j, k) size.
        order: the file axes that become D, H, W.
        case: local key, for messages.
        allocate: makes the array from shape and dtype.

    Raises:
        ReadError: the file ends before the last voxel, or its packing is damaged.
    """
    shape = (coding.channels, *(grid[axis] for axis in order))
    array = allocate(shape, coding.dtype)
    # (C, D, H, W) -> (C, i, j, k), the same memory
    by_file = array.transpose(0, *(1 + order.index(axis) for axis in range(3)))
    done, whole = 0, coding.bytes_of(grid)
    held = 0
    for across, along in _pieces(grid, coding.stored.itemsize):
        block = (grid[0], across.stop - across.start, along.stop - along.start)
        size = coding.bytes_of(block)
        data = _read(file, size)
        done += len(data)
        if len(data) < size:
            raise ReadError(tell_cut(case, wanted=whole, found=f"{done:,}"))
        stored = np.frombuffer(data, dtype=coding.stored).reshape(block, order="F")
        _lay(stored, coding, by_file[:, :, across, along])
        held += stored.size * coding.channels * coding.dtype.itemsize
        if held >= RELEASED_BYTES:
            release(array)
            held = 0
    return array


def tell_cut(case: str, *, wanted: int, found: str) -> str:
    """What is said of a file that ends before its last voxel; both in bytes."""
    return (
        f"{case}: the NIfTI file is truncated or damaged: wanted {wanted:,} bytes of "
        f"voxels, found {found}; copy it again"
    )


def _pieces(grid: tuple[int, int, int], itemsize: int) -> Iterator[tuple[slice, slice]]:
    """Parts of the axes j and k, in the order of the file."""
    row, rows, planes = grid[0] * itemsize, grid[1], grid[2]
    if row * rows > PIECE_BYTES:
        step = max(1, PIECE_BYTES // row)
        for k in range(planes):
            for j in range(0, rows, step):
                yield slice(j, min(j + step, rows)), slice(k, k + 1)
        return
    step = PIECE_BYTES // (row * rows)
    for k in range(0, planes, step):
        yield slice(0, rows), slice(k, min(k + step, planes))


def _lay(stored: Array, coding: Coding, place: Array) -> None:
    """Stored (i, j, k) values → (C, i, j, k) of the answer."""
    if coding.fields:
        for channel, name in enumerate(coding.fields):
            place[channel] = stored[name]
        return
    with np.errstate(over="ignore", invalid="ignore"):  # the check for finite tells
        if coding.slope is None:
            place[0] = stored
        else:
            work = stored.astype(np.float64)
            work *= coding.slope
            work += coding.inter
            place[0] = work


def _read(file: IO[bytes], size: int) -> bytes:
    """`size` bytes, fewer at the end, and never more: a gzip bomb stays packed."""
    try:
        return file.read(size)
    except (OSError, EOFError, zlib.error):
        return b""
