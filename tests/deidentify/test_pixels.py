"""What hides in and beside pixels: unused bits, trailing bytes, comments anywhere."""

from __future__ import annotations

import io
import struct

import numpy as np
import pydicom
import pytest
from PIL import Image as Picture
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from medlens.deidentify import IdentityError, Keep, Secret, deidentify_file
from medlens.deidentify.codestream import blank_items
from tests.deidentify.planted import file_of
from tests.deidentify.test_dataset import image

SECRET = Secret(b"k" * 32)
NAME = b"JANE"
GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)
COM = b"\xff\xfe" + struct.pack(">H", 2 + len(NAME)) + NAME


def ct(pixels: bytes, *, stored: int = 8, width: int = 8, **more: object) -> Dataset:
    """A CT image of 2 × 2 pixels."""
    data = image(
        Rows=2, Columns=2, SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2",
        BitsAllocated=width, BitsStored=stored, HighBit=stored - 1,
        PixelRepresentation=0, **more,
    )  # fmt: skip
    data.add(DataElement(Tag(0x7FE0, 0x0010), "OW" if width > 8 else "OB", pixels))
    return data


def freed(data: Dataset, keep: Keep | None = None) -> tuple[bytes, Dataset]:
    out = deidentify_file(file_of(data), SECRET, keep=keep).data
    return out, pydicom.dcmread(io.BytesIO(out))


def items(*fragments: bytes, table: bytes = b"") -> bytes:
    """Encapsulated pixel data of even fragments."""
    parts = [table, *(each + b"\0" * (len(each) % 2) for each in fragments)]
    head = b"\xfe\xff\x00\xe0"
    whole = b"".join(head + struct.pack("<I", len(each)) + each for each in parts)
    return whole + b"\xfe\xff\xdd\xe0" + bytes(4)


def jpeg(**more: object) -> bytes:
    buffer = io.BytesIO()
    Picture.fromarray(GREY).save(buffer, "JPEG", **more)
    return buffer.getvalue()


def test_bits_that_are_no_pixels_are_cleared() -> None:
    words = np.array([letter << 12 | 0x123 for letter in (1, 5, 9, 15)], "<u2")
    _, again = freed(ct(words.tobytes(), stored=12, width=16))
    assert np.frombuffer(again.PixelData, "<u2").tolist() == [0x123] * 4


def test_the_sign_stands_in_the_bits_above() -> None:
    words = np.array([0x5800, 0x07FF, 0xF800, 0x0001], "<u2")
    data = ct(words.tobytes(), stored=12, width=16)
    data.PixelRepresentation = 1
    _, again = freed(data)
    values = np.frombuffer(again.PixelData, "<i2").tolist()
    assert values == [-2048, 2047, -2048, 1]


def test_bytes_after_the_last_pixel_go() -> None:
    out, again = freed(ct(b"\1\2\3\4" + NAME))
    assert NAME not in out
    assert again.PixelData == b"\1\2\3\4"


def test_pixels_beside_the_image_go() -> None:
    inside = Dataset()
    inside.add(DataElement(Tag(0x7FE0, 0x0010), "OB", NAME))
    inside.add(DataElement(Tag(0x7FE0, 0x0008), "OF", NAME))
    data = ct(b"\1\2\3\4", ReferencedImageSequence=Sequence([inside]))
    data.add(DataElement(Tag(0x7FE0, 0x0008), "OF", NAME * 4))
    assert NAME not in freed(data)[0]


def test_pixels_of_no_known_size_are_refused() -> None:
    data = ct(b"\1\2\3\4")
    data.Rows = 0
    with pytest.raises(IdentityError, match="how large its pixels are"):
        freed(data)


@pytest.mark.parametrize(("entries", "stays"), [(2, True), (3, False)])
def test_a_table_has_as_many_entries_as_it_says(entries: int, stays: bool) -> None:
    table = Dataset()
    table.LUTDescriptor = [entries, 0, 16]
    table.add(DataElement(Tag(0x0028, 0x3006), "OW", NAME))
    table.ModalityLUTType = "HU"
    out, _ = freed(ct(b"\1\2\3\4", ModalityLUTSequence=Sequence([table])))
    assert (NAME in out) is stays  # two words of table, whatever they spell
    loose = ct(b"\1\2\3\4")
    loose.add(DataElement(Tag(0x0028, 0x3006), "OW", NAME))
    assert NAME not in freed(loose)[0]


def test_words_of_a_code_without_a_scheme_go() -> None:
    code = Dataset()
    code.CodeValue, code.CodeMeaning = "JANE1", "JANE"
    data = ct(b"\1\2\3\4", AnatomicRegionSequence=Sequence([code]))
    data.CodeMeaning, data.URNCodeValue = "JANE", "urn:JANE"
    out, again = freed(data)
    assert NAME not in out
    assert "CodeMeaning" not in again
    assert again.AnatomicRegionSequence[0].CodingSchemeDesignator == "99REMOVED"


@pytest.mark.parametrize("value", ["80 01 01", "55 12 34 56", "ISO_13 58"])
def test_numbers_in_a_row_are_no_code_string(value: str) -> None:
    data = ct(b"\1\2\3\4", BodyPartExamined=value)
    assert value.encode() not in freed(data)[0]


def test_the_hour_of_birth_goes_where_other_times_stay() -> None:
    data = ct(b"\1\2\3\4", PatientBirthTime="010203", StudyTime="101112")
    _, again = freed(data, Keep(dates="keep"))
    assert again.StudyTime == "101112"
    assert not again.get("PatientBirthTime")


def test_comments_between_and_after_scans_go() -> None:
    frame = jpeg(progressive=True)
    scans = [at for at in range(len(frame)) if frame[at : at + 2] == b"\xff\xda"]
    assert len(scans) > 2
    hidden = frame[: scans[2]] + COM + frame[scans[2] : -2] + COM + frame[-2:] + NAME
    blank = blank_items(items(hidden))
    assert NAME not in blank
    assert len(blank) == len(items(hidden))
    shown = np.asarray(Picture.open(io.BytesIO(blank[16:])))
    np.testing.assert_array_equal(shown, np.asarray(Picture.open(io.BytesIO(frame))))


@pytest.mark.parametrize("at", [22, 30, 300])
def test_an_image_in_two_fragments_is_looked_through(at: int) -> None:
    frame = jpeg(comment=NAME)[:-2] + COM + b"\xff\xd9"
    at -= at % 2
    blank = blank_items(items(frame[:at], frame[at:]))
    assert NAME not in blank


def test_jpeg_2000_keeps_its_pixels() -> None:
    buffer = io.BytesIO()
    Picture.fromarray(GREY).save(buffer, "JPEG2000", no_jp2=True, comment="JANE")
    frame = buffer.getvalue()
    assert NAME in frame
    blank = blank_items(items(frame + NAME))
    assert NAME not in blank
    shown = np.asarray(Picture.open(io.BytesIO(blank[16:])))
    np.testing.assert_array_equal(shown, GREY)


def test_offset_tables_hold_places_alone() -> None:
    frame = jpeg()
    assert blank_items(items(frame, table=bytes(4))) == items(frame, table=bytes(4))
    with pytest.raises(IdentityError, match="pixels are damaged"):
        blank_items(items(frame, table=NAME))


def test_what_cannot_be_looked_through_is_refused() -> None:
    with pytest.raises(IdentityError, match="neither JPEG, JPEG 2000 nor RLE"):
        blank_items(items(b"\0\0\1\xb2" + NAME))


def test_spare_words_of_an_rle_header_go() -> None:
    frame = struct.pack("<2I", 1, 64) + NAME * 14 + b"\1\2"
    assert NAME not in blank_items(items(frame), is_rle=True)
    with pytest.raises(IdentityError, match="pixels are damaged"):
        blank_items(items(b"\0" * 70), is_rle=True)


def test_an_overlay_in_compressed_pixels_is_refused() -> None:
    data = ct(b"\1\2\3\4")
    data.add(DataElement(Tag(0x6000, 0x0100), "US", 16))
    source = pydicom.dcmread(io.BytesIO(file_of(data)))
    source.PixelData = items(jpeg())
    source["PixelData"].VR = "OB"
    source.file_meta.TransferSyntaxUID = pydicom.uid.JPEGBaseline8Bit
    buffer = io.BytesIO()
    source.save_as(buffer)
    with pytest.raises(IdentityError, match="an overlay lies in unused bits"):
        deidentify_file(buffer.getvalue(), SECRET)
