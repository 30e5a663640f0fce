"""metrics.json on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medlens.core import DataError, ResourceError
from medlens.evaluate import measure_split, read_metrics, write_metrics

from .phantoms import table_of


def test_round_trip(tmp_path: Path) -> None:
    entry = measure_split(table_of(n=40), resamples=20)
    task = {"kind": "binary", "labels": ["no", "yes"], "positive": "yes"}
    write_metrics(tmp_path / "run" / "metrics.json", {"test": entry}, task)
    document = read_metrics(tmp_path / "run" / "metrics.json")
    assert document == {
        "schema": "medlens/metrics/1",
        "task": task,
        "splits": {"test": entry},
    }


def test_not_a_number_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_metrics(tmp_path / "m.json", {"test": {"x": float("nan")}}, {})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match=r"m\.json: cannot be written"):
        write_metrics(tmp_path / "file" / "m.json", {}, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "schema 'None'"),
        (
            json.dumps({"schema": "medlens/metrics/9", "splits": {}}),
            "medlens/metrics/9",
        ),
        (json.dumps({"schema": "medlens/metrics/1"}), "wanted 'medlens/metrics/1'"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(DataError, match=message):
        read_metrics(tmp_path / "m.json")


def test_a_missing_file_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"m\.json: cannot be read .* medlens evaluate"):
        read_metrics(tmp_path / "m.json")
