"""The run folder: refused, resumed, replaced; never half."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medlens.core import ExistsError, UsageError
from medlens.experiment.folder import (
    OWN_FILES,
    locked,
    open_run_folder,
    read_json,
    write_json,
)

ASKED = {"data": "a", "seed": 0}


def test_a_new_folder_is_made_and_marked_unfinished(tmp_path: Path) -> None:
    folder = open_run_folder(tmp_path / "run", request=ASKED, force=False)
    assert not folder.is_resumed
    assert folder.read_state()["status"] == "unfinished"
    assert folder.work.is_dir()


def test_the_same_request_goes_on(tmp_path: Path) -> None:
    open_run_folder(tmp_path / "run", request=ASKED, force=False)
    assert open_run_folder(tmp_path / "run", request=ASKED, force=False).is_resumed


def test_another_request_is_refused(tmp_path: Path) -> None:
    open_run_folder(tmp_path / "run", request=ASKED, force=False)
    with pytest.raises(ExistsError, match="unfinished run of another command"):
        open_run_folder(tmp_path / "run", request={**ASKED, "seed": 1}, force=False)


def test_a_finished_run_is_refused_without_force(tmp_path: Path) -> None:
    folder = open_run_folder(tmp_path / "run", request=ASKED, force=False)
    folder.write_state({**folder.read_state(), "status": "done"})
    with pytest.raises(ExistsError, match="holds a finished run; choose another --out"):
        open_run_folder(tmp_path / "run", request=ASKED, force=False)


def test_force_replaces_own_files_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "run"
    folder = open_run_folder(path, request=ASKED, force=False)
    for name in OWN_FILES:
        (path / name).write_text("old")
    folder.write_state({"status": "done"})
    (path / "my-notes.txt").write_text("keep")
    fresh = open_run_folder(path, request=ASKED, force=True)
    assert not fresh.is_resumed
    assert (path / "my-notes.txt").read_text() == "keep"
    assert not (path / "metrics.json").exists()


def test_foreign_results_are_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "report.html").write_text("somebody's")
    with pytest.raises(ExistsError, match=r"holds report.html but no run.json"):
        open_run_folder(tmp_path / "run", request=ASKED, force=False)


def test_two_processes_never_share_a_folder(tmp_path: Path) -> None:
    folder = open_run_folder(tmp_path / "run", request=ASKED, force=False)
    with (
        locked(folder),
        pytest.raises(UsageError, match="another medlens run is working"),
        locked(folder),
    ):
        pass


def test_json_is_strict_and_whole(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"x": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 1}
    (tmp_path / "broken.json").write_text('{"x": ')
    assert read_json(tmp_path / "broken.json") is None
