"""One service for one folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medlens.core import ResourceError, UsageError

NAME = "service.lock"


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Keep other services off a folder; freed by the system when the process ends.

    Raises:
        UsageError: another service works in it.
        ResourceError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / NAME, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise ResourceError(
            f"--data {folder.name}: cannot be written ({error.strerror}); choose "
            "another folder"
        ) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(
                f"--data {folder.name}: another medlens serve works in this folder; "
                "stop it, or choose another folder"
            ) from None
        yield
    finally:
        os.close(handle)
