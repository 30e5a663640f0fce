"""The front door: a path in, an `Image` out, the reader chosen by content.

Readers are imported when the first file of their kind is met, so that a PNG
costs numpy and OpenCV only.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from medlens.core import Array, Image, ReadError
from medlens.read.source import Source, open_source


def open_image(
    path: str | os.PathLike[str],
    *,
    member: str = "",
    case: str = "",
    allocate: Callable[[tuple[int, ...], Any], Array] | None = None,
) -> Image:
    """Read one image; the content decides how, never the suffix.

    Args:
        path: a DICOM, NIfTI, PNG, JPEG, TIFF, BMP, WebP or .npz file.
        member: which image of a file that holds several, as `list_members`
            names them: "frame:3", "volume:0", "train_images:17".
        case: local key for messages and `Image.provenance`; the file's bare
            name where it is not given.
        allocate: makes the array of a NIfTI volume from shape and dtype, in memory
            (default) or in a file; other formats are decoded in memory.

    Returns:
        The image with axes (C, D, H, W); see `docs/read.md` for the values,
        stage and geometry of each format.

    Raises:
        ReadError: the file is missing, damaged, no image, or larger than
            `medlens.read.limits` allows.
    """
    source = open_source(path, case)
    try:
        return _read(source, member, allocate)
    except MemoryError:
        raise ReadError(
            f"{source.case}: there is not enough memory to decode it; "
            "scale it down or free memory"
        ) from None


def open_preview(
    path: str | os.PathLike[str], *, member: str = "", case: str = "", size: int = 256
) -> Image:
    """A quick grey look at an image, for audits of many files.

    Large 8-bit JPEGs are decoded at 1/2, 1/4 or 1/8 scale, luminance only;
    everything else is decoded whole and averaged down.

    Args:
        path, member, case: as in `open_image`.
        size: the shorter side stays at least this long, where the image has
            as many pixels, and comes out shorter than twice of it.

    Returns:
        (1, D, h, w), values in the unit of `open_image`; facts hold the true
        `Rows`, `Columns` and `SamplesPerPixel`.

    Raises:
        ReadError: as in `open_image`.
    """
    from medlens.read.preview import to_preview

    source = open_source(path, case)
    if source.kind == "jpeg":
        from medlens.read.raster import read_raster

        return to_preview(read_raster(source, member, preview=size), size)
    return to_preview(open_image(path, member=member, case=case), size)


def list_members(path: str | os.PathLike[str]) -> list[str]:
    """Names of the images in a file; [""] for a file with a single one.

    Returns:
        "frame:0", "frame:1", … for multi-frame DICOM and multi-page TIFF;
        "volume:0", … for NIfTI with a fourth axis; "<array>:0", … for every
        array of an .npz whose name ends in "_images".

    Raises:
        ReadError: the file is missing, damaged or no image.
    """
    source = open_source(path)
    if source.kind == "npz":
        from medlens.read.npz import list_npz

        return list_npz(source)
    if source.kind == "dicom":
        from medlens.read.dicom import count_frames

        return _names("frame", count_frames(source))
    if source.kind == "tiff":
        from medlens.read.tiff import count_pages

        return _names("frame", count_pages(source))
    if source.kind == "nifti":
        from medlens.read.nifti import count_volumes

        return _names("volume", count_volumes(source))
    return [""]


def _names(prefix: str, count: int) -> list[str]:
    return [""] if count == 1 else [f"{prefix}:{index}" for index in range(count)]


def _read(
    source: Source,
    member: str,
    allocate: Callable[[tuple[int, ...], Any], Array] | None,
) -> Image:
    if source.kind == "npz":
        from medlens.read.npz import read_npz

        return read_npz(source, member)
    if source.kind == "dicom":
        from medlens.read.dicom import read_dicom

        return read_dicom(source, member)
    if source.kind == "tiff":
        from medlens.read.tiff import read_tiff

        return read_tiff(source, member)
    if source.kind == "nifti":
        from medlens.read.nifti import read_nifti

        if allocate is None:
            return read_nifti(source, member)
        return read_nifti(source, member, allocate=allocate)
    from medlens.read.raster import read_raster

    return read_raster(source, member)
