"""The whole road where voxels are labelled, through the real command."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image

from medlens.bundle import load_bundle
from medlens.datasets import read_manifest
from medlens.experiment.identity import data_digest
from tests.cli.command import medlens
from tests.experiment.volumes import (
    SEGMENT_2D,
    SEGMENT_3D,
    SHAPE,
    ball,
    make_balls,
    make_discs,
    write_nifti,
)

FILES = {
    "audit.json", "recipe.toml", "splits.csv", "history.csv", "bundle",
    "predictions.csv", "metrics.json", "report.html", "run.json",
}  # fmt: skip
BALL_ML = 4 / 3 * np.pi * 4.5**3 * 2 / 1000  # radius 4.5 voxels of 2 mm³


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 volumes, one whose mask has another shape; 24 images; both recipes."""
    folder = tmp_path_factory.mktemp("masks")
    make_balls(folder / "balls")
    values, mask = ball(900)
    write_nifti(folder / "balls" / "images" / "torn.nii.gz", values)
    write_nifti(folder / "balls" / "masks" / "torn.nii.gz", 3 * mask[:, :-2])
    make_discs(folder / "discs")
    (folder / "3d.toml").write_text(SEGMENT_3D)
    (folder / "2d.toml").write_text(SEGMENT_2D)
    return folder


def run(place: Path, data: str, recipe: str, out: str) -> tuple[Path, str]:
    done = medlens(
        *("run", place / data, "--recipe", place / recipe, "--out", place / out),
        *("--task", "segment"),
    )
    assert done.returncode == 0, done.stderr
    return place / out, done.stdout + done.stderr


@pytest.fixture(scope="module")
def volumes(place: Path) -> tuple[Path, str]:
    return run(place, "balls", "3d.toml", "run3")


@pytest.fixture(scope="module")
def flat(place: Path) -> tuple[Path, str]:
    return run(place, "discs", "2d.toml", "run2")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_every_promised_file_is_there(volumes: tuple[Path, str]) -> None:
    assert {path.name for path in volumes[0].iterdir()} == FILES


def test_figures_agree_with_the_table_and_the_ball(volumes: tuple[Path, str]) -> None:
    folder, said = volumes
    metrics = read(folder / "metrics.json")
    assert metrics["task"]["form"] == "segment"
    assert metrics["task"]["labels"] == ["background", "label 3"]
    table = rows(folder / "predictions.csv")
    for name in ("validation", "test"):
        part = [row for row in table if row["split"] == name]
        entry = metrics["splits"][name]
        assert entry["n_cases"] == len(part) > 3
        assert entry["labels"] == ["label 3"]
        dice = np.array([float(row["dice_label 3"]) for row in part])
        assert dice.mean() > 0.9
        found = entry["metrics"]["dice"]
        assert found["value"] == pytest.approx(dice.mean(), abs=1e-4)
        assert found["low"] <= found["value"] <= found["high"]
        volume = [float(row["reference_volume_ml_label 3"]) for row in part]
        np.testing.assert_allclose(volume, BALL_ML, rtol=0.03)
    assert f"Dice of label 3          {found_text(metrics)}" in said
    assert "OTHER_DATA\n" in said  # masks lie beside the images: no --labels


def found_text(metrics: dict[str, Any]) -> str:
    found = metrics["splits"]["test"]["metrics"]["dice"]
    return f"{found['value']:.3f} ({found['low']:.3f}–{found['high']:.3f})"


def test_splits_cover_the_cases_and_test_cases_stay_apart(
    volumes: tuple[Path, str],
) -> None:
    given = {row["case"]: row["split"] for row in rows(volumes[0] / "splits.csv")}
    told = {r["case"]: r["split"] for r in rows(volumes[0] / "predictions.csv")}
    assert told == {k: v for k, v in given.items() if v in ("validation", "test")}
    assert sorted(set(told.values())) == ["test", "validation"]


def test_a_mask_of_another_shape_fails_alone(volumes: tuple[Path, str]) -> None:
    folder, _ = volumes
    audit = read(folder / "audit.json")
    failed = read(folder / "run.json")["failed"]
    told = json.dumps([audit["unreadable"], failed])
    assert "torn.nii.gz" in told
    assert all("torn" in entry["case"] for entry in failed)
    assert "torn" not in (folder / "predictions.csv").read_text()


def test_run_json_tells_what_was_run(volumes: tuple[Path, str]) -> None:
    said = read(volumes[0] / "run.json")
    assert said["status"] == "done"
    assert said["command"] == (
        "medlens run balls --task segment --budget 2700s --seed 0 --recipe 3d.toml"
    )
    bundle = load_bundle(volumes[0] / "bundle")
    assert said["bundle_digest"] == bundle.digest
    assert {"audit", "plan", "train", "evaluate", "report"} <= said["seconds"].keys()


def test_the_bundle_holds_all_that_predicting_needs(volumes: tuple[Path, str]) -> None:
    bundle = load_bundle(volumes[0] / "bundle")
    assert (bundle.form, bundle.depth, bundle.height, bundle.width) == (
        "segment", 16, 24, 24,
    )  # fmt: skip
    assert bundle.labels == ("background", "label 3")
    assert [step.name for step in bundle.steps][-1] == "resample_volume"
    assert bundle.training["train_cases"] == 13
    assert bundle.training["modality"] == ""  # pictures do not say what they are
    assert bundle.training["surface_tolerance"] == 1.0  # mm, one pixel
    assert bundle.outlier is not None
    assert "test" in bundle.metrics


def test_history_is_of_dice(volumes: tuple[Path, str]) -> None:
    history = rows(volumes[0] / "history.csv")
    assert [int(row["step"]) for row in history] == [54, 60]  # 9 passes of 6 steps
    assert float(history[-1]["validation_dice"]) > 0.9


def test_the_report_shows_pictures_and_calls_nowhere(
    volumes: tuple[Path, str], flat: tuple[Path, str]
) -> None:
    for folder, _ in (volumes, flat):
        page = (folder / "report.html").read_text(encoding="utf-8")
        assert page.count("data:image/webp;base64,") >= 3
        assert "Dice" in page
        for origin in ('src="http', 'href="http', "@import"):
            assert origin not in page


def test_predicted_masks_lie_on_the_source(
    place: Path, volumes: tuple[Path, str], tmp_path: Path
) -> None:
    source = place / "balls" / "images" / "p07.nii.gz"
    done = medlens(
        *("predict", volumes[0] / "bundle", source, "--out", tmp_path / "out"),
        *("--format", "nifti,json"),
    )
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "out" / "masks").iterdir()
    file = nibabel.load(path)
    np.testing.assert_allclose(file.affine, nibabel.load(source).affine, atol=1e-5)
    found = np.asanyarray(file.dataobj).transpose(2, 1, 0)
    assert found.shape == SHAPE
    wanted = ball(7)[1]
    both = ((found > 0) & (wanted > 0)).sum()
    assert 2 * both / ((found > 0).sum() + wanted.sum()) > 0.9
    (case,) = read(tmp_path / "out" / "predictions.json")["cases"]
    (finding,) = case["findings"]
    assert finding["label"] == "label 3"
    assert finding["voxels"] == (found > 0).sum()
    assert finding["volume_ml"] == pytest.approx(BALL_ML, rel=0.15)


def test_evaluating_on_other_data_gives_its_own_figures(
    volumes: tuple[Path, str], tmp_path: Path
) -> None:
    other = make_balls(tmp_path / "other", cases=5, seed=500)
    for mask in (other / "masks").iterdir():  # another value for the same label
        file = nibabel.load(mask)
        half = (np.asanyarray(file.dataobj) > 0).astype(np.uint8)
        nibabel.save(nibabel.Nifti1Image(half, file.affine), mask)
    done = medlens("evaluate", volumes[0] / "bundle", other, "--out", tmp_path / "ev")
    assert done.returncode == 0, done.stderr
    entry = read(tmp_path / "ev" / "metrics.json")["splits"]["all"]
    assert entry["n_cases"] == 5
    assert entry["metrics"]["dice"]["value"] > 0.9
    assert len(rows(tmp_path / "ev" / "predictions.csv")) == 5
    assert read(tmp_path / "ev" / "run.json")["failed"] == []
    assert (tmp_path / "ev" / "report.html").is_file()
    again = medlens("evaluate", volumes[0] / "bundle", other, "--out", tmp_path / "ev")
    assert again.returncode != 0
    assert "holds curves.json, metrics.json, predictions.csv" in again.stderr


def test_flat_images_count_where_there_is_something(flat: tuple[Path, str]) -> None:
    folder, said = flat
    table = rows(folder / "predictions.csv")
    test = [row for row in table if row["split"] == "test"]
    entry = read(folder / "metrics.json")["splits"]["test"]
    assert entry["unit"] == "images"
    present = [r for r in test if float(r["reference_size_px_foreground"]) > 0]
    assert 0 < len(present) < len(test)  # some images show nothing
    mean = np.mean([float(row["dice_foreground"]) for row in present])
    found = entry["metrics"]["dice_present"]["value"]
    assert found == pytest.approx(mean, abs=1e-4)
    assert found > 0.85
    assert "Dice where it is present" in said
    bundle = load_bundle(folder / "bundle")
    assert (bundle.depth, bundle.height, bundle.width) == (1, 64, 64)


def test_a_flat_image_of_another_size_is_answered_whole(
    flat: tuple[Path, str], tmp_path: Path
) -> None:
    grid = np.indices((150, 90))
    disc = (grid[0] - 100) ** 2 + (grid[1] - 50) ** 2 <= 11**2
    values = np.random.default_rng(0).normal(70, 15, disc.shape) + 110 * disc
    path = tmp_path / "large.png"
    Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).save(path)
    done = medlens("predict", flat[0] / "bundle", path, "--json")
    assert done.returncode == 0, done.stderr
    (case,) = json.loads(done.stdout)["cases"]
    (finding,) = case["findings"]
    assert finding["voxels"] == pytest.approx(disc.sum(), rel=0.35)


def start(place: Path, out: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "medlens", "run", str(place / "balls")),
            *("--out", str(out), "--recipe", str(place / "3d.toml")),
            *("--task", "segment"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_a_killed_run_ends_with_the_same_weights(
    place: Path, volumes: tuple[Path, str]
) -> None:
    out = place / "again"
    process = start(place, out)
    limit = time.monotonic() + 120
    while not (out / "work" / "masks.json").exists():
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (out / "bundle").exists()
    assert (out / "work" / "masks.bin").is_file()
    written = (out / "work" / "masks.bin").stat().st_mtime_ns

    resumed, said = run(place, "balls", "3d.toml", "again")
    assert "Going on with the interrupted run" in said
    assert not (resumed / "work").exists()  # cache and all are tidied away
    assert written < (resumed / "bundle" / "model.onnx").stat().st_mtime_ns
    models = [(f / "bundle" / "model.onnx").read_bytes() for f in (volumes[0], resumed)]
    assert models[0] == models[1]
    splits = [read(f / "metrics.json")["splits"] for f in (volumes[0], resumed)]
    assert splits[0] == splits[1]


def test_masks_that_are_not_there_are_refused(place: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(place / "discs" / "images", bare / "some")
    shutil.copytree(place / "discs" / "masks", bare / "other")
    done = medlens("run", bare, "--task", "segment", "--out", tmp_path / "run")
    assert done.returncode != 0
    assert (
        "task 'segment': DATA holds 48 images and no masks; wanted images/ beside "
        "masks/ or labels/ with equal names, or a CSV with columns image and mask"
    ) in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_budget_too_small_is_refused_with_one_that_would_do(
    place: Path, tmp_path: Path
) -> None:
    done = medlens(
        *("plan", place / "balls", "--task", "segment", "--budget", "20s"),
        *("--out", tmp_path / "run"),
    )
    assert done.returncode == 1
    assert "budget: 20 s are too short to learn on this machine" in done.stderr
    assert "pass --budget" in done.stderr
    assert not (tmp_path / "run" / "recipe.toml").exists()


def test_a_recipe_of_another_form_is_refused(place: Path, tmp_path: Path) -> None:
    image = tmp_path / "image.toml"
    image.write_text(SEGMENT_2D.replace('form = "segment"', 'form = "image"'))
    done = medlens(
        *("run", place / "discs", "--task", "segment", "--recipe", image),
        *("--out", tmp_path / "run"),
    )
    assert done.returncode != 0
    assert "task.form is 'image'; DATA has the form 'segment'" in done.stderr


def test_a_mask_that_changed_its_size_is_another_data_set(tmp_path: Path) -> None:
    data = make_balls(tmp_path / "data", cases=4)

    def digest() -> str:
        return data_digest(read_manifest(data, task="segment"))

    before = digest()
    assert digest() == before
    mask = data / "masks" / "p01.nii.gz"
    mask.write_bytes(mask.read_bytes() + b"\0" * 7)
    assert digest() != before
