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
        folder.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(folder / NAME)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise ResourceError(
            f"training: the checkpoint cannot be written ({error.strerror}); free "
            f"{buffer.getbuffer().nbytes / 1e6:.0f} MB of disk space and run the same "
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
        TrainError: there is one, but it is damaged, or of another recipe or
            other data.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
        found = state["digest"]
    except Exception as error:  # torch has no error class for a file it cannot read
        raise TrainError(
            f"training: the checkpoint in this folder is damaged "
            f"({type(error).__name__}); pass --force to start afresh"
        ) from error
    if found != digest:
        raise TrainError(
            "training: the checkpoint in this folder belongs to another recipe or "
            "other data; choose another --out, or pass --force to start afresh"
        )
    whole: dict[str, Any] = state
    return whole


def drop_checkpoint(folder: Path) -> None:
    """Forget the checkpoint once its run has been exported."""
    (folder / NAME).unlink(missing_ok=True)
