"""TIFF of every depth, page and colour space, written by tifffile and OpenCV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from medlens.core import ReadError
from medlens.read import list_members, open_image

from .phantoms import ramp


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    pixels=st.sampled_from([np.uint8, np.uint16, np.int16]).flatmap(
        lambda kind: arrays(kind, array_shapes(min_dims=2, max_dims=2, max_side=30))
    ),
    compression=st.sampled_from([None, "zlib", "lzw", "packbits"]),
    order=st.sampled_from("<>"),
)
def test_grey_round_trip(
    tmp_path: Path, pixels: np.ndarray, compression: str | None, order: Any
) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(
        path, pixels, compression=compression, byteorder=order, photometric="minisblack"
    )
    image = open_image(path)
    np.testing.assert_array_equal(image.array[0, 0], pixels)
    info = np.iinfo(pixels.dtype)
    assert (image.valid_min, image.valid_max) == (info.min, info.max)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_colour(tmp_path: Path, planar: str, kind: Any) -> None:
    pixels = np.dstack([ramp(dtype=kind), ramp(dtype=kind)[::-1], ramp(dtype=kind)])
    data = pixels if planar == "contig" else pixels.transpose(2, 0, 1)
    tifffile.imwrite(tmp_path / "x.tif", data, photometric="rgb", planarconfig=planar)
    array = open_image(tmp_path / "x.tif").array
    np.testing.assert_array_equal(array[:, 0], pixels.transpose(2, 0, 1))


def test_opencv_files(tmp_path: Path) -> None:
    pixels = ramp(dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "x.tif"), pixels)
    np.testing.assert_array_equal(open_image(tmp_path / "x.tif").array[0, 0], pixels)


def test_white_is_zero_is_turned_round(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "x.tif", ramp(), photometric="miniswhite")
    array = open_image(tmp_path / "x.tif").array
    np.testing.assert_array_equal(array[0, 0], 255 - ramp())


def test_one_bit(tmp_path: Path) -> None:
    pixels = ramp() > 100
    tifffile.imwrite(tmp_path / "x.tif", pixels, photometric="minisblack")
    image = open_image(tmp_path / "x.tif")
    np.testing.assert_array_equal(image.array[0, 0], pixels.astype(np.uint8))
    assert (image.bits_stored, image.valid_max) == (1, 1.0)


def test_palette(tmp_path: Path) -> None:
    table = np.random.default_rng(0).integers(0, 65536, (3, 256), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "x.tif", ramp(), photometric="palette", colormap=table)
    array = open_image(tmp_path / "x.tif").array
    np.testing.assert_array_equal(array[:, 0], table[:, ramp()])


def test_alpha_is_composed_on_black(tmp_path: Path) -> None:
    pixels = np.dstack([ramp(), ramp()[::-1], ramp(), ramp()[:, ::-1]])
    tifffile.imwrite(
        tmp_path / "x.tif", pixels, photometric="rgb", extrasamples=["unassalpha"]
    )
    expected = np.rint(pixels[..., :3] * (pixels[..., 3:] / 255.0))
    array = open_image(tmp_path / "x.tif").array[:, 0].astype(int)
    assert np.abs(array - expected.transpose(2, 0, 1)).max() <= 1


def test_cmyk(tmp_path: Path) -> None:
    inks = np.dstack([ramp(), ramp()[::-1], ramp()[:, ::-1], np.zeros_like(ramp())])
    tifffile.imwrite(tmp_path / "x.tif", inks, photometric="separated")
    array = open_image(tmp_path / "x.tif").array
    np.testing.assert_array_equal(array[:, 0], 255 - inks[..., :3].transpose(2, 0, 1))


def test_jpeg_compressed_ycbcr(tmp_path: Path) -> None:
    pixels = np.dstack([ramp(), ramp()[::-1], ramp()[:, ::-1]])
    tifffile.imwrite(
        tmp_path / "x.tif", pixels, photometric="rgb", compression="jpeg",
        compressionargs={"level": 100},
    )  # fmt: skip
    array = open_image(tmp_path / "x.tif").array[:, 0].astype(int)
    assert np.abs(array - pixels.transpose(2, 0, 1)).max() <= 24


def test_pages_are_frames(tmp_path: Path) -> None:
    stack = np.stack([ramp(), ramp()[::-1], ramp()[:, ::-1]])
    tifffile.imwrite(tmp_path / "x.tif", stack, photometric="minisblack")
    assert list_members(tmp_path / "x.tif") == ["frame:0", "frame:1", "frame:2"]
    for index in range(3):
        image = open_image(tmp_path / "x.tif", member=f"frame:{index}")
        np.testing.assert_array_equal(image.array[0, 0], stack[index])
    with pytest.raises(ReadError, match="holds 3 images; name one, member='frame:0'"):
        open_image(tmp_path / "x.tif")


def test_thumbnail_pages_are_left_out(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "x.tif") as writer:
        writer.write(ramp(), photometric="minisblack")
        writer.write(ramp()[::4, ::4], photometric="minisblack", subfiletype=1)
    assert list_members(tmp_path / "x.tif") == [""]


def test_orientation(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "x.tif", ramp(), photometric="minisblack",
        extratags=[(274, 3, 1, 6, True)],
    )  # fmt: skip
    array = open_image(tmp_path / "x.tif").array
    np.testing.assert_array_equal(array[0, 0], np.rot90(ramp(), -1))


def test_float_pixels(tmp_path: Path) -> None:
    pixels = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
    tifffile.imwrite(tmp_path / "x.tif", pixels, photometric="minisblack")
    image = open_image(tmp_path / "x.tif")
    np.testing.assert_array_equal(image.array[0, 0], pixels)
    assert image.valid_max is None
    pixels[0, 0] = np.inf
    tifffile.imwrite(tmp_path / "x.tif", pixels, photometric="minisblack")
    with pytest.raises(ReadError, match="1 of 12 pixels are NaN or infinite"):
        open_image(tmp_path / "x.tif")


def test_pixels_beyond_float32(tmp_path: Path) -> None:
    pixels = np.array([[1e300, -1e39], [3e38, 0.0]])
    tifffile.imwrite(tmp_path / "x.tif", pixels, photometric="minisblack")
    with pytest.raises(ReadError, match=r"2 of 4 pixels are beyond 3\.4e\+38; wanted"):
        open_image(tmp_path / "x.tif")
    pixels[0, 0] = np.inf
    tifffile.imwrite(tmp_path / "x.tif", pixels[:, :1], photometric="minisblack")
    with pytest.raises(ReadError, match="1 of 2 pixels are NaN or infinite"):
        open_image(tmp_path / "x.tif")


def test_truncated(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, ramp(200, 200), photometric="minisblack")
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(ReadError, match="truncated: its pixels end at byte 40,"):
        open_image(path)


def test_too_large_is_refused_before_decoding(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, ramp(), photometric="minisblack")
    data = bytearray(path.read_bytes())
    width = data.index(bytes([0, 1, 4, 0]))  # tag 256, LONG
    data[width + 8 : width + 12] = (30_000).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(ReadError, match="30000 x 24 pixels is larger than the limit"):
        open_image(path)


def test_lab_is_refused(tmp_path: Path) -> None:
    pixels = np.dstack([ramp()] * 3)
    tifffile.imwrite(tmp_path / "x.tif", pixels, photometric="cielab")
    with pytest.raises(ReadError, match="colour space 8 is not read; wanted grey"):
        open_image(tmp_path / "x.tif")


def test_complex_pixels_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "x.tif", ramp().astype(np.complex64))
    with pytest.raises(ReadError, match="are of type complex64; wanted integers"):
        open_image(tmp_path / "x.tif")
