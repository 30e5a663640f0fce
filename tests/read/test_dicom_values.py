"""The grey pixel chain, worked out by hand on small data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels import apply_voi_lut

from medlens.core import Image, ReadError, Voi
from medlens.read import list_members, open_image
from medlens.read.dicom.show import show
from medlens.read.dicom.voi import mirror_voi

from .phantoms import dicom, ramp, save, sequence


def read(tmp_path: Path, data: Dataset, member: str = "") -> Image:
    return open_image(save(data, tmp_path / "x.dcm"), member=member, case="k")


def row(*values: int, dtype: Any = np.uint16) -> np.ndarray:
    return np.array([values], dtype=dtype)


def words(*values: int) -> bytes:
    """Entries of a table as DICOM stores them."""
    return np.array(values, dtype="<u2").tobytes()


def test_rescale_to_hounsfield(tmp_path: Path) -> None:
    data = dicom(row(0, 1024, 4095), RescaleSlope="1", RescaleIntercept="-1024",
                 BitsStored=12, HighBit=11)  # fmt: skip
    image = read(tmp_path, data)
    assert image.array.tolist() == [[[[-1024, 0, 3071]]]]
    assert image.array.dtype == np.int16
    assert (image.valid_min, image.valid_max, image.bits_stored) == (-1024, 3071, 12)
    assert image.stage == "rescaled"


def test_fractional_slope(tmp_path: Path) -> None:
    data = dicom(row(0, 10, 100), RescaleSlope="0.25", RescaleIntercept="-3")
    image = read(tmp_path, data)
    np.testing.assert_allclose(image.array[0, 0, 0], [-3, -0.5, 22])
    assert image.array.dtype == np.float32


def test_negative_slope_keeps_the_span_in_order(tmp_path: Path) -> None:
    data = dicom(row(0, 255, dtype=np.uint8), RescaleSlope="-2", RescaleIntercept="5")
    image = read(tmp_path, data)
    assert image.array.ravel().tolist() == [5, -505]
    assert (image.valid_min, image.valid_max) == (-505, 5)


@pytest.mark.parametrize("slope", ["nan", "inf", "-inf", "1e400"])
def test_slope_that_is_no_number(tmp_path: Path, slope: str) -> None:
    data = dicom(row(1))
    data.add_new(0x00281053, "UC", slope)  # written as DS would be refused by pydicom
    data["RescaleSlope"].VR = "DS"
    with pytest.raises(
        ReadError, match=r"k: RescaleSlope \(0028,1053\) is not a finite"
    ):
        read(tmp_path, data)


def test_slope_zero_and_slope_without_bounds(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"Rescale Slope \(0028,1053\) is 0"):
        read(tmp_path, dicom(row(1), RescaleSlope="0", RescaleIntercept="0"))
    with pytest.raises(ReadError, match="pixel values beyond any range"):
        read(tmp_path, dicom(row(1), RescaleSlope="1e300", RescaleIntercept="0"))


def test_empty_rescale_counts_as_none(tmp_path: Path) -> None:
    data = dicom(row(7), RescaleSlope="", RescaleIntercept="")
    assert read(tmp_path, data).array.item() == 7


@settings(max_examples=60, deadline=None)
@given(bits=st.integers(2, 16), shift=st.integers(0, 8), signed=st.booleans())
def test_sign_and_overlay_bits(
    tmp_path_factory: pytest.TempPathFactory, bits: int, shift: int, signed: bool
) -> None:
    shift = min(shift, 16 - bits)
    low = -(2 ** (bits - 1)) if signed else 0
    wanted = np.linspace(low, low + 2**bits - 1, 50).round().astype(np.int64)
    noise = np.random.default_rng(bits).integers(0, 65536, 50)
    mask = (2**bits - 1) << shift
    words = ((wanted << shift) & mask) | (noise & ~mask)
    data = dicom(words.astype(np.uint16)[None], BitsStored=bits,
                 HighBit=bits + shift - 1, PixelRepresentation=int(signed))  # fmt: skip
    image = read(tmp_path_factory.getbasetemp(), data)
    np.testing.assert_array_equal(image.array.ravel(), wanted)


def test_monochrome1_is_turned_round_with_its_window(tmp_path: Path) -> None:
    data = dicom(row(0, 100, 1023), PhotometricInterpretation="MONOCHROME1",
                 BitsStored=10, WindowCenter="300", WindowWidth="200")  # fmt: skip
    image = read(tmp_path, data)
    assert image.array.ravel().tolist() == [1023, 923, 0]
    assert image.voi == Voi(1023 - 300 + 1, 200)
    assert (image.valid_min, image.valid_max) == (0, 1023)


def test_monochrome1_with_rescale(tmp_path: Path) -> None:
    data = dicom(row(-5, 0, 7, dtype=np.int16), PhotometricInterpretation="MONOCHROME1",
                 RescaleSlope="1", RescaleIntercept="100")  # fmt: skip
    image = read(tmp_path, data)
    # span -32668 … 32867, so x becomes 199 - x for x = 95, 100, 107
    assert image.array.ravel().tolist() == [104, 99, 92]


@settings(max_examples=80, deadline=None)
@given(
    center=st.floats(-500, 1500),
    width=st.floats(2, 2000),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
def test_mirrored_window_shows_the_negative(
    center: float, width: float, function: Any
) -> None:
    values = np.arange(0.0, 1024)
    voi = Voi(center, width, function)
    plain = show(values, voi, None).astype(int)
    turned = show(1023 - values, mirror_voi(voi, 1023), None).astype(int)
    assert np.abs(plain + turned - 255).max() <= 1


def test_mirrored_table_shows_the_negative() -> None:
    table = np.sort(np.random.default_rng(0).random(100)).astype(np.float32)
    voi = Voi(lut=table, lut_first=50)
    values = np.arange(0.0, 256)
    plain = show(values, voi, None).astype(int)
    turned = show(255 - values, mirror_voi(voi, 255), None).astype(int)
    assert np.abs(plain + turned - 255).max() <= 1


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_window_functions_equal_pydicoms(function: Any) -> None:
    data = dicom(ramp(), WindowCenter="100", WindowWidth="77", VOILUTFunction=function)
    reference = apply_voi_lut(ramp().astype(np.float64), data)
    found = show(ramp(), Voi(100, 77, function), None)
    np.testing.assert_allclose(found, reference, atol=0.51)


def test_first_of_several_windows(tmp_path: Path) -> None:
    data = dicom(row(1), WindowCenter=["40", "450"], WindowWidth=["80", "1500"])
    assert read(tmp_path, data).voi == Voi(40, 80)


@pytest.mark.parametrize(
    ("function", "width", "kept"),
    [("LINEAR", "0", False), ("LINEAR", "1", True), ("LINEAR", "0.5", False),
     ("LINEAR_EXACT", "0.5", True), ("SIGMOID", "-3", False), ("NONSENSE", "9", True)],
)  # fmt: skip
def test_windows_that_mean_nothing_are_left_out(
    tmp_path: Path, function: str, width: str, kept: bool
) -> None:
    data = dicom(row(1), WindowCenter="4", WindowWidth=width, VOILUTFunction=function)
    assert (read(tmp_path, data).voi is not None) == kept


def test_voi_table(tmp_path: Path) -> None:
    item = sequence(LUTDescriptor=[4, 10, 12], LUTData=words(0, 1000, 2000, 4095))
    image = read(tmp_path, dicom(row(5, 11, 99), VOILUTSequence=item))
    assert image.voi is not None
    assert image.voi.lut is not None
    assert image.voi.lut_first == 10
    np.testing.assert_allclose(image.voi.lut, np.array([0, 1000, 2000, 4095]) / 4095)
    assert show(image.array, image.voi, None).ravel().tolist() == [0, 62, 255]


def test_modality_table(tmp_path: Path) -> None:
    item = sequence(
        LUTDescriptor=[3, 100, 16], LUTData=words(7, 8, 900), ModalityLUTType="US"
    )
    image = read(tmp_path, dicom(row(0, 100, 101, 102, 500), ModalityLUTSequence=item))
    assert image.array.ravel().tolist() == [7, 7, 8, 900, 900]
    assert (image.valid_min, image.valid_max) == (0, 65535)


def test_short_table(tmp_path: Path) -> None:
    item = sequence(
        LUTDescriptor=[30, 0, 16], LUTData=words(7, 8, 9), ModalityLUTType="US"
    )
    with pytest.raises(ReadError, match="has 3 entries, its descriptor says 30"):
        read(tmp_path, dicom(row(0), ModalityLUTSequence=item))


def test_padding_takes_the_smallest_other_value(tmp_path: Path) -> None:
    pixels = row(-2000, -900, 50, -2000, dtype=np.int16)
    data = dicom(
        pixels, PixelPaddingValue=-2000, RescaleSlope="1", RescaleIntercept="-24"
    )
    assert read(tmp_path, data).array.ravel().tolist() == [-924, -924, 26, -924]


def test_padding_range_and_monochrome1(tmp_path: Path) -> None:
    data = dicom(row(250, 253, 3, 9, 255, dtype=np.uint8), PixelPaddingValue=255)
    data.PixelPaddingRangeLimit = 250
    data.PhotometricInterpretation = "MONOCHROME1"
    assert read(tmp_path, data).array.ravel().tolist() == [246, 246, 252, 246, 246]


def test_padding_written_with_the_wrong_sign(tmp_path: Path) -> None:
    data = dicom(row(-2000, 5, dtype=np.int16))
    data.add_new(0x00280120, "US", 63536)
    assert read(tmp_path, data).array.ravel().tolist() == [5, 5]


def test_image_of_padding_alone_stays(tmp_path: Path) -> None:
    data = dicom(row(9, 9, dtype=np.uint8), PixelPaddingValue=9)
    assert read(tmp_path, data).array.ravel().tolist() == [9, 9]


def floats(pixels: np.ndarray, **elements: Any) -> Dataset:
    name = "FloatPixelData" if pixels.dtype == np.float32 else "DoubleFloatPixelData"
    data = dicom(np.zeros(pixels.shape, np.uint8), PixelData=None, BitsStored=None,
                 HighBit=None, PixelRepresentation=None, **elements)  # fmt: skip
    data.BitsAllocated = pixels.dtype.itemsize * 8
    setattr(data, name, pixels.tobytes())
    return data


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_float_pixels(tmp_path: Path, kind: Any) -> None:
    pixels = np.array([[-1.5, 2.25], [1e-3, 7]], kind)
    image = read(tmp_path, floats(pixels))
    np.testing.assert_array_equal(image.array[0, 0], pixels)
    assert image.valid_min is None


def test_non_finite_floats(tmp_path: Path) -> None:
    pixels = np.array([[np.nan, 2], [np.inf, 7]], np.float32)
    with pytest.raises(ReadError, match="k: 2 of 4 pixels are NaN or infinite"):
        read(tmp_path, floats(pixels))


def test_nan_as_float_padding(tmp_path: Path) -> None:
    pixels = np.array([[np.nan, 2], [3, 7]], np.float32)
    image = read(tmp_path, floats(pixels, FloatPixelPaddingValue=float("nan")))
    assert image.array.ravel().tolist() == [2, 2, 3, 7]


def test_frames_of_packed_bits_start_inside_bytes(tmp_path: Path) -> None:
    bits = np.random.default_rng(1).integers(0, 2, (5, 3, 5), dtype=np.uint8)
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    data = dicom(np.zeros((3, 5), np.uint8), PixelData=packed, BitsAllocated=1,
                 BitsStored=1, HighBit=0, NumberOfFrames=5)  # fmt: skip
    path = save(data, tmp_path / "x.dcm")
    assert len(list_members(path)) == 5
    for index in range(5):
        array = open_image(path, member=f"frame:{index}").array
        np.testing.assert_array_equal(array[0, 0], bits[index])


def test_thirty_two_bit_pixels(tmp_path: Path) -> None:
    data = dicom(
        row(0, 2**32 - 1, dtype=np.uint32), RescaleSlope="0.5", RescaleIntercept="0"
    )
    image = read(tmp_path, data)
    assert image.array.ravel().tolist() == [0, 2147483647.5]
