"""Checkpoints are whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from medlens.core import ResourceError, TrainError
from medlens.train.checkpoint import (
    NAME,
    drop_checkpoint,
    load_checkpoint,
    save_checkpoint,
)


def state(value: float, digest: str = "d") -> dict[str, object]:
    return {"digest": digest, "x": torch.tensor([value]), "list": [1.5, "a"]}


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "new" / "folder", state(3.0))
    found = load_checkpoint(tmp_path / "new" / "folder", digest="d")
    assert found == {"digest": "d", "x": torch.tensor([3.0]), "list": [1.5, "a"]}
    assert [p.name for p in (tmp_path / "new" / "folder").iterdir()] == [NAME]


def test_no_checkpoint_is_none(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path, digest="d") is None
    drop_checkpoint(tmp_path)


def test_the_newer_replaces_the_older(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        save_checkpoint(tmp_path, state(value))
    found = load_checkpoint(tmp_path, digest="d")
    assert found is not None
    assert float(found["x"]) == 2.0
    drop_checkpoint(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_checkpoint_is_refused_and_kept(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, state(1.0, "theirs"))
    wanted = (
        "belongs to another recipe or other data; choose another --out, or pass --f"
    )
    with pytest.raises(TrainError, match=wanted):
        load_checkpoint(tmp_path, digest="ours")
    assert load_checkpoint(tmp_path, digest="theirs") is not None


def test_what_a_kill_left_half_written_is_passed_over(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, state(1.0))
    (tmp_path / f"{NAME}.part").write_bytes(b"half")
    found = load_checkpoint(tmp_path, digest="d")
    assert found is not None
    save_checkpoint(tmp_path, state(2.0))
    assert [p.name for p in tmp_path.iterdir()] == [NAME]


@pytest.mark.parametrize("keep", [0, 10, 500])
def test_a_damaged_checkpoint_says_so(tmp_path: Path, keep: int) -> None:
    save_checkpoint(tmp_path, state(1.0))
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes()[:keep])
    wanted = r"the checkpoint in this folder is damaged \(.*\); pass --force to start"
    with pytest.raises(TrainError, match=wanted):
        load_checkpoint(tmp_path, digest="d")


def test_a_file_of_another_kind_is_damaged(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / NAME)
    with pytest.raises(TrainError, match="is damaged"):
        load_checkpoint(tmp_path, digest="d")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_keeps_the_older_checkpoint(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, state(1.0))
    (tmp_path / f"{NAME}.part").symlink_to("/dev/full")
    wanted = (
        r"checkpoint cannot be written \(No space left on device\); free 0 MB of disk"
    )
    with pytest.raises(ResourceError, match=wanted):
        save_checkpoint(tmp_path, state(2.0))
    found = load_checkpoint(tmp_path, digest="d")
    assert found is not None
    assert float(found["x"]) == 1.0
    assert [p.name for p in tmp_path.iterdir()] == [NAME]
