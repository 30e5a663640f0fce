"""An uploaded set on its way to the disk, which others need, too."""

from __future__ import annotations

import errno
import io
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from medlens.core import ResourceError
from medlens.serve.settings import Limits
from medlens.serve.work import evaluation_set
from medlens.serve.work.evaluation_set import Writing, unpack_set
from medlens.serve.work.queue import LostLeaseError
from tests.serve.work.sets import pack

Disk = namedtuple("Disk", "free")


def test_one_large_file_fills_no_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Room is looked for within a file, too: images that come meanwhile need it."""
    archive = tmp_path / "set.zip"
    archive.write_bytes(pack({"a/1.bin": os.urandom(4 << 20)}))
    goal = tmp_path / "out"

    def usage(_: Path) -> Disk:
        written = sum(p.stat().st_size for p in goal.rglob("*") if p.is_file())
        return Disk(free=(3 << 20) - written)

    monkeypatch.setattr(evaluation_set, "LOOK_BYTES", 1 << 20)
    monkeypatch.setattr(shutil, "disk_usage", usage)
    with pytest.raises(ResourceError, match="disk space would be left"):
        unpack_set(archive, goal, limits=Limits(free_mb=2), check=lambda: None)


def test_a_large_file_is_ended_by_who_cancels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "set.zip"
    archive.write_bytes(pack({"a/1.bin": os.urandom(4 << 20)}))
    looks = []

    def check() -> None:
        looks.append(1)
        if len(looks) > 2:
            raise LostLeaseError("gone")

    monkeypatch.setattr(evaluation_set, "LOOK_BYTES", 1 << 20)
    with pytest.raises(LostLeaseError, match="gone"):
        unpack_set(archive, tmp_path / "out", limits=Limits(free_mb=0), check=check)
    assert len(looks) == 3


def test_a_full_disk_is_no_damaged_archive() -> None:
    class Full(io.BytesIO):
        def write(self, data: object, /) -> int:
            del data
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(ResourceError, match="No space left"):
        Writing(Full(), lambda: None).write(b"x")
