"""A ZIP archive → a bundle folder of the service, checked before it counts."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from medlens.bundle import load_bundle
from medlens.bundle.model import CARD_NAME, INT8_NAME, MODEL_NAME, NOTE_NAME
from medlens.core import BundleError
from medlens.serve.receive.archive import SYSTEM_NOTE, Archive, Entry
from medlens.serve.settings import Limits
from medlens.serve.store.store import Store

FILES = (NOTE_NAME, MODEL_NAME, CARD_NAME, INT8_NAME)
MAX_ENTRIES = 16
CASE = "bundle"  # what messages call it, so that they hold no path


@dataclass(frozen=True)
class Unpacked:
    """A bundle that lies in the service's own folder.

    Attributes:
        name, digest: as it says itself.
        folder: named by the digest.
    """

    name: str
    digest: str
    folder: Path


def unpack_bundle(store: Store, path: Path, *, limits: Limits) -> Unpacked:
    """Unpack an archive into `bundles/DIGEST` of the service's folder.

    Only files that a bundle consists of are taken, under names of our own: nothing
    that stands in the archive becomes a path.

    Raises:
        ArchiveError: damaged, or more than the limits.
        BundleError: no bundle, or one that does not hold together.
    """
    home = store.folder / "bundles"
    home.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="incoming-", dir=home) as made:
        folder = Path(made) / CASE
        folder.mkdir()
        _extract(path, folder, limits)
        found = load_bundle(folder)
        goal = home / found.digest
        if not goal.exists():
            try:
                folder.replace(goal)
            except OSError:
                if not goal.is_dir():  # else its twin was quicker
                    raise
    return Unpacked(found.name, found.digest, goal.absolute())


def _extract(path: Path, folder: Path, limits: Limits) -> None:
    with Archive(
        path,
        max_entries=MAX_ENTRIES,
        max_ratio=limits.zip_ratio,
        max_bytes=limits.upload_mb << 20,
        case=CASE,
    ) as archive:
        for entry in archive.entries():
            if entry.refusal == SYSTEM_NOTE:
                continue
            name = _file_of(entry)
            if not name or (folder / name).exists():
                raise BundleError(
                    f"{CASE}: entry {entry.number} of the archive is no file of a "
                    f"bundle; wanted {', '.join(FILES)}, each at most once"
                )
            with (folder / name).open("wb") as out:
                archive.extract(entry, out)
                out.flush()
                os.fsync(out.fileno())


def _file_of(entry: Entry) -> str:
    """Which file of a bundle an entry is; "" for none."""
    name = entry.name.replace("\\", "/").rpartition("/")[2]
    return name if name in FILES and not entry.refusal else ""
