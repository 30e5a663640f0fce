"""`medlens backup`, `restore` and `doctor --data` as commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medlens.serve.run.lock import hold
from medlens.serve.store.store import open_store
from tests.cli.command import medlens
from tests.serve.dicom_files import part10
from tests.serve.store.test_keep import files, take


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Folder of a service with one study."""
    store = open_store(tmp_path / "service")
    take(store, part10())
    store.close()
    return tmp_path / "service"


def test_there_and_back(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    made = medlens("backup", "--data", data, "--out", out, "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["files"] == 1
    new = tmp_path / "new"
    back = medlens("restore", out, "--data", new)
    assert back.returncode == 0, back.stderr
    assert "1 files" in back.stdout
    assert "medlens doctor --data" in back.stderr
    assert medlens("doctor", "--data", new, "--deep").returncode == 0
    again = medlens("restore", out, "--data", new)
    assert again.returncode == 2
    assert "has tables already" in again.stderr
    assert medlens("restore", out, "--data", new, "--force").returncode == 0


def test_a_running_service_is_not_restored_into(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy.tar"
    assert medlens("backup", "--data", data, "--out", out).returncode == 0
    with hold(data):
        found = medlens("restore", out, "--data", data, "--force")
    assert found.returncode == 2
    assert "another medlens serve works in this folder" in found.stderr


def test_the_doctor_says_what_is_lost(data: Path) -> None:
    store = open_store(data)
    files(store)[0].unlink()
    store.close()
    found = medlens("doctor", "--data", data)
    assert found.returncode == 1
    assert "BAD   every row has its file" in found.stdout
    assert "restore a backup" in found.stdout
    listed = json.loads(medlens("doctor", "--data", data, "--json").stdout)
    assert [each["name"] for each in listed if each["count"]] == [
        "every row has its file"
    ]


def test_options_that_do_not_go_together(tmp_path: Path) -> None:
    assert "go with --data DIR" in medlens("doctor", "--deep").stderr
    found = medlens("doctor", "--data", tmp_path)
    assert found.returncode == 2
    assert "is no folder of a service" in found.stderr
