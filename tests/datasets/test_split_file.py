"""splits.csv: read after write is the same, and nothing else is taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from forms_kit import made_manifest

from medlens.core import DataError
from medlens.datasets.split_file import read_splits, write_splits

KEYS = ["a/1.png", 'odd "name", with; marks.png', "影像/二.png", "train_images:3"]
MANIFEST = made_manifest([(key, (1, 0), "p,1", "") for key in KEYS])
SPLITS = ("train", "validation", "test", "")


def test_read_after_write_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "splits.csv"
    write_splits(path, MANIFEST, [0, 1, 2, 2], SPLITS)
    assert read_splits(path, MANIFEST) == SPLITS
    first, second, *_ = path.read_text(encoding="utf-8").splitlines()
    assert first == "case,patient,group,split"
    assert second == 'a/1.png,"p,1",0,train'
    assert [file.name for file in tmp_path.iterdir()] == ["splits.csv"]


def test_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "splits.csv"
    turned = made_manifest([(key, (1, 0), "", "") for key in reversed(KEYS)])
    write_splits(path, turned, range(4), tuple(reversed(SPLITS)))
    assert read_splits(path, MANIFEST) == SPLITS


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "splits.csv"
    write_splits(path, MANIFEST, range(4), SPLITS)
    with pytest.raises(ValueError, match="shorter than"):
        write_splits(path, MANIFEST, range(3), SPLITS)
    assert read_splits(path, MANIFEST) == SPLITS
    assert [file.name for file in tmp_path.iterdir()] == ["splits.csv"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "splits.csv: wanted the columns case, patient, group, split; run the sp"),
        (b"case,split\na,train\n", "wanted the columns case, patient, group, split"),
        (b"case,patient,group,split\na,train\n", "wanted the columns case, patient"),
        (b"case,patient,group,split\na,,0,dev\n", "split 'dev'; wanted train, validat"),
        (b"case,patient,group,split\na,,0,test\n", "5 cases differ from DATA, e.g. "),
        (b"\xff\xfe", "splits.csv: cannot be read .UnicodeDecodeError.; run the split"),
    ],
)
def test_files_that_do_not_fit(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "splits.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_splits(path, MANIFEST)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone.csv: cannot be read .FileNotFoundError"):
        read_splits(tmp_path / "gone.csv", MANIFEST)
