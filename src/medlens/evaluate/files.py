"""Result files that are whole or not there, and JSON that every reader accepts."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medlens.core import DataError, ResourceError

SCHEMA = "medlens/metrics/1"
MAX_JSON_BYTES = 64 * 2**20


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old one or the whole new one.

    Raises:
        ResourceError: the disk is full or the folder cannot be written.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w",
            encoding="utf-8",
            newline="",
            dir=path.parent,
            prefix=f".{path.name}.",
            delete=False,
        ) as stream:
            temporary = stream.name
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        # A temporary file is private to its owner; a result is like any other file.
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink(missing_ok=True)
        raise ResourceError(
            f"{path.name}: cannot be written ({error.strerror or 'unknown reason'}); "
            "free disk space or pick another folder with --out"
        ) from error


def write_metrics(
    path: Path, splits: Mapping[str, Mapping[str, Any]], task: Mapping[str, Any]
) -> None:
    """Write `metrics.json`.

    Args:
        path: the file.
        splits: name of a split → what `measure_split` gave.
        task: kind, labels and positive label.

    Raises:
        ResourceError: the file cannot be written.
        ValueError: a value is NaN or infinite; JSON has neither.
    """
    document = {"schema": SCHEMA, "task": dict(task), "splits": dict(splits)}
    text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
    write_atomically(path, text + "\n")


def read_metrics(path: Path) -> dict[str, Any]:
    """The document of a `metrics.json`.

    Raises:
        DataError: no such file, too large, not JSON or of another schema.
    """
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise DataError(f"{path.name}: larger than 64 MB; not a metrics.json")
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"{path.name}: cannot be read ({error.strerror}); run: medlens evaluate"
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{path.name}: not valid JSON; run: medlens evaluate"
        ) from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA or not isinstance(document.get("splits"), dict):
        raise DataError(
            f"{path.name}: schema {str(schema)[:60]!r}, wanted {SCHEMA!r}; "
            "run: medlens evaluate"
        )
    return dict(document)


def _umask() -> int:
    """The process's file mode mask; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
