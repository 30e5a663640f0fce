"""NIfTI-1 and -2 (.nii, .nii.gz) → Image; the one place where RAS becomes LPS."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from medlens.core import Array, Geometry, Image, Provenance, ReadError
from medlens.read import limits
from medlens.read.finite import check_finite
from medlens.read.nifti_voxels import (
    Allocate,
    Coding,
    coding_of,
    read_voxels,
    tell_cut,
)
from medlens.read.source import Source, parse_member

_MOST_PACKED = 1032  # bytes that deflate can pack into one
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
# xyzt_units, lowest three bits: unknown (taken as mm), metre, mm, micrometre
_MM_PER_UNIT = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}


@dataclass(frozen=True)
class _Header:
    """What the header says.

    Attributes:
        nifti: nibabel's header object.
        grid: (i, j, k) size.
        volumes: product of the fourth and further axes.
        slice_axis: 0, 1 or 2: the axis of slices (the only one of a single
            voxel, else as dim_info says, else k).
    """

    nifti: Any
    grid: tuple[int, int, int]
    volumes: int
    slice_axis: int


def count_volumes(source: Source) -> int:
    """Volumes in the file: 1, or the product of the fourth and further axes."""
    with _open(source) as file:
        return _read_header(file, source).volumes


def read_grid(source: Source) -> tuple[int, int, int, int]:
    """(volumes, D, H, W) of the file, from its header alone.

    Raises:
        ReadError: the header is damaged or cut off.
    """
    with _open(source) as file:
        header = _read_header(file, source)
    depth, rows, columns = (header.grid[axis] for axis in _axis_order(header))
    return header.volumes, depth, rows, columns


def read_nifti(
    source: Source, member: str = "", *, allocate: Allocate = np.empty
) -> Image:
    """One volume (or slice) of a NIfTI file.

    Args:
        source: a .nii or .nii.gz file, by content.
        member: "volume:<t>", or "" for a file with one volume.
        allocate: makes the array from shape and dtype; besides it a few MB are
            held.

    Returns:
        (C, D, H, W) where, for the file's axes (i, j, k), W = i, H = j and
        D = k, or whichever axis dim_info names as that of the slices; a single
        slice in any plane has D = 1. Voxels keep their order and the affine
        says where they lie, in LPS mm. Values
        are rescaled by scl_slope and scl_inter; stage "rescaled".

    Raises:
        ReadError: cut off, damaged, too large, a header without its pixels,
            pixels that are not numbers, or NaN and infinite pixels.
    """
    with _open(source) as file:
        header = _read_header(file, source)
        index = parse_member(member, "volume", header.volumes, source.case)
        coding, order = coding_of(header.nifti), _axis_order(header)
        _check_voxels(header, coding, source.case)
        affine = _placement(header, order, source.case)
        _seek(file, header, coding, index, source)
        array = read_voxels(
            file, coding, header.grid, order, case=source.case, allocate=allocate
        )
        _check_end(file, source)
    check_finite(array, source.case)
    is_whole = coding.slope is None and coding.dtype.kind != "f"
    span = _span(coding.sample) if is_whole else None
    return Image(
        array=array,
        geometry=affine,
        stage="rescaled",
        bits_stored=coding.sample.itemsize * 8,
        valid_min=span[0] if span else None,
        valid_max=span[1] if span else None,
        provenance=Provenance(source.case, "nifti", facts=_facts(header, array)),
    )


def _open(source: Source) -> IO[bytes]:
    try:
        with source.path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        return gzip.open(source.path) if packed else source.path.open("rb")  # type: ignore[return-value]
    except OSError as error:
        raise ReadError(
            f"{source.case}: cannot be opened ({error.strerror or 'input error'})"
        ) from None


def _read_exactly(file: IO[bytes], size: int, source: Source) -> bytes:
    """`size` bytes and never more, so that a gzip bomb stays packed."""
    try:
        data = file.read(size)
    except (OSError, EOFError, zlib.error):
        data = b""
    if len(data) < size:
        raise ReadError(
            f"{source.case}: the NIfTI file is truncated or damaged: wanted "
            f"{size:,} more bytes, found {len(data):,}; copy it again"
        )
    return data


def _read_header(file: IO[bytes], source: Source) -> _Header:
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header
    from nibabel.spatialimages import HeaderDataError

    start = _read_exactly(file, 348, source)
    is_second = start[4:7] in (b"n+2", b"ni2")
    if is_second:
        start += _read_exactly(file, 540 - 348, source)
    magic = start[4:8] if is_second else start[344:348]
    if magic[:2] == b"ni":
        raise ReadError(
            f"{source.case}: is the header of a NIfTI pair (.hdr + .img); "
            "save it as one .nii or .nii.gz file"
        )
    try:
        nifti = (Nifti2Header if is_second else Nifti1Header)(start, check=False)
        shape = tuple(int(size) for size in nifti.get_data_shape())
        dtype = nifti.get_data_dtype()
    except (HeaderDataError, ValueError, KeyError, OverflowError):
        raise ReadError(f"{source.case}: the NIfTI header is damaged") from None
    if not 1 <= len(shape) <= 7 or min(shape, default=0) < 1:
        raise ReadError(
            f"{source.case}: the NIfTI header gives {len(shape)} axes with sizes "
            f"{shape}; wanted 1 to 7 axes of 1 voxel or more"
        )
    if dtype.itemsize == 0 or not (dtype.names or dtype.kind in "iuf"):
        raise ReadError(
            f"{source.case}: the NIfTI voxels are {_type_name(dtype)}; wanted "
            "integers, floats or RGB; convert it"
        )
    shape = (*shape, 1, 1, 1)[: max(3, len(shape))]
    volumes = int(np.prod(shape[3:], dtype=object))
    if volumes > limits.MAX_MEMBERS:
        raise ReadError(f"{source.case}: holds {volumes:,} volumes; that is too many")
    grid = (shape[0], shape[1], shape[2])
    return _Header(nifti, grid, volumes, _slice_axis(nifti, grid))


def _slice_axis(nifti: Any, grid: tuple[int, int, int]) -> int:
    """The file axis that becomes D."""
    single = [axis for axis in (0, 1, 2) if grid[axis] == 1]
    if len(single) == 1:  # one sagittal or coronal slice is a picture, not a line
        return single[0]
    named = nifti.get_dim_info()[2]
    return 2 if named is None else int(named)


def _type_name(dtype: np.dtype[Any]) -> str:
    return "complex numbers" if dtype.kind == "c" else "of no known type"


def _check_voxels(header: _Header, coding: Coding, case: str) -> None:
    """Refuse by the header what is too large, before memory is asked for."""
    rows, columns = (
        header.grid[axis] for axis in (1, 0, 2) if axis != header.slice_axis
    )
    limits.check_size(case, rows=rows, columns=columns)
    each = max(coding.stored.itemsize, coding.channels * coding.dtype.itemsize)
    voxels = int(np.prod(header.grid, dtype=object))
    limits.check_volume(case, voxels=voxels, bytes_per_voxel=each)


def _seek(
    file: IO[bytes], header: _Header, coding: Coding, index: int, source: Source
) -> None:
    """Go to the first voxel of a volume.

    Raises:
        ReadError: the file cannot hold the volume; said here, before the array is
            made, since disk or memory is taken for that.
    """
    size = coding.bytes_of(header.grid)
    start = _first_voxel(header, source) + index * size
    if start > limits.MAX_ARRAY_BYTES:
        raise ReadError(f"{source.case}: the NIfTI header points past any data")
    is_packed = isinstance(file, gzip.GzipFile)
    most = max(0, source.size * (_MOST_PACKED if is_packed else 1) - start)
    if most < size:
        found = f"{'at most ' if is_packed else ''}{most:,}"
        raise ReadError(tell_cut(source.case, wanted=size, found=found))
    try:
        # A gzip file seeks by reading on, a block at a time.
        file.seek(start)
    except (OSError, EOFError, zlib.error):
        raise ReadError(f"{source.case}: the NIfTI file is damaged") from None


def _first_voxel(header: _Header, source: Source) -> int:
    """vox_offset in bytes, refused where it points into the header itself."""
    offset, least = float(header.nifti["vox_offset"]), header.nifti.single_vox_offset
    if not least <= offset < np.inf:
        raise ReadError(
            f"{source.case}: the NIfTI header puts the voxels at byte {offset:g} "
            f"(vox_offset); wanted {least} or more; write the file again"
        )
    return int(offset)


def _check_end(file: IO[bytes], source: Source) -> None:
    """Let gzip compare its checksum where the last voxel has just been read."""
    try:
        file.read(1)
    except (OSError, EOFError, zlib.error):
        raise ReadError(
            f"{source.case}: the gzip data of the NIfTI file is damaged or cut off "
            "(checksum); copy it again"
        ) from None


def _span(dtype: np.dtype[Any]) -> tuple[float, float] | None:
    if dtype.kind not in "iu":
        return None
    info = np.iinfo(dtype)
    return float(info.min), float(info.max)


def _axis_order(header: _Header) -> list[int]:
    """The file axes that become D, H, W."""
    in_plane = [axis for axis in (0, 1, 2) if axis != header.slice_axis]
    return [header.slice_axis, in_plane[1], in_plane[0]]


def _placement(header: _Header, order: list[int], case: str) -> Geometry:
    """The affine of the grid whose D, H, W are these file axes."""
    # Columns of the map (d, h, w, 1) -> (i, j, k, 1)
    turn = np.zeros((4, 4))
    turn[3, 3] = 1
    for column, axis in enumerate(order):
        turn[axis, column] = 1
    affine, calibrated = _best_affine(header)
    try:
        if not np.isfinite(affine).all():
            raise ValueError
        return Geometry(_RAS_TO_LPS @ affine @ turn, calibrated)
    except ValueError:
        raise ReadError(
            f"{case}: the NIfTI affine is singular or not finite; "
            "correct sform or qform"
        ) from None


def _best_affine(header: _Header) -> tuple[Array, bool]:
    """RAS mm affine of (i, j, k): sform, else qform, else pixdim alone."""
    from nibabel.spatialimages import HeaderDataError

    nifti = header.nifti
    unit = _MM_PER_UNIT.get(int(nifti["xyzt_units"]) & 7, 1.0)
    sizes = np.asarray(nifti["pixdim"][1:4], dtype=np.float64)
    has_form = int(nifti["sform_code"]) > 0 or int(nifti["qform_code"]) > 0
    if not has_form and not (np.isfinite(sizes).all() and (sizes > 0).all()):
        return np.eye(4), False
    try:
        affine = np.asarray(nifti.get_best_affine(), dtype=np.float64)
    except (HeaderDataError, ValueError):  # a quaternion that is no rotation
        affine = np.zeros((4, 4))
    # A product, not a matrix product: NaN must reach the check without a warning.
    return affine * np.array([[unit], [unit], [unit], [1.0]]), True


def _facts(header: _Header, array: Array) -> dict[str, str]:
    nifti = header.nifti
    return {
        "Rows": str(array.shape[2]),
        "Columns": str(array.shape[3]),
        "NumberOfSlices": str(array.shape[1]),
        "NumberOfVolumes": str(header.volumes),
        "SamplesPerPixel": str(array.shape[0]),
        "SformCode": str(int(nifti["sform_code"])),
        "QformCode": str(int(nifti["qform_code"])),
    }
