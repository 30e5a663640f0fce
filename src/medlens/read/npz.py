"""MedMNIST-like .npz archives: stacks of images under names ending in "_images".

The last arrays opened stay in memory up to a budget, because training reads
one image after the other and inflating 4,708 images for each would cost hours.
Arrays above the budget are inflated once into an unnamed file on disk.
"""

from __future__ import annotations

import os
import tempfile
import threading
import tokenize
import zipfile
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import IO

import numpy as np

from medlens.core import Array, Geometry, Image, Provenance, ReadError
from medlens.read import limits
from medlens.read.finite import check_finite
from medlens.read.planes import to_planes
from medlens.read.source import Source, open_source, parse_member

IMAGES = "_images"
MEMORY_BUDGET = 256 << 20
"""Bytes of arrays kept in memory; larger arrays are kept on disk."""

_BLOCK = 1 << 20
_cache: OrderedDict[tuple[str, int, int, str], Array] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True)
class NpzArray:
    """Name, shape and dtype of an array in an archive, read without its data."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]


def list_arrays(path: str | os.PathLike[str], *, case: str = "") -> list[NpzArray]:
    """What an .npz archive holds, from its headers alone.

    Raises:
        ReadError: no .npz archive, damaged, or an array of Python objects.
    """
    return _list(_npz_source(path, case))


def open_array(path: str | os.PathLike[str], name: str, *, case: str = "") -> Array:
    """One array of an .npz archive, read-only; pickled objects are refused.

    Calls with the same file and name share one copy while it is cached.

    Args:
        path: an .npz archive.
        name: without ".npy".
        case: local key for messages.

    Raises:
        ReadError: no such array, damaged, or larger than the limits.
    """
    return _open(_npz_source(path, case), name)


def list_npz(source: Source) -> list[str]:
    """Member names of every image in the archive."""
    stacks = [entry for entry in _list(source) if entry.name.endswith(IMAGES)]
    if not stacks:
        raise ReadError(
            f"{source.case}: the .npz archive has no array whose name ends in "
            f"'{IMAGES}'; wanted for instance 'train{IMAGES}' of shape (N, H, W)"
        )
    if sum(entry.shape[0] for entry in stacks if entry.shape) > limits.MAX_MEMBERS:
        raise ReadError(f"{source.case}: holds more than {limits.MAX_MEMBERS:,} images")
    return [
        f"{entry.name}:{index}"
        for entry in stacks
        for index in range(entry.shape[0] if entry.shape else 0)
    ]


def read_npz(source: Source, member: str) -> Image:
    """One image of an archive.

    Args:
        source: an .npz file.
        member: "<array>:<index>".

    Returns:
        (C, D, H, W) of the stored dtype: (N, H, W) and (N, H, W, 3) arrays
        have D = 1, (N, D, H, W) ones are volumes. Geometry is uncalibrated.

    Raises:
        ReadError: no such member, or an array that holds no images.
    """
    name = member.partition(":")[0]
    if not name.endswith(IMAGES):
        raise ReadError(
            f"{source.case}: an .npz archive holds arrays of images; wanted a member, "
            f"for instance 'train{IMAGES}:0' (list_members gives what there is)"
        )
    stack = _open(source, name)
    if stack.ndim not in (3, 4) or stack.dtype.kind not in "buif":
        raise ReadError(
            f"{source.case}: array '{name}' has {stack.ndim} axes of {stack.dtype}; "
            "wanted numbers of shape (N, H, W), (N, H, W, 3) or (N, D, H, W)"
        )
    rows, columns = stack.shape[1:3] if stack.shape[-1] == 3 else stack.shape[-2:]
    limits.check_size(source.case, rows=rows, columns=columns)
    index = parse_member(member, name, stack.shape[0], source.case)
    return _to_image(np.array(stack[index]), source, name)


def _to_image(pixels: Array, source: Source, name: str) -> Image:
    bits = 1 if pixels.dtype.kind == "b" else pixels.dtype.itemsize * 8
    native = np.uint8 if bits == 1 else pixels.dtype.newbyteorder("=")
    pixels = pixels.astype(native, copy=False)
    check_finite(pixels, source.case)
    is_volume = pixels.ndim == 3 and pixels.shape[-1] != 3
    array = pixels[None] if is_volume else to_planes(pixels)
    span = _span(pixels.dtype, bits)
    return Image(
        array=array,
        geometry=Geometry.uncalibrated(),
        bits_stored=bits,
        valid_min=span[0] if span else None,
        valid_max=span[1] if span else None,
        provenance=Provenance(
            source.case,
            "npz",
            facts={
                "Array": name,
                "Rows": str(array.shape[2]),
                "Columns": str(array.shape[3]),
                "SamplesPerPixel": "3" if pixels.shape[-1] == 3 else "1",
            },
        ),
    )


def _span(dtype: np.dtype[np.generic], bits: int) -> tuple[float, float] | None:
    """Smallest and largest value that pixels can take; None for floats."""
    if dtype.kind == "f":
        return None
    if bits == 1:  # True and False: black and white, not two shades of black
        return 0.0, 1.0
    info = np.iinfo(dtype)  # type: ignore[type-var]
    return float(info.min), float(info.max)


def _npz_source(path: str | os.PathLike[str], case: str) -> Source:
    source = open_source(path, case)
    if source.kind != "npz":
        raise ReadError(f"{source.case}: is {source.kind}; wanted an .npz archive")
    return source


def _list(source: Source) -> list[NpzArray]:
    found = []
    with _open_zip(source) as archive:
        for info in archive.infolist():
            if info.filename.endswith(".npy"):
                name = info.filename.removesuffix(".npy")
                with _open_entry(archive, info.filename, source) as file:
                    shape, _, dtype = _read_npy_header(file, source, name)
                found.append(NpzArray(name, shape, dtype))
    return found


def _open_zip(source: Source) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(source.path)
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError):
        raise ReadError(
            f"{source.case}: the .npz archive is damaged or cut off; fetch it again"
        ) from None


def _open_entry(archive: zipfile.ZipFile, name: str, source: Source) -> IO[bytes]:
    try:
        return archive.open(name)
    except (zipfile.BadZipFile, RuntimeError, OSError, ValueError, KeyError):
        raise ReadError(
            f"{source.case}: an array of the .npz archive is damaged or locked with "
            "a password; fetch it again"
        ) from None


def _read_npy_header(
    file: IO[bytes], source: Source, name: str
) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    """Shape, Fortran order and dtype of an .npy stream, which then stands at its data.

    NumPy parses the header with ast.literal_eval, bounded to 10,000 characters.
    """
    try:
        version = np.lib.format.read_magic(file)
        reader = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = reader(file)
    except (
        ValueError,
        EOFError,
        OSError,
        zipfile.BadZipFile,
        zlib.error,
        RuntimeError,  # RecursionError among them: brackets without end
        MemoryError,
        tokenize.TokenError,
    ):
        raise _damaged_array(source, name) from None
    if min(shape, default=0) < 0:
        raise _damaged_array(source, name)
    if dtype.hasobject:
        raise ReadError(
            f"{source.case}: array '{name}' holds pickled Python objects, which can "
            "run code when read; save it as plain numbers"
        )
    return shape, fortran, dtype


def _damaged_array(source: Source, name: str) -> ReadError:
    return ReadError(
        f"{source.case}: array '{name}' of the .npz archive is damaged; fetch the "
        "archive again"
    )


def _open(source: Source, name: str) -> Array:
    key = (*source.stamp, name)
    # One lock for look-up and load: two threads never inflate the same array.
    with _lock:
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
        array = _load(source, name)
        array.setflags(write=False)
        _cache[key] = array
        _shrink_cache()
        return array


def _shrink_cache() -> None:
    """Drop the oldest arrays until the rest fits the budget."""
    held = sum(item.nbytes for item in _cache.values() if not _on_disk(item))
    while held > MEMORY_BUDGET and len(_cache) > 1:
        _, dropped = _cache.popitem(last=False)
        held -= 0 if _on_disk(dropped) else dropped.nbytes


def _on_disk(array: Array) -> bool:
    return isinstance(array, np.memmap) or isinstance(array.base, np.memmap)


def _load(source: Source, name: str) -> Array:
    with _open_zip(source) as archive:
        if name + ".npy" not in archive.namelist():
            names = ", ".join(entry.name for entry in _list(source)[:8])
            raise ReadError(
                f"{source.case}: the .npz archive has no array '{name}'; it has {names}"
            )
        with _open_entry(archive, name + ".npy", source) as file:
            shape, fortran, dtype = _read_npy_header(file, source, name)
            size = int(np.prod(shape, dtype=object)) * dtype.itemsize
            if dtype.itemsize == 0:  # such as "<U0": nothing that could be viewed
                raise _damaged_array(source, name)
            if size > limits.MAX_ARRAY_BYTES:
                raise ReadError(
                    f"{source.case}: array '{name}' asks for {size / 2**30:.0f} GiB; "
                    f"the limit is {limits.MAX_ARRAY_BYTES / 2**30:.0f} GiB"
                )
            flat = _inflate(file, size, source, name)
    array = flat.view(dtype)
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)


def _inflate(file: IO[bytes], size: int, source: Source, name: str) -> Array:
    """`size` bytes of the stream, in memory or on disk."""
    flat: Array
    if size <= MEMORY_BUDGET:
        flat = np.empty(size, dtype=np.uint8)
    else:
        flat = _disk_array(size, source, name)
    target, done = memoryview(flat), 0  # type: ignore[arg-type]
    try:
        while done < size:
            block = file.read(min(_BLOCK, size - done))
            if not block:
                raise EOFError
            target[done : done + len(block)] = block
            done += len(block)
    except (EOFError, OSError, ValueError, zipfile.BadZipFile, zlib.error):
        raise ReadError(
            f"{source.case}: array '{name}' is cut off or damaged after {done:,} of "
            f"{size:,} bytes; fetch the archive again"
        ) from None
    return flat


def _disk_array(size: int, source: Source, name: str) -> Array:
    """Bytes in a temporary file without a name, so that nothing is left behind."""
    folder = tempfile.gettempdir()
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    if size > free:
        raise ReadError(
            f"{source.case}: array '{name}' needs {size / 2**30:.1f} GiB of temporary "
            f"disk and {free / 2**30:.1f} GiB are free; set TMPDIR to a larger disk"
        )
    with tempfile.TemporaryFile(dir=folder) as file:
        file.truncate(size)
        return np.memmap(file, dtype=np.uint8, mode="r+", shape=(size,))
