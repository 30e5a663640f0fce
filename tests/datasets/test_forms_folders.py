"""Class folders: flat, wrapped, below train/val/test, and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from forms_kit import labels_of, problems_of, touch

from medlens.core import DataError
from medlens.datasets.forms import read_manifest


def names(folder: str, count: int, suffix: str = ".png") -> list[str]:
    return [f"{folder}/{at:02d}{suffix}" for at in range(count)]


def test_one_folder_per_class(tmp_path: Path) -> None:
    touch(tmp_path, names("nodule", 3) + names("normal", 5))
    manifest = read_manifest(tmp_path)
    assert (manifest.kind, manifest.labels) == ("binary", ("normal", "nodule"))
    assert manifest.positive == "nodule"
    assert labels_of(manifest)["nodule/01.png"] == "nodule"
    assert manifest.cases[0].path == tmp_path / "nodule/00.png"
    assert len(manifest.cases) == 8
    assert not manifest.problems


@pytest.mark.parametrize("wrap", ["images", "download/images", "train"])
def test_single_folders_around_the_classes_are_looked_through(
    tmp_path: Path, wrap: str
) -> None:
    touch(tmp_path, names(f"{wrap}/a", 2) + names(f"{wrap}/b", 2))
    manifest = read_manifest(tmp_path)
    assert manifest.labels == ("a", "b")
    assert manifest.cases[0].key == f"{wrap}/a/00.png"


def test_split_folders_are_kept(tmp_path: Path) -> None:
    files = [
        *names("train/NORMAL", 4),
        *names("train/PNEUMONIA", 6),
        *names("val/NORMAL", 1),
        *names("val/PNEUMONIA", 1),
        *names("test/NORMAL", 2),
        *names("test/PNEUMONIA", 2),
    ]
    manifest = read_manifest(touch(tmp_path, files))
    splits = {case.key: case.split for case in manifest.cases}
    assert splits["val/NORMAL/00.png"] == "validation"
    assert splits["test/PNEUMONIA/01.png"] == "test"
    assert manifest.labels == ("NORMAL", "PNEUMONIA")
    assert any("train 10" in note for note in manifest.notes)


def test_images_beside_class_folders_are_reported(tmp_path: Path) -> None:
    touch(tmp_path, [*names("a", 2), *names("b", 2), "stray.png", "notes.txt"])
    manifest = read_manifest(tmp_path)
    assert problems_of(manifest) == {"stray.png": "no_row"}
    assert any("1 file of other types" in note for note in manifest.notes)


def test_hidden_files_and_empty_class_folders_do_not_count(tmp_path: Path) -> None:
    touch(tmp_path, [*names("a", 2), *names("b", 2), ".git/x.png", "a/.x.png"])
    (tmp_path / "c").mkdir()
    assert read_manifest(tmp_path).labels == ("a", "b")


def test_patient_folders_inside_class_folders_group(tmp_path: Path) -> None:
    files = [f"{c}/P{p}/{s}.png" for c in "ab" for p in range(5) for s in range(3)]
    manifest = read_manifest(touch(tmp_path, files))
    assert {case.patient for case in manifest.cases} == {f"P{p}" for p in range(5)}
    assert any("taken as patients" in note for note in manifest.notes)


def test_few_inner_folders_are_no_patients(tmp_path: Path) -> None:
    files = [f"{c}/part{p}/{s}.png" for c in "ab" for p in range(2) for s in range(9)]
    manifest = read_manifest(touch(tmp_path, files))
    assert {case.patient for case in manifest.cases} == {""}


def test_labels_that_differ_in_case_are_joined(tmp_path: Path) -> None:
    files = [*names("train/Normal", 3), *names("test/normal", 1)]
    files += [*names("train/sick", 3), *names("test/sick", 1)]
    manifest = read_manifest(touch(tmp_path, files))
    assert manifest.labels == ("Normal", "sick")
    assert any("'normal' as 'Normal'" in note for note in manifest.notes)


@pytest.mark.parametrize(
    ("folders", "labels"),
    [
        (("yes", "no"), ("no", "yes")),
        (("malignant", "benign"), ("benign", "malignant")),
        (("notumor", "tumor"), ("notumor", "tumor")),
        (("0", "1"), ("0", "1")),
        (("Non-COVID", "COVID"), ("Non-COVID", "COVID")),
        (("abnormal", "baseline"), ("baseline", "abnormal")),
        (("正常", "异常"), ("正常", "异常")),
    ],
)
def test_positive_label_by_name(
    tmp_path: Path, folders: tuple[str, str], labels: tuple[str, str]
) -> None:
    # The negative class is the rarer here, so that only its name can decide.
    counts = {label: 2 if label == labels[0] else 3 for label in folders}
    files = [name for label in folders for name in names(label, counts[label])]
    manifest = read_manifest(touch(tmp_path, files))
    assert manifest.labels == labels
    assert manifest.positive == labels[1]


def test_positive_label_is_the_rarer_where_names_say_nothing(tmp_path: Path) -> None:
    manifest = read_manifest(touch(tmp_path, names("cat", 2) + names("dog", 4)))
    assert manifest.labels == ("dog", "cat")
    assert any("the rarer: 2 of 6" in note for note in manifest.notes)


def test_multiclass_labels_are_sorted_as_numbers(tmp_path: Path) -> None:
    folders = ["grade 10", "grade 2", "grade 1"]
    files = [name for label in folders for name in names(label, 2)]
    manifest = read_manifest(touch(tmp_path, files))
    assert manifest.kind == "multiclass"
    assert manifest.labels == ("grade 1", "grade 2", "grade 10")
    assert manifest.positive == ""


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "DATA holds no images .0 other files.; wanted PNG"),
        (["readme.md"], "DATA holds no images .1 other file."),
        (["a.png", "b.png"], "2 images and no labels; pass --labels CSV"),
        (
            ["images/a.png", "labels/a.txt"],
            "1 image with 1 file in 'labels/' .box files: a detection set",
        ),
        (
            ["images/a.png", "masks/a.png"],
            "none of 1 mask can be read; first: images/a.png: mask 'a.png'",
        ),
        (
            ["images/a.png", "masks/b.png"],
            r"no mask has the name of an image \('images/a.png', 'masks/b.png'\)",
        ),
    ],
)
def test_folders_that_are_no_classes(
    tmp_path: Path, files: list[str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_manifest(touch(tmp_path, files))


def test_a_missing_folder_a_lone_image_and_unknown_tasks(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'gone' is not there; check the path"):
        read_manifest(tmp_path / "gone")
    touch(tmp_path, ["x.png"])
    with pytest.raises(DataError, match=r"'x.png' is a single file; wanted a folder"):
        read_manifest(tmp_path / "x.png")
    with pytest.raises(DataError, match="DATA holds 1 image and no masks; wanted im"):
        read_manifest(tmp_path, task="segment")
    with pytest.raises(DataError, match="task 'detect': this version trains class"):
        read_manifest(tmp_path, task="detect")
    with pytest.raises(DataError, match="task 'guess' is unknown; wanted auto"):
        read_manifest(tmp_path, task="guess")


def test_flags_about_columns_are_not_ignored(tmp_path: Path) -> None:
    touch(tmp_path, names("a", 2) + names("b", 2))
    with pytest.raises(DataError, match="--label-column given, but there is no CSV"):
        read_manifest(tmp_path, label_column="label")
    with pytest.raises(DataError, match="--patient-column given, but there is no"):
        read_manifest(tmp_path, patient_column="who")


def test_links_out_of_data_are_reported_and_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"private")
    data = touch(tmp_path / "data", names("a", 2) + names("b", 2))
    (data / "a/link.png").symlink_to(secret)
    (data / "b/inner.png").symlink_to(data / "a/00.png")
    (data / "b/gone.png").symlink_to(data / "nowhere.png")
    (data / "c").symlink_to(tmp_path)
    manifest = read_manifest(data)
    problems = problems_of(manifest)
    assert problems == {"a/link.png": "link", "c": "link", "b/gone.png": "missing"}
    keys = {case.key for case in manifest.cases}
    assert "b/inner.png" in keys
    assert not keys & set(problems)
    assert str(tmp_path) not in "".join(p.reason for p in manifest.problems)


def test_file_names_that_no_text_file_can_hold_are_reported(tmp_path: Path) -> None:
    touch(tmp_path, names("a", 2) + names("b", 2) + ["a/x\ny.png"])
    (tmp_path / "a" / "bad\udcff.png").touch()
    manifest = read_manifest(tmp_path)
    assert problems_of(manifest) == {
        "a/x?y.png": "unreadable",
        "a/bad\\udcff.png": "unreadable",
    }
    assert len(manifest.cases) == 4


def test_br35h_like_names_with_spaces_and_brackets(tmp_path: Path) -> None:
    files = ["no/no 1 (2).jpg", "no/n.jpg", "yes/y,1.jpg", "yes/y|2.jpg"]
    manifest = read_manifest(touch(tmp_path, files))
    assert {case.key for case in manifest.cases} == set(files)


def test_real_pairs_say_what_was_found(shared_data: Path) -> None:
    with pytest.raises(
        DataError, match=r"878 files in 'labels/' .box files: a detecti"
    ):
        read_manifest(shared_data / "mri_tumour_boxes")
    with pytest.raises(DataError, match="28 images and no labels; pass --labels CSV"):
        read_manifest(shared_data / "ct_head_series_dicom")
