"""Voxels laid piece by piece: the same values, in the memory of one array."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from medlens.core import Array, ReadError, is_mapped
from medlens.predict.find_volumes import find_volumes, open_volume
from medlens.predict.mapped import allocate
from medlens.read import list_members, nifti_voxels, open_image
from medlens.read.finite import check_finite

MB = 1e6
SLACK = 16 * MB  # a piece as float64 twice, and what Python itself takes


def save(
    path: Path, data: np.ndarray, *, slope: float = 0.0, axis: int | None = None
) -> Path:
    """A NIfTI file whose header scales its values by slope · v + 1."""
    header = nibabel.Nifti1Header(endianness=">" if data.dtype.str[0] == ">" else "<")
    volume = nibabel.Nifti1Image(data, np.eye(4), header)
    volume.header.set_data_dtype(data.dtype)
    if axis is not None:
        volume.header.set_dim_info(slice=axis)
    nibabel.save(volume, path)
    if slope:
        plain = bytearray(path.read_bytes())
        for at, value in ((112, slope), (116, 1.0)):  # scl_slope, scl_inter
            plain[at : at + 4] = np.float32(value).astype("<f4").tobytes()
        path.write_bytes(plain)
    return path


@pytest.mark.parametrize("piece", [1, 100, 400, 1 << 20])
@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize(
    ("kind", "slope"), [("<i2", 0.0), ("<i2", 0.5), (">f4", 0.0), ("<f8", 0.0)]
)
def test_pieces_of_any_size_give_the_whole(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    piece: int,
    axis: int | None,
    kind: str,
    slope: float,
) -> None:
    monkeypatch.setattr(nifti_voxels, "PIECE_BYTES", piece)
    values = np.random.default_rng(0).integers(-99, 99, (5, 6, 7, 2)).astype(kind)
    path = save(tmp_path / "x.nii", values, slope=slope, axis=axis)
    plain = np.asanyarray(nibabel.load(path).dataobj)[..., 1]
    first = 2 if axis is None else axis
    others = [a for a in (2, 1, 0) if a != first]
    found = open_image(path, member=list_members(path)[1])
    np.testing.assert_array_equal(found.array[0], plain.transpose(first, *others))
    assert found.array.flags.c_contiguous
    assert found.array.dtype.isnative


def test_colours_become_channels(tmp_path: Path) -> None:
    colours = np.zeros((4, 5, 6), np.dtype([(c, "u1") for c in "RGB"]))
    for at, name in enumerate("RGB"):
        colours[name] = np.arange(120).reshape(4, 5, 6) + at
    nibabel.save(nibabel.Nifti1Image(colours, np.eye(4)), tmp_path / "x.nii")
    found = open_image(tmp_path / "x.nii").array
    assert found.shape == (3, 6, 5, 4)
    assert found.dtype == np.uint8
    for at in range(3):
        np.testing.assert_array_equal(found[at].T, colours["RGB"[at]])


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize(
    ("kind", "slope", "axis"),
    [
        ("<i2", 0.0, None),
        ("<i2", 0.5, None),
        (">i2", 0.0, None),
        ("<i2", 0.0, 0),
        ("<f8", 0.0, None),
    ],
)
def test_opening_takes_the_size_of_the_answer_once(
    tmp_path: Path, ending: str, kind: str, slope: float, axis: int | None
) -> None:
    if slope and ending == ".nii.gz":
        ending = ".nii"  # the header is patched in the plain file
    values = np.zeros((200, 200, 300), kind)
    values[::7] = 100
    path = save(tmp_path / f"x{ending}", values, slope=slope, axis=axis)
    del values
    open_image(path)  # imports
    tracemalloc.start()
    try:
        image = open_image(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert image.array.nbytes >= 24 * MB
    assert image.array.nbytes <= peak <= image.array.nbytes + SLACK


def test_a_large_volume_is_laid_into_a_file(tmp_path: Path) -> None:
    path = save(tmp_path / "x.nii.gz", np.ones((300, 300, 800), np.int16))
    (item,) = find_volumes([path], "volume").cases
    tracemalloc.start()
    try:
        image = open_volume(item, "volume")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert is_mapped(image.array)
    assert image.array.nbytes == 144 * MB
    assert peak < SLACK
    assert int(image.array[0, 799, 299, 299]) == 1


def test_a_hostile_header_is_refused_before_memory_is_asked_for(tmp_path: Path) -> None:
    path = save(tmp_path / "x.nii", np.zeros((5, 6, 7), np.uint8), slope=0.5)
    data = bytearray(path.read_bytes())
    dims = np.array([3, 10_000, 10_000, 20, 1, 1, 1, 1], "<i2")
    data[40:56] = dims.tobytes()  # 2 GB as stored, 8 GB as float32
    path.write_bytes(data)

    def never(shape: tuple[int, ...], dtype: Any) -> Array:
        raise AssertionError(f"{shape} of {dtype} asked for")

    with pytest.raises(ReadError, match=r"asks for 7\.5 GiB of voxels; the limit is 4"):
        open_image(path, allocate=never)


def test_many_numbers_are_looked_at_a_part_at_a_time() -> None:
    pixels = np.zeros((1, 40, 256, 512))
    pixels[0, 3, 5, 5:8] = 1e300
    tracemalloc.start()
    try:
        with pytest.raises(ReadError, match=r"x: 3 of 5,242,880 pixels are beyond"):
            check_finite(pixels, "x")
        pixels[0, 3, 5, 5:8] = np.nan
        with pytest.raises(ReadError, match=r"x: 3 of 5,242,880 pixels are NaN"):
            check_finite(pixels, "x")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < pixels.nbytes / 2


@pytest.mark.parametrize("axis", [None, 0])
def test_pages_of_a_mapped_volume_are_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, axis: int | None
) -> None:
    """However large the volume, some 64 MB of its file are this process's memory."""
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("the system does not tell the memory of a process")

    def held_mb() -> float:
        lines = status.read_text().splitlines()
        kinds = ("RssFile:", "RssShmem:")
        return sum(int(x.split()[1]) for x in lines if x.startswith(kinds)) / 1e3

    path = save(tmp_path / "x.nii", np.ones((200, 200, 600), "<f8"), axis=axis)
    open_image(save(tmp_path / "small.nii", np.ones((4, 4, 4), "<f8")))  # imports
    peaks: list[float] = []
    lay = nifti_voxels._lay

    def watched(*given: Any) -> None:
        lay(*given)
        peaks.append(held_mb())

    monkeypatch.setattr(nifti_voxels, "_lay", watched)
    before = held_mb()
    image = open_image(path, allocate=allocate)
    assert is_mapped(image.array)
    assert image.array.nbytes == 192 * MB
    assert held_mb() - before < 16
    assert max(peaks) - before < 120
    assert image.array.min() == image.array.max() == 1


@pytest.mark.parametrize(
    ("ending", "found"), [(".nii", "210"), (".nii.gz", "at most ")]
)
def test_a_file_too_short_for_its_header_is_refused_before_disk_is_taken(
    tmp_path: Path, ending: str, found: str
) -> None:
    data = bytearray(
        save(tmp_path / "x.nii", np.zeros((5, 6, 7), np.uint8)).read_bytes()
    )
    data[40:56] = np.array([3, 2000, 2000, 1000, 1, 1, 1, 1], "<i2").tobytes()
    path = tmp_path / f"y{ending}"
    path.write_bytes(gzip.compress(data, mtime=0) if ending == ".nii.gz" else data)

    def never(shape: tuple[int, ...], dtype: Any) -> Array:
        raise AssertionError(f"{shape} of {dtype} asked for")

    wanted = (
        f"truncated or damaged: wanted 4,000,000,000 bytes of voxels, found {found}"
    )
    with pytest.raises(ReadError, match=wanted):
        open_image(path, allocate=never)


def test_empty_space_packs_as_small_as_deflate_can(tmp_path: Path) -> None:
    plain = save(tmp_path / "x.nii", np.zeros((200, 200, 300), np.uint8))
    path = tmp_path / "x.nii.gz"
    path.write_bytes(gzip.compress(plain.read_bytes(), 9, mtime=0))
    assert path.stat().st_size * 1000 < plain.stat().st_size
    assert not open_image(path).array.any()
