"""ZIP archives, read within limits; a name inside never becomes a path.

The list of entries is counted in the archive's own directory before it is built in
memory, and what is inflated is counted while it flows, not believed from the header.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from medlens.core import MedlensError

_END = b"PK\x05\x06"
_END_64 = b"PK\x06\x06"
_LOCATOR_64 = b"PK\x06\x07"
_ENTRY = b"PK\x01\x02"
_LONGEST_COMMENT = 65_535
_MOST_DIRECTORY_BYTES = 64 << 20
_FREE_BYTES = 16 << 20  # may be inflated whatever the ratio: blank images shrink well
_PIECE = 1 << 20
_ENCRYPTED = 0x1
SYSTEM_NOTE = "is a note of the operating system, no image"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class ArchiveError(MedlensError):
    """An archive, or an entry of it, that is not taken."""


class Out(Protocol):
    """What bytes of an entry are written to."""

    def write(self, data: bytes, /) -> object:
        """Append bytes."""


@dataclass(frozen=True)
class Entry:
    """One file of an archive.

    Attributes:
        number: from 1, in the order of the archive's list.
        name: as the archive says; only for the reply to its sender.
        refusal: why it is not taken, "" where it may be read.
    """

    number: int
    name: str = field(repr=False)
    refusal: str = ""


class Archive:
    """An open ZIP archive.

    Args:
        path: of the archive.
        max_entries, max_ratio, max_bytes: files; size unpacked over the archive's own
            size, all entries together; bytes unpacked, all together.
        case: local key, for messages.

    Raises:
        ArchiveError: damaged, or with more entries than the limit.
    """

    def __init__(
        self, path: Path, *, max_entries: int, max_ratio: int, max_bytes: int, case: str
    ) -> None:
        self._case = case
        with path.open("rb") as file:
            count = count_entries(file, most=max_entries, case=case)
        if count > max_entries:
            raise ArchiveError(
                f"{case}: the ZIP archive has more than {max_entries:,} entries; "
                "split it"
            )
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
            raise _damaged(case) from None
        most = max(_FREE_BYTES, path.stat().st_size * max_ratio)
        self._left = min(most, max_bytes)
        self._most = self._left

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def entries(self) -> Iterator[Entry]:
        """Every file of the archive; folders are left out."""
        for number, info in enumerate(self._zip.infolist(), start=1):
            if not info.is_dir():
                yield Entry(number, info.filename, _refusal(info))

    def extract(self, entry: Entry, out: Out) -> None:
        """Write the bytes of an entry.

        Raises:
            ArchiveError: damaged, or more than the archive may unpack to.
        """
        info = self._zip.infolist()[entry.number - 1]
        try:
            with self._zip.open(info) as packed:
                self._copy(packed, out)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
            struct.error,
            OSError,
        ):
            raise ArchiveError(
                f"{self._case}: entry {entry.number} is damaged; pack it again"
            ) from None

    def _copy(self, packed: IO[bytes], out: Out) -> None:
        while piece := packed.read(_PIECE):
            self._left -= len(piece)
            if self._left < 0:
                raise ArchiveError(
                    f"{self._case}: the ZIP archive unpacks to more than "
                    f"{self._most >> 20:,} MiB; it is refused as a bomb from here on"
                )
            out.write(piece)

    @property
    def is_spent(self) -> bool:
        """Nothing more may be unpacked."""
        return self._left < 0


def _damaged(case: str) -> ArchiveError:
    return ArchiveError(f"{case}: the ZIP archive is damaged or cut off; pack it again")


def _refusal(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted; pack it without a password"
    if info.compress_type not in _METHODS:
        return "is packed by a method that is not read; pack it as stored or deflated"
    base = info.filename.rsplit("/", 1)[-1]
    if info.filename.startswith("__MACOSX/") or base in (".DS_Store", "Thumbs.db"):
        return SYSTEM_NOTE
    if base.upper() == "DICOMDIR":
        return "is the index of a DICOM medium; its images are taken one by one"
    return ""


def count_entries(file: IO[bytes], *, most: int, case: str) -> int:
    """Entries of an archive's directory, counted no further than `most` + 1.

    The number that the archive states is not believed where the directory is longer.

    Raises:
        ArchiveError: there is no directory, or it is larger than any that is taken.
    """
    size = file.seek(0, 2)
    tail_size = min(size, _LONGEST_COMMENT + 22)
    file.seek(size - tail_size)
    tail = file.read(tail_size)
    place = tail.rfind(_END)
    if place < 0 or place + 22 > len(tail):
        raise _damaged(case)
    stated, length, start = struct.unpack_from("<H2L", tail, place + 10)
    end = size - tail_size + place
    # Readers believe a ZIP64 record also where the old one is good: all are counted.
    ends = [(stated, length, end), *_ends_64(file, end)]
    if 0xFFFFFFFF in (length, start) or stated == 0xFFFF:
        ends = ends[1:] or ends
    if max(stated for stated, _, _ in ends) > most:
        return most + 1
    if any(length > min(end, _MOST_DIRECTORY_BYTES) for _, length, end in ends):
        raise _damaged(case)
    return max(_count_at(file, length, end, most) for _, length, end in ends)


def _count_at(file: IO[bytes], length: int, end: int, most: int) -> int:
    # Where bytes stand before the archive, its directory still ends at its end.
    file.seek(end - length)
    return _walk(file.read(length), most)


def _ends_64(file: IO[bytes], end: int) -> list[tuple[int, int, int]]:
    """(entries, length of the directory, its end) by each ZIP64 record.

    A reader may take either: one is where the locator says, one just before it.
    """
    file.seek(max(0, end - 20))
    locator = file.read(20)
    if len(locator) < 20 or locator[:4] != _LOCATOR_64:
        return []
    (place,) = struct.unpack_from("<Q", locator, 8)
    found = []
    for start in {min(place, end), max(0, end - 20 - 56)}:
        file.seek(start)
        record = file.read(56)
        if record[:4] == _END_64 and len(record) == 56:
            found.append((*struct.unpack_from("<2Q", record, 32), start))
    return found


def _walk(directory: bytes, most: int) -> int:
    count = place = 0
    while count <= most and directory.startswith(_ENTRY, place):
        if place + 46 > len(directory):
            break
        place += 46 + sum(struct.unpack_from("<3H", directory, place + 28))
        count += 1
    return count
