"""The run folder: what is in it, whose it is, and whether it may be written."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medlens.core import ExistsError, ResourceError, UsageError

STATE = "run.json"
WORK = "work"
# Everything a run writes; --force removes these and nothing else.
OWN_FILES = (
    "audit.json",
    "recipe.toml",
    "splits.csv",
    "history.csv",
    "predictions.csv",
    "predictions_series.csv",
    "metrics.json",
    "report.html",
    STATE,
)
OWN_FOLDERS = ("bundle", "bundle.part", "bundle.old", WORK)


@dataclass(frozen=True)
class RunFolder:
    """Paths of one run.

    Attributes:
        path: the folder.
        is_resumed: an earlier, interrupted run of the same command is gone
            on with.
    """

    path: Path
    is_resumed: bool

    @property
    def work(self) -> Path:
        """Cache and checkpoint; removed when the run is done."""
        return self.path / WORK

    def file(self, name: str) -> Path:
        """A file of the run."""
        return self.path / name

    def read_state(self) -> dict[str, Any]:
        """run.json as far as it has been written."""
        return read_json(self.path / STATE) or {}

    def write_state(self, state: dict[str, Any]) -> None:
        """Replace run.json."""
        write_json(self.path / STATE, state)


def refuse_existing(out: Path, *, force: bool) -> None:
    """Keep a table of an earlier command, unless it may be replaced.

    Raises:
        ExistsError: `out` is there already and `force` is not given.
    """
    if out.exists() and not force:
        raise ExistsError(
            f"{out.name}: is there already; choose another --out, or pass --force"
        )


def open_run_folder(path: Path, *, request: dict[str, Any], force: bool) -> RunFolder:
    """Make the folder, go on with an interrupted run, or refuse.

    Args:
        path: of the folder.
        request: everything the user asked for; the same request resumes.
        force: start afresh, replacing the files of the earlier run.

    Raises:
        ExistsError: a finished run, a run of another command, or files that
            are not a run's are in the way.
        ResourceError: the folder cannot be written.
    """
    digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
    state = read_json(path / STATE)
    if path.exists() and not path.is_dir():
        raise ExistsError(f"{path.name}: is a file; choose another --out")
    if force:
        _clear(path)
        state = None
    if state is not None:
        if state.get("status") == "done":
            raise ExistsError(
                f"{path.name}: holds a finished run; "
                "choose another --out, or pass --force to replace it"
            )
        if state.get("request") != digest:
            raise ExistsError(
                f"{path.name}: holds an unfinished run of another command or other "
                "settings; repeat that command, choose another --out, or pass --force"
            )
        return RunFolder(path, is_resumed=True)
    foreign = [name for name in (*OWN_FILES, "bundle") if (path / name).exists()]
    if foreign:
        raise ExistsError(
            f"{path.name}: holds {', '.join(foreign)} but no {STATE}; "
            "choose another --out, or pass --force to replace them"
        )
    try:
        (path / WORK).mkdir(parents=True, exist_ok=True)
        write_json(path / STATE, {"status": "unfinished", "request": digest})
    except OSError as error:
        raise ResourceError(
            f"{path.name}: the run folder cannot be written ({error.strerror}); "
            "choose another --out or free some space"
        ) from error
    return RunFolder(path, is_resumed=False)


def _clear(path: Path) -> None:
    for name in OWN_FILES:
        (path / name).unlink(missing_ok=True)
    for name in OWN_FOLDERS:
        shutil.rmtree(path / name, ignore_errors=True)


@contextmanager
def locked(folder: RunFolder) -> Iterator[None]:
    """Hold the folder for this process; two runs must not share one.

    Raises:
        UsageError: another process holds it.
    """
    folder.work.mkdir(parents=True, exist_ok=True)
    with (folder.work / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(
                f"{folder.path.name}: another medlens run is working in this folder; "
                "wait for it, or choose another --out"
            ) from error
        yield


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON table, or None when it is not there or not whole."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Strict JSON, whole or not there."""
    unfinished = path.with_name(path.name + ".part")
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    unfinished.write_text(text + "\n", encoding="utf-8")
    unfinished.replace(path)
