"""What the user pointed at → images, each under a key of its own."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

import medlens.predict.find as room
from medlens.core import DataError, UsageError
from medlens.predict.find import find_inputs


def png(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", np.zeros((4, 4), np.uint8))[1].tobytes())
    return path


def keys(*given: Path) -> list[str]:
    return [item.key for item in find_inputs(given)]


def test_a_folder_is_walked_in_order_of_names(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/10.png", "a.png", "c/d/e.png"):
        png(tmp_path / name)
    assert keys(tmp_path) == ["a.png", "b/10.png", "b/2.png", "c/d/e.png"]


def test_hidden_files_tables_and_dicomdir_are_passed_over(tmp_path: Path) -> None:
    for name in (".hidden.png", ".cache/x.png", "a.png", "DICOMDIR", "b/.DS_Store"):
        png(tmp_path / name)
    for name in ("labels.csv", "x.JSON", "notes.txt", "README.md", "r.toml", "i.html"):
        (tmp_path / name).write_text("text")
    assert keys(tmp_path) == ["a.png"]


def test_what_is_named_is_tried_whatever_it_is(tmp_path: Path) -> None:
    hidden, table = png(tmp_path / ".hidden.png"), tmp_path / "labels.csv"
    table.write_text("text")
    assert keys(hidden, table) == [".hidden.png", "labels.csv"]


def test_files_of_one_name_in_two_folders_keep_apart(tmp_path: Path) -> None:
    a, b = tmp_path / "ward", tmp_path / "clinic"
    for folder in (a, b):
        png(folder / "x.png")
    png(b / "y.png")
    assert keys(a, b) == ["ward/x.png", "clinic/x.png", "y.png"]
    assert keys(a / "x.png", b / "x.png") == ["ward/x.png", "clinic/x.png"]


def test_the_same_file_twice_gets_a_number(tmp_path: Path) -> None:
    x = png(tmp_path / "ward" / "x.png")
    assert keys(x, x, x) == ["ward/x.png", "ward/x.png (2)", "ward/x.png (3)"]


def test_keys_are_never_equal_even_when_a_file_is_named_like_a_key(
    tmp_path: Path,
) -> None:
    for name in ("one/w/x.png", "one/w/w/x.png", "two/w/x.png", "one/w/x.png (2)"):
        png(tmp_path / name)
    given = [tmp_path / "one" / "w", tmp_path / "two" / "w", tmp_path / "two" / "w"]
    found = keys(*given)
    assert len(set(found)) == len(found) == 5


def test_members_of_a_file_are_images_of_their_own(tmp_path: Path) -> None:
    images = np.zeros((2, 28, 28), dtype=np.uint8)
    np.savez(tmp_path / "set.npz", train_images=images, test_images=images[:1])
    assert keys(tmp_path) == [
        "set.npz#train_images:0",
        "set.npz#train_images:1",
        "set.npz#test_images:0",
    ]


def test_names_of_odd_bytes_become_legible(tmp_path: Path) -> None:
    for name in (b"d/\xff.png", b"d/red\x1b[31m.png", b"d/two\nlines.png"):
        png(tmp_path / os.fsdecode(name))
    found = keys(tmp_path)
    assert found == ["d/red\ufffd[31m.png", "d/two\ufffdlines.png", "d/\ufffd.png"]
    assert "".join(found).encode("utf-8")
    assert "".join(found).isprintable()


def test_what_is_not_there_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"^none.png: there is no such file or folder$"
    ):
        find_inputs([png(tmp_path / "a.png"), tmp_path / "none.png"])


def test_a_link_to_nowhere_is_left_to_the_reader(tmp_path: Path) -> None:
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    assert keys(tmp_path) == ["gone.png"]
    assert keys(tmp_path / "gone.png") == ["gone.png"]


def test_a_circle_of_folders_is_walked_once(tmp_path: Path) -> None:
    png(tmp_path / "a" / "x.png")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    assert keys(tmp_path) == ["a/x.png"]


@pytest.mark.parametrize("names", [[], ["labels.csv"], [".x.png"]])
def test_an_empty_folder_says_so(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("text")
    with pytest.raises(
        DataError, match="INPUT: no file found; give images or a folder"
    ):
        find_inputs([tmp_path])


def test_too_many_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_INPUTS", 2)
    for name in ("a.png", "b.png"):
        png(tmp_path / name)
    assert len(keys(tmp_path)) == 2
    png(tmp_path / "c.png")
    with pytest.raises(UsageError, match="more than 2 images; give fewer folders"):
        keys(tmp_path)


def test_a_file_that_breaks_its_reader_is_still_an_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading it fails again, as one row among the others."""
    (tmp_path / "a.png").write_bytes(b"a")

    def refuse(_path: Path) -> list[str]:
        raise RecursionError

    monkeypatch.setattr(room, "list_members", refuse)
    assert [item.key for item in find_inputs([tmp_path])] == ["a.png"]
