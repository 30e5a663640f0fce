"""One case per series: grouped, sorted, labelled by its slices, opened as a volume."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.read.series_kit import make_affine, voxels, write_enhanced, write_series

from medlens.core import DataError, ReadError
from medlens.datasets import open_case, read_manifest

AXIAL = make_affine("axial")


def write_csv(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_nifti(path: Path, stack: np.ndarray) -> None:
    nib = pytest.importorskip("nibabel")
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(stack.T, np.diag([-1.0, -1, 3, 1])), path)


def test_dicom_in_class_folders(tmp_path: Path) -> None:
    for label in ("sick", "well"):
        for at in range(2):
            write_series(
                tmp_path / label / f"p{at}", voxels(), AXIAL,
                uid=f"1.{len(label)}.{at}.{label == 'sick':d}",
                PatientID=f"{label}{at}",
            )  # fmt: skip
    scout = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    write_series(
        tmp_path / "sick" / "p0", voxels((2, 4, 6)), AXIAL, name="loc", uid="1.9",
        PatientID="sick0", ImageType=scout,
    )  # fmt: skip
    manifest = read_manifest(tmp_path, unit="series")
    assert [case.key for case in manifest.cases] == [
        "sick/p0", "sick/p1", "well/p0", "well/p1",
    ]  # fmt: skip
    assert manifest.targets().tolist() == [[0, 1], [0, 1], [1, 0], [1, 0]] or (
        manifest.targets().tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]
    )
    assert len({case.patient for case in manifest.cases}) == 4
    assert [p.kind for p in manifest.problems] == ["no_series"] * 2
    assert "localiser" in manifest.problems[0].reason
    image = open_case(manifest.cases[0])
    np.testing.assert_array_equal(image.array[0], voxels())
    assert image.provenance.case == "sick/p0"


def test_a_table_of_series_folders_and_volumes(tmp_path: Path) -> None:
    write_series(tmp_path / "scans" / "a", voxels(), AXIAL, uid="1.1")
    write_nifti(tmp_path / "scans" / "b.nii.gz", voxels())
    rows: list[dict[str, object]] = [
        {"series": "scans/a", "patient": "A", "label": "tumour"},
        {"series": "scans/b.nii.gz", "patient": "B", "label": "normal"},
        {"series": "scans/c", "patient": "C", "label": "normal"},
    ]
    write_csv(tmp_path / "labels.csv", rows)
    manifest = read_manifest(tmp_path, unit="series")
    assert [case.key for case in manifest.cases] == ["scans/a", "scans/b.nii.gz"]
    assert [len(case.slices) for case in manifest.cases] == [5, 0]
    assert [case.patient for case in manifest.cases][1] == "B"
    assert [p.kind for p in manifest.problems] == ["missing"]
    for case in manifest.cases:
        np.testing.assert_array_equal(open_case(case).array[0], voxels())
    with pytest.raises(DataError, match="takes single images"):
        read_manifest(tmp_path, unit="image")


def test_a_table_that_joins_by_series_uid(tmp_path: Path) -> None:
    for at in range(2):
        write_series(tmp_path / "d", voxels(), AXIAL, name=f"n{at}", uid=f"1.7.{at}")
    rows: list[dict[str, object]] = [
        {"SeriesInstanceUID": f"1.7.{at}", "label": at} for at in range(2)
    ]
    write_csv(tmp_path / "labels.csv", rows)
    manifest = read_manifest(tmp_path, unit="series")
    assert [case.key for case in manifest.cases] == ["d#1", "d#2"]
    assert [len(case.slices) for case in manifest.cases] == [5, 5]
    assert "1.7.0" not in str([case.key for case in manifest.cases])


def test_frames_of_an_enhanced_file_are_one_case(tmp_path: Path) -> None:
    for at, label in enumerate(("sick", "well")):
        path = tmp_path / label / "e.dcm"
        write_enhanced(path, voxels(), AXIAL, seed=at, uid=f"1.8.{at}")
    manifest = read_manifest(tmp_path, unit="series")
    assert [case.key for case in manifest.cases] == ["sick/e.dcm", "well/e.dcm"]
    case = manifest.cases[0]
    np.testing.assert_array_equal(open_case(case).array[0], voxels())
    # Slices stand in the order of the volume, not of the file.
    assert [part.member for part in case.slices] != [f"frame:{k}" for k in range(5)]
    assert case.slices[0].key == f"sick/e.dcm#{case.slices[0].member}"


def write_pictures(folder: Path, numbers: list[int]) -> Path:
    """Pictures whose value is their slice number, with a label from 3 on."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = []
    for series in ("x", "y"):
        for at, number in enumerate(numbers):
            name = f"{series}_{97 - at}.png"
            cv2.imwrite(str(folder / name), np.full((4, 6), number, np.uint8))
            present = int(number >= 3 and series == "x")
            rows.append(
                {"image": name, "series": series, "slice": number, "tumour": present}
            )
    return write_csv(folder / "labels.csv", rows[::-1])


def test_pictures_are_put_in_order_by_the_table(tmp_path: Path) -> None:
    write_pictures(tmp_path, [10, 2, 1, 3, 4, 5, 6, 7, 8, 9])
    manifest = read_manifest(tmp_path, unit="series", label_column="tumour")
    cases = {case.key: case for case in manifest.cases}
    assert set(cases) == {"x", "y"}
    assert cases["x"].target == (0, 1)
    assert cases["y"].target == (1, 0)
    per_slice = [part.target[1] for part in cases["x"].slices]
    assert per_slice == [0, 0, 1, 1, 1, 1, 1, 1, 1, 1]
    image = open_case(cases["x"])
    assert image.array[0, :, 0, 0].tolist() == list(range(1, 11))
    assert not image.geometry.is_calibrated
    assert any("differ from slice to slice" in note for note in manifest.notes)


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    write_pictures(tmp_path, [1, 2, 3, 5, 6])
    manifest = read_manifest(tmp_path, unit="series", label_column="tumour")
    assert any("1 slice is missing" in note for note in manifest.notes)
    with pytest.raises(ReadError, match=r"missing .*'x_95\.png' and 'x_94\.png'"):
        open_case(next(case for case in manifest.cases if case.key == "x"))
    case = manifest.cases[0]
    assert open_case(case, uneven="keep").array.shape[1] == 5
    filled = open_case(case, uneven="resample")
    assert filled.array[0, :, 0, 0].tolist() == [1, 2, 3, 4, 5, 6]


def test_pictures_of_two_sizes_are_refused(tmp_path: Path) -> None:
    write_pictures(tmp_path, [1, 2, 3])
    cv2.imwrite(str(tmp_path / "x_96.png"), np.zeros((8, 8), np.uint8))
    manifest = read_manifest(tmp_path, unit="series", label_column="tumour")
    case = next(case for case in manifest.cases if case.key == "x")
    with pytest.raises(ReadError, match=r"has .* pixels, others .*wanted one size"):
        open_case(case)


def test_pictures_need_numbers(tmp_path: Path) -> None:
    write_pictures(tmp_path, [1, 2, 3])
    text = (tmp_path / "labels.csv").read_text().replace("slice", "colour")
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(DataError, match="no column numbers their slices"):
        read_manifest(tmp_path, unit="series", label_column="tumour")


def test_nothing_but_single_images(tmp_path: Path) -> None:
    for label in ("sick", "well"):
        (tmp_path / label).mkdir()
        cv2.imwrite(str(tmp_path / label / "a.png"), np.zeros((4, 4), np.uint8))
    with pytest.raises(DataError, match=r"holds no series; first: sick/a\.png"):
        read_manifest(tmp_path, unit="series")


def test_slices_of_two_patients_are_no_series(tmp_path: Path) -> None:
    write_series(tmp_path / "sick", voxels(), AXIAL, uid="1.1", PatientID="one")
    write_series(tmp_path / "well", voxels(), AXIAL, uid="1.2", PatientID="two")
    other = make_affine("axial", origin=(-91.25, 33.5, 415.25))
    write_series(
        tmp_path / "sick", voxels(), other, name="t", uid="1.1", PatientID="three"
    )
    manifest = read_manifest(tmp_path, unit="series")
    assert [case.key for case in manifest.cases] == ["well"]
    assert manifest.problems[0].kind == "conflict"
    assert "2 patients" in manifest.problems[0].reason


def test_real_glioma_slices(shared_data: Path) -> None:
    manifest = read_manifest(
        shared_data / "mri_glioma_slices", unit="series", label_column="tumour"
    )
    assert len(manifest.cases) == 16
    assert sum(len(case.slices) for case in manifest.cases) == 358
    case = manifest.cases[0]
    assert [part.number for part in case.slices] == list(range(1, 24))
    assert case.slices[4].columns["mask"].endswith("_5_mask.png")
    assert case.columns["series"] == case.key
    image = open_case(case)
    assert image.array.shape == (3, 23, 256, 256)
    assert len({case.patient for case in manifest.cases}) == 16


def test_real_volumes(shared_data: Path) -> None:
    import nibabel as nib

    from medlens.read import open_image

    path = sorted((shared_data / "mri_hippocampus" / "images").glob("*.nii*"))[0]
    image = open_image(path)
    theirs = nib.load(path)
    for ijk in [(0, 0, 0), (3, 10, 20), (30, 40, 10)]:
        ras = theirs.affine @ [*ijk, 1]
        index = np.rint(image.geometry.to_index(ras[:3] * [-1, -1, 1])).astype(int)
        found = image.geometry.to_patient(index) * [-1, -1, 1]
        np.testing.assert_allclose(found, ras[:3], atol=1e-3)
        assert image.array[0][tuple(index)] == theirs.dataobj[ijk]
