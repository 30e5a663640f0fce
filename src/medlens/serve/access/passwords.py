"""Passwords: Argon2id, and the same work whether a user exists or not."""

from __future__ import annotations

import contextlib
import functools
import threading
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

from medlens.core import ResourceError, UsageError
from medlens.serve.access.secret import new_secret

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_LENGTH = 12
MAX_LENGTH = 256
MIN_DIFFERENT = 5
# RFC 9106, section 4, the second recommended choice, for machines with little memory.
TIME_COST, MEMORY_KIB, LANES = 3, 64 * 1024, 4
AT_A_TIME = 2  # so that log-ins never hold more than 128 MiB
WAITING = 8  # each holds a thread that somebody who is logged in needs
WAIT_S = 20.0


class CrowdError(ResourceError):
    """Too many log-ins at a time; it passes within seconds."""


_turns = threading.BoundedSemaphore(AT_A_TIME)
_places = threading.BoundedSemaphore(AT_A_TIME + WAITING)


def check_password(password: str, *, name: str = "") -> None:
    """Refuse a password that is guessed easily.

    Length counts, not signs and digits (NIST SP 800-63B, section 5.1.1.2).

    Raises:
        UsageError: shorter than 12 characters, longer than 256, made of fewer than 5
            different ones, or the user's name is in it.
    """
    text = _plain(password)
    if not MIN_LENGTH <= len(text) <= MAX_LENGTH:
        raise UsageError(
            f"password: has {len(text)} characters; wanted {MIN_LENGTH} to "
            f"{MAX_LENGTH}: several words are easy to remember"
        )
    if len(set(text)) < MIN_DIFFERENT:
        raise UsageError(
            f"password: repeats fewer than {MIN_DIFFERENT} characters; take several "
            "words"
        )
    if name and name in text.casefold():
        raise UsageError("password: contains the user's name; take other words")


def hash_password(password: str) -> str:
    """What is kept of a password: Argon2id with its parameters and salt.

    Raises:
        CrowdError: too many log-ins at a time.
    """
    with _turn():
        return _hasher().hash(_plain(password))


def is_password(password: str, kept: str) -> bool:
    """True when a password is the one that was kept.

    Args:
        password: as it was typed.
        kept: of `hash_password`; "" for a user who is unknown or has none. The answer
            is then False after the same work, so that its time tells nothing.

    Raises:
        CrowdError: too many log-ins at a time.
    """
    from argon2.exceptions import Argon2Error, InvalidHashError

    text = _plain(password)[: MAX_LENGTH + 1]
    with _turn():
        try:
            is_right = _hasher().verify(kept or _nobodys(), text)
        except (Argon2Error, InvalidHashError):
            return False
    return bool(kept) and is_right


def is_outdated(kept: str) -> bool:
    """True when the parameters have changed since; the next log-in hashes anew."""
    return _hasher().check_needs_rehash(kept)


def _plain(password: str) -> str:
    """One form for the same text from different keyboards, as bytes would tell."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace").decode()


@functools.cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher(
        time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=LANES
    )


@functools.cache
def _nobodys() -> str:
    """A password that nobody has, kept with the same parameters."""
    return _hasher().hash(new_secret())


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    """One of the few log-ins that may work at a time; a few may wait for it."""
    crowd = CrowdError("log-in: too many at a time; try again in a few seconds")
    if not _places.acquire(blocking=False):
        raise crowd
    try:
        if not _turns.acquire(timeout=WAIT_S):
            raise crowd
        try:
            yield
        finally:
            _turns.release()
    finally:
        _places.release()
