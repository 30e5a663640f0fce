"""What is asked of the machine."""

from __future__ import annotations

import ctypes
import resource
from pathlib import Path

import numpy as np
import pytest

from medlens.experiment.machine import give_back_memory


def resident_mb() -> float:
    words = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return int(words[1]) * resource.getpagesize() / 2**20


def test_freed_memory_goes_back_where_glibc_is() -> None:
    if not hasattr(ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("the C library is not glibc")
    # Many small blocks with every tenth one kept: the heap cannot shrink by itself.
    blocks = [np.ones(12_000, np.uint8) for _ in range(20_000)]
    blocks = blocks[::10]
    before = resident_mb()
    give_back_memory()
    assert resident_mb() < before - 100
    assert len(blocks) == 2000


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    give_back_memory()
