"""Passwords: the parameters, what is refused, and how few work at a time."""

from __future__ import annotations

import threading
import time

import pytest

from medlens.core import ResourceError, UsageError
from medlens.serve.access import passwords
from medlens.serve.access.passwords import (
    check_password,
    hash_password,
    is_outdated,
    is_password,
)


def test_parameters_are_those_of_the_standard() -> None:
    """RFC 9106, section 4: t = 3, p = 4, 64 MiB, 128-bit salt, 256-bit tag."""
    _, kind, version, parameters, salt, tag = hash_password("some words").split("$")
    assert (kind, version, parameters) == ("argon2id", "v=19", "m=65536,t=3,p=4")
    assert (len(salt) * 6 // 8, len(tag) * 6 // 8) == (16, 32)


def test_a_password_is_itself_and_no_other() -> None:
    kept = hash_password("four plain words")
    assert kept != hash_password("four plain words")  # salted
    assert is_password("four plain words", kept)
    assert not is_password("four plain word", kept)
    assert not is_outdated(kept)


def test_one_spelling_for_what_looks_the_same() -> None:
    """An é typed as one letter or as e with an accent; a full-width letter."""
    kept = hash_password("caf\u00e9 \uff41 four words")
    assert is_password("cafe\u0301 a four words", kept)


@pytest.mark.parametrize("kept", ["", "no hash", "$argon2id$v=19$m=1$x$y"])
def test_nothing_kept_is_nobodys_password(kept: str) -> None:
    assert not is_password("", kept)
    assert not is_password("four plain words", kept)


@pytest.mark.parametrize(
    ("password", "name", "said"),
    [
        ("eleven char", "", "has 11 characters; wanted 12 to 256"),
        ("x" * 300, "", "has 300 characters"),
        ("aaaaaaaaaaaaaaaa", "", "repeats fewer than 5"),
        ("here is ANNA today", "anna", "contains the user's name"),
    ],
)
def test_a_password_that_is_guessed_easily(password: str, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_password(password, name=name)


def test_length_is_enough() -> None:
    check_password("correct horse battery", name="anna")
    check_password("四个普通的词语放在这里就够长", name="anna")


def test_few_work_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten log-ins at once never hold more memory than two."""
    monkeypatch.setattr(passwords, "MEMORY_KIB", 64)
    passwords._hasher.cache_clear()
    kept, now, most = hash_password("four plain words"), 0, 0
    lock, hasher = threading.Lock(), passwords._hasher()
    real = type(hasher).verify

    def verify(*words: object) -> bool:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        with lock:
            now -= 1
        return bool(real(*words))  # type: ignore[arg-type]

    monkeypatch.setattr(type(hasher), "verify", verify)
    threads = [
        threading.Thread(target=is_password, args=("four plain words", kept))
        for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    passwords._hasher.cache_clear()
    assert most == passwords.AT_A_TIME


def test_who_waits_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "WAIT_S", 0.01)
    monkeypatch.setattr(passwords, "_turns", threading.BoundedSemaphore(1))
    with (
        passwords._turn(),
        pytest.raises(ResourceError, match="too many at a time"),
    ):
        is_password("four plain words", "")


def test_a_crowd_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each who waits holds a thread of the web side, of which there are forty."""
    monkeypatch.setattr(passwords, "_turns", threading.BoundedSemaphore(1))
    places = threading.BoundedSemaphore(2)
    monkeypatch.setattr(passwords, "_places", places)
    monkeypatch.setattr(passwords, "WAIT_S", 20.0)
    with passwords._turn():
        places.acquire()  # another waits
        start = time.monotonic()
        with pytest.raises(ResourceError, match="too many at a time"):
            is_password("four plain words", "")
        assert time.monotonic() - start < 5
    assert passwords.AT_A_TIME + passwords.WAITING <= 20
