"""The state of a training run on disk: whole or not there, never half."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import torch

from medlens.core import ResourceError, TrainError

NAME = "checkpoint.pt"


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Write the state beside the old one, make it durable, then swap names.

    Raises:
        ResourceError: the disk is full; the older checkpoint is untouched.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    unfinished = folder / f"{NAME}.part"
    try:
        with unfinished.open("wb") as file:
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(folder / NAME)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise ResourceError(
            f"training: the checkpoint cannot be written ({error.strerror}); free "
            f"{len(buffer.getvalue()) / 1e6:.0f} MB of disk space and run the same "
            "command again: it goes on from the last whole checkpoint"
        ) from error


def load_checkpoint(folder: Path, *, digest: str) -> dict[str, Any] | None:
    """The state of an earlier, interrupted run of the same recipe and data.

    Args:
        folder: of the run.
        digest: of everything that decides the weights.

    Returns:
        None when there is none.

    Raises:
        TrainError: there is one, of another recipe or other data.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if state.get("digest") != digest:
        raise TrainError(
            "training: the checkpoint in this folder belongs to another recipe or "
            "other data; choose another --out, or pass --force to start afresh"
        )
    return state


def drop_checkpoint(folder: Path) -> None:
    """Forget the checkpoint once its run has been exported."""
    (folder / NAME).unlink(missing_ok=True)
