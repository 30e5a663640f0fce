"""`medlens predict` as a user types it: reports, results, a prior study."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medlens.bundle import write_bundle
from tests.cli.command import medlens
from tests.tiny import CARD, bundle_of, plain_graph
from tests.write.dicom_sources import errors_of, file_bytes, radiograph, validator

LABELS = ("normal", "pneumonia")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle and a film of the chest."""
    place = tmp_path_factory.mktemp("predict")
    made = bundle_of(plain_graph(), labels=LABELS, thresholds=(0.01,))
    write_bundle(place / "bundle", made, card=CARD)
    (place / "film.dcm").write_bytes(file_bytes(radiograph("DX")))
    return place


def test_a_film_is_told_compared_and_written(folder: Path) -> None:
    then = medlens("predict", "bundle", "film.dcm", "--out", "then", cwd=folder)
    assert then.returncode == 0, then.stderr
    assert "IMPRESSION\n  Pneumonia. A reader should look.\n" in then.stdout
    assert then.stdout.count("not a medical device") == 1
    now = medlens(
        "predict",
        "bundle",
        "film.dcm",
        *("--prior", "then/predictions.json", "--lang", "zh"),
        *("--out", "now", "--format", "json,text,dicom,fhir"),
        cwd=folder,
    )
    assert now.returncode == 0, now.stderr
    assert "印象\n  肺炎。建议由医师阅片确认。\n" in now.stdout
    assert "对比\n  与既往检查对比。\n  肺炎：仍为阳性" in now.stdout
    out = folder / "now"
    document = json.loads((out / "predictions.json").read_text("utf-8"))
    (case,) = document["cases"]
    assert case["diagnosis"]["schema"] == "medlens/diagnosis/1"
    assert case["diagnosis"]["has_prior"] is True
    report = (out / "reports" / "00001_film.txt").read_text("utf-8")
    told, _, notice = report.strip().rpartition("\n")
    assert now.stdout.startswith(told)  # no English line before it
    assert now.stdout.endswith(f"\n{notice}\n")
    names = {path.name for path in (out / "dicom").iterdir()}
    assert {"00001_film_sr.dcm", "00001_film_sc.dcm"} <= names
    assert [path.name for path in (out / "fhir").iterdir()] == ["00001_film.json"]


def test_what_it_writes_is_valid_dicom(folder: Path, tmp_path: Path) -> None:
    validator()  # skips where there is none
    made = medlens(
        "predict",
        *("bundle", "film.dcm", "--out", tmp_path / "out", "--format", "dicom"),
        cwd=folder,
    )
    assert made.returncode == 0, made.stderr
    for path in (tmp_path / "out" / "dicom").iterdir():
        assert errors_of(path.read_bytes(), tmp_path) == [], path.name


def test_results_need_a_folder_and_a_known_language(folder: Path) -> None:
    alone = medlens("predict", "bundle", "film.dcm", "--format", "dicom", cwd=folder)
    assert alone.returncode == 2
    assert "--format dicom: names files, and there is no folder" in alone.stderr
    odd = medlens("predict", "bundle", "film.dcm", "--lang", "xx", cwd=folder)
    assert odd.returncode == 2
    assert "--lang xx: wanted one of en, zh" in odd.stderr
