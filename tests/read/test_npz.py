"""MedMNIST-like archives: members, caching, and archives that mean harm."""

from __future__ import annotations

import io
import pickle
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from medlens.core import ReadError
from medlens.read import list_arrays, list_members, npz, open_array, open_image


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Three stacks and a label array."""
    generator = np.random.default_rng(0)
    np.savez_compressed(
        tmp_path / "a.npz",
        train_images=generator.integers(0, 256, (5, 6, 7), dtype=np.uint8),
        val_images=generator.integers(0, 256, (2, 6, 7, 3), dtype=np.uint8),
        test_images=generator.integers(0, 256, (3, 4, 6, 7), dtype=np.uint8),
        train_labels=np.arange(5)[:, None],
    )
    return tmp_path / "a.npz"


def test_members_are_the_images_of_stacks_only(archive: Path) -> None:
    members = list_members(archive)
    assert members[:2] == ["train_images:0", "train_images:1"]
    assert members[-1] == "test_images:2"
    assert len(members) == 10


def test_each_image_has_its_pixels(archive: Path) -> None:
    plain = np.load(archive)
    image = open_image(archive, member="train_images:3")
    np.testing.assert_array_equal(image.array[0, 0], plain["train_images"][3])
    colour = open_image(archive, member="val_images:1")
    np.testing.assert_array_equal(
        colour.array[:, 0], plain["val_images"][1].transpose(2, 0, 1)
    )
    volume = open_image(archive, member="test_images:2")
    np.testing.assert_array_equal(volume.array[0], plain["test_images"][2])
    assert not volume.geometry.is_calibrated


def test_arrays_and_labels_are_listed_without_their_data(archive: Path) -> None:
    found = {entry.name: entry.shape for entry in list_arrays(archive)}
    assert found["train_labels"] == (5, 1)
    np.testing.assert_array_equal(open_array(archive, "train_labels")[:, 0], range(5))


def test_archive_is_inflated_once(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    load = npz._load
    monkeypatch.setattr(npz, "_load", lambda *a: (calls.append(a[1]), load(*a))[1])
    threads = [
        threading.Thread(
            target=open_image, args=(archive,), kwargs={"member": f"train_images:{i}"}
        )
        for i in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == ["train_images"]


def test_changed_file_is_read_again(tmp_path: Path) -> None:
    for value in (1, 2):
        stack = np.full((value, 3, 3), value, np.uint8)
        np.savez(tmp_path / "a.npz", x_images=stack)
        assert open_image(tmp_path / "a.npz", member="x_images:0").array.max() == value


def test_memory_stays_within_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npz, "MEMORY_BUDGET", 2000)
    stacks = {f"s{i}_images": np.full((10, 10, 10), i, np.uint8) for i in range(4)}
    stacks["big_images"] = np.arange(3000, dtype=np.uint16).reshape(30, 10, 10)
    np.savez_compressed(tmp_path / "a.npz", **stacks)
    for name, stack in stacks.items():
        np.testing.assert_array_equal(open_array(tmp_path / "a.npz", name), stack)
    held = [item.nbytes for item in npz._cache.values() if not npz._on_disk(item)]
    assert sum(held) <= 2000
    assert npz._on_disk(open_array(tmp_path / "a.npz", "big_images"))


def test_fortran_order_and_returned_images_are_private(tmp_path: Path) -> None:
    stack = np.asfortranarray(np.arange(60, dtype=np.uint8).reshape(3, 4, 5))
    np.savez(tmp_path / "a.npz", x_images=stack)
    image = open_image(tmp_path / "a.npz", member="x_images:1")
    image.array[:] = 0
    again = open_image(tmp_path / "a.npz", member="x_images:1")
    np.testing.assert_array_equal(again.array[0, 0], stack[1])


def test_pickled_objects_are_refused_and_not_run(tmp_path: Path) -> None:
    stack = np.empty(1, dtype=object)
    stack[0] = pickle
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.array([{}], dtype=object))
        archive.writestr("x_images.npy", buffer.getvalue())
    with pytest.raises(ReadError, match="holds pickled Python objects"):
        open_image(tmp_path / "a.npz", member="x_images:0")
    with pytest.raises(ReadError, match="holds pickled Python objects"):
        list_members(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("", "wanted a member, for instance 'train_images:0'"),
        ("train_labels:0", "wanted a member, for instance"),
        ("train_images", "has no member of that name"),
        ("train_images:5", "past the end; the last is 'train_images:4'"),
        ("other_images:0", "has no array 'other_images'; it has train_images"),
        ("../x_images:0", r"has no array '\.\./x_images'"),
    ],
)
def test_wrong_members(archive: Path, member: str, message: str) -> None:
    with pytest.raises(ReadError, match=f"^k: .*{message}"):
        open_image(archive, member=member, case="k")


def test_archive_without_images(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    with pytest.raises(ReadError, match="no array whose name ends in '_images'"):
        list_members(tmp_path / "a.npz")


def claim(path: Path, shape: tuple[int, ...], data: bytes) -> Path:
    """An archive whose array claims a shape and holds `data`."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x_images.npy", header.getvalue() + data)
    return path


def test_array_larger_than_its_data(tmp_path: Path) -> None:
    path = claim(tmp_path / "a.npz", (9, 10, 10), bytes(500))
    with pytest.raises(ReadError, match="cut off or damaged after 500 of 900 bytes"):
        open_image(path, member="x_images:0")


def test_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    path = claim(tmp_path / "a.npz", (10**9, 1000, 1000), bytes(10**6))
    with pytest.raises(ReadError, match=r"asks for \d+ GiB; the limit is 64 GiB"):
        open_image(path, member="x_images:0")
    with pytest.raises(ReadError, match="more than 10,000,000 images"):
        list_members(path)


def test_cut_off_archive(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(ReadError, match="damaged or cut off"):
        list_members(archive)


def test_infinite_pixels(tmp_path: Path) -> None:
    stack = np.zeros((1, 4, 4), np.float32)
    stack[0, 1, 1:3] = np.nan, np.inf
    np.savez(tmp_path / "a.npz", x_images=stack)
    with pytest.raises(ReadError, match="2 of 16 pixels are NaN or infinite"):
        open_image(tmp_path / "a.npz", member="x_images:0")


@pytest.mark.parametrize("shape", [(4,), (4, 4), (2, 3, 4, 5, 6)])
def test_stack_of_other_shape(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.savez(tmp_path / "a.npz", x_images=np.zeros(shape, np.uint8))
    with pytest.raises(ReadError, match=f"has {len(shape)} axes of uint8; wanted"):
        open_image(tmp_path / "a.npz", member="x_images:0")


@pytest.mark.parametrize("shape", [(-2, 4, 4), (-2, -4, 4)])
def test_negative_sizes(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = claim(tmp_path / "a.npz", shape, bytes(32))
    with pytest.raises(ReadError, match=r"array 'x_images' of the .* damaged"):
        open_image(path, member="x_images:0")
    with pytest.raises(ReadError, match=r"array 'x_images' of the .* damaged"):
        list_members(path)


@pytest.mark.parametrize("header", [b"(" * 3000, b"-" * 9000 + b"1", b"{'a': 1}", b"{"])
def test_headers_that_mean_harm(tmp_path: Path, header: bytes) -> None:
    length = len(header).to_bytes(2, "little")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x_images.npy", b"\x93NUMPY\1\0" + length + header)
    with pytest.raises(ReadError, match=r"array 'x_images' of the .* damaged"):
        open_image(tmp_path / "a.npz", member="x_images:0")
    with pytest.raises(ReadError, match=r"array 'x_images' of the .* damaged"):
        list_arrays(tmp_path / "a.npz")


def test_array_without_bytes(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_images=np.zeros((2, 3, 4), "V1"))
    data = (tmp_path / "a.npz").read_bytes().replace(b"|V1", b"|V0")
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("x_images.npy", data[data.index(b"\x93NUMPY") :])
    with pytest.raises(ReadError, match=r"array 'x_images' of the .* damaged"):
        open_array(tmp_path / "b.npz", "x_images")


def test_no_image_at_all(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_images=np.zeros((0, 4, 4), np.uint8))
    with pytest.raises(ReadError, match="holds no image; wanted one or more"):
        open_image(tmp_path / "a.npz", member="x_images:0")


def test_masks_are_black_and_white(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_images=np.eye(4, dtype=bool)[None])
    image = open_image(tmp_path / "a.npz", member="x_images:0")
    np.testing.assert_array_equal(image.array[0, 0], np.eye(4))
    assert (image.bits_stored, image.valid_min, image.valid_max) == (1, 0.0, 1.0)


@pytest.mark.parametrize("kind", [">u2", ">f4"])
def test_pixels_come_in_native_order(tmp_path: Path, kind: str) -> None:
    stack = np.arange(16).reshape(1, 4, 4).astype(kind)
    np.savez(tmp_path / "a.npz", x_images=stack)
    image = open_image(tmp_path / "a.npz", member="x_images:0")
    assert image.array.dtype.isnative
    np.testing.assert_array_equal(image.array[0, 0], stack[0])


def test_real_medmnist(shared_data: Path) -> None:
    path = shared_data / "medmnist" / "pneumoniamnist.npz"
    members = list_members(path)
    assert len(members) == 4708 + 524 + 624
    plain = np.load(path)["test_images"]
    image = open_image(path, member="test_images:623")
    np.testing.assert_array_equal(image.array[0, 0], plain[623])
