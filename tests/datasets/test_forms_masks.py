"""Data sets of images and masks: how they are found, named and left out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from forms_kit import problems_of, table
from masks_kit import boxes, make_pairs, scan, write_picture, write_volume

from medlens.core import DataError
from medlens.datasets import check_trainable, mask_labels, match_labels, read_manifest


def test_decathlon_folders_names_and_channels(tmp_path: Path) -> None:
    for at in range(3):
        for channel in ("0000", "0001"):
            write_volume(tmp_path / f"imagesTr/c{at}_{channel}.nii.gz", scan(at))
        write_volume(tmp_path / f"labelsTr/c{at}.nii.gz", boxes(1, 2))
    write_volume(tmp_path / "imagesTs/c9_0000.nii.gz", scan(9))
    names = {"0": "background", "1": "Anterior", "2": "Posterior", "3": "Cyst"}
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": names}))
    manifest = read_manifest(tmp_path)
    assert manifest.labels == ("background", "Anterior", "Posterior")
    assert [case.key for case in manifest.cases] == [
        f"imagesTr/c{at}_0000.nii.gz" for at in range(3)
    ]
    assert {case.split for case in manifest.cases} == {""}
    kinds = problems_of(manifest)
    assert kinds["imagesTs/c9_0000.nii.gz"] == "no_mask"
    assert "further channel" in manifest.problems[-1].reason
    assert any("left out: 'Cyst'" in note for note in manifest.notes)
    names = {"background": 0, "a": 1, "b": 2}
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": names}))
    assert read_manifest(tmp_path).labels == ("background", "a", "b")
    (tmp_path / "dataset.json").write_text("[" * 10_000)
    assert read_manifest(tmp_path).labels == ("background", "label 1", "label 2")


def test_suffixes_splits_and_lonely_files(tmp_path: Path) -> None:
    plane = np.zeros((32, 32), np.uint8)
    plane[4:9] = 255
    for split, names in (("train", "abc"), ("test", "de")):
        for name in names:
            write_picture(tmp_path / split / "images" / f"{name}.jpg", plane // 2)
            write_picture(tmp_path / split / "masks" / f"{name}_mask.png", plane)
    write_picture(tmp_path / "train/images/lone.png", plane)
    write_picture(tmp_path / "train/masks/odd_seg.png", plane)
    manifest = read_manifest(tmp_path)
    assert manifest.labels == ("background", "foreground")
    assert [case.split for case in manifest.cases] == ["test"] * 2 + ["train"] * 3
    assert problems_of(manifest) == {
        "train/images/lone.png": "no_mask",
        "train/masks/odd_seg.png": "no_image",
    }
    notes = " ".join(manifest.notes)
    assert "left out: 1 had no mask" in notes
    assert "1 were masks without an image" in notes


def test_a_label_beside_masks_decides_unless_segment_is_asked(tmp_path: Path) -> None:
    make_pairs(tmp_path)
    rows = [f"images/p{at}.nii.gz,{'ab'[at % 2]}" for at in range(4)]
    table(tmp_path / "labels.csv", "image,label", rows)
    manifest = read_manifest(tmp_path)
    assert (manifest.form, manifest.labels) == ("volume", ("a", "b"))
    assert not manifest.problems
    assert all(case.mask for case in manifest.cases)
    segment = read_manifest(tmp_path, task="segment")
    assert segment.form == "segment"
    assert segment.cases[0].columns == {"label": "a"}


def test_a_table_of_masks_without_a_label(tmp_path: Path) -> None:
    make_pairs(tmp_path / "d")
    rows = [f"images/p{at}.nii.gz,labels/p{at}.nii.gz,P{at}" for at in range(3)]
    rows.append("images/p3.nii.gz,,P3")
    table(tmp_path / "d" / "all.csv", "image,mask,patient", rows)
    manifest = read_manifest(tmp_path / "d", labels=tmp_path / "d" / "all.csv")
    assert (manifest.form, len(manifest.cases)) == ("segment", 4)  # p3 by its name
    assert manifest.cases[1].patient == "P1"
    with pytest.raises(DataError, match="no label column found"):
        read_manifest(tmp_path / "d" / "all.csv", task="classify")


def test_one_broken_mask_costs_its_case_alone(tmp_path: Path) -> None:
    make_pairs(tmp_path)
    (tmp_path / "labels/p0.nii.gz").write_bytes(b"nothing")
    write_volume(tmp_path / "labels/p1.nii.gz", boxes(1) * np.float32(0.5))
    manifest = read_manifest(tmp_path)
    assert [case.key for case in manifest.cases] == [
        "images/p2.nii.gz",
        "images/p3.nii.gz",
    ]
    reasons = {p.case: p.reason for p in manifest.problems}
    assert reasons["images/p0.nii.gz"].startswith("mask 'p0.nii.gz': the content is t")
    assert "holds 0.5, which is no whole number" in reasons["images/p1.nii.gz"]
    assert str(tmp_path) not in str(manifest.problems)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (boxes(), "all 2 masks are empty"),
        (
            np.arange(2880).reshape(6, 20, 24).astype(np.int16),
            "2,880 different",
        ),
    ],
)
def test_masks_without_sense(tmp_path: Path, mask: np.ndarray, message: str) -> None:
    for at in range(2):
        write_volume(tmp_path / "images" / f"{at}.nii", scan(at))
        write_volume(tmp_path / "labels" / f"{at}.nii", mask)
    with pytest.raises(DataError, match=message):
        read_manifest(tmp_path)


def test_too_many_voxels_leave_targets_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_pairs(tmp_path, 6)
    monkeypatch.setattr(mask_labels, "MAX_VOXELS", 2 * 6 * 20 * 24 - 1)
    manifest = read_manifest(tmp_path)
    targets = sorted(case.target for case in manifest.cases)
    assert targets == [(1, -1, -1)] * 4 + [(1, 1, 1)] * 2
    assert any("labels from 2 of 6 masks" in note for note in manifest.notes)


def test_a_bundle_finds_its_labels_in_unnamed_masks(tmp_path: Path) -> None:
    manifest = read_manifest(make_pairs(tmp_path, 2, labels=(3, 8)))
    assert manifest.mask_values == (0, 3, 8)
    names = ("background", "front", "back", "cyst")
    matched = match_labels(manifest, names, "multiclass")
    assert matched.labels == names
    assert matched.mask_values[:3] == (0, 3, 8)
    assert matched.mask_values[3] < 0
    assert matched.cases[0].target == (1, 1, 1, 0)
    with pytest.raises(DataError, match="fewer than 10 cases of 'background'"):
        check_trainable(manifest)
