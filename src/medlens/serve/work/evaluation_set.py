"""An uploaded set → files for `medlens evaluate`, in a folder of its own.

Names of folders are labels and tables name files, so that they must be kept: they are
the one thing that a sender gives and that becomes a path here. Every part of a name is
checked first, the folder is new and holds no link, and it is deleted after the look.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from medlens.core import DataError, ResourceError
from medlens.serve.receive.archive import SYSTEM_NOTE, Archive, ArchiveError, Entry
from medlens.serve.settings import Limits

CASE = "set"  # what messages call it, so that they hold no name
MOST_PARTS, MOST_PART_BYTES, MOST_NAME_BYTES = 16, 200, 1024
LOOK_BYTES = 64 << 20
UNPACKED = 4
"""Times `upload_mb` that a set may unpack to: volumes are often packed."""
TABLES = (".csv", ".tsv")
Failed = dict[str, str]


def check_archive(path: Path, *, limits: Limits) -> None:
    """Refuse what could not be unpacked, before it is kept.

    Raises:
        ArchiveError: damaged, empty, too many entries, or a name that is not taken.
    """
    with _open(path, limits) as archive:
        seen: set[tuple[str, ...]] = set()
        for entry in archive.entries():
            if entry.refusal:
                continue
            parts = _parts(entry)
            if parts in seen:
                raise ArchiveError(
                    f"{CASE}: entry {entry.number} has a name that came before; pack "
                    "every file once"
                )
            seen.add(parts)
        if not seen:
            raise ArchiveError(f"{CASE}: the ZIP archive has no file that is taken")


def check_room(folder: Path, limits: Limits, size: int = 0) -> None:
    """Refuse to fill the disk.

    Args:
        folder: of the service.
        limits: with `free_mb`.
        size: bytes that are about to be written.

    Raises:
        ResourceError: less than `free_mb` would be left.
    """
    if shutil.disk_usage(folder).free - size < limits.free_mb << 20:
        raise ResourceError(
            f"{CASE}: less than {limits.free_mb} MB of disk space would be left; free "
            "some, then send it again"
        )


def unpack_set(
    path: Path, folder: Path, *, limits: Limits, check: Callable[[], None]
) -> list[Failed]:
    """Unpack a set; entries that are not taken come back with their reason.

    Args:
        path: of the archive.
        folder: to unpack into; it is made here.
        limits: on archives.
        check: called before each file and within large ones; what it raises ends the
            work.

    Raises:
        ArchiveError: see `check_archive`; or it unpacks to more than is taken.
        ResourceError: the disk is full.
    """
    folder.mkdir(parents=True, mode=0o700)
    refused: list[Failed] = []
    with _open(path, limits) as archive:
        for entry in archive.entries():
            _look(folder, limits, check)
            if entry.refusal:
                if entry.refusal != SYSTEM_NOTE:
                    key = f"entry {entry.number} of the archive"
                    refused.append({"case": key, "reason": entry.refusal})
                continue
            path = folder.joinpath(*_parts(entry))
            _write(archive, entry, path, lambda: _look(folder, limits, check))
    return refused


def _look(folder: Path, limits: Limits, check: Callable[[], None]) -> None:
    check()
    check_room(folder, limits)


def find_data(folder: Path) -> Path:
    """What to read of an unpacked set: below one folder that wraps all, or a file."""
    inside = sorted(folder.iterdir())
    if len(inside) != 1:
        return folder
    (only,) = inside
    if only.is_file():
        return only if only.suffix.lower() == ".npz" else folder
    holds_table = any(p.suffix.lower() in TABLES for p in only.iterdir())
    holds_folder = any(p.is_dir() for p in only.iterdir())
    return find_data(only) if holds_table or holds_folder else folder


def find_table(folder: Path, wanted: str) -> Path | None:
    """The table of labels that was named, None where none was.

    Raises:
        DataError: the set has no such table, or several of the name.
    """
    if not wanted:
        return None
    tables = [p for p in folder.rglob("*") if p.suffix.lower() in TABLES]
    name = wanted.replace("\\", "/").strip("/")
    for found in (
        [p for p in tables if p.relative_to(folder).as_posix() == name],
        [p for p in tables if p.name == name],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            raise DataError(
                f"labels: {len(found)} tables of the archive have that name; give the "
                "path of the one that is meant"
            )
    raise DataError(
        f"labels: the archive has {len(tables)} tables (.csv, .tsv), none of that "
        "name; give one, or leave `labels` out where folders name the labels"
    )


def _open(path: Path, limits: Limits) -> Archive:
    return Archive(
        path,
        max_entries=limits.zip_entries,
        max_ratio=limits.zip_ratio,
        max_bytes=UNPACKED * limits.upload_mb << 20,
        case=CASE,
    )


def _parts(entry: Entry) -> tuple[str, ...]:
    """The checked parts of an entry's name.

    Raises:
        ArchiveError: it is absolute, leads out, or has characters that are not taken.
    """
    name = entry.name.replace("\\", "/")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    is_bad = (
        not parts
        or name.startswith("/")
        or ":" in parts[0]
        or len(parts) > MOST_PARTS
        or any(part == ".." or not part.isprintable() for part in parts)
        or any(len(_bytes(part)) > MOST_PART_BYTES for part in parts)
        or len(_bytes(name)) > MOST_NAME_BYTES
    )
    if is_bad:
        raise ArchiveError(
            f"{CASE}: entry {entry.number} has a name that is not taken; wanted a "
            f"relative one of at most {MOST_PARTS} parts without control characters"
        )
    return parts


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogatepass")


class Writing:
    """A file that grows no further than there is room on the disk.

    Args:
        file: that bytes go to.
        look: called every `LOOK_BYTES`; what it raises ends the work.
    """

    def __init__(self, file: IO[bytes], look: Callable[[], None]) -> None:
        self._file, self._look, self._since = file, look, 0

    def write(self, data: bytes, /) -> None:
        """Append bytes.

        Raises:
            ResourceError: the disk is full; an archive that is damaged says otherwise.
        """
        self._since += len(data)
        if self._since >= LOOK_BYTES:
            self._since = 0
            self._look()
        try:
            self._file.write(data)
        except OSError as error:
            raise ResourceError(
                f"{CASE}: cannot be written ({error.strerror}); free some disk space"
            ) from None


def _write(
    archive: Archive, entry: Entry, path: Path, look: Callable[[], None]
) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
        handle = os.open(path, flags, stat.S_IRUSR | stat.S_IWUSR)
    except (FileExistsError, NotADirectoryError):
        raise ArchiveError(
            f"{CASE}: entry {entry.number} has the name of another file or folder; "
            "pack every file once"
        ) from None
    except OSError as error:
        raise ResourceError(
            f"{CASE}: entry {entry.number} cannot be written ({error.strerror})"
        ) from None
    with os.fdopen(handle, "wb") as file:
        archive.extract(entry, Writing(file, look))


def remove_folder(folder: Path) -> None:
    """Delete an unpacked set, whatever state it is in."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.parent.rmdir()  # of the last one
