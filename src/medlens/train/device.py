"""Where torch works, and that it works the same way each time."""

from __future__ import annotations

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
