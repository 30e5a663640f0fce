"""What is made of a key: UIDs, pseudonyms and days that nobody can turn back.

The same key gives the same answers, so that files that belong together still do, over
any number of runs. Without the key nothing leads from one to the other.
"""

from __future__ import annotations

import base64
import hmac
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from medlens.core import UsageError

KEY_BYTES = 32
MOST_DAYS = 3650


@dataclass(frozen=True)
class Secret:
    """Answers of one key.

    Attributes:
        key: 32 random bytes.
    """

    key: bytes = field(repr=False)

    def uid(self, uid: str) -> str:
        """Another UID for this one, always the same (PS3.5 B.2: 2.25 and 128 bits)."""
        number = int.from_bytes(self._digest("uid", uid)[:16], "big")
        return f"2.25.{number}"

    def pseudonym(self, patient: str) -> str:
        """A name for a patient of 13 letters and digits."""
        text = base64.b32encode(self._digest("patient", patient)[:7]).decode()
        return "P" + text.rstrip("=")

    def days(self, patient: str) -> int:
        """Days by which all dates of a patient are moved into the past, 1 to 3650."""
        number = int.from_bytes(self._digest("days", patient)[:8], "big")
        return 1 + number % MOST_DAYS

    def _digest(self, what: str, text: str) -> bytes:
        data = f"{what}\0{text}".encode("utf-8", "surrogateescape")
        return hmac.new(self.key, data, "sha256").digest()


def new_secret() -> Secret:
    """A key that was never there before and is not kept."""
    return Secret(os.urandom(KEY_BYTES))


def load_secret(path: Path) -> Secret:
    """The key in a file, which is made where there is none, for its owner alone.

    Raises:
        UsageError: the file is no key, others may read it, or it cannot be made.
    """
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise UsageError(
            f"--key {path.name}: cannot be made ({error.strerror}); choose another file"
        ) from None
    key = os.urandom(KEY_BYTES)
    with os.fdopen(handle, "wb") as file:
        file.write(key.hex().encode() + b"\n")
    return Secret(key)


def _read(path: Path) -> Secret:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(200).strip()
    except OSError as error:
        raise UsageError(
            f"--key {path.name}: cannot be read ({error.strerror})"
        ) from None
    if stat.S_IMODE(mode) & 0o077:
        raise UsageError(
            f"--key {path.name}: others than its owner may read it; run chmod 600, or "
            "make a new one if it may be known"
        )
    try:
        key = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise UsageError(
            f"--key {path.name}: is no key; wanted {2 * KEY_BYTES} hexadecimal digits, "
            "or the name of a file that is not there yet"
        )
    return Secret(key)
