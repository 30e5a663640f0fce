"""Every file of dicom_variety against pydicom's own decoders and pixel chain."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import get_frame
from pydicom.pixels import apply_color_lut, apply_modality_lut, convert_color_space
from pydicom.pixels import pixel_array as decode

from medlens.core import Image
from medlens.read import list_members, open_image

# liver_nonbyte_aligned is a crop of liver; these hold the same three frames.
ALIGNED = ("liver", "liver_deflate", "liver_expb", "liver_j2k", "liver_rle")
CROPPED = tuple(
    f"liver_nonbyte_aligned{end}" for end in ("", "_deflate", "_j2k", "_rle")
)
LOSSLESS_JPEG = ("CT1_JPLL", "JPEG-LL", "JPGLosslessP14SV1_1s_1f_8b", "bad_sequence")
# What pydicom 3.0 does not decode (or, for the palette, not in big endian).
OTHER_ROUTE = (
    *ALIGNED[1:],
    *CROPPED,
    *LOSSLESS_JPEG,
    "emri_small_jpeg_2k_lossless_too_short",
    "OBXXXX1A_expb",
)


def variety(shared_data: Path, name: str) -> Path:
    return shared_data / "dicom_variety" / f"{name}.dcm"


def read_all(path: Path) -> list[Image]:
    return [open_image(path, member=member) for member in list_members(path)]


def names(shared_data: Path) -> list[str]:
    return sorted(path.stem for path in (shared_data / "dicom_variety").glob("*.dcm"))


def expected(path: Path) -> np.ndarray:
    """(frames, H, W, C) by pydicom: decode, colour, modality, MONOCHROME1, padding."""
    data = pydicom.dcmread(path, force=True)
    if "TransferSyntaxUID" not in getattr(data, "file_meta", {}):
        data.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    frames = int(data.get("NumberOfFrames", 1) or 1)
    pixels = decode(data, raw=True) if "PixelData" in data else data.pixel_array
    photometric = data.PhotometricInterpretation
    if photometric == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, data)
        pixels = pixels >> 8 if pixels.dtype == np.uint16 else pixels
    elif photometric == "YBR_FULL":
        pixels = convert_color_space(pixels, "YBR_FULL", "RGB")
    elif photometric.startswith("MONO"):
        pixels = grey(pixels, data)
    colours = (
        3 if photometric in ("RGB", "PALETTE COLOR") or "YBR" in photometric else 1
    )
    return pixels.reshape(frames, data.Rows, data.Columns, colours)


def grey(pixels: np.ndarray, data: Any) -> np.ndarray:
    padded = None
    if "PixelPaddingValue" in data:
        padded = pixels == data.PixelPaddingValue
    values = apply_modality_lut(pixels, data)
    if data.PhotometricInterpretation == "MONOCHROME1":
        values = 2**data.BitsStored - 1 - values.astype(int)
    if padded is not None and padded.any():
        values = np.where(padded, values[~padded].min(), values)
    return values


def test_every_file_gives_pydicoms_pixels(shared_data: Path) -> None:
    seen = 0
    for name in names(shared_data):
        if name in OTHER_ROUTE:
            continue
        path = variety(shared_data, name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reference = expected(path)
        images = read_all(path)
        assert len(images) == len(reference), name
        for image, plane in zip(images, reference, strict=True):
            array = np.moveaxis(image.array[:, 0], 0, -1)
            plane = plane[..., : array.shape[-1]]
            # pydicom rounds YBR down; rescale there is float64, here float32.
            is_ybr = image.provenance.facts["PhotometricInterpretation"] == "YBR_FULL"
            tolerance = 1 if is_ybr else 2e-4
            difference = np.abs(array.astype(np.float64) - plane).max()
            assert difference <= tolerance, (name, difference)
        seen += 1
    assert seen == len(names(shared_data)) - len(OTHER_ROUTE)
    assert len(names(shared_data)) >= 72


@pytest.mark.parametrize("group", [ALIGNED, CROPPED])
def test_one_bit_files_agree_in_every_syntax(
    shared_data: Path, group: tuple[str, ...]
) -> None:
    first = read_all(variety(shared_data, group[0]))
    assert {image.array.max() for image in first} == {1}
    assert first[0].bits_stored == 1
    assert first[0].modality == "SEG"
    for name in group[1:]:
        for one, other in zip(first, read_all(variety(shared_data, name)), strict=True):
            np.testing.assert_array_equal(one.array, other.array, err_msg=name)
            np.testing.assert_allclose(one.geometry.affine, other.geometry.affine)


@pytest.mark.parametrize("name", LOSSLESS_JPEG)
def test_lossless_jpeg_against_a_second_decoder(shared_data: Path, name: str) -> None:
    path = variety(shared_data, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = pydicom.dcmread(path)
        stream = get_frame(data.PixelData, 0, number_of_frames=1)
    second = imagecodecs.ljpeg_decode(stream)  # liblj92, another code base
    stored = second.view(np.int16) if data.PixelRepresentation else second
    values = grey(stored, data)
    np.testing.assert_array_equal(open_image(path).array[0, 0], values)


def test_pairs_of_lossless_files_are_equal(shared_data: Path) -> None:
    pairs = [
        ("CT1_JLSL", "CT1_JPLL"),
        ("693_J2KR", "693_UNCR"),
        ("JLSL_RGB_ILV0", "JLSL_RGB_ILV1"),
        ("JLSL_RGB_ILV1", "JLSL_RGB_ILV2"),
        ("OBXXXX1A", "OBXXXX1A_expb"),
        ("OBXXXX1A", "OBXXXX1A_rle"),
        ("SC_rgb", "SC_rgb_expb"),
        ("SC_rgb_16bit", "SC_rgb_expb_16bit"),
        ("SC_rgb_32bit", "SC_rgb_expb_32bit"),
        ("color-pl", "color-px"),
    ]
    for one, other in pairs:
        first, second = (
            read_all(variety(shared_data, name))[0] for name in (one, other)
        )
        np.testing.assert_array_equal(
            first.array, second.array, err_msg=f"{one} {other}"
        )


def test_enhanced_mr_is_equal_in_all_syntaxes(shared_data: Path) -> None:
    digests = {}
    for end in ("", "_RLE", "_big_endian", "_jpeg_2k_lossless", "_jpeg_ls_lossless",
                "_jpeg_2k_lossless_too_short"):  # fmt: skip
        images = read_all(variety(shared_data, f"emri_small{end}"))
        assert len(images) == 10
        data = b"".join(image.array.tobytes() for image in images)
        digests[end] = hashlib.sha256(data).hexdigest()
    assert len(set(digests.values())) == 1, digests


def test_every_image_says_what_it_is(shared_data: Path) -> None:
    for name in names(shared_data):
        image = read_all(variety(shared_data, name))[0]
        facts = image.provenance.facts
        assert facts["Rows"] == str(image.array.shape[2]), name
        assert facts["TransferSyntaxUID"].startswith("1.2.840.10008.1.2"), name
        assert image.stage == "rescaled"
        assert image.provenance.uids["SOPClassUID"], name
        assert image.geometry.is_calibrated == ("SpacingSource" in facts), name
        if image.valid_min is not None and image.valid_max is not None:
            assert image.valid_min <= image.array.min(), name
            assert image.array.max() <= image.valid_max, name


def test_monochrome1_radiographs_are_bright_inside(shared_data: Path) -> None:
    for name in ("RG1_J2KI", "RG3_J2KI"):
        image = open_image(variety(shared_data, name))
        stored = pydicom.dcmread(variety(shared_data, name)).pixel_array
        total = image.array[0, 0].astype(int) + stored
        assert (total == 2**image.bits_stored - 1).all()
        assert image.voi is not None


def test_overlay_bits_are_left_out(shared_data: Path) -> None:
    image = open_image(variety(shared_data, "MR-SIEMENS-DICOM-WithOverlays"))
    assert image.array.max() < 2**12


def test_real_ct_series_geometry(shared_data: Path) -> None:
    for path in sorted((shared_data / "ct_head_series_dicom").glob("*.dcm")):
        data = pydicom.dcmread(path)
        image = open_image(path)
        position = np.array(data.ImagePositionPatient, float)
        along, down = np.array(data.ImageOrientationPatient, float).reshape(2, 3)
        rows, columns = np.array(data.PixelSpacing, float)
        # PS3.3 equation C.7.6.2.1-1 for pixel (row 7, column 11)
        point = position + 11 * columns * along + 7 * rows * down
        found = image.geometry.to_patient(np.array([0, 7, 11]))
        np.testing.assert_allclose(found, point, atol=1e-4)
        assert image.modality == "CT"
        assert image.array.min() >= -1024
