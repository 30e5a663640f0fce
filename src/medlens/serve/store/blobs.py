"""Files named by the SHA-256 of their bytes; what is there is whole and durable."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from medlens.core import ResourceError

DIGEST = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """A folder of files by digest, in 256 folders by its first two letters.

    All of these are made at once, so that a new file costs two waits for the disk
    (itself and its folder), never more.

    Args:
        folder: holds `blobs/` and `incoming/`; both are made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "blobs"
        self.incoming = folder / "incoming"
        self.incoming.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "ff").is_dir():  # the last one to be made
            for byte in range(256):
                (self.folder / f"{byte:02x}").mkdir(parents=True, exist_ok=True)
            _sync_folder(self.folder)

    def path_of(self, digest: str) -> Path:
        """Where the file of a digest is, or would be.

        Raises:
            ValueError: it is no digest, so that no other text becomes a path.
        """
        if not DIGEST.fullmatch(digest):
            raise ValueError("wanted a SHA-256 in hexadecimal")
        return self.folder / digest[:2] / digest

    def draft(self) -> Draft:
        """A file that grows; nothing of it is kept unless it is committed."""
        return Draft(self)

    def put(self, data: bytes) -> str:
        """Keep bytes and return their digest, once they are durable."""
        with self.draft() as draft:
            draft.write(data)
            return draft.commit()

    def read(self, digest: str) -> bytes:
        """All bytes of a file."""
        return self.path_of(digest).read_bytes()


class Draft:
    """A file on its way in, hashed as it grows.

    Use as a context: what was not committed is deleted.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self.path = blobs.incoming / secrets.token_hex(16)
        self.size = 0
        self._hash = hashlib.sha256()
        with _explained():
            self._file = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        self._is_open = True
        self._synced = 0
        self.is_committed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes.

        Raises:
            ResourceError: the disk is full.
        """
        self._hash.update(data)
        rest = memoryview(data)
        with _explained():
            while rest:
                rest = rest[os.write(self._file, rest) :]
        self.size += len(data)

    @property
    def digest(self) -> str:
        """SHA-256 of what was written so far."""
        return self._hash.hexdigest()

    def read_at(self, count: int, offset: int) -> bytes:
        """Up to `count` bytes of what was written, from `offset` on."""
        return os.pread(self._file, count, offset)

    def commit(self) -> str:
        """Make the file durable under its digest, which is returned.

        The same bytes twice are one file.

        Raises:
            ResourceError: the disk is full.
        """
        with _explained():
            self.sync()
            home = self._settle()
            _sync_folder(home.parent)
        return home.name

    def sync(self) -> None:
        """Wait until the disk has what was written so far.

        May be called by another thread while this one looks at the bytes; `commit`
        then finds little to wait for.

        Raises:
            OSError: the disk fails or is full.
        """
        if self._synced != self.size:
            size = self.size
            os.fsync(self._file)
            self._synced = size

    def keep(self) -> str:
        """As `commit`, not yet durable: the caller waits for the disk once for all."""
        with _explained():
            return self._settle().name

    def _settle(self) -> Path:
        home = self._blobs.path_of(self.digest)
        self.path.replace(home)
        self.is_committed = True
        return home

    def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            os.close(self._file)

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        self.path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ResourceError(
            f"store: cannot be written ({error.strerror}); free some disk space"
        ) from error
