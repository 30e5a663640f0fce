"""`medlens predict` from files to files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from medlens.bundle import write_bundle
from medlens.core import BundleError, DataError, ExistsError, ResourceError, UsageError
from medlens.predict import answers, documents, files
from medlens.predict.answers import NOTICE, Answers, answer_inputs
from tests.tiny import CARD, blob_image, bundle_of, plain_graph


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "b"
    write_bundle(folder, bundle_of(plain_graph(), thresholds=(0.9,)), card=CARD)
    return folder


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """blob.png, dark.png and text.png that is none."""
    folder = tmp_path / "images"
    folder.mkdir()
    save(folder / "blob.png", blob_image(0, shape=(60, 80), centre=(20, 60)))
    save(folder / "dark.png", np.zeros((30, 30), np.uint8))
    (folder / "text.png").write_text("no image")
    return folder


def save(path: Path, array: Any) -> None:
    path.write_bytes(cv2.imencode(".png", array)[1].tobytes())


def answer(bundle: Path, *inputs: Path, **more: Any) -> Answers:
    given = {
        "out": None,
        "formats": "json,csv",
        "engine": "onnxruntime",
        "force": False,
    }
    return answer_inputs(bundle, list(inputs), **{**given, **more})


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_document_follows_the_contract(bundle: Path, images: Path) -> None:
    found = answer(bundle, images).document
    assert found["schema"] == "medlens/prediction/1"
    assert found["bundle"]["name"] == "tiny"
    assert found["bundle"]["labels"] == ["normal", "blob"]
    assert found["notice"] == NOTICE
    assert [case["case"] for case in found["cases"]] == ["blob.png", "dark.png"]
    dark = found["cases"][1]  # brightness 0: both logits -2
    assert dark["probabilities"] == {"normal": 0.5, "blob": 0.5}
    assert dark["decision"] == "normal"  # 0.5 is below the threshold of 0.9
    assert dark["prediction_set"] == ["normal", "blob"]
    assert dark["findings"] == [{"label": "normal", "probability": 0.5}]
    gate = dark["out_of_distribution"]
    assert gate == {"score": 0.0, "threshold": None, "flag": False}
    (failed,) = found["failed"]
    assert failed["case"] == "text.png"
    assert failed["reason"].startswith("text.png: ")
    json.dumps(found, allow_nan=False)


def test_files_say_what_the_document_says(
    bundle: Path, images: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "out"
    found = answer(bundle, images, out=out, formats="json, CSV")
    assert sorted(p.name for p in out.iterdir()) == [
        "predictions.csv",
        "predictions.json",
    ]
    assert json.loads((out / "predictions.json").read_text()) == found.document
    rows = rows_of(out / "predictions.csv")
    assert [row["case"] for row in rows] == ["blob.png", "dark.png"]
    for row, case in zip(rows, found.document["cases"], strict=True):
        assert float(row["p_blob"]) == case["probabilities"]["blob"]
        assert row["decision"] == case["decision"]
        assert row["prediction_set"] == "|".join(case["prediction_set"])
        assert row["ood_flag"] == "0"
    assert f"Written: predictions.json, predictions.csv in {out}" in found.lines()


def test_pictures_show_the_evidence_over_the_image(
    bundle: Path, images: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    save(images / "blob.png", blob_image(0, shape=(64, 64), centre=(16, 48)))
    found = answer(bundle, images / "blob.png", out=out, formats="png")
    (path,) = (out / "evidence").iterdir()
    decision = found.document["cases"][0]["decision"]
    assert path.name == f"00001_blob.png_{decision}.png"
    painted = cv2.imread(str(path)).astype(int)
    plain = blob_image(0, shape=(64, 64), centre=(16, 48)).astype(int)
    assert painted.shape == (64, 64, 3)
    coloured = np.abs(painted - plain[:, :, None]).max(axis=2)
    if decision == "normal":  # nothing speaks for it: the image stays as it is
        assert coloured.max() <= 1
    else:
        assert coloured[16, 48] > coloured[60, 4]


def test_pictures_of_a_decision_with_evidence_are_coloured(
    tmp_path: Path, images: Path
) -> None:
    write_bundle(tmp_path / "b", bundle_of(plain_graph(), thresholds=(0.1,)), card=CARD)
    answer(tmp_path / "b", images / "blob.png", out=tmp_path / "out", formats="png")
    (path,) = (tmp_path / "out" / "evidence").iterdir()
    assert path.name == "00001_blob.png_blob.png"
    painted = cv2.imread(str(path)).astype(int)
    saturation = painted.max(axis=2) - painted.min(axis=2)
    assert saturation[20, 60] > 20
    assert saturation[20, 60] > saturation[50, 10]


def test_names_of_pictures_fit_every_file_system(tmp_path: Path) -> None:
    labels = ("normal", "größer/../" + "ü" * 100)
    model = bundle_of(plain_graph(), labels=labels, thresholds=(0.0,))
    write_bundle(tmp_path / "b", model, card=CARD)
    name = "€" * 70 + " =x.png"
    save(tmp_path / name, np.full((8, 8), 200, np.uint8))
    answer(tmp_path / "b", tmp_path / name, out=tmp_path / "out", formats="png")
    (path,) = (tmp_path / "out" / "evidence").iterdir()
    assert path.name.isascii()
    assert len(path.name) < 150
    assert path.name.startswith("00001_______")


@pytest.mark.parametrize("formats", ["", " , "])
def test_no_format_writes_nothing(
    bundle: Path, images: Path, tmp_path: Path, formats: str
) -> None:
    answer(bundle, images, out=tmp_path / "out", formats=formats)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"formats": "json,xml"}, "--format xml: wanted some of json, csv, png"),
        (
            {"engine": "magic"},
            "--engine magic: wanted one of auto, onnxruntime, openvino, int8",
        ),
    ],
)
def test_unknown_words_are_told_what_there_is(
    bundle: Path, images: Path, change: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        answer(bundle, images, **change)


def test_an_engine_without_proof_is_refused(bundle: Path, images: Path) -> None:
    with pytest.raises(
        BundleError, match="engine 'int8' was not tried when the bundle"
    ):
        answer(bundle, images, engine="int8")


@pytest.mark.parametrize(
    ("formats", "named"),
    [("json", "predictions.json"), ("csv", "predictions.csv"), ("png", "evidence")],
)
def test_answers_are_never_overwritten_unasked(
    bundle: Path, images: Path, tmp_path: Path, formats: str, named: str
) -> None:
    out = tmp_path / "out"
    answer(bundle, images, out=out, formats=formats)
    wanted = f"^out: holds {named} already; choose another --out, or pass --force"
    with pytest.raises(ExistsError, match=wanted):
        answer(bundle, images, out=out, formats=f"{formats}")
    answer(bundle, images, out=out, formats=formats, force=True)


def test_a_bad_bundle_or_input_leaves_no_folder(
    bundle: Path, images: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(BundleError, match=r"images: bundle.json cannot be read"):
        answer(images, images, out=out)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="INPUT: no file found"):
        answer(bundle, tmp_path / "empty", out=out)
    assert not out.exists()


def test_an_out_that_is_a_file_is_told(
    bundle: Path, images: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("text")
    with pytest.raises(ResourceError, match=r"^out: cannot be written \(File exists\)"):
        answer(bundle, images, out=tmp_path / "out")


def test_a_full_disk_is_told_and_leaves_nothing_half(
    bundle: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ResourceError, match=r"^out: cannot be written \(No space left"):
        answer(bundle, images, out=tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_text_that_a_spreadsheet_would_run_stays_text(tmp_path: Path) -> None:
    labels = ("=1+1", "+cmd|' /C calc'!A0")
    write_bundle(tmp_path / "b", bundle_of(plain_graph(), labels=labels), card=CARD)
    names = ["=HYPERLINK(1).png", "@x.png", "-y.png", "plain, with comma.png"]
    (tmp_path / "in").mkdir()
    for name in names:
        save(tmp_path / "in" / name, np.zeros((8, 8), np.uint8))
    answer(tmp_path / "b", tmp_path / "in", out=tmp_path / "out", formats="csv")
    rows = rows_of(tmp_path / "out" / "predictions.csv")
    assert sorted(row["case"] for row in rows) == sorted(
        ["'=HYPERLINK(1).png", "'@x.png", "'-y.png", "plain, with comma.png"]
    )
    for row in rows:
        assert not [k for k in row if k[:1] in "=+-@"]
        assert not [v for v in row.values() if v[:1] in "=+-@"]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\tx", "\rx"])
def test_every_first_letter_of_a_formula_is_disarmed(text: str) -> None:
    assert documents.disarm(text) == "'" + text
    assert documents.disarm("a" + text) == "a" + text
    assert documents.disarm("") == ""
    assert documents.disarm(-1.5) == -1.5


def test_equal_names_in_two_folders_are_two_cases(bundle: Path, tmp_path: Path) -> None:
    for folder, value in (("a", 0), ("b", 255)):
        (tmp_path / folder).mkdir()
        save(tmp_path / folder / "x.png", np.full((9, 9), value, np.uint8))
    out = tmp_path / "out"
    found = answer(bundle, tmp_path / "a", tmp_path / "b", out=out, formats="csv,png")
    cases = {c["case"]: c["decision"] for c in found.document["cases"]}
    assert cases == {"a/x.png": "normal", "b/x.png": "blob"}
    assert len(list((out / "evidence").iterdir())) == 2


def test_a_picture_that_cannot_be_drawn_leaves_its_answer(
    bundle: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = answers.open_image, []

    def changed_later(path: Path, **more: Any) -> Any:
        calls.append(path)
        if len(calls) > 1:
            path.write_bytes(b"changed")
        return real(path, **more)

    monkeypatch.setattr(answers, "open_image", changed_later)
    found = answer(bundle, images / "blob.png", out=tmp_path / "out", formats="png")
    assert [c["case"] for c in found.document["cases"]] == ["blob.png"]
    assert found.document["failed"][0]["reason"].startswith("no picture: blob.png: ")


def test_a_picture_that_any_library_refuses_leaves_its_answer(
    bundle: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_given: Any) -> Any:
        raise cv2.error("/home/jane/resize.cpp")

    monkeypatch.setattr(files, "paint_evidence", refuse)
    found = answer(bundle, images / "blob.png", out=tmp_path / "out", formats="png")
    assert [c["case"] for c in found.document["cases"]] == ["blob.png"]
    reason = found.document["failed"][0]["reason"]
    assert reason.startswith("no picture: blob.png: cannot be read or prepared: error")
    assert "jane" not in reason


def test_lines_are_for_people(bundle: Path, images: Path) -> None:
    lines = list(answer(bundle, images).lines())
    assert lines[1] == (
        "dark.png  normal            normal 0.500  blob 0.500  set {normal, blob}"
    )
    assert lines[-1] == NOTICE


def test_a_stranger_is_marked_in_its_line(bundle: Path, images: Path) -> None:
    document = answer(bundle, images).document
    document["cases"][0]["out_of_distribution"]["flag"] = True
    document["cases"][1]["decision"] = ""
    first, second, *_ = Answers(document).lines()
    assert first.endswith("  ! unlike the training images")
    assert second.startswith("dark.png  none ")
