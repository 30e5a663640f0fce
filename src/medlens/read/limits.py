"""How much an input file may ask for before it is refused.

The constants are read at each call, so a program with other needs may set
`medlens.read.limits.MAX_PIXELS = …` once at its start.
"""

from __future__ import annotations

from medlens.core import ReadError

MAX_SIDE = 20_000
"""Rows or columns of one image."""

MAX_PIXELS = 200_000_000
"""Rows x columns of one image."""

MAX_BYTES = 4 << 30
"""Bytes of one decoded image or volume, and of one file read whole."""

MAX_INFLATED_BYTES = 512 << 20
"""Bytes that a deflated DICOM data set may grow to."""

MAX_ARRAY_BYTES = 64 << 30
"""Bytes of one array inside an .npz; large ones are kept on disk."""

MAX_MEMBERS = 10_000_000
"""Images inside one file."""


def check_size(case: str, *, rows: int, columns: int, bytes_per_pixel: int = 1) -> None:
    """Refuse an image by its header, before a pixel is decoded.

    Args:
        case: local key, for the message.
        rows, columns: as the header says.
        bytes_per_pixel: all samples of one pixel together.

    Raises:
        ReadError: a side is 0, or the image is larger than the limits.
    """
    if rows < 1 or columns < 1:
        raise ReadError(
            f"{case}: the header says {columns} columns x {rows} rows; "
            "wanted at least 1 x 1; the file is damaged"
        )
    too_big = max(rows, columns) > MAX_SIDE or rows * columns > MAX_PIXELS
    if too_big or rows * columns * bytes_per_pixel > MAX_BYTES:
        raise ReadError(
            f"{case}: {columns} x {rows} pixels is larger than the limit "
            f"({MAX_SIDE:,} a side, {MAX_PIXELS // 1_000_000} megapixels); "
            "scale it down, or raise medlens.read.limits.MAX_PIXELS"
        )


def check_volume(case: str, *, voxels: int, bytes_per_voxel: int) -> None:
    """Refuse a volume that would need more memory than the limit.

    Raises:
        ReadError: it would.
    """
    if voxels * bytes_per_voxel > MAX_BYTES:
        raise ReadError(
            f"{case}: the header asks for {voxels * bytes_per_voxel / 2**30:.1f} GiB "
            f"of voxels; the limit is {MAX_BYTES / 2**30:.0f} GiB; crop it, or raise "
            "medlens.read.limits.MAX_BYTES"
        )
