"""A file that is about to be read: where it is, what it is, how messages name it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from medlens.core import ReadError
from medlens.read import limits
from medlens.read.sniff import HEAD_BYTES, Kind, describe, sniff

WANTED = "DICOM, NIfTI, PNG, JPEG, TIFF, BMP, WebP or .npz"


@dataclass(frozen=True)
class Source:
    """One file on disk.

    Attributes:
        path: where it is; never part of a message.
        case: local key, or the bare file name where no key was given.
        kind: what the content is.
        size: bytes.
        stamp: changes when the file does; key of caches.
    """

    path: Path
    case: str
    kind: Kind
    size: int
    stamp: tuple[str, int, int]


def open_source(path: str | os.PathLike[str], case: str = "") -> Source:
    """Look at a file: existence, size and kind.

    Raises:
        ReadError: missing, no regular file, empty, too large, or no image;
            the message says what it is instead.
    """
    path = Path(path)
    case = case or path.name
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise ReadError(f"{case}: is {what}; wanted a file with {WANTED}")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable file name"
        raise ReadError(f"{case}: cannot be opened ({reason})") from None
    kind = sniff(head)
    if not kind:
        raise ReadError(
            f"{case}: the content is {describe(head)}; wanted {WANTED}, "
            "whatever the file's name says"
        )
    stamp = (str(path.absolute()), status.st_mtime_ns, status.st_size)
    return Source(path, case, kind, status.st_size, stamp)


def read_bytes(source: Source) -> bytes:
    """The whole file.

    Raises:
        ReadError: larger than `limits.MAX_BYTES`, or the disk fails.
    """
    if source.size > limits.MAX_BYTES:
        raise ReadError(
            f"{source.case}: the file has {source.size / 2**30:.1f} GiB; the limit is "
            f"{limits.MAX_BYTES / 2**30:.0f} GiB"
        )
    try:
        return source.path.read_bytes()
    except OSError as error:
        raise ReadError(
            f"{source.case}: reading stopped ({error.strerror or 'input error'})"
        ) from None


def parse_member(member: str, prefix: str, count: int, case: str) -> int:
    """Index in a member name such as "frame:3".

    Args:
        member: as given by the caller; "" is the only image of a file.
        prefix: the word before the colon.
        count: images in the file.
        case: local key, for the message.

    Raises:
        ReadError: no such member, no image at all, or "" for a file of several.
    """
    if count == 0:
        raise ReadError(f"{case}: holds no image; wanted one or more")
    if member == "" and count == 1:
        return 0
    if member == "":
        raise ReadError(
            f"{case}: holds {count} images; name one, member='{prefix}:0' to "
            f"'{prefix}:{count - 1}' (list_members gives them all)"
        )
    word, _, number = member.partition(":")
    # isdecimal also takes other scripts' digits, which int() reads as well.
    if word != prefix or not number.isdecimal() or len(number) > 9:
        raise ReadError(
            f"{case}: has no member of that name; wanted '{prefix}:0' to "
            f"'{prefix}:{count - 1}'"
        )
    if int(number) >= count:
        raise ReadError(
            f"{case}: member {prefix}:{int(number)} is past the end; the last is "
            f"'{prefix}:{count - 1}'"
        )
    return int(number)
