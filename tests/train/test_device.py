"""What is asked of the machine before torch works."""

from __future__ import annotations

import ctypes

import pytest

from medlens.train.device import keep_freed_memory


def test_memory_is_kept_where_the_library_can_and_left_alone_where_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[int, int]] = []

    class Library:
        @staticmethod
        def mallopt(parameter: int, value: int) -> int:
            asked.append((parameter, value))
            return 1

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library)
    keep_freed_memory()
    assert asked == [(-3, 1 << 30), (-1, 1 << 30)]
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    keep_freed_memory()  # a C library without mallopt
