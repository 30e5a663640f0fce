"""Memory-mapped arrays: what was written or read need not stay resident."""

from __future__ import annotations

import mmap

import numpy as np

from medlens.core.image import Array


def is_mapped(array: Array) -> bool:
    """Whether the array lies in a file and not in this process's own memory."""
    return _mapping(array) is not None


def release(array: Array) -> None:
    """Let go of a mapped array's pages; the system keeps them as long as it likes.

    Pages of a file that a process has touched count as its memory until it is
    short, and a limit may stop it before. Nothing is lost: a shared mapping's pages
    belong to the file. Arrays that lie in memory stay as they are.
    """
    mapping = _mapping(array)
    if mapping is not None and hasattr(mapping, "madvise"):
        mapping.madvise(mmap.MADV_DONTNEED)


def _mapping(array: Array) -> mmap.mmap | None:
    """The shared mapping under an array or a view of one.

    Copy-on-write mappings ("c") are left out: their changed pages exist nowhere else.
    """
    base: object = array
    is_shared = False
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap):
            is_shared = base.mode in ("r", "r+", "w+")
        base = base.base
    return base if is_shared and isinstance(base, mmap.mmap) else None
