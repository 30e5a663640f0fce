"""What is missing or broken is left out with a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medlens.core import DataError
from medlens.report.load import load_run

from .phantom_run import write_evaluation, write_phantom


def test_whole_folder_leaves_nothing_out(tmp_path: Path) -> None:
    run = load_run(write_phantom(tmp_path))
    assert run.missing == ()
    assert run.predictions is not None
    assert len(run.splits["case"]) == 3132


def test_evaluation_names_what_it_lacks(tmp_path: Path) -> None:
    run = load_run(write_evaluation(tmp_path / "e"))
    assert [text.split(" ")[0] for text in run.missing] == [
        "audit.json",
        "recipe.toml",
        "splits.csv",
        "history.csv",
        "bundle/bundle.json",
        "run.json",
    ]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("audit.json", b"{", "cannot be read"),
        ("audit.json", b"[1]", "holds no mapping"),
        ("audit.json", b'{"schema": "medlens/audit/9"}', "medlens/audit/9"),
        ("audit.json", b"[" * 100_000, "cannot be read"),
        ("run.json", b"\xff\xfe\x00", "cannot be read"),
        ("recipe.toml", b"a = ", "cannot be read"),
        ("splits.csv", b"", "holds no header"),
        ("predictions.csv", b"a,b\n1,2\n", "cannot be used"),
    ],
)
def test_broken_file_is_named(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    folder = write_phantom(tmp_path)
    (folder / name).write_bytes(content)
    (sentence,) = load_run(folder).missing
    assert sentence.startswith(name)
    assert said in sentence
    assert str(tmp_path) not in sentence


def test_giant_file_is_not_read(tmp_path: Path) -> None:
    folder = write_phantom(tmp_path)
    with (folder / "audit.json").open("wb") as stream:
        stream.truncate(33 << 20)
    (sentence,) = load_run(folder).missing
    assert "larger than 32 MB" in sentence


def test_history_cut_off_while_writing_still_reads(tmp_path: Path) -> None:
    folder = write_phantom(tmp_path)
    with (folder / "history.csv").open("a") as stream:
        stream.write("9,594")
    assert load_run(folder).history["train_loss"][-1] == ""


def test_empty_folder_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds nothing to report"):
        load_run(tmp_path)
    with pytest.raises(DataError, match=r"^nowhere: no such folder"):
        load_run(tmp_path / "nowhere")


def test_schema_free_metrics_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps({"splits": {}}))
    assert load_run(tmp_path).metrics == {"splits": {}}
