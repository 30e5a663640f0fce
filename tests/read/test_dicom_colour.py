"""Palettes, YBR and compressed colour, by formula or by another decoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut
from pydicom.uid import (
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
)

from medlens.core import Image, ReadError
from medlens.read import open_image

from .phantoms import dicom, ramp, save

# ITU-R BT.601 full range, PS3.3 C.7.6.3.1.2
FORWARD = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5],
                    [0.5, -0.418688, -0.081312]])  # fmt: skip


def read(tmp_path: Path, data: Dataset) -> Image:
    return open_image(save(data, tmp_path / "x.dcm"), case="k")


def colours(kind: Any = np.uint8) -> np.ndarray:
    """(24, 32, 3) smooth colours."""
    return np.dstack(
        [ramp(dtype=kind), ramp(dtype=kind)[::-1], ramp(dtype=kind)[:, ::-1]]
    )


def to_ybr(rgb: np.ndarray, top: int = 255) -> np.ndarray:
    ybr = rgb @ FORWARD.T + [0, (top + 1) / 2, (top + 1) / 2]
    return np.clip(np.rint(ybr), 0, top).astype(rgb.dtype)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_ybr_full(tmp_path: Path, kind: Any) -> None:
    top = np.iinfo(kind).max
    data = dicom(to_ybr(colours(kind), top), PhotometricInterpretation="YBR_FULL")
    array = read(tmp_path, data).array[:, 0].astype(int)
    assert np.abs(array - colours(kind).transpose(2, 0, 1)).max() <= 2


def test_ybr_full_422_that_was_decompressed_and_not_renamed(tmp_path: Path) -> None:
    data = dicom(to_ybr(colours()), PhotometricInterpretation="YBR_FULL_422")
    array = read(tmp_path, data).array[:, 0].astype(int)
    assert np.abs(array - colours().transpose(2, 0, 1)).max() <= 2


def test_ybr_full_422(tmp_path: Path) -> None:
    ybr = to_ybr(colours())
    ybr[:, 1::2, 1:] = ybr[:, ::2, 1:]  # chroma of a pair is that of its first pixel
    quads = np.stack(
        [ybr[:, ::2, 0], ybr[:, 1::2, 0], ybr[:, ::2, 1], ybr[:, ::2, 2]], -1
    )
    data = dicom(
        colours(), PixelData=quads.tobytes(), PhotometricInterpretation="YBR_FULL_422"
    )
    whole = dicom(ybr, PhotometricInterpretation="YBR_FULL")
    np.testing.assert_array_equal(
        read(tmp_path, data).array, read(tmp_path, whole).array
    )


def test_ybr_partial_black_and_white(tmp_path: Path) -> None:
    # Two pixels a row: Y Y Cb Cr; video black is 16, white 235.
    quads = np.array([[16, 235, 128, 128]], np.uint8)
    data = dicom(np.zeros((1, 2, 3), np.uint8), PixelData=quads.tobytes(),
                 PhotometricInterpretation="YBR_PARTIAL_422")  # fmt: skip
    assert read(tmp_path, data).array.ravel().tolist() == [0, 255]


@pytest.mark.parametrize("planar", [0, 1])
def test_planar_configuration(tmp_path: Path, planar: int) -> None:
    pixels = colours(np.uint16)
    stored = pixels.transpose(2, 0, 1) if planar else pixels
    data = dicom(pixels, PixelData=stored.tobytes(), PlanarConfiguration=planar)
    array = read(tmp_path, data).array
    np.testing.assert_array_equal(array[:, 0], pixels.transpose(2, 0, 1))


def palette(tmp_path: Path, pixels: np.ndarray, **elements: Any) -> np.ndarray:
    data = dicom(pixels, PhotometricInterpretation="PALETTE COLOR", **elements)
    return read(tmp_path, data).array[:, 0]


def tables(
    entries: list[bytes], count: int, first: int, bits: int, segmented: str = ""
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, data in zip(("Red", "Green", "Blue"), entries, strict=True):
        result[f"{name}PaletteColorLookupTableDescriptor"] = [count, first, bits]
        result[f"{segmented}{name}PaletteColorLookupTableData"] = data
    return result


def test_palette_of_8_and_16_bits(tmp_path: Path) -> None:
    pixels = np.array([[0, 9, 10, 11, 12, 200]], np.uint8)
    narrow = tables(
        [bytes([1, 2, 3, 0]), bytes([4, 5, 6, 0]), bytes([7, 8, 9, 0])], 3, 10, 8
    )
    array = palette(tmp_path, pixels, **narrow)
    assert array[:, 0].tolist() == [
        [1, 1, 1, 2, 3, 3],
        [4, 4, 4, 5, 6, 6],
        [7, 7, 7, 8, 9, 9],
    ]
    wide = np.array([[1, 2, 3], [400, 500, 600], [7, 8, 9]], "<u2")
    array = palette(
        tmp_path, pixels, **tables([row.tobytes() for row in wide], 3, 10, 16)
    )
    assert array[1, 0].tolist() == [400, 400, 400, 500, 600, 600]
    assert array.dtype == np.uint16


def test_palette_widened_from_8_bits_is_narrowed(tmp_path: Path) -> None:
    wide = np.arange(256, dtype="<u2") << 8
    array = palette(
        tmp_path, ramp(), **tables([wide.tobytes()] * 2 + [bytes(512)], 256, 0, 16)
    )
    assert array.dtype == np.uint8
    np.testing.assert_array_equal(array[0], ramp())


def test_segmented_palette_equals_pydicoms(tmp_path: Path) -> None:
    # discrete 2 entries; line of 4 to 9000; copy of the first segment; line to 0
    words = [0, 2, 100, 5000, 1, 4, 9000, 2, 1, 0, 0, 1, 3, 0]
    data = np.array(words, "<u2").tobytes()
    elements = tables([data] * 3, 11, 0, 16, segmented="Segmented")
    pixels = np.arange(12, dtype=np.uint8).reshape(1, 12)
    set_up = dicom(pixels, PhotometricInterpretation="PALETTE COLOR", **elements)
    save(set_up, tmp_path / "y.dcm")
    reference = apply_color_lut(pixels, set_up)[..., 0]
    array = palette(tmp_path, pixels, **elements)
    np.testing.assert_array_equal(array[0], reference)
    assert array[0, 0, :6].tolist() == [100, 5000, 6000, 7000, 8000, 9000]


@pytest.mark.parametrize(
    "words",
    [[2, 5, 0, 0], [1, 9, 4], [7, 7, 7], [2, 9, 0, 0, 2, 9, 0, 0], [0, 60000]],
)
def test_segments_that_never_end(tmp_path: Path, words: list[int]) -> None:
    data = np.array(words, "<u2").tobytes()
    elements = tables([data] * 3, 256, 0, 16, segmented="Segmented")
    with pytest.raises(
        ReadError, match=r"palette table has .* its descriptor says 256"
    ):
        palette(tmp_path, ramp(), **elements)


def test_missing_palette(tmp_path: Path) -> None:
    with pytest.raises(
        ReadError, match="RedPaletteColorLookupTableDescriptor is damaged"
    ):
        palette(tmp_path, ramp())


def test_supplemental_palette_colours_high_values_only(tmp_path: Path) -> None:
    entries = [bytes([255, 255]), bytes([0, 10]), bytes([0, 20])]
    pixels = np.array([[0, 50, 100, 200, 201]], np.uint8)
    data = dicom(pixels, PixelPresentation="COLOR",
                 WindowCenter="50", WindowWidth="100", VOILUTFunction="LINEAR_EXACT",
                 **tables(entries, 2, 200, 8))  # fmt: skip
    image = read(tmp_path, data)
    assert image.array[:, 0, 0].T.tolist() == [
        [0, 0, 0], [128, 128, 128], [255, 255, 255], [255, 0, 0], [255, 10, 20]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("photometric", "samples", "message"),
    [("HSV", 3, "'HSV' is not read"), ("RGB", 1, "Samples per Pixel .* is 1"),
     ("MONOCHROME2", 3, "Samples per Pixel .* is 3, but .* MONOCHROME2 has 1")],
)  # fmt: skip
def test_colour_spaces_that_are_refused(
    tmp_path: Path, photometric: str, samples: int, message: str
) -> None:
    data = dicom(
        colours(), PhotometricInterpretation=photometric, SamplesPerPixel=samples
    )
    with pytest.raises(ReadError, match=message):
        read(tmp_path, data)


def lossless_jpeg(pixels: np.ndarray) -> bytes:
    bits = pixels.dtype.itemsize * 8
    stream: bytes = imagecodecs.jpeg8_encode(pixels, lossless=True, bitspersample=bits)
    return stream


def jpeg_2000(pixels: np.ndarray) -> bytes:
    stream: bytes = imagecodecs.jpeg2k_encode(
        pixels, reversible=True, level=0, codecformat="j2k"
    )
    return stream


def compressed(
    stream: bytes, pixels: np.ndarray, syntax: str, **elements: Any
) -> Dataset:
    return dicom(pixels, frames=[stream], syntax=syntax, **elements)


def test_jpeg_baseline_ybr_and_rgb(tmp_path: Path) -> None:
    for space, photometric in (("YCBCR", "YBR_FULL"), ("RGB", "RGB")):
        stream = imagecodecs.jpeg8_encode(
            colours(), level=100, outcolorspace=space, subsampling="444"
        )
        data = compressed(
            stream, colours(), JPEGBaseline8Bit, PhotometricInterpretation=photometric
        )
        array = read(tmp_path, data).array[:, 0].astype(int)
        assert np.abs(array - colours().transpose(2, 0, 1)).max() <= 6, photometric


def test_jpeg_without_markers_follows_the_header(tmp_path: Path) -> None:
    stream = imagecodecs.jpeg8_encode(
        colours(), level=100, outcolorspace="YCBCR", subsampling="444"
    )
    jfif = stream.index(b"JFIF") - 4
    bare = stream[:jfif] + stream[jfif + 18 :]
    data = compressed(
        bare, colours(), JPEGBaseline8Bit, PhotometricInterpretation="YBR_FULL_422"
    )
    array = read(tmp_path, data).array[:, 0].astype(int)
    assert np.abs(array - colours().transpose(2, 0, 1)).max() <= 6
    data = compressed(bare, colours(), JPEGBaseline8Bit)  # header says RGB
    array = read(tmp_path, data).array[:, 0].astype(int)
    assert np.abs(array - to_ybr(colours()).transpose(2, 0, 1)).max() <= 6


def test_jpeg_extended_12_bit(tmp_path: Path) -> None:
    pixels = ramp(dtype=np.uint16) >> 4
    stream = imagecodecs.jpeg8_encode(pixels, level=100, bitspersample=12)
    data = compressed(stream, pixels, JPEGExtended12Bit, BitsStored=12, HighBit=11)
    image = read(tmp_path, data)
    assert np.abs(image.array[0, 0].astype(int) - pixels).max() <= 8
    assert image.valid_max == 4095


@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (JPEGLosslessSV1, lossless_jpeg),
        (JPEGLSLossless, imagecodecs.jpegls_encode),
        (JPEG2000Lossless, jpeg_2000),
        (HTJ2KLossless, imagecodecs.htj2k_encode),
    ],
)
@pytest.mark.parametrize("signed", [False, True])
def test_lossless_syntaxes_keep_every_bit(
    tmp_path: Path, syntax: str, encode: Any, signed: bool
) -> None:
    pixels = ramp(dtype=np.int16 if signed else np.uint16)
    stream = encode(np.ascontiguousarray(pixels.view(np.uint16)))
    image = read(tmp_path, compressed(stream, pixels, syntax))
    np.testing.assert_array_equal(image.array[0, 0], pixels)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
@pytest.mark.parametrize(
    "syntax", [JPEGBaseline8Bit, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless]
)
def test_truncated_streams(tmp_path: Path, syntax: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    encode = {
        JPEGBaseline8Bit: imagecodecs.jpeg8_encode,
        JPEGLosslessSV1: lossless_jpeg,
        JPEGLSLossless: imagecodecs.jpegls_encode,
        JPEG2000Lossless: jpeg_2000,
    }[syntax]
    stream = encode(noise)
    data = compressed(stream[: int(len(stream) * share)], noise, syntax)
    with pytest.raises(
        ReadError, match=r"k: the compressed (frame is truncated|pixels)"
    ):
        read(tmp_path, data)


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEG2000Lossless])
def test_stream_of_another_size_is_refused(tmp_path: Path, syntax: str) -> None:
    big = np.zeros((900, 1000), np.uint8)
    stream = (
        imagecodecs.jpeg8_encode(big)
        if syntax == JPEGBaseline8Bit
        else imagecodecs.jpeg2k_encode(big, codecformat="j2k")
    )
    with pytest.raises(
        ReadError, match=r"frame is 1000 x 900 with 1 .* says 32 x 24 with 1"
    ):
        read(tmp_path, compressed(stream, ramp(), syntax))
