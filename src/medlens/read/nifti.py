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
from medlens.read.source import Source, parse_member

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


def read_nifti(source: Source, member: str = "") -> Image:
    """One volume (or slice) of a NIfTI file.

    Args:
        source: a .nii or .nii.gz file, by content.
        member: "volume:<t>", or "" for a file with one volume.

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
        stored = _read_voxels(file, header, index, source)
    channels = _channels(stored)
    values, stage_changed = _rescale(channels, header.nifti)
    check_finite(values, source.case)
    order, affine = _placement(header, source.case)
    array = np.ascontiguousarray(values.transpose(0, *(1 + axis for axis in order)))
    span = _span(channels.dtype, header.nifti) if not stage_changed else None
    return Image(
        array=array,
        geometry=affine,
        stage="rescaled",
        bits_stored=channels.dtype.itemsize * 8,
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


def _read_voxels(file: IO[bytes], header: _Header, index: int, source: Source) -> Array:
    """(i, j, k) stored values of one volume, in Fortran order as in the file."""
    dtype = header.nifti.get_data_dtype()
    voxels = int(np.prod(header.grid, dtype=object))
    rows, columns = (
        header.grid[axis] for axis in (1, 0, 2) if axis != header.slice_axis
    )
    limits.check_size(source.case, rows=rows, columns=columns)
    limits.check_volume(source.case, voxels=voxels, bytes_per_voxel=dtype.itemsize)
    size = voxels * dtype.itemsize
    start = _first_voxel(header, source) + index * size
    if start > limits.MAX_ARRAY_BYTES:
        raise ReadError(f"{source.case}: the NIfTI header points past any data")
    try:
        # A gzip file seeks by reading on, a block at a time.
        file.seek(start)
    except (OSError, EOFError, zlib.error):
        raise ReadError(f"{source.case}: the NIfTI file is damaged") from None
    data = _read_exactly(file, size, source)
    _check_end(file, source)
    return np.frombuffer(data, dtype=dtype).reshape(header.grid, order="F")


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


def _channels(stored: Array) -> Array:
    """(C, i, j, k): RGB24 and RGBA32 become three channels, grey ones one."""
    if stored.dtype.names:
        return np.stack([stored[name] for name in stored.dtype.names[:3]])
    return stored[None]


def _rescale(values: Array, nifti: Any) -> tuple[Array, bool]:
    """Values in native byte order, rescaled; True if they became fractions.

    NIfTI-1 standard, scl_slope: a slope of 0 means that nothing is scaled;
    RGB is never scaled.
    """
    kind, itemsize = values.dtype.kind, values.dtype.itemsize
    slope, inter = (float(nifti[key]) for key in ("scl_slope", "scl_inter"))
    scaled = np.isfinite([slope, inter]).all() and slope != 0 and values.shape[0] == 1
    if kind not in "iuf" or itemsize > 8:
        values = values.astype(np.float64)
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if not scaled or (slope == 1 and inter == 0):
        return values, values.dtype.kind == "f"
    work = np.float64 if itemsize > 2 else np.float32
    result = np.empty_like(values, dtype=work)
    axis = int(np.argmax(values.strides))  # whole slices lie one after the other
    with np.errstate(over="ignore", invalid="ignore"):
        # Slice by slice: the volume in float64 would be eight times its 8 bits.
        planes = np.moveaxis(values, axis, 0), np.moveaxis(result, axis, 0)
        for stored, rescaled in zip(*planes, strict=True):
            rescaled[...] = stored.astype(np.float64) * slope + inter
    return result, True


def _span(dtype: np.dtype[Any], _: Any) -> tuple[float, float] | None:
    if dtype.kind not in "iu":
        return None
    info = np.iinfo(dtype)
    return float(info.min), float(info.max)


def _axis_order(header: _Header) -> list[int]:
    """The file axes that become D, H, W."""
    in_plane = [axis for axis in (0, 1, 2) if axis != header.slice_axis]
    return [header.slice_axis, in_plane[1], in_plane[0]]


def _placement(header: _Header, case: str) -> tuple[list[int], Geometry]:
    """Which file axis becomes D, H, W, and the affine of that grid."""
    order = _axis_order(header)
    # Columns of the map (d, h, w, 1) -> (i, j, k, 1)
    turn = np.zeros((4, 4))
    turn[3, 3] = 1
    for column, axis in enumerate(order):
        turn[axis, column] = 1
    affine, calibrated = _best_affine(header)
    try:
        if not np.isfinite(affine).all():
            raise ValueError
        return order, Geometry(_RAS_TO_LPS @ affine @ turn, calibrated)
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
