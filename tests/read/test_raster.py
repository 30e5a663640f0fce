"""PNG, JPEG, BMP and WebP against Pillow, and round trips."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image as PillowImage
from PIL import ImageOps

from medlens.core import ReadError
from medlens.read import limits, list_members, open_image

from .phantoms import png, ramp

FEW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def planes(pixels: np.ndarray) -> np.ndarray:
    """(H, W[, 3]) as (C, 1, H, W)."""
    return (
        pixels[None, None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)[:, None]
    )


@FEW
@given(
    st.sampled_from([np.uint8, np.uint16]).flatmap(
        lambda kind: arrays(kind, array_shapes(min_dims=2, max_dims=2, max_side=40))
    )
)
def test_grey_png_comes_back_unchanged(tmp_path: Path, pixels: np.ndarray) -> None:
    path = tmp_path / "x.png"
    cv2.imwrite(str(path), pixels)
    image = open_image(path)
    assert image.array.dtype == pixels.dtype
    np.testing.assert_array_equal(image.array, planes(pixels))
    assert image.bits_stored == pixels.dtype.itemsize * 8
    assert (image.valid_min, image.valid_max) == (0, np.iinfo(pixels.dtype).max)


@FEW
@given(
    st.sampled_from([np.uint8, np.uint16]).flatmap(
        lambda kind: arrays(
            kind, st.tuples(st.integers(1, 30), st.integers(1, 30), st.just(3))
        )
    )
)
def test_colour_png_comes_back_in_rgb_order(tmp_path: Path, pixels: np.ndarray) -> None:
    path = tmp_path / "x.png"
    cv2.imwrite(str(path), pixels[..., ::-1])
    array = open_image(path).array
    if (pixels == pixels[..., :1]).all():
        np.testing.assert_array_equal(array, planes(pixels[..., 0]))
    else:
        np.testing.assert_array_equal(array, planes(pixels))


def test_grey_saved_as_colour_becomes_one_channel(tmp_path: Path) -> None:
    PillowImage.fromarray(np.dstack([ramp()] * 3)).save(tmp_path / "x.png")
    image = open_image(tmp_path / "x.png")
    np.testing.assert_array_equal(image.array, planes(ramp()))
    assert image.provenance.facts["SamplesPerPixel"] == "3"
    assert image.provenance.facts["IsGrey"] == "YES"


def test_almost_grey_stays_colour(tmp_path: Path) -> None:
    pixels = np.dstack([ramp()] * 3)
    pixels[13, 17, 2] ^= 1  # lies between the rows and columns of the sparse look
    PillowImage.fromarray(pixels).save(tmp_path / "x.png")
    np.testing.assert_array_equal(open_image(tmp_path / "x.png").array, planes(pixels))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_composed_on_black(tmp_path: Path, mode: str) -> None:
    generator = np.random.default_rng(3)
    pixels = generator.integers(0, 256, (9, 7, len(mode)), dtype=np.uint8)
    PillowImage.fromarray(pixels, mode).save(tmp_path / "x.png")
    colour = pixels[..., :-1] if mode == "RGBA" else pixels[..., 0]
    alpha = pixels[..., -1:] if mode == "RGBA" else pixels[..., -1]
    expected = np.rint(colour * (alpha / 255.0)).astype(np.uint8)
    array = open_image(tmp_path / "x.png").array
    assert np.abs(array.astype(int) - planes(expected)).max() <= 1


def test_opaque_alpha_changes_nothing(tmp_path: Path) -> None:
    pixels = np.dstack([ramp(), ramp()[::-1], ramp(), np.full_like(ramp(), 255)])
    PillowImage.fromarray(pixels, "RGBA").save(tmp_path / "x.png")
    array = open_image(tmp_path / "x.png").array
    np.testing.assert_array_equal(array, planes(pixels[..., :3]))


def test_palette_and_one_bit_png(tmp_path: Path) -> None:
    colours = PillowImage.fromarray(np.dstack([ramp(), ramp()[::-1], ramp()]))
    palette = colours.quantize(16)
    palette.save(tmp_path / "p.png")
    array = open_image(tmp_path / "p.png").array
    np.testing.assert_array_equal(array, planes(np.asarray(palette.convert("RGB"))))
    PillowImage.fromarray(ramp() > 100).save(tmp_path / "b.png")
    image = open_image(tmp_path / "b.png")
    np.testing.assert_array_equal(image.array, planes((ramp() > 100) * np.uint8(255)))
    assert image.provenance.facts["BitsStored"] == "1"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_exif_orientation_is_honoured(
    tmp_path: Path, orientation: int, suffix: str
) -> None:
    exif = PillowImage.Exif()
    exif[274] = orientation
    picture = PillowImage.fromarray(ramp())
    if suffix == "webp":
        picture = picture.convert("RGB")
    options = {"lossless": True} if suffix == "webp" else {}
    path = tmp_path / f"x.{suffix}"
    picture.save(path, exif=exif, **options)
    with PillowImage.open(path) as stored:
        expected = np.asarray(ImageOps.exif_transpose(stored).convert("L"))
    image = open_image(path)
    np.testing.assert_array_equal(image.array, planes(expected))
    assert image.provenance.facts["Rows"] == str(expected.shape[0])


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_equals_pillow(tmp_path: Path, progressive: bool) -> None:
    pixels = np.dstack([ramp(), ramp()[::-1], ramp()[:, ::-1]])
    path = tmp_path / "x.jpg"
    PillowImage.fromarray(pixels).save(path, progressive=progressive, subsampling=0)
    with PillowImage.open(path) as stored:
        expected = np.asarray(stored)
    # Two builds of libjpeg-turbo may round the last bit differently.
    difference = open_image(path).array.astype(int) - planes(expected)
    assert np.abs(difference).max() <= 1


def test_cmyk_jpeg_becomes_rgb(tmp_path: Path) -> None:
    pixels = np.dstack([ramp(), ramp()[::-1], ramp()[:, ::-1]])
    path = tmp_path / "x.jpg"
    PillowImage.fromarray(pixels).convert("CMYK").save(path, quality=100, subsampling=0)
    array = open_image(path).array.astype(int)
    assert np.abs(array - planes(pixels)).max() <= 4


@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        ({"lossless": True, "bitspersample": 12}, 0),
        ({"lossless": True, "bitspersample": 16}, 0),
        ({"level": 100, "bitspersample": 12}, 8),
    ],
)
def test_deep_jpeg_keeps_its_bits(
    tmp_path: Path, options: dict[str, int], tolerance: int
) -> None:
    pixels = (ramp(dtype=np.uint16) >> 4).astype(np.uint16)
    (tmp_path / "x.jpg").write_bytes(imagecodecs.jpeg8_encode(pixels, **options))
    image = open_image(tmp_path / "x.jpg")
    assert image.bits_stored == options["bitspersample"]
    assert np.abs(image.array[0, 0].astype(int) - pixels).max() <= tolerance


@pytest.mark.parametrize("suffix", ["bmp", "webp"])
def test_bmp_and_webp_round_trip(tmp_path: Path, suffix: str) -> None:
    pixels = np.dstack([ramp(), ramp()[::-1], ramp()[:, ::-1]])
    options = {"lossless": True} if suffix == "webp" else {}
    PillowImage.fromarray(pixels).save(tmp_path / f"x.{suffix}", **options)
    image = open_image(tmp_path / f"x.{suffix}")
    np.testing.assert_array_equal(image.array, planes(pixels))
    assert image.provenance.format == suffix


def test_one_pixel_is_readable(tmp_path: Path) -> None:
    PillowImage.fromarray(np.full((1, 1), 7, np.uint8)).save(tmp_path / "x.png")
    assert open_image(tmp_path / "x.png").array.tolist() == [[[[7]]]]
    assert list_members(tmp_path / "x.png") == [""]


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "webp"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
def test_truncated_file_is_an_error(tmp_path: Path, suffix: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    path = tmp_path / f"x.{suffix}"
    PillowImage.fromarray(noise).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ReadError, match=r"case-7: the \w+ file is truncated after"):
        open_image(path, case="case-7")


def test_flipped_byte_in_png_is_an_error(tmp_path: Path) -> None:
    data = bytearray(
        png(32, 24, 8, 0, b"".join(b"\0" + row.tobytes() for row in ramp()))
    )
    data[len(data) // 2] ^= 255
    (tmp_path / "x.png").write_bytes(data)
    with pytest.raises(ReadError, match="PNG file is damaged"):
        open_image(tmp_path / "x.png")


def test_png_with_too_few_rows_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(png(32, 24, 8, 0, bytes(33 * 3)))
    with pytest.raises(ReadError, match="cannot be decoded"):
        open_image(tmp_path / "x.png")


@pytest.mark.parametrize(
    ("width", "height"), [(20_000, 20_000), (20_001, 5), (5, 20_001), (2**31 - 1,) * 2]
)
def test_too_large_is_refused_before_decoding(
    tmp_path: Path, width: int, height: int
) -> None:
    (tmp_path / "x.png").write_bytes(png(width, height, 8, 0, b"\0"))
    with pytest.raises(ReadError, match=r"larger than the limit \(20,000 a side"):
        open_image(tmp_path / "x.png")


def test_limit_can_be_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    PillowImage.fromarray(ramp()).save(tmp_path / "x.png")
    monkeypatch.setattr(limits, "MAX_PIXELS", 24 * 32 - 1)
    with pytest.raises(ReadError, match="32 x 24 pixels is larger"):
        open_image(tmp_path / "x.png")


def test_zero_rows_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(png(5, 0, 8, 0, b""))
    with pytest.raises(ReadError, match="5 columns x 0 rows; wanted at least 1 x 1"):
        open_image(tmp_path / "x.png")


def test_png_and_jpeg_import_numpy_and_opencv_only(tmp_path: Path) -> None:
    for suffix in ("png", "jpg"):
        PillowImage.fromarray(ramp()).save(tmp_path / f"x.{suffix}")
    code = (
        "import sys\n"
        "from medlens.read import open_image\n"
        f"[open_image(f'{tmp_path}/x.' + s) for s in ('png', 'jpg')]\n"
        "heavy = {'PIL', 'pydicom', 'nibabel', 'scipy', 'imagecodecs', 'tifffile',"
        " 'skimage', 'sklearn', 'torch', 'onnxruntime'}\n"
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
