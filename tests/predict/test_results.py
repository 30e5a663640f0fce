"""`medlens predict --format text,dicom,fhir`, from DICOM files to DICOM files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from medlens.bundle import write_bundle
from medlens.core import ResourceError, UsageError
from medlens.predict.answers import Answers, answer_inputs
from medlens.write import from_document, read_structured_report, to_text
from tests.predict.volume_kit import grey_graph, mask_bundle
from tests.tiny import CARD, blob_image, bundle_of, plain_graph
from tests.write.dicom_sources import file_bytes, radiograph, reread, series

LABELS = ("normal", "pneumonia")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of images; positive from a small probability on."""
    folder = tmp_path_factory.mktemp("bundle") / "b"
    made = bundle_of(plain_graph(), labels=LABELS, thresholds=(0.01,))
    write_bundle(folder, made, card=CARD)
    return folder


@pytest.fixture(scope="module")
def mask_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("masks") / "m"
    write_bundle(folder, mask_bundle(grey_graph(3), (4, 8, 8)), card=CARD)
    return folder


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.dcm"
    path.write_bytes(file_bytes(radiograph("DX")))
    return path


@pytest.fixture
def head(tmp_path: Path) -> Path:
    """A folder of CT slices."""
    folder = tmp_path / "head"
    folder.mkdir()
    for number, image in enumerate(series("CT", slices=4)):
        (folder / f"{number}.dcm").write_bytes(file_bytes(image))
    return folder


def answer(bundle: Path, *inputs: Path, **more: Any) -> Answers:
    plain = {"out": None, "formats": "json", "engine": "onnxruntime", "force": False}
    return answer_inputs(bundle, list(inputs), **{**plain, **more})


def read(folder: Path, ending: str) -> Any:
    (path,) = folder.glob(f"*{ending}.dcm")
    return reread(path.read_bytes())


def test_a_film_gets_report_marks_and_picture(
    bundle: Path, film: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    found = answer(bundle, film, out=out, formats="json,text,dicom,fhir")
    assert not found.document["failed"]
    (case,) = found.document["cases"]
    diagnosis = from_document(case["diagnosis"])
    (finding,) = diagnosis.assessments[0].findings
    source = radiograph("DX")

    report = read(out / "dicom", "_sr")
    assert report.StudyInstanceUID == source.StudyInstanceUID
    assert report.PatientID == source.PatientID
    said = read_structured_report(report)["assessments"][0]["findings"][0]
    assert said["probability"] == finding.probability
    assert said["is_present"] is True

    capture = read(out / "dicom", "_sc")
    assert capture.BurnedInAnnotation == "YES"
    assert finding.place.image is not None
    assert finding.place.image.sop_instance_uid == source.SOPInstanceUID

    text = (out / "reports" / "00001_film.txt").read_text("utf-8")
    assert text == to_text(diagnosis)
    (fhir,) = (out / "fhir").iterdir()
    assert json.loads(fhir.read_text("utf-8"))["resourceType"] == "Bundle"
    assert any(line.startswith("Written: ") for line in found.notes)


def test_the_same_answer_has_the_same_uids(
    bundle: Path, film: Path, tmp_path: Path
) -> None:
    uids = []
    for name in ("one", "two"):
        answer(bundle, film, out=tmp_path / name, formats="dicom")
        folder = tmp_path / name / "dicom"
        uids.append([read(folder, end).SOPInstanceUID for end in ("_sr", "_sc")])
    assert uids[0] == uids[1]


def test_a_series_gets_its_mask_on_its_own_slices(
    mask_folder: Path, head: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    found = answer(mask_folder, head, out=out, formats="json,dicom")
    assert not found.document["failed"]
    diagnosis = from_document(found.document["cases"][0]["diagnosis"])
    (item,) = diagnosis.assessments
    sources = {str(image.SOPInstanceUID) for image in series("CT", slices=4)}
    assert {ref.sop_instance_uid for ref in item.images} == sources
    segmentation = read(out / "dicom", "_seg")
    present = [f.label for f in item.findings if f.is_present]
    assert len(segmentation.SegmentSequence) == len(present) > 0
    referenced = {
        str(image.ReferencedSOPInstanceUID)
        for image in segmentation.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    }
    assert referenced <= sources
    assert read(out / "dicom", "_sr").StudyInstanceUID == diagnosis.study_uid


def test_a_picture_is_answered_and_says_why_it_has_no_dicom(
    bundle: Path, tmp_path: Path
) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(cv2.imencode(".png", blob_image(0))[1].tobytes())
    found = answer(bundle, path, out=tmp_path / "out", formats="text,dicom,fhir")
    assert [case["case"] for case in found.document["cases"]] == ["x.png"]
    (failed,) = found.document["failed"]
    assert failed["reason"].startswith(
        "no DICOM results: x.png: the source is no DICOM"
    )
    assert (tmp_path / "out" / "reports" / "00001_x.txt").exists()
    assert list((tmp_path / "out" / "fhir").iterdir())


def test_one_result_that_fails_leaves_the_others(
    bundle: Path, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medlens.write import capture

    def refuse(*_given: Any, **_more: Any) -> Any:
        raise RuntimeError("/home/jane")

    monkeypatch.setattr(capture, "to_secondary_capture", refuse)
    found = answer(bundle, film, out=tmp_path / "out", formats="dicom,text")
    (failed,) = found.document["failed"]
    assert failed["reason"].startswith("no secondary capture: film.dcm: cannot be read")
    assert "jane" not in failed["reason"]
    assert read(tmp_path / "out" / "dicom", "_sr")
    assert (tmp_path / "out" / "reports" / "00001_film.txt").exists()


def test_a_full_disk_ends_all(
    bundle: Path, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ResourceError, match=r"^reports: cannot be written \(No space"):
        answer(bundle, film, out=tmp_path / "out", formats="text")


def test_results_speak_chinese(bundle: Path, film: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    found = answer(bundle, film, out=out, formats="text,dicom", lang="zh")
    text = (out / "reports" / "00001_film.txt").read_text("utf-8")
    assert "肺炎：阳性" in text
    assert read_structured_report(read(out / "dicom", "_sr"))["language"] == "zh-CN"
    lines = list(found.lines())
    assert lines[-1] == "本软件仅供研究，不是医疗器械。"
    assert not [line for line in lines if "pneumonia 0." in line]


def test_an_unknown_language_is_refused(bundle: Path, film: Path) -> None:
    with pytest.raises(UsageError, match="--lang fr: wanted one of en, zh"):
        answer(bundle, film, lang="fr")


def test_one_case_is_told_in_full_and_many_in_lines(
    bundle: Path, film: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.dcm"
    other.write_bytes(file_bytes(radiograph("CR")))
    one = "\n".join(answer(bundle, film).lines())
    assert one.startswith("film.dcm  pneumonia")
    assert "\nIMPRESSION\n  Pneumonia. A reader should look.\n" in one
    assert one.count("not a medical device") == 1
    quiet = "\n".join(answer(bundle, film, with_texts=False).lines())
    assert "IMPRESSION" not in quiet
    two = "\n".join(answer(bundle, film, other).lines())
    assert "IMPRESSION" not in two
    told = "\n".join(answer(bundle, film, other, with_texts=True).lines())
    assert told.count("\nIMPRESSION\n") == 2
    assert told.count("not a medical device") == 1


def test_a_prior_is_compared_with(bundle: Path, film: Path, tmp_path: Path) -> None:
    answer(bundle, film, out=tmp_path / "then")
    prior = tmp_path / "then" / "predictions.json"
    found = answer(bundle, film, prior=prior)
    (case,) = found.document["cases"]
    assert case["diagnosis"]["has_prior"] is True
    change = case["diagnosis"]["assessments"][0]["findings"][0]["change"]
    assert change["trend"] == "stable"
    alone = tmp_path / "diagnosis.json"
    alone.write_text(json.dumps(case["diagnosis"]), "utf-8")
    again = answer(bundle, film, prior=alone).document["cases"][0]["diagnosis"]
    assert again == case["diagnosis"]
    with pytest.raises(UsageError, match="--prior: holds the diagnosis of one study"):
        answer(bundle, film, film.parent, prior=alone)


def test_frames_of_one_file_are_named_by_their_numbers(
    mask_folder: Path, tmp_path: Path
) -> None:
    from tests.write.dicom_sources import enhanced_mr

    path = tmp_path / "mr.dcm"
    path.write_bytes(file_bytes(enhanced_mr()))
    found = answer(mask_folder, path).document
    assert not found["failed"]
    for case in found["cases"]:
        (item,) = from_document(case["diagnosis"]).assessments
        frames = [ref.frame for ref in item.images]
        assert sorted(frame or 0 for frame in frames) == list(range(1, len(frames) + 1))


def test_pixels_of_the_source_are_under_the_picture(
    bundle: Path, film: Path, tmp_path: Path
) -> None:
    answer(bundle, film, out=tmp_path / "out", formats="dicom")
    capture = read(tmp_path / "out" / "dicom", "_sc")
    pixels = np.asarray(capture.pixel_array)
    assert pixels.ndim == 3
    assert len(np.unique(pixels)) > 10
