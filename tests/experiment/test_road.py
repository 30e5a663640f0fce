"""The whole road through the real command, on a small made data set."""

from __future__ import annotations

import csv
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medlens.datasets import make_shapes
from tests.cli.command import medlens

RECIPE = """
[prep]
steps = [
  {name = "display"},
  {name = "to_grey"},
  {name = "resize", height = 32, width = 32, mode = "stretch"},
]
[augment]
steps = [{name = "affine", rotate = 8.0}]
[net]
name = "residual18_half"
pretrained = ""
channels = 1
height = 32
width = 32
[train]
path = "scratch"
steps = 40
batch_size = 8
"""


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """96 images of 48 patients in two sites."""
    return make_shapes(tmp_path_factory.mktemp("road") / "shapes", n=96)


@pytest.fixture(scope="module")
def finished(shapes: Path) -> Path:
    """A finished run with the planned recipe."""
    out = shapes.parent / "run"
    done = medlens("run", shapes, "--out", out, "--budget", "120s")
    assert done.returncode == 0, done.stderr
    (shapes.parent / "stdout.txt").write_text(done.stdout)
    (shapes.parent / "stderr.txt").write_text(done.stderr)
    return out


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty steps of a small network."""
    path = tmp_path_factory.mktemp("recipe") / "recipe.toml"
    path.write_text(RECIPE)
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_promised_file_is_there(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert names == {
        "audit.json",
        "recipe.toml",
        "splits.csv",
        "history.csv",
        "bundle",
        "predictions.csv",
        "metrics.json",
        "report.html",
        "run.json",
    }
    assert {p.name for p in (finished / "bundle").iterdir()} == {
        "model.onnx",
        "bundle.json",
        "card.md",
    }


def test_no_patient_is_in_two_splits(finished: Path) -> None:
    splits: dict[str, set[str]] = {}
    groups: dict[str, set[str]] = {}
    for row in rows(finished / "splits.csv"):
        splits.setdefault(row["patient"], set()).add(row["split"])
        groups.setdefault(row["group"], set()).add(row["split"])
    assert len(splits) == 48
    assert all(len(found) == 1 for found in splits.values())
    assert all(len(found) == 1 for found in groups.values())


def test_predictions_follow_the_contract(finished: Path) -> None:
    found = rows(finished / "predictions.csv")
    assert list(found[0]) == [
        "case",
        "patient",
        "split",
        "reference",
        "predicted",
        "decision",
        "p_disc",
        "p_ring",
        "ood_score",
    ]
    keys = {row["case"] for row in rows(finished / "splits.csv")}
    for row in found:
        assert row["case"] in keys
        assert row["split"] in ("validation", "test")
        assert abs(float(row["p_disc"]) + float(row["p_ring"]) - 1) < 1e-4


def test_metrics_are_those_of_the_predictions(finished: Path) -> None:
    metrics = json.loads((finished / "metrics.json").read_text())
    assert metrics["schema"] == "medlens/metrics/1"
    entry = metrics["splits"]["test"]
    test = [r for r in rows(finished / "predictions.csv") if r["split"] == "test"]
    assert entry["n_cases"] == len(test)
    right = sum(row["decision"] == row["reference"] for row in test)
    assert entry["metrics"]["accuracy"]["value"] == pytest.approx(right / len(test))
    positive = [float(r["p_ring"]) for r in test if r["reference"] == "ring"]
    negative = [float(r["p_ring"]) for r in test if r["reference"] == "disc"]
    pairs = [(p > n) + 0.5 * (p == n) for p in positive for n in negative]
    assert entry["metrics"]["auroc"]["value"] == pytest.approx(
        sum(pairs) / len(pairs), abs=1e-6
    )
    assert {"majority", "classical"} <= set(entry["baselines"])


def test_the_end_of_a_run_says_what_comes_next(finished: Path) -> None:
    text = (finished.parent / "stdout.txt").read_text()
    assert f"medlens predict {finished / 'bundle'}" in text
    assert f"medlens evaluate {finished / 'bundle'}" in text
    assert "not a medical device" in text
    progress = (finished.parent / "stderr.txt").read_text()
    for step in ("Audit", "Split and plan", "Train", "Evaluate", "Report"):
        assert f"\n{step}\n" in progress
    assert "Warning" not in progress


def test_a_finished_run_is_not_touched(finished: Path, shapes: Path) -> None:
    before = (finished / "metrics.json").read_bytes()
    done = medlens("run", shapes, "--out", finished, "--budget", "120s")
    assert done.returncode == 2
    assert "holds a finished run" in done.stderr
    assert (finished / "metrics.json").read_bytes() == before


def test_predict_agrees_with_the_run(finished: Path, shapes: Path) -> None:
    wanted = rows(finished / "predictions.csv")[0]
    image = shapes / wanted["case"]
    done = medlens("predict", finished / "bundle", image, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == "medlens/prediction/1"
    [case] = document["cases"]
    assert case["probabilities"]["ring"] == pytest.approx(
        float(wanted["p_ring"]), abs=1e-4
    )
    assert case["decision"] == wanted["decision"]


def test_evaluate_on_the_same_images_gives_the_same_answers(
    finished: Path, shapes: Path, tmp_path: Path
) -> None:
    done = medlens(
        "evaluate", finished / "bundle", shapes, "--out", tmp_path / "ev", "--json"
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert set(document["splits"]) == {"all"}
    assert document["splits"]["all"]["n_cases"] == 96
    ours = {r["case"]: r["p_ring"] for r in rows(tmp_path / "ev" / "predictions.csv")}
    for row in rows(finished / "predictions.csv"):
        assert float(ours[row["case"]]) == pytest.approx(float(row["p_ring"]), abs=1e-4)
    assert (tmp_path / "ev" / "report.html").stat().st_size > 10_000


def test_the_curves_of_the_test_split_travel_with_the_bundle(
    finished: Path, shapes: Path, tmp_path: Path
) -> None:
    entry = json.loads((finished / "metrics.json").read_text())["splits"]["test"]
    curves = json.loads((finished / "bundle" / "bundle.json").read_text())["curves"]
    (part,) = curves["parts"]
    assert (curves["schema"], curves["split"]) == ("medlens/curves/1", "test")
    assert (part["of"], part["n_cases"]) == ("cases", entry["n_cases"])
    assert part["metrics"] == entry["metrics"]
    assert part["confusion"]["counts"] == entry["confusion_matrix"]
    elsewhere = tmp_path / "ev"
    done = medlens("evaluate", finished / "bundle", shapes, "--out", elsewhere)
    assert done.returncode == 0, done.stderr
    kept = json.loads((elsewhere / "curves.json").read_text())
    measured = json.loads((elsewhere / "metrics.json").read_text())["splits"]["all"]
    assert (kept["split"], kept["parts"][0]["metrics"]) == ("all", measured["metrics"])


def test_compare_with_itself_is_no_difference(finished: Path) -> None:
    done = medlens("compare", finished, finished, "--json")
    assert done.returncode == 0, done.stderr
    gap = json.loads(done.stdout)["metrics"]["auroc"]["difference"]
    assert gap["value"] == 0


def test_info_names_no_patient(finished: Path, shapes: Path) -> None:
    for path in (finished, finished / "bundle", shapes / "images" / "00000.png"):
        done = medlens("info", path)
        assert done.returncode == 0, done.stderr
        assert "P00" not in done.stdout


def test_tampered_bundle_is_refused(
    finished: Path, shapes: Path, tmp_path: Path
) -> None:
    import shutil

    bundle = Path(shutil.copytree(finished / "bundle", tmp_path / "bundle"))
    data = bytearray((bundle / "model.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / "model.onnx").write_bytes(bytes(data))
    done = medlens("predict", bundle, shapes / "images" / "00000.png")
    assert done.returncode == 1
    assert "model.onnx does not match the digest" in done.stderr


def test_a_budget_too_short_says_which_would_do(shapes: Path, tmp_path: Path) -> None:
    done = medlens("run", shapes, "--out", tmp_path / "run", "--budget", "20s")
    assert done.returncode == 1
    assert "budget" in done.stderr
    assert "--budget" in done.stderr
    assert not (tmp_path / "run" / "bundle").exists()


def start(
    shapes: Path, out: Path, recipe: Path, **options: object
) -> subprocess.Popen[str]:
    # A test run started in the background of a shell ignores Ctrl-C, and its
    # children would too.
    limit = options.pop("preexec_fn", None)

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if callable(limit):
            limit()

    return subprocess.Popen(
        [
            *(sys.executable, "-m", "medlens", "run", str(shapes)),
            *("--out", str(out), "--recipe", str(recipe)),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=prepare,
        **options,  # type: ignore[call-overload]
    )


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + 120
    while not path.exists() and process.poll() is None:
        assert time.monotonic() < limit
        time.sleep(0.05)


def test_stopped_runs_end_with_the_same_weights(
    shapes: Path, recipe: Path, tmp_path: Path
) -> None:
    """kill -9 while it prepares, Ctrl-C while it trains, then to the end."""
    whole = medlens("run", shapes, "--out", tmp_path / "a", "--recipe", recipe)
    assert whole.returncode == 0, whole.stderr

    out = tmp_path / "b"
    process = start(shapes, out, recipe)
    wait_for(out / "recipe.toml", process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (out / "report.html").exists()

    process = start(shapes, out, recipe)
    wait_for(out / "work" / "cache.json", process)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130, said
    assert "Repeat the same command to go on" in said

    again = medlens("run", shapes, "--out", out, "--recipe", recipe)
    assert again.returncode == 0, again.stderr
    assert "Going on with the interrupted run" in again.stderr
    models = [(tmp_path / n / "bundle" / "model.onnx").read_bytes() for n in "ab"]
    assert models[0] == models[1]
    keys = ("splits", "task")
    metrics = [json.loads((tmp_path / n / "metrics.json").read_text()) for n in "ab"]
    assert [metrics[0][k] for k in keys] == [metrics[1][k] for k in keys]


def test_a_full_disk_is_a_message_and_loses_nothing(
    shapes: Path, recipe: Path, tmp_path: Path
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    process = start(shapes, tmp_path / "run", recipe, preexec_fn=limit)
    _, said = process.communicate()
    assert process.returncode == 1, said
    assert "Traceback" not in said
    assert "cannot" in said
    again = medlens("run", shapes, "--out", tmp_path / "run", "--recipe", recipe)
    assert again.returncode == 0, again.stderr
