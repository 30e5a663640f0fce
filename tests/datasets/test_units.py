"""What a case is, where nobody says: images, sequences or volumes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from forms_kit import labels_of, table
from masks_kit import scan, write_picture, write_volume
from tests.read.series_kit import make_affine, voxels, write_series

from medlens.core import DataError
from medlens.datasets import check_trainable, describe_split, read_manifest, split
from medlens.recipe.settings import SplitSettings

AXIAL = make_affine("axial")


def write_numbered(root: Path, label_of, *, series: int = 4, slices: int = 6) -> Path:
    """Pictures of series that a table numbers, labelled by (series, slice)."""
    rows = []
    for s in range(series):
        for at in range(slices):
            name = f"s{s}_{at}.png"
            write_picture(root / name, np.full((16, 16), 10 * at + s, np.uint8))
            rows.append(f"{name},s{s},{at},P{s},{label_of(s, at)}")
    table(root / "labels.csv", "image,series,slice,patient,label", rows)
    return root


def test_labels_per_slice_make_a_sequence(tmp_path: Path) -> None:
    write_numbered(tmp_path, lambda s, at: int(at > 2 + s % 2))
    manifest = read_manifest(tmp_path)
    assert (manifest.form, len(manifest.cases)) == ("sequence", 4)
    assert [p.target for p in manifest.cases[0].slices] == [(1, 0)] * 3 + [(0, 1)] * 3
    assert manifest.cases[0].target == (0, 1)
    assert manifest.label_counts() == (14, 10)
    check_trainable(manifest)
    dealt = split(manifest, range(4), SplitSettings(validation=0.25, test=0.25))
    assert sorted(dealt) == ["test", "train", "train", "validation"]
    assert len(describe_split(manifest, dealt)) == 3
    assert any("numbers the slices of 4 series" in note for note in manifest.notes)
    single = read_manifest(tmp_path, unit="image")
    assert (single.form, len(single.cases)) == ("image", 24)


def test_labels_per_series_make_volumes(tmp_path: Path) -> None:
    write_numbered(tmp_path, lambda s, _: "ab"[s % 2])
    manifest = read_manifest(tmp_path)
    assert (manifest.form, len(manifest.cases)) == ("volume", 4)


def test_many_classes_within_a_series_are_no_series(tmp_path: Path) -> None:
    write_numbered(tmp_path, lambda _, at: "xyz"[at % 3])
    manifest = read_manifest(tmp_path)
    assert (manifest.form, len(manifest.cases)) == ("image", 24)
    assert "different classes" in manifest.notes[-1]


def test_empty_labels_of_slices_are_unknown(tmp_path: Path) -> None:
    write_numbered(
        tmp_path, lambda s, at: "" if at == 1 or s == 3 else int(at > 3), slices=6
    )
    manifest = read_manifest(tmp_path)
    assert [len(case.slices) for case in manifest.cases] == [6, 6, 6]
    assert manifest.cases[0].slices[1].target == (-1, -1)
    assert manifest.cases[0].target == (0, 1)
    assert [(p.case, p.kind) for p in manifest.problems] == [("s3", "no_label")]
    assert any("3 slices without a label" in note for note in manifest.notes)
    assert manifest.label_counts() == (9, 6)


def test_volumes_in_class_folders(tmp_path: Path) -> None:
    for at in range(4):
        write_volume(tmp_path / "ab"[at % 2] / f"v{at}.nii.gz", scan(at))
    write_picture(tmp_path / "a/extra.png", np.zeros((9, 9), np.uint8))
    manifest = read_manifest(tmp_path)
    assert manifest.form == "volume"
    assert set(labels_of(manifest).values()) == {"a", "b"}
    assert [(p.case, p.kind) for p in manifest.problems] == [
        ("a/extra.png", "no_series")
    ]
    assert any("4 volumes and 1 single images" in note for note in manifest.notes)


def dicom_series(root: Path, uid: str, *, count: int = 5) -> None:
    write_series(root, voxels((count, 4, 6)), AXIAL, uid=uid, PatientID=uid)


def test_dicom_series_are_volumes_and_lone_slices_images(tmp_path: Path) -> None:
    for label in ("sick", "well"):
        for at in range(2):
            dicom_series(tmp_path / "v" / label / f"p{at}", f"1.{len(label)}.{at}")
            dicom_series(tmp_path / "i" / label / f"p{at}", f"2.{at}", count=1)
    volumes = read_manifest(tmp_path / "v")
    assert (volumes.form, len(volumes.cases)) == ("volume", 4)
    singles = read_manifest(tmp_path / "i")
    assert (singles.form, len(singles.cases)) == ("image", 4)


def test_the_majority_decides_in_a_mixed_tree(tmp_path: Path) -> None:
    for at in range(6):
        folder = tmp_path / ("sick" if at % 2 else "well")
        write_picture(folder / f"{at}.png", np.full((8, 8), at, np.uint8))
    dicom_series(tmp_path / "sick" / "ct", "1.1")
    manifest = read_manifest(tmp_path)
    assert (manifest.form, len(manifest.cases)) == ("image", 6)
    assert {p.kind for p in manifest.problems} == {"volume"}
    assert "one of 5 slices of the volume 'sick/ct'" in manifest.problems[0].reason


def test_series_without_labels_say_how_to_name_them(shared_data: Path) -> None:
    with pytest.raises(DataError, match="one row each, with columns series"):
        read_manifest(shared_data / "ct_head_series_dicom", unit="series")


def test_real_glioma_is_a_sequence(shared_data: Path) -> None:
    manifest = read_manifest(shared_data / "mri_glioma_slices")
    assert (manifest.form, len(manifest.cases)) == ("sequence", 16)
    assert manifest.label_counts() == (237, 121)
