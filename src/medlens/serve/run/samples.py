"""`medlens serve --demo --samples DIR`: studies to try the service on.

The files go the way of every upload, with what `samples.json` says of each. The same
file with the same words is the same instance: a second start adds nothing, and one that
was interrupted is made whole.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from medlens.core import UsageError
from medlens.serve.access.trail import append, line_of
from medlens.serve.receive.intake import Intake
from medlens.serve.receive.upload import take_upload
from medlens.serve.receive.wrap import Details, WrapError
from medlens.serve.settings import Limits
from medlens.serve.store.store import Store
from medlens.serve.work.tidy import SERVICE

NOTE, SCHEMA = "samples.json", "medlens/samples/1"
MOST_NOTE_BYTES, MOST_FILES = 1_000_000, 1000
_KNOWN = {each.name for each in fields(Details)}


@dataclass(frozen=True)
class Filled:
    """What samples became.

    Attributes:
        studies: that hold them.
        added: instances that were not there before.
        refused: reasons of what was not taken.
    """

    studies: int
    added: int
    refused: tuple[str, ...] = ()


def fill(store: Store, folder: Path, *, limits: Limits) -> Filled:
    """Put the samples of a folder into a store.

    Args:
        store: of the service.
        folder: with samples.json and its files.
        limits: on what is taken.

    Raises:
        UsageError: the folder holds no samples, or names files outside of it.
    """
    intake = Intake(store, limits)
    studies: dict[int, int] = {}
    refused: list[str] = []
    for at, (path, details) in enumerate(read_samples(folder), start=1):
        receipts = take_upload(
            intake, path, blobs=store.blobs, name=f"sample {at}", peer="samples",
            details=details, limits=limits, case=f"sample {at}",
        )  # fmt: skip
        for each in receipts:
            if each.study_id is None:
                refused.append(each.reason)
                continue
            is_new = each.outcome == "stored"
            studies[each.study_id] = studies.get(each.study_id, 0) + is_new
    _note(store, studies)
    return Filled(len(studies), sum(studies.values()), tuple(dict.fromkeys(refused)))


def read_samples(folder: Path) -> list[tuple[Path, Details]]:
    """Files of a folder of samples with what is said of each.

    Raises:
        UsageError: see `fill`.
    """
    try:
        raw = (folder / NOTE).read_bytes()[: MOST_NOTE_BYTES + 1]
        note = json.loads(raw.decode("utf-8"))
        files = note["files"] if note.get("schema") == SCHEMA else None
    except (OSError, ValueError, KeyError, AttributeError, RecursionError):
        files = None
    if not isinstance(files, list) or len(files) > MOST_FILES:
        raise UsageError(
            f"--samples {folder.name}: holds no {NOTE} of schema {SCHEMA!r}; make it "
            "with medlens data samples"
        )
    return [_sample(folder, entry, at) for at, entry in enumerate(files, start=1)]


def _sample(folder: Path, entry: Any, at: int) -> tuple[Path, Details]:
    where = f"--samples {folder.name}: file {at}"
    if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
        raise UsageError(f"{where}: wanted a table with `file` and `details`")
    name, said = entry["file"], entry.get("details") or {}
    path = folder / name
    if not name or Path(name).name != name or not path.is_file():
        raise UsageError(f"{where}: is not in the folder; make the samples again")
    is_text = isinstance(said, dict) and all(isinstance(x, str) for x in said.values())
    if not is_text or set(said) - _KNOWN:
        raise UsageError(
            f"{where}: details: wanted texts of {', '.join(sorted(_KNOWN))}"
        )
    try:
        return path, Details(**said)
    except WrapError as error:
        raise UsageError(f"{where}: {error}") from None


def _note(store: Store, studies: dict[int, int]) -> None:
    """A line of the trail for each study that something came into."""
    now = time.time()
    lines = [
        line_of(
            SERVICE, "upload", study_id=study, now=now,
            detail={"instances": count, "way": "samples"},
        )
        for study, count in studies.items()
        if count
    ]  # fmt: skip
    if lines:
        with store.begin() as connection:
            append(connection, lines)
