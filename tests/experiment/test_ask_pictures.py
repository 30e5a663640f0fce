"""Folders of numbered pictures: `predict` answers them as `evaluate` does."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from medlens.bundle import Bundle, write_bundle
from medlens.core import Array
from medlens.recipe import Step
from tests.cli.command import medlens
from tests.predict.volume_kit import grey_graph, mask_bundle
from tests.tiny import CARD, SIDE, bundle_of, plain_graph

# A step that looks at all slices: one that is missing or too many moves the answer.
STEPS = (
    Step("percentile", {"low": 1.0, "high": 99.0}),
    Step("to_grey"),
    Step("resize", {"height": SIDE, "width": SIDE, "mode": "stretch"}),
)
DEPTH = 12
SAME = 1e-5
KINDS = {"a": "background", "b": "grey", "c": "white"}


def sequence_bundle(*labels: str) -> Bundle:
    return replace(
        bundle_of(plain_graph(), labels=labels, steps=STEPS),
        form="sequence",
        reader="none",
        slice_labels=True,
    )


def make_pictures(folder: Path, *, is_sliced: bool) -> Path:
    """Three series of `DEPTH` pictures and masks, numbered 1 to 12, not 01 to 12.

    Args:
        folder: `labels.csv` goes there, too.
        is_sliced: labels differ from slice to slice; else a series has one.
    """
    rows = []
    for i, (name, kind) in enumerate(KINDS.items()):
        rng = np.random.default_rng(i)
        bright = int(rng.integers(0, DEPTH))
        for d in range(DEPTH):
            level = 200 if is_sliced and d == bright else 15 * d + 5
            plane = rng.integers(level, level + 40, (20, 24)).astype(np.uint8)
            _save(folder / name / f"{name}2_s{d + 1}.png", plane)
            _save(folder / name / f"{name}2_s{d + 1}_mask.png", plane * 0)
            label = ("dark", "bright")[int(d == bright)] if is_sliced else kind
            image = f"{name}/{name}2_s{d + 1}.png"
            row = {"image": image, "patient": name, "series": name, "slice": d + 1}
            rows.append({**row, "label": label})
    _write_rows(folder / "labels.csv", rows)
    return folder


def _save(path: Path, plane: Array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", plane)[1].tobytes())


def _write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: Path) -> dict[str, dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return {row["case"]: row for row in csv.DictReader(file)}


def evaluate(bundle: Path, data: Path, out: Path) -> Path:
    done = medlens("evaluate", bundle, data, "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def predict(bundle: Path, *folders: Path) -> dict[str, Any]:
    # "auto" may take another engine than figures are computed with.
    done = medlens("predict", bundle, *folders, "--engine", "onnxruntime", "--json")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def hold_against(evaluated: Path, case: dict[str, Any], *, folder: str) -> None:
    """A predicted series against the rows of an evaluation."""
    series = read_rows(evaluated / "predictions_series.csv")[case["case"]]
    for label, probability in case["probabilities"].items():
        assert probability == pytest.approx(float(series[f"p_{label}"]), abs=SAME)
    slices = read_rows(evaluated / "predictions.csv")
    for one in case["slices"]:
        row = slices[f"{folder}/{one['file']}"]
        for label, probability in one["probabilities"].items():
            assert probability == pytest.approx(float(row[f"p_{label}"]), abs=SAME)


def test_a_sequence_is_answered_as_it_is_evaluated(tmp_path: Path) -> None:
    data = make_pictures(tmp_path / "data", is_sliced=True)
    write_bundle(tmp_path / "b", sequence_bundle("dark", "bright"), card=CARD)
    evaluated = evaluate(tmp_path / "b", data, tmp_path / "ev")
    document = predict(tmp_path / "b", *(data / name for name in "abc"))
    assert [case["case"] for case in document["cases"]] == ["a", "b", "c"]
    assert document["notes"][0].startswith("36 masks among the pictures are passed")
    for case in document["cases"]:
        hold_against(evaluated, case, folder=case["case"])
        # all but the bright slice grow lighter with their number
        key = np.random.default_rng("abc".index(case["case"])).integers(0, DEPTH)
        assert (case["key_slice"], case["key_file"]) == (
            key, f"{case['case']}2_s{key + 1}.png",
        )  # fmt: skip
        names = [one["file"] for one in case["slices"]]
        assert names == [f"{case['case']}2_s{d + 1}.png" for d in range(DEPTH)]


def test_the_root_of_a_data_set_holds_the_same_series(tmp_path: Path) -> None:
    data = make_pictures(tmp_path / "data", is_sliced=True)
    write_bundle(tmp_path / "b", sequence_bundle("dark", "bright"), card=CARD)
    whole = predict(tmp_path / "b", data)
    each = predict(tmp_path / "b", *(data / name for name in "abc"))
    for one, other in zip(whole["cases"], each["cases"], strict=True):
        assert one["case"] == other["case"]
        assert one["probabilities"] == other["probabilities"]
        assert one["key_file"] == f"{one['case']}/{other['key_file']}"


def test_a_volume_is_answered_as_it_is_evaluated(tmp_path: Path) -> None:
    data = make_pictures(tmp_path / "data", is_sliced=False)
    steps = (
        STEPS[0],
        STEPS[1],
        Step("fit_volume", {"depth": DEPTH, "height": 16, "width": 16}),
    )
    plain = mask_bundle(grey_graph(3, with_evidence=True), (DEPTH, 16, 16), steps=steps)
    write_bundle(tmp_path / "b", replace(plain, form="volume"), card=CARD)
    evaluated = evaluate(tmp_path / "b", data, tmp_path / "ev")
    document = predict(tmp_path / "b", data / "b", data / "c")
    rows = read_rows(evaluated / "predictions.csv")
    assert [case["case"] for case in document["cases"]] == ["b", "c"]
    for case in document["cases"]:
        assert "slices" not in case
        for label, probability in case["probabilities"].items():
            wanted = float(rows[case["case"]][f"p_{label}"])
            assert probability == pytest.approx(wanted, abs=SAME)


def test_what_a_person_reads(tmp_path: Path) -> None:
    """Answers, notes and failures of a folder that holds some of each."""
    data = make_pictures(tmp_path / "data", is_sliced=True)
    write_bundle(tmp_path / "b", sequence_bundle("dark", "bright"), card=CARD)
    (data / "b" / "b2_s4.png").unlink()
    shutil.copy(data / "c" / "c2_s1.png", data / "c" / "cover.png")
    done = medlens("predict", tmp_path / "b", data, "--no-text")
    assert done.returncode == 1
    answer, note, notice = done.stdout.splitlines()
    assert answer.startswith("a  bright")
    assert "  key slice 11 of 12 (a2_s11.png)" in answer
    assert note.startswith("Note: 36 masks among the pictures are passed over: 'a2_s1")
    assert notice == "Research software, not a medical device."
    first, second = done.stderr.splitlines()
    assert first.startswith("medlens: failed: c: 1 of its 13 pictures has no number")
    assert second.startswith("medlens: failed: b: missing slices: 1 slice is missing")
    assert "--uneven resample" in second
    kept = medlens("predict", tmp_path / "b", data / "b", "--uneven", "keep")
    assert "of 11 (b2_s" in kept.stdout
    filled = medlens("predict", tmp_path / "b", data / "b", "--uneven", "resample")
    assert "of 12\n" in filled.stdout  # an interpolated slice is no file's


def test_real_slices_are_answered_as_they_are_evaluated(
    tmp_path: Path, shared_data: Path
) -> None:
    """MR slices of three patients in colour channels, masks beside them."""
    source = shared_data / "mri_glioma_slices"
    with (source / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    chosen = list(dict.fromkeys(row["series"] for row in rows))[:3]
    data = tmp_path / "data"
    for name in chosen:
        shutil.copytree(source / name, data / name, copy_function=shutil.copyfile)
        (data / name).chmod(0o755)
    own = [row for row in rows if row["series"] in chosen]
    _write_rows(data / "labels.csv", own)
    write_bundle(tmp_path / "b", sequence_bundle("0", "1"), card=CARD)
    evaluated = evaluate(tmp_path / "b", data, tmp_path / "ev")
    document = predict(tmp_path / "b", *(source / name for name in chosen))
    assert [case["case"] for case in document["cases"]] == chosen
    assert document["failed"] == []
    for case in document["cases"]:
        hold_against(evaluated, case, folder=case["case"])
        numbers = [int(row["slice"]) for row in own if row["series"] == case["case"]]
        files = [f"{case['case']}_{number}.png" for number in sorted(numbers)]
        assert [one["file"] for one in case["slices"]] == files
        assert case["key_file"] == files[case["key_slice"]]
