"""Files and folders: comments in compressed pixels, names, keys, what is held."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from medlens.core import ExistsError, ReadError, UsageError
from medlens.deidentify import (
    IdentityError,
    Secret,
    deidentify_file,
    deidentify_folder,
    load_secret,
)
from medlens.deidentify.codestream import blank_comments, blank_items
from tests.cli.command import medlens
from tests.deidentify.planted import file_of
from tests.deidentify.test_dataset import image

SECRET = Secret(b"k" * 32)


def plain(**values: object) -> bytes:
    data = image(
        Rows=2,
        Columns=2,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        PixelData=b"\1\2\3\4",
        **values,
    )
    return file_of(data)


def jpeg(comment: bytes = b"Jane Doe", exif: bytes = b"Jane Doe") -> bytes:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    buffer = io.BytesIO()
    Picture.fromarray(grey).save(
        buffer, "JPEG", comment=comment, exif=b"Exif\0\0" + exif
    )
    return buffer.getvalue()


def test_comments_of_a_jpeg_go_and_its_pixels_stay() -> None:
    frame = jpeg()
    assert frame.count(b"Jane Doe") == 2
    blank = blank_comments(frame)
    assert b"Jane" not in blank
    assert len(blank) == len(frame)
    before, after = (np.asarray(Picture.open(io.BytesIO(b))) for b in (frame, blank))
    assert np.array_equal(before, after)


def test_a_comment_of_jpeg_2000_goes() -> None:
    comment = b"\xff\x64\x00\x0c\x00\x01Jane Doe"
    head = b"\xff\x4f\xff\x51\x00\x04ab" + comment
    body = b"\xff\x93Jane Doe"  # what follows SOD is image, not text
    length = 12 + len(comment) + len(body)
    start = b"\xff\x90\x00\x0a\x00\x00" + length.to_bytes(4, "big") + b"\x00\x01"
    end = b"\xff\xd9"
    gone = comment.replace(b"Jane Doe", bytes(8))
    blank = blank_comments(head + start + comment + body + end + b"Jane Doe")
    wanted = head.replace(comment, gone) + start + gone + body + end + bytes(8)
    assert blank == wanted


@given(st.binary(max_size=60))
def test_no_bytes_break_it_and_lengths_stay(data: bytes) -> None:
    for start in (b"", b"\xff\xd8", b"\xff\x4f\xff\x51"):
        with suppress(IdentityError):
            assert len(blank_comments(start + data)) == len(start + data)


def test_damaged_items_are_refused() -> None:
    good = encapsulate([jpeg()])
    assert b"Jane" not in blank_items(good)
    with pytest.raises(IdentityError, match="pixels are damaged"):
        blank_items(good[:100])


def test_a_compressed_file_is_clean_and_opens() -> None:
    data = image(
        Rows=16,
        Columns=16,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
    )
    source = pydicom.dcmread(io.BytesIO(file_of(data)))
    source.PixelData = encapsulate([jpeg()])
    source["PixelData"].VR = "OB"
    source.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    buffer = io.BytesIO()
    source.save_as(buffer)
    assert b"Jane Doe" in buffer.getvalue()
    freed = deidentify_file(buffer.getvalue(), SECRET)
    assert b"Jane" not in freed.data
    again = pydicom.dcmread(io.BytesIO(freed.data))
    assert again.file_meta.TransferSyntaxUID == JPEGBaseline8Bit
    assert again["PixelData"].value.startswith(b"\xfe\xff\x00\xe0")


def test_held_files_are_named_and_documents_stay_held(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "ct.dcm").write_bytes(plain())
    (source / "us.dcm").write_bytes(plain(Modality="US", SOPInstanceUID="1.9"))
    report_class = "1.2.840.10008.5.1.4.1.1.88.11"
    (source / "sr.dcm").write_bytes(plain(SOPClassUID=report_class))
    (source / "text.txt").write_bytes(b"Jane Doe")
    found = deidentify_folder([source], tmp_path / "out", SECRET)
    assert (found.written, found.patients, found.series) == (1, 1, 1)
    assert [case for case, _ in found.held] == ["sr.dcm", "us.dcm"]
    assert [case for case, _ in found.failed] == ["text.txt"]
    again = deidentify_folder([source], tmp_path / "o2", SECRET, allow_burned_in=True)
    assert [case for case, _ in again.held] == ["sr.dcm"]
    document = json.loads((tmp_path / "out" / "deidentified.json").read_text())
    assert document["schema"] == "medlens/deidentified/1"
    assert document["held"] == 2
    assert "us.dcm" not in (tmp_path / "out" / "deidentified.json").read_text()


def test_nothing_is_overwritten_and_no_folder_is_its_own_source(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(plain())
    with pytest.raises(UsageError, match="lies inside of"):
        deidentify_folder([tmp_path], tmp_path / "out", SECRET)
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").touch()
    with pytest.raises(ExistsError, match="is not empty"):
        deidentify_folder([tmp_path / "a.dcm"], out, SECRET)
    with pytest.raises(UsageError, match="there is no such file"):
        deidentify_folder([tmp_path / "none"], tmp_path / "o2", SECRET)


def test_a_key_is_made_for_its_owner_alone_and_gives_the_same_names(
    tmp_path: Path,
) -> None:
    path = tmp_path / "key"
    first = load_secret(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_secret(path).pseudonym("4711") == first.pseudonym("4711")
    assert first.key.hex() not in repr(first)
    path.chmod(0o644)
    with pytest.raises(UsageError, match="others than its owner may read it"):
        load_secret(path)
    path.chmod(0o600)
    path.write_text("x")
    with pytest.raises(UsageError, match="is no key; wanted 64 hexadecimal"):
        load_secret(path)


@pytest.mark.parametrize("raw", [b"", b"x" * 300, b"\0" * 128 + b"DICM"])
def test_what_is_no_dicom_is_said(raw: bytes) -> None:
    with pytest.raises(ReadError, match="file: "):
        deidentify_file(raw, SECRET)


def test_real_files_are_freed_or_said_why_not(shared_data: Path) -> None:
    freed = 0
    for path in sorted((shared_data / "dicom_variety").rglob("*")):
        if not path.is_file():
            continue
        try:
            found = deidentify_file(
                path.read_bytes(), SECRET, case="one", allow_burned_in=True
            )
        except (ReadError, IdentityError):
            continue
        freed += bool(found.data)
        source = pydicom.dcmread(path, force=True)
        for keyword in ("PatientName", "PatientID", "AccessionNumber"):
            text = str(source.get(keyword) or "")
            if found.data and len(text) > 4:
                assert text.encode() not in found.data, (path.name, keyword)
    assert freed > 40


def test_the_command_tells_what_is_held(tmp_path: Path) -> None:
    (tmp_path / "us.dcm").write_bytes(plain(Modality="US"))
    out, key = tmp_path / "out", tmp_path / "key"
    given_ = (
        "deidentify",
        str(tmp_path / "us.dcm"),
        "--out",
        str(out),
        "--key",
        str(key),
    )
    done = medlens(*given_)
    assert done.returncode == 1
    assert "0 files of 0 patients" in done.stdout
    assert "medlens: held: us.dcm: modality US often holds text" in done.stderr
    done = medlens(*given_, "--allow-burned-in", "--force")
    assert done.returncode == 0
    assert "1 files of 1 patients" in done.stdout
