"""The whole road of a 3D classifier over whole volumes, through the real command."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medlens.bundle import load_bundle
from tests.cli.command import medlens
from tests.experiment.volumes import VOLUME, ball, make_studies, write_nifti


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on 36 volumes in two class folders."""
    folder = tmp_path_factory.mktemp("volumes")
    make_studies(folder / "studies", cases=36)
    (folder / "recipe.toml").write_text(VOLUME)
    done = medlens(
        *("run", folder / "studies", "--recipe", folder / "recipe.toml"),
        *("--out", folder / "run"),
    )
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout + done.stderr)
    return folder / "run"


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_bundle_of_a_3d_network_is_made(finished: Path) -> None:
    bundle = load_bundle(finished / "bundle")
    assert (bundle.form, bundle.depth, bundle.height, bundle.width) == (
        "volume", 16, 24, 24,
    )  # fmt: skip
    assert set(bundle.labels) == {"ball", "none"}
    assert bundle.positive == "ball"
    assert bundle.calibration is not None
    assert bundle.training["net"] == "residual3d"


def test_whole_volumes_are_told_apart(finished: Path) -> None:
    metrics = read(finished / "metrics.json")
    assert metrics["task"]["form"] == "volume"
    test = metrics["splits"]["test"]
    assert test["metrics"]["auroc"]["value"] > 0.9
    assert "classical" in test["baselines"]
    with (finished / "predictions.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert sum(row["split"] == "test" for row in table) == test["n_cases"] > 4
    said = read(finished / "run.json")
    assert (said["status"], said["failed"]) == ("done", [])


def test_the_report_is_whole(finished: Path) -> None:
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert "AUROC" in page
    assert "<img" in page or "<svg" in page
    assert 'src="http' not in page
    assert not (finished / "work").exists()


def test_a_volume_of_another_shape_is_fitted(finished: Path, tmp_path: Path) -> None:
    """More air around the same ball; and a file that is no volume fails alone."""
    values, _ = ball(42)
    write_nifti(
        tmp_path / "wide.nii.gz", np.pad(values, [(2, 3), (5, 9), (8, 1)], "wrap")
    )
    (tmp_path / "torn.nii.gz").write_bytes(b"\x1f\x8b torn")
    done = medlens("predict", finished / "bundle", tmp_path, "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert [case["case"] for case in told["cases"]] == ["wide.nii.gz"]
    assert told["cases"][0]["decision"] == "ball"
    assert "torn.nii.gz" in json.dumps(told["failed"])


def test_predicting_gives_the_label_of_the_folder(finished: Path) -> None:
    studies = finished.parent / "studies"
    done = medlens(
        *("predict", finished / "bundle", studies / "ball" / "p01.nii.gz"),
        *(studies / "none" / "p02.nii.gz", "--json"),
    )
    assert done.returncode == 0, done.stderr
    cases = json.loads(done.stdout)["cases"]
    assert [case["decision"] for case in cases] == ["ball", "none"]


def test_evaluating_on_other_data(finished: Path, tmp_path: Path) -> None:
    other = make_studies(tmp_path / "other", cases=12, seed=700)
    done = medlens("evaluate", finished / "bundle", other, "--out", tmp_path / "ev")
    assert done.returncode == 0, done.stderr
    entry = read(tmp_path / "ev" / "metrics.json")["splits"]["all"]
    assert entry["n_cases"] == 12
    assert entry["metrics"]["auroc"]["value"] > 0.9
