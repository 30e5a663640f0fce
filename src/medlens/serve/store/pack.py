"""A backup on disk: a folder that is brought up to date, or one tar file."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from medlens.core import DataError, ExistsError

_NAME = re.compile(r"[A-Za-z0-9._-]{1,255}")


class Pack(Protocol):
    """Where files of a backup go."""

    def has(self, name: str, size: int) -> bool:
        """Whether a file of this name and size is there already."""

    def add(self, path: Path, name: str) -> None:
        """Put in a file that never changes once it is there."""


class FolderPack:
    """A backup as a folder; files that it has are not copied again.

    Args:
        folder: made if need be, for its owner alone.

    Raises:
        ExistsError: it holds something else.
    """

    def __init__(self, folder: Path) -> None:
        if folder.exists() and not _is_free(folder):
            raise ExistsError(
                f"--out {folder.name}: is there and holds no backup; name a new "
                "folder, or one of an earlier backup"
            )
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder

    def has(self, name: str, size: int) -> bool:
        """Whether a file of this name and size is there already."""
        try:
            return (self.folder / name).stat().st_size == size
        except FileNotFoundError:
            return False

    def add(self, path: Path, name: str) -> None:
        """Copy a file, so that a fault of one disk does not reach both."""
        goal = self.folder / name
        goal.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = goal.with_name(f".{goal.name}.new")
        shutil.copyfile(path, new)
        _sync(new)
        new.replace(goal)

    def drop_others(self, kept: set[str]) -> None:
        """Delete files of earlier backups that this one does not name."""
        for name in _names_under(self.folder):
            if name not in kept:
                (self.folder / name).unlink()


class TarPack:
    """A backup as one uncompressed tar file, there only once it is whole.

    Raises:
        ExistsError: the file is there.
    """

    def __init__(self, path: Path, *, force: bool) -> None:
        if path.exists() and not force:
            raise ExistsError(
                f"--out {path.name}: is there already; --force replaces it"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._new = path, path.with_name(f".{path.name}.new")
        handle = os.open(self._new, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        self._file = os.fdopen(handle, "wb")
        self._tar = tarfile.open(  # noqa: SIM115  (closed by `close` or `abandon`)
            fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT
        )

    def has(self, name: str, size: int) -> bool:
        """Never: a new file holds nothing yet."""
        del name, size
        return False

    def add(self, path: Path, name: str) -> None:
        """Append a file, without its owner and times."""
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = path.stat().st_size, 0o600
        with path.open("rb") as file:
            self._tar.addfile(entry, file)

    def close(self) -> None:
        """Make it durable and give it its name."""
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._new.replace(self._path)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._file.close()
        self._new.unlink(missing_ok=True)


def read_pack(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and stream of each file of a backup, with names that are safe to join.

    Raises:
        DataError: it is neither a folder nor a tar file, or has other names.
    """
    if path.is_dir():
        for name in _names_under(path):
            with (path / name).open("rb") as file:
                yield _checked(name), file
        return
    try:
        with tarfile.open(path, "r:") as tar:
            for entry in tar:
                inside = tar.extractfile(entry) if entry.isreg() else None
                if inside is None:
                    raise DataError(f"{path.name}: holds more than plain files")
                yield _checked(entry.name), inside
    except (tarfile.TarError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is cut off"
        raise DataError(
            f"{path.name}: is no backup that can be read ({reason}); name a folder or "
            "tar file that `medlens backup` made"
        ) from None


@contextmanager
def open_one(path: Path, name: str) -> Iterator[IO[bytes]]:
    """One file of a backup.

    Raises:
        DataError: it is not there.
    """
    for found, file in read_pack(path):
        if found == name:
            yield file
            return
    raise DataError(f"{path.name}: holds no {name}; it is no backup, or not whole")


def _checked(name: str) -> str:
    parts = PurePosixPath(name).parts
    if not parts or not all(_NAME.fullmatch(part) for part in parts) or ".." in parts:
        raise DataError("backup: a file in it has a name that no backup gives")
    return name


def _is_free(folder: Path) -> bool:
    return (folder / "backup.json").is_file() or not any(folder.iterdir())


def _names_under(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    )


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
