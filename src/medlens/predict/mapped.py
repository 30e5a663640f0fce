"""Arrays that lie in files where they are large."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import numpy as np

from medlens.core import Array, ResourceError

LARGE_BYTES = 128_000_000
"""Arrays above this size are laid into files."""


def allocate(shape: tuple[int, ...], dtype: Any) -> Array:
    """An empty array: in memory, or where it is large in a file without a name.

    The file lies in the folder for temporary files (TMPDIR) and is gone with the
    array, whatever happens to the process. Its space is taken at once, so that a
    full disk is told here and not in the middle of the work.

    Raises:
        ResourceError: the disk has not so much space.
    """
    kind = np.dtype(dtype)
    size = int(np.prod(shape, dtype=object)) * kind.itemsize
    if size <= LARGE_BYTES:
        return np.empty(shape, kind)
    try:
        with tempfile.TemporaryFile() as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)
            return np.memmap(file, kind, "r+", shape=shape)
    except OSError as error:
        raise ResourceError(
            f"{size / 1e6:.0f} MB of temporary files are needed "
            f"({error.strerror}); free disk space, or set TMPDIR to a folder with more"
        ) from error


def allocate_prepared(shape: tuple[int, int, int, int]) -> Array:
    """An array for a prepared volume: float32, where it is large float16 in a file.

    Numbers of 0..1 are right to 1 in 4000 then, which is finer than what training
    keeps; the file is half as long.

    Raises:
        ResourceError: the disk has not so much space.
    """
    is_large = 4 * int(np.prod(shape, dtype=object)) > LARGE_BYTES
    return allocate(shape, np.float16 if is_large else np.float32)
