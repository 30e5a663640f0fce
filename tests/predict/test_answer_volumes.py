"""`medlens predict` from series and volumes to documents, pictures and masks."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import nibabel
import numpy as np
import pytest
from typer.testing import CliRunner

from medlens.bundle import Bundle, write_bundle
from medlens.cli.app import app
from medlens.core import DataError, ExistsError, Geometry, UsageError
from medlens.predict.answers import Answers, answer_inputs
from medlens.predict.find_volumes import find_volumes
from medlens.read import open_image
from medlens.recipe import Step
from medlens.write import write_nifti
from tests.predict.volume_kit import grey_graph, labels_of, mask_bundle, two_boxes
from tests.read.phantoms import save
from tests.read.series_kit import make_affine, slice_of, voxels, write_series
from tests.tiny import CARD, SIDE, bundle_of, plain_graph

AFFINE = make_affine("axial", spacing=(2.0, 0.5, 0.5))
BYTES = (Step("window", {"center": 127.5, "width": 255.0}),)
FLAT = mask_bundle(grey_graph(2), (1, 8, 8), steps=BYTES)
SOLID = mask_bundle(grey_graph(3), (4, 8, 8), steps=BYTES)


def answer(tmp_path: Path, bundle: Bundle, *inputs: Path, **more: Any) -> Answers:
    folder = tmp_path / "bundle"
    write_bundle(folder, bundle, card=CARD, force=True)
    plain = {"out": None, "formats": "json", "engine": "onnxruntime", "force": False}
    return answer_inputs(folder, list(inputs), **{**plain, **more})


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A CT of two boxes, a localiser, a NIfTI volume and a text."""
    folder = tmp_path / "study"
    write_series(folder / "ct", two_boxes().astype(np.uint16), AFFINE)
    scout = slice_of(
        np.zeros((20, 24), np.uint16), AFFINE, [0.0, 0.0, 0.0], uid="1.2.826.9",
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
    )  # fmt: skip
    save(scout, folder / "scout.dcm")
    write_nifti(folder / "same.nii.gz", two_boxes(), Geometry(AFFINE))
    (folder / "broken.nii").write_bytes(b"no volume")
    return folder


def test_masks_of_series_and_volumes(tmp_path: Path, study: Path) -> None:
    out = tmp_path / "out"
    found = answer(tmp_path, SOLID, study, out=out, formats="json,csv,png,nifti")
    document = found.document
    assert [case["case"] for case in document["cases"]] == ["ct", "same.nii.gz"]
    for case in document["cases"]:
        grey, white = case["findings"]
        assert grey == {
            "label": "grey",
            "voxels": 192,
            "volume_ml": 0.096,
            "parts": 1,
            "longest_diameter_mm": 4.72,
            "centre_mm": grey["centre_mm"],
        }
        assert (white["voxels"], white["parts"]) == (31, 2)
        assert case["probabilities"] == {}
        assert case["decision"] == "grey|white"
    # index (3.5, 6.5, 8.5): the mean of the box
    centre = AFFINE @ [3.5, 6.5, 8.5, 1]
    assert document["cases"][0]["findings"][0]["centre_mm"] == pytest.approx(
        centre[:3], abs=0.006
    )
    failed = {one["case"]: one["reason"] for one in document["failed"]}
    assert sorted(failed) == ["broken.nii", "scout.dcm"]
    assert "localiser" in failed["scout.dcm"]
    assert failed["broken.nii"].startswith("broken.nii: the content is text")
    json.dumps(document, allow_nan=False)
    masks = sorted((out / "masks").iterdir())
    assert [path.name for path in masks] == ["00001_ct.nii.gz", "00002_same.nii.gz"]
    for path in masks:
        volume = open_image(path)
        np.testing.assert_array_equal(volume.array[0], labels_of(two_boxes()))
        np.testing.assert_allclose(volume.geometry.affine, AFFINE, atol=1e-3)
    assert nibabel.load(masks[0]).get_data_dtype() == np.uint8
    pictures = sorted(path.name for path in (out / "outlines").iterdir())
    assert pictures == ["00001_ct.png", "00002_same.nii.gz.png"]
    picture = cv2.imread(str(out / "outlines" / pictures[0]))
    assert picture.shape == (320, 384, 3)  # enlarged 16 times
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 3  # black, grey, outline
    with (out / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["case"] == "ct"
    assert float(rows[0]["volume_ml_grey"]) == 0.096
    assert rows[1]["parts_white"] == "2"
    lines = list(found.lines())
    assert lines[0] == (
        "ct           grey 0.10 ml · 1 part · 5 mm; white 0.02 ml · 2 parts · 3 mm"
    )
    assert lines[2].startswith("Written: predictions.json, predictions.csv, outlines/")


def test_named_files_are_called_after_their_own_folder(tmp_path: Path) -> None:
    """Not after a folder that was given beside them, which is another patient's."""
    for name, uid in (("anna", "1.2.3"), ("bob", "1.2.4")):
        write_series(tmp_path / name, voxels(), make_affine("axial"), uid=uid)
    files = {name: sorted((tmp_path / name).iterdir()) for name in ("anna", "bob")}
    for given in (
        [tmp_path / "anna", *files["bob"]],
        [*files["bob"], tmp_path / "anna"],
        [*files["bob"], *files["anna"]],
    ):
        found = find_volumes(given, "volume").cases
        assert [item.key.partition("#")[0] for item in found] == ["bob", "anna"]
        assert [item.path.parent.name for item in found] == ["bob", "anna"]


def test_named_files_of_a_series_are_one_case(tmp_path: Path, study: Path) -> None:
    found = answer(tmp_path, FLAT, *sorted((study / "ct").iterdir()))
    (case,) = found.document["cases"]
    assert case["case"] == "ct"
    assert case["findings"][0]["voxels"] == 192


def test_an_image_is_a_case_of_masks_but_no_series(tmp_path: Path) -> None:
    path = tmp_path / "plain.png"
    cv2.imwrite(str(path), two_boxes()[3])
    (case,) = answer(tmp_path, FLAT, path).document["cases"]
    assert case["findings"][0]["voxels"] == 48
    assert case["findings"][0]["volume_ml"] is None
    single = tmp_path / "single.dcm"
    save(slice_of(two_boxes()[3].astype(np.uint16), AFFINE, [0, 0, 0], uid="1"), single)
    (case,) = answer(tmp_path, FLAT, single).document["cases"]
    assert (case["case"], case["findings"][0]["voxels"]) == ("single.dcm", 48)
    volumes = replace(
        SOLID, form="volume", model=grey_graph(3, with_evidence=True), depth=1
    )
    found = answer(tmp_path, volumes, path, single).document
    assert found["cases"] == []
    reasons = {one["case"]: one["reason"] for one in found["failed"]}
    assert "single.dcm: " in reasons["single.dcm"]
    assert reasons["plain.png"].startswith("plain.png: is a single image; this bundle")


def test_uneven_series_need_consent(tmp_path: Path) -> None:
    stack = two_boxes().astype(np.uint16)
    paths = write_series(tmp_path / "ct", stack, AFFINE)
    paths[4].unlink()
    (failed,) = answer(tmp_path, FLAT, tmp_path / "ct").document["failed"]
    assert "missing slices: 1 slice is missing" in failed["reason"]
    found = answer(tmp_path, FLAT, tmp_path / "ct", uneven="resample").document
    assert found["cases"][0]["findings"][0]["voxels"] == 192
    kept = answer(tmp_path, FLAT, tmp_path / "ct", uneven="keep").document
    assert kept["cases"][0]["findings"][0]["voxels"] == 144
    with pytest.raises(UsageError, match="--uneven guess: wanted one of refuse"):
        answer(tmp_path, FLAT, tmp_path / "ct", uneven="guess")


def sequence_bundle() -> Bundle:
    return replace(
        bundle_of(plain_graph(), steps=BYTES),
        form="sequence",
        reader="none",
        slice_labels=True,
    )


def bright_slice(at: int) -> np.ndarray:
    stack = np.zeros((6, SIDE, SIDE), np.uint16)
    stack[at] = 204
    return stack


def test_series_and_slices(tmp_path: Path) -> None:
    write_series(tmp_path / "ct", bright_slice(4), AFFINE)
    out = tmp_path / "out"
    found = answer(
        tmp_path, sequence_bundle(), tmp_path / "ct", out=out, formats="json,csv,png"
    )
    (case,) = found.document["cases"]
    assert case["key_slice"] == 4
    assert case["decision"] == "blob"
    places = [one["position_mm"] for one in case["slices"]]
    assert np.diff(places) == pytest.approx([2.0] * 5)
    assert places[0] == pytest.approx(AFFINE[2, 3], abs=1e-3)
    blobs = [one["probabilities"]["blob"] for one in case["slices"]]
    assert int(np.argmax(blobs)) == 4
    assert [one["index"] for one in case["slices"]] == list(range(6))
    files = [one["file"] for one in case["slices"]]
    assert sorted(files) == sorted(p.name for p in (tmp_path / "ct").iterdir())
    assert case["key_file"] == files[4]
    (picture,) = (out / "evidence").iterdir()
    assert picture.name == "00001_ct_blob.png"
    named = f"key slice 5 of 6 ({files[4]})"
    assert named in next(iter(found.lines()))


def test_volumes_are_answered_as_images_are(tmp_path: Path) -> None:
    volumes = replace(
        SOLID, form="volume", model=grey_graph(3, with_evidence=True), depth=12,
        height=20, width=24,
    )  # fmt: skip
    write_series(tmp_path / "ct", two_boxes().astype(np.uint16), AFFINE)
    out = tmp_path / "out"
    found = answer(tmp_path, volumes, tmp_path / "ct", out=out, formats="json,png")
    (case,) = found.document["cases"]
    assert case["decision"] == "background"
    assert "slices" not in case
    (picture,) = (out / "evidence").iterdir()
    assert picture.name == "00001_ct_background.png"


def test_formats_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    cv2.imwrite(str(path), two_boxes()[3])
    wanted = "--format nifti: writes masks, and this bundle"
    with pytest.raises(UsageError, match=wanted):
        answer(tmp_path, bundle_of(plain_graph()), path, formats="nifti")
    (tmp_path / "out" / "masks").mkdir(parents=True)
    with pytest.raises(ExistsError, match="out: holds masks already"):
        answer(tmp_path, FLAT, path, out=tmp_path / "out", formats="nifti")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="INPUT: no file found; give series, volumes"):
        answer(tmp_path, FLAT, tmp_path / "empty")
    with pytest.raises(UsageError, match="none: there is no such file or folder"):
        answer(tmp_path, FLAT, tmp_path / "none")


def test_the_command_writes_masks(tmp_path: Path, study: Path) -> None:
    write_bundle(tmp_path / "b", SOLID, card=CARD)
    arguments = [
        "predict", str(tmp_path / "b"), str(study / "ct"),
        "--out", str(tmp_path / "out"), "--format", "nifti",
    ]  # fmt: skip
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("ct  grey 0.10 ml")
    assert [p.name for p in (tmp_path / "out/masks").iterdir()] == ["00001_ct.nii.gz"]


def test_formats_without_a_folder_are_wrong_use(tmp_path: Path, study: Path) -> None:
    write_bundle(tmp_path / "b", SOLID, card=CARD)
    words = ["predict", str(tmp_path / "b"), str(study / "ct"), "--format", "json"]
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, UsageError)
    assert "--format json: names files, and there is no folder" in str(done.exception)


def test_real_series_are_told_apart(tmp_path: Path, shared_data: Path) -> None:
    """A head CT with uneven slices, and a volume of an MRI."""
    volume = next((shared_data / "mri_hippocampus" / "images").glob("*.nii.gz"))
    bundle = replace(FLAT, steps=(Step("percentile"),))
    found = answer(
        tmp_path, bundle, shared_data / "ct_head_series_dicom", volume,
        out=tmp_path / "out", formats="nifti",
    ).document  # fmt: skip
    (case,) = found["cases"]
    assert case["case"] == volume.name
    assert "ct_head_series_dicom" in found["failed"][0]["reason"]
    (path,) = (tmp_path / "out/masks").iterdir()
    source = open_image(volume)
    mask = open_image(path)
    assert mask.array.shape == source.array.shape
    np.testing.assert_allclose(mask.geometry.affine, source.geometry.affine, atol=1e-4)
    counts = np.bincount(mask.array.ravel(), minlength=3)[1:]
    assert counts.tolist() == [region["voxels"] for region in case["findings"]]
