"""A full disk: refused politely, everything earlier intact."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from medlens.core import ResourceError
from medlens.serve.receive.intake import Intake
from medlens.serve.receive.receipt import Receipt
from medlens.serve.settings import Limits
from medlens.serve.store.doctor import check_store
from medlens.serve.store.keep import remove_study
from medlens.serve.store.store import Store, open_store
from medlens.serve.store.tables import instances, refusals
from tests.serve.dicom_files import part10
from tests.serve.receive.test_intake import rows
from tests.serve.store.test_keep import age_files

NO_LIMIT = Limits(free_mb=0)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def offer(intake: Intake, data: bytes) -> Receipt | None:
    """Its receipt, None where not even the draft could be written."""
    try:
        with intake.store.blobs.draft() as draft:
            draft.write(data)
            return intake.take(draft, origin="dicom")
    except ResourceError:
        return None


def test_a_disk_that_fills_up_loses_nothing(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1 << 20))
    store = open_store(small_disk / "service")
    intake = Intake(store, NO_LIMIT)
    taken: list[int] = []
    turned_away = 0
    for number in range(60):
        # values that do not compress and differ, so that every file needs its room
        data = part10(number, pixels=os.urandom(200_000))
        receipt = offer(intake, data)
        if receipt is not None and receipt.outcome == "stored":
            taken.append(number)
        else:
            turned_away += 1
            assert receipt is None or receipt.is_full
    assert len(taken) > 10
    assert turned_away > 10
    found = check_store(store, deep=True)
    assert [each for each in found if each.count and each.is_serious] == []
    assert [row["number"] for row in rows(store, instances)] == taken
    ballast.unlink()  # somebody makes room
    again = offer(intake, part10(100))
    assert again is not None
    assert again.outcome == "stored"
    age_files(store)
    assert remove_study(store, 1).files == len(taken) + 1
    store.close()


def test_without_space_for_the_file_the_index_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = Intake(store, NO_LIMIT)
    assert offer(intake, part10(1)) is not None

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("medlens.serve.store.blobs.os.fsync", full)
        receipt = offer(intake, part10(2))
    assert receipt is not None
    assert (receipt.outcome, receipt.is_full) == ("refused", True)
    assert "No space left" in receipt.reason
    assert len(rows(store, instances)) == len(rows(store, refusals)) == 1
    assert not any(each.count for each in check_store(store, deep=True))


def test_an_index_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    store = open_store(tmp_path / "service")
    intake = Intake(store, NO_LIMIT)
    with store.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE instances RENAME TO away")
    receipt = offer(intake, part10(1))
    assert receipt is not None
    assert (receipt.outcome, receipt.is_full) == ("refused", True)
    assert "database cannot be reached or written" in receipt.reason
    store.close()


def test_below_the_reserve_nothing_is_taken(store: Store) -> None:
    class Disk:
        free = (500 << 20) - 1

    def usage(_: Any) -> Disk:
        return Disk()

    patch = pytest.MonkeyPatch()
    with patch.context() as here:
        here.setattr("medlens.serve.receive.intake.shutil.disk_usage", usage)
        receipt = offer(Intake(store, Limits()), part10(1))
    assert receipt is not None
    assert receipt.is_full
    assert "less than 500 MB" in receipt.reason
