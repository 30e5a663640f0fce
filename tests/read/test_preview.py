"""Quick grey copies: size, values and the truth about the original."""

from __future__ import annotations

from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pytest
from PIL import Image as PillowImage

from medlens.core import ReadError
from medlens.read import open_image, open_preview

from .phantoms import dicom, ramp, save


def blobs(rows: int, columns: int) -> np.ndarray:
    """A smooth picture, so that ways of averaging agree."""
    y, x = np.mgrid[:rows, :columns]
    return np.rint(127 + 100 * np.sin(x / 90) * np.cos(y / 70)).astype(np.uint8)


@pytest.mark.parametrize(
    "shape", [(600, 900), (1024, 1024), (2300, 1900), (300, 260), (90, 40)]
)
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_shorter_side_is_within_bounds(
    tmp_path: Path, shape: tuple[int, int], suffix: str
) -> None:
    path = tmp_path / f"x.{suffix}"
    PillowImage.fromarray(blobs(*shape)).save(path)
    image = open_preview(path, size=256)
    short = min(image.array.shape[2:])
    assert short == min(shape) if min(shape) < 512 else 256 <= short < 512
    whole = open_image(path)
    rows, columns = image.array.shape[2:]
    expected = cv2.resize(
        whole.array[0, 0], (columns, rows), interpolation=cv2.INTER_AREA
    )
    assert np.abs(image.array[0, 0].astype(int) - expected).max() <= 6
    assert image.provenance.facts["Rows"] == str(shape[0])
    assert image.provenance.facts["Columns"] == str(shape[1])


def test_geometry_follows_the_new_grid(tmp_path: Path) -> None:
    data = dicom(ramp(64, 64, np.uint16), PixelSpacing=["0.5", "0.25"])
    image = open_preview(save(data, tmp_path / "x.dcm"), size=16)
    assert image.array.shape == (1, 1, 16, 16)
    assert image.geometry.spacing[1:] == (2, 1)
    # The first new pixel is the mean of pixels 0…3, whose centre is at 1.5.
    np.testing.assert_allclose(image.geometry.origin, (1.5 * 0.25, 1.5 * 0.5, 0))
    blocks = ramp(64, 64, np.uint16).reshape(16, 4, 16, 4).mean((1, 3))
    assert np.abs(image.array[0, 0] - blocks).max() <= 0.51


def test_colour_becomes_luminance(tmp_path: Path) -> None:
    pixels = np.zeros((20, 20, 3), np.uint8)
    pixels[...] = 10, 200, 90
    for suffix, tolerance in (("png", 0), ("jpg", 2)):
        PillowImage.fromarray(pixels).save(tmp_path / f"x.{suffix}", quality=100)
        image = open_preview(tmp_path / f"x.{suffix}")
        wanted = round(0.299 * 10 + 0.587 * 200 + 0.114 * 90)
        assert image.array.shape[0] == 1
        assert np.abs(image.array.astype(int) - wanted).max() <= tolerance
        assert image.provenance.facts["SamplesPerPixel"] == "3"


def test_turned_and_broken_jpeg(tmp_path: Path) -> None:
    exif = PillowImage.Exif()
    exif[274] = 6
    PillowImage.fromarray(blobs(600, 900)).save(tmp_path / "x.jpg", exif=exif)
    assert open_preview(tmp_path / "x.jpg", size=200).array.shape[2:] == (450, 300)
    (tmp_path / "y.jpg").write_bytes((tmp_path / "x.jpg").read_bytes()[:-900])
    with pytest.raises(ReadError, match="JPEG file is truncated"):
        open_preview(tmp_path / "y.jpg")


@pytest.mark.parametrize("kind", ["grey", "cmyk", "12 bits"])
def test_geometry_follows_the_pixels(tmp_path: Path, kind: str) -> None:
    path, pixels = tmp_path / "x.jpg", blobs(1024, 1536)
    if kind == "12 bits":
        deep = pixels.astype(np.uint16) * 16
        path.write_bytes(imagecodecs.jpeg8_encode(deep, bitspersample=12))
    else:
        mode = "L" if kind == "grey" else "CMYK"
        PillowImage.fromarray(pixels).convert(mode).save(path)
    whole, image = open_image(path), open_preview(path, size=256)
    assert image.array.shape == (1, 1, 256, 384)
    np.testing.assert_allclose(image.geometry.spacing, (1, 4, 4))
    # the outer edges of both grids meet
    for edge, other in ((-0.5, -0.5), (255.5, 1023.5)):
        np.testing.assert_allclose(
            image.geometry.to_patient(np.array([0, edge, edge])),
            whole.geometry.to_patient(np.array([0, other, other])),
        )
