"""Where torch works, and that it works the same way each time."""

from __future__ import annotations

import contextlib
import ctypes
import os

import torch

from medlens.recipe.settings import Recipe


def choose_device() -> torch.device:
    """The GPU when torch sees one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def prepare_torch(recipe: Recipe) -> None:
    """Same recipe, same kind of machine → same bits."""
    # cuBLAS repeats its sums only with a workspace of fixed size (its manual,
    # "Results reproducibility"); it looks when the first GPU tensor is made.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(recipe.train.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    keep_freed_memory()


# Parameters of glibc's mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_KEPT = 1 << 30  # bytes


def keep_freed_memory() -> None:
    """Let the C library keep what torch frees; every step needs it again.

    By default blocks above 32 MB go back to the system when they are freed, and
    each step pays for getting and clearing them anew: a quarter to a third of
    the time of a training step on two cores. Where the C library is not glibc
    nothing happens.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT)
        mallopt(_M_TRIM_THRESHOLD, _LARGEST_KEPT)
