"""Voxels laid piece by piece: the same values, in the memory of one array."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from medlens.core import Array, ReadError, is_mapped
from medlens.predict.find_volumes import find_volumes, open_volume
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
