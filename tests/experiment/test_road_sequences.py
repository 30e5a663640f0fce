"""The whole road of slices read in order, through the real command."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medlens.bundle import load_bundle
from medlens.core import Array
from tests.cli.command import medlens
from tests.experiment.volumes import SEQUENCE
from tests.read.series_kit import make_affine, write_series

DEPTH, SIDE = 6, 32
LABELS = ("no", "yes")


def make_series(folder: Path, *, cases: int, seed: int = 0) -> Path:
    """DICOM series of 6 slices with `labels.csv`; half have a disc on 2 slices."""
    rows = []
    for i in range(cases):
        rng = np.random.default_rng(seed + i)
        first = int(rng.integers(0, DEPTH - 1))
        marked = (first, first + 1) if i % 2 else ()
        stack = np.stack([_slice(rng, d in marked) for d in range(DEPTH)])
        name = f"scan{i:02d}"
        paths = write_series(
            folder / name, stack, make_affine("axial"), uid=f"1.2.826.{seed + i + 1}",
            PatientID=f"p{seed + i}", Modality="MR",
            SOPClassUID="1.2.840.10008.5.1.4.1.1.4",
        )  # fmt: skip
        rows += [
            {
                "image": path.relative_to(folder).as_posix(), "patient": f"a{i}",
                "series": name, "slice": d, "label": LABELS[d in marked],
            }
            for d, path in enumerate(paths)
        ]  # fmt: skip
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def _slice(rng: np.random.Generator, has_disc: bool) -> Array:
    h, w = rng.uniform(9, SIDE - 9, 2)
    grid = np.indices((SIDE, SIDE))
    disc = (grid[0] - h) ** 2 + (grid[1] - w) ** 2 <= 36
    values = rng.normal(300, 40, (SIDE, SIDE)) + 500 * (disc & has_disc)
    slice_: Array = np.clip(values, 0, 1000).astype(np.uint16)
    return slice_


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on 24 series."""
    folder = tmp_path_factory.mktemp("sequences")
    make_series(folder / "scans", cases=24)
    (folder / "recipe.toml").write_text(SEQUENCE)
    done = medlens(
        *("run", folder / "scans", "--recipe", folder / "recipe.toml"),
        *("--out", folder / "run"),
    )
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout + done.stderr)
    return folder / "run"


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_what_a_user_is_told(finished: Path) -> None:
    said = (finished.parent / "said.txt").read_text()
    assert "24 series: 144 slices" in said
    assert said.index("Network 1 of 2:") < said.index("Network 2 of 2:")
    assert "Reading slices in order (gru) against each slice alone" in said
    test = read(finished / "metrics.json")["splits"]["test"]
    assert f"On {test['n_cases']} slices of {test['n_patients']} patients" in said
    assert "PatientID" not in said  # the table has a patient column of its own
    assert f"medlens predict {finished}/bundle SERIES" in said


def test_a_bundle_that_reads_series_is_made(finished: Path) -> None:
    bundle = load_bundle(finished / "bundle")
    assert (bundle.form, bundle.height, bundle.positive) == ("sequence", SIDE, "yes")
    assert bundle.slice_labels
    assert bundle.training["modality"] == "MR"
    tried = bundle.training["readers_tried"]
    assert (tried["tried"], tried["unit"]) == ("gru", "slice")
    assert bundle.reader in ("gru", "none")
    assert bundle.series_calibration is not None


def test_slices_and_series_are_measured(finished: Path) -> None:
    test = read(finished / "metrics.json")["splits"]["test"]
    whole = test["series"]
    assert (test["case_unit"], whole["case_unit"]) == ("slices", "series")
    assert test["n_cases"] == DEPTH * whole["n_cases"]
    assert test["metrics"]["auroc"]["value"] > 0.9
    assert whole["metrics"]["auroc"]["value"] > 0.9
    # prediction sets were fitted on slices and promise nothing of series
    assert test["conformal"] is not None
    assert whole["conformal"] is None
    said = read(finished / "run.json")
    assert (said["status"], said["failed"]) == ("done", [])


def test_slices_and_series_have_a_table_each(finished: Path) -> None:
    slices = rows_of(finished / "predictions.csv")
    series = rows_of(finished / "predictions_series.csv")
    assert list(slices[0]) == list(series[0])
    assert len(slices) == DEPTH * len(series)
    split_of = {r["case"]: r["split"] for r in rows_of(finished / "splits.csv")}
    for at, row in enumerate(series):
        own = slices[DEPTH * at : DEPTH * (at + 1)]
        assert {one["case"].split("/")[0] for one in own} == {row["case"]}
        assert {one["split"] for one in own} == {row["split"]} == {
            split_of[row["case"]]
        }  # fmt: skip
        found = "yes" in [one["reference"] for one in own]
        assert row["reference"] == LABELS[found]


def test_the_report_is_whole(finished: Path) -> None:
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert "test slices of" in page
    assert 'src="http' not in page
    assert not (finished / "work").exists()


def test_predicting_a_series_and_its_slices(finished: Path, tmp_path: Path) -> None:
    """One with a disc on slices 2 and 3, one without, and a file that is none."""
    other = make_series(tmp_path / "other", cases=8, seed=900)
    (other / "scan00" / "torn.dcm").write_bytes(b"not a DICOM file")
    with_disc = next(
        case
        for case in ("scan01", "scan03", "scan05", "scan07")
        if _marked(other, case)[0] not in (0, DEPTH - 2)
    )
    done = medlens(
        *("predict", finished / "bundle", other / with_disc, other / "scan00"),
        *("--out", tmp_path / "out", "--format", "json,csv,png"),
    )
    assert done.returncode == 1, done.stderr
    assert "torn.dcm" in done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [
        [with_disc, "yes"], ["scan00", "no"],
    ]  # fmt: skip
    assert "set {" not in done.stdout
    case = read(tmp_path / "out" / "predictions.json")["cases"][0]
    decided = [one["index"] for one in case["slices"] if one["decision"] == "yes"]
    assert decided == _marked(other, with_disc)
    assert case["key_slice"] in decided
    gaps = np.diff([one["position_mm"] for one in case["slices"]])
    np.testing.assert_allclose(gaps, 2.5)
    assert [r["case"] for r in rows_of(tmp_path / "out" / "predictions.csv")] == [
        with_disc, "scan00",
    ]  # fmt: skip
    assert len(list((tmp_path / "out" / "evidence").glob("*.png"))) == 2


def test_evaluating_on_other_series(finished: Path, tmp_path: Path) -> None:
    other = make_series(tmp_path / "other", cases=8, seed=900)
    done = medlens("evaluate", finished / "bundle", other, "--out", tmp_path / "ev")
    assert done.returncode == 0, done.stderr
    assert "On 48 slices of 8 patients" in done.stdout
    entry = read(tmp_path / "ev" / "metrics.json")["splits"]["all"]
    assert (entry["n_cases"], entry["series"]["n_cases"]) == (48, 8)
    assert entry["series"]["metrics"]["auroc"]["value"] > 0.9
    assert len(rows_of(tmp_path / "ev" / "predictions.csv")) == 48
    series = rows_of(tmp_path / "ev" / "predictions_series.csv")
    assert [row["case"] for row in series] == [f"scan{i:02d}" for i in range(8)]
    assert [row["patient"] for row in series] == [f"a{i}" for i in range(8)]


def _marked(folder: Path, series: str) -> list[int]:
    """Slices of a series that its table calls positive."""
    rows = rows_of(folder / "labels.csv")
    own = [row for row in rows if row["series"] == series and row["label"] == "yes"]
    return [int(row["slice"]) for row in own]
