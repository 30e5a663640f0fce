"""MedMNIST-like archives: splits kept, codes named, hostile ones refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from medlens.core import DataError
from medlens.datasets.forms import read_manifest
from medlens.datasets.medmnist import SETS


def save(path: Path, **arrays: np.ndarray) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def images(count: int, *shape: int) -> np.ndarray:
    return np.zeros((count, *(shape or (8, 8))), np.uint8)


def pair(split: str, labels: list[int]) -> dict[str, np.ndarray]:
    return {
        f"{split}_images": images(len(labels)),
        f"{split}_labels": np.array(labels, np.uint8)[:, None],
    }


def test_own_splits_and_members(tmp_path: Path) -> None:
    path = save(
        tmp_path / "x.npz",
        **pair("train", [0, 1, 1]),
        **pair("val", [0]),
        **pair("test", [1, 0]),
    )
    manifest = read_manifest(path)
    assert [case.key for case in manifest.cases] == [
        "train_images:0",
        "train_images:1",
        "train_images:2",
        "val_images:0",
        "test_images:0",
        "test_images:1",
    ]
    assert all(case.key == case.member for case in manifest.cases)
    assert [case.split for case in manifest.cases] == (
        ["train"] * 3 + ["validation"] + ["test"] * 2
    )
    assert manifest.labels == ("0", "1")
    assert manifest.positive == "1"
    assert manifest.targets()[:, 1].tolist() == [0, 1, 1, 0, 1, 0]
    assert manifest.cases[0].path == path.resolve()


def test_a_folder_with_one_archive_is_that_archive(tmp_path: Path) -> None:
    save(tmp_path / "x.npz", **pair("train", [0, 1]))
    assert len(read_manifest(tmp_path).cases) == 2
    save(tmp_path / "y.npz", **pair("train", [0, 1]))
    with pytest.raises(DataError, match=r"2 .npz files: 'x.npz', 'y.npz'; pass one"):
        read_manifest(tmp_path)


def test_names_of_published_sets(tmp_path: Path) -> None:
    path = save(tmp_path / "pneumoniamnist_64.npz", **pair("train", [0, 1]))
    assert read_manifest(path).labels == ("normal", "pneumonia")
    # A code that the published set does not have: another set of that name.
    path = save(tmp_path / "pneumoniamnist.npz", **pair("train", [0, 1, 2]))
    assert read_manifest(path).labels == ("0", "1", "2")


def test_breastmnist_has_its_negative_label_second_in_the_file(tmp_path: Path) -> None:
    path = save(tmp_path / "breastmnist.npz", **pair("train", [0, 1, 1]))
    manifest = read_manifest(path)
    assert manifest.labels == ("normal, benign", "malignant")
    assert manifest.targets()[:, 1].tolist() == [1, 0, 0]


def test_several_columns_are_multilabel(tmp_path: Path) -> None:
    labels = np.array([[1, 0, 0], [0, 0, 0]], np.uint8)
    path = save(tmp_path / "x.npz", train_images=images(2), train_labels=labels)
    manifest = read_manifest(path)
    assert (manifest.kind, manifest.labels) == ("multilabel", ("0", "1", "2"))
    assert manifest.targets().tolist() == labels.tolist()
    chest = np.eye(14, dtype=np.uint8)
    path = save(
        tmp_path / "chestmnist.npz", train_images=images(14), train_labels=chest
    )
    assert read_manifest(path).labels == SETS["chestmnist"].labels


def test_colour_and_plain_arrays(tmp_path: Path) -> None:
    path = save(tmp_path / "x.npz", images=images(2, 8, 8, 3), labels=np.array([3, 5]))
    manifest = read_manifest(path)
    assert [case.key for case in manifest.cases] == ["images:0", "images:1"]
    assert [case.split for case in manifest.cases] == ["", ""]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": images(2)}, "x.npz: holds a; wanted train_images, train_labels"),
        ({"train_images": images(2)}, "holds train_images; wanted train_images, trai"),
        (
            {"images": images(2, 8, 8, 8), "labels": np.zeros(2, np.uint8)},
            r"images has shape \(2, 8, 8, 8\) .volumes.; this version takes single",
        ),
        (
            {"images": images(2), "labels": np.zeros(3, np.uint8)},
            r"labels has shape \(3,\) for 2 images; wanted \(2,\) or",
        ),
        (
            {"images": images(2), "labels": np.array([0.5, 1.0])},
            "labels holds float64; wanted whole numbers",
        ),
        (
            {"images": images(2), "labels": np.array(["a", "b"])},
            "labels holds <U1; wanted whole numbers",
        ),
    ],
)
def test_archives_that_do_not_fit(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_manifest(save(tmp_path / "x.npz", **arrays))


def test_python_objects_are_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, images=images(2), labels=np.array([{}, {}], dtype=object))
    with pytest.raises(DataError, match="labels holds Python objects, which are nev"):
        read_manifest(path)


def test_a_header_that_announces_too_much(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("images", "labels"):
            file = io.BytesIO()
            shape = (10**12, 8, 8) if name == "images" else (10**12,)
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            archive.writestr(f"{name}.npy", file.getvalue())
    with pytest.raises(DataError, match="too large; at most 3,000,000 images"):
        read_manifest(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"text"])
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"x.npz: not a readable .npz archive"):
        read_manifest(path)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e300, 0.5])
def test_labels_that_are_no_codes(tmp_path: Path, value: float) -> None:
    labels = np.array([value, 0.0, 1.0])
    path = save(tmp_path / "x.npz", images=images(3), labels=labels)
    with pytest.raises(DataError, match="holds float64; wanted whole numbers between"):
        read_manifest(path)


@pytest.mark.parametrize("count", [0, 3])
def test_arrays_that_hold_nothing(tmp_path: Path, count: int) -> None:
    labels = np.zeros((count, 0), np.uint8)
    path = save(tmp_path / "x.npz", images=images(count), labels=labels)
    with pytest.raises(DataError, match=r"has shape \(.*0.*\), so it holds nothing"):
        read_manifest(path)


@pytest.mark.parametrize("header", [b"(" * 3000, b"-" * 3900 + b"1", b"{'a': 1}"])
def test_headers_that_mean_harm(tmp_path: Path, header: bytes) -> None:
    path = save(tmp_path / "x.npz", labels=np.zeros(3, np.uint8))
    with zipfile.ZipFile(path, "a") as archive:
        length = len(header).to_bytes(2, "little")
        archive.writestr("images.npy", b"\x93NUMPY\1\0" + length + header)
    with pytest.raises(DataError, match=r"array images has no readable header \(dam"):
        read_manifest(path)


@pytest.mark.parametrize("harm", ["damaged", "locked"])
def test_labels_that_cannot_be_inflated(tmp_path: Path, harm: str) -> None:
    path = save(tmp_path / "x.npz", images=images(3), labels=np.arange(300)[:3])
    content = bytearray(path.read_bytes())
    if harm == "damaged":
        start = content.index(b"labels.npy") + len(b"labels.npy") + 20
        content[start : start + 40] = bytes(b ^ 0xFF for b in content[start:][:40])
    else:  # bit 0 of the flags of each entry, here and in the directory
        for magic, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
            at = content.find(magic)
            while at >= 0:
                content[at + place] |= 1
                at = content.find(magic, at + 4)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"x.npz: .* \(damaged, (or locked|cut off)"):
        read_manifest(path)


def test_flags_do_not_fit_an_archive(tmp_path: Path) -> None:
    path = save(tmp_path / "x.npz", **pair("train", [0, 1]))
    with pytest.raises(DataError, match=r"x.npz: --label-column given, but there is"):
        read_manifest(path, label_column="label")


def test_pneumoniamnist_as_rebuilt(shared_data: Path) -> None:
    manifest = read_manifest(shared_data / "medmnist" / "pneumoniamnist.npz")
    targets = manifest.targets()
    counts = {
        name: (sum(held), int(targets[held, 1].sum()))
        for name in ("train", "validation", "test")
        if (held := [case.split == name for case in manifest.cases])
    }
    # Sizes and class counts of the published set.
    assert counts == {
        "train": (4708, 3494),
        "validation": (524, 389),
        "test": (624, 390),
    }
