"""Files made to do harm, damaged files, and what messages may not say."""

from __future__ import annotations

import logging
import struct
import threading
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import (
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from medlens.core import ReadError
from medlens.read import limits, list_members, open_image
from medlens.read.dicom.header import with_article

from .phantoms import SECRET, SECRET_ID, dicom, ramp, save, to_bytes


def refused(tmp_path: Path, data: bytes, message: str) -> str:
    """The message with which a file is refused."""
    path = tmp_path / "x.dcm"
    path.write_bytes(data)
    with pytest.raises(ReadError, match=f"^k: .*{message}") as caught:
        open_image(path, case="k")
    text = str(caught.value)
    for secret in (SECRET, SECRET_ID, "PLANTED", str(tmp_path), "1.2.826"):
        assert secret not in text
    assert caught.value.__cause__ is None
    return text


def test_sequences_nested_without_end(tmp_path: Path) -> None:
    start = to_bytes(dicom(ramp()))
    meta = start[: start.index(b"\x08\0\x16\0UI")]
    nest = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
    nest += struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    refused(tmp_path, meta + nest * 20_000, "nested too deep")


def test_deflate_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = to_bytes(dicom(ramp(), syntax=DeflatedExplicitVRLittleEndian))
    path = tmp_path / "good.dcm"
    path.write_bytes(data)
    np.testing.assert_array_equal(open_image(path).array[0, 0], ramp())
    length = struct.unpack_from("<I", data, 140)[0]
    meta = data[: 144 + length]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = packer.compress(bytes(64 << 20)) + packer.flush()
    monkeypatch.setattr(limits, "MAX_INFLATED_BYTES", 16 << 20)
    refused(tmp_path, meta + bomb, "grows past 16 MiB; it is refused as a bomb")


def test_damaged_deflate(tmp_path: Path) -> None:
    data = bytearray(to_bytes(dicom(ramp(), syntax=DeflatedExplicitVRLittleEndian)))
    length = struct.unpack_from("<I", data, 140)[0]
    data[144 + length :] = b"\xff" * 50
    refused(tmp_path, bytes(data), "deflated DICOM data set is damaged")


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ({"Rows": 0}, r"Rows \(0028,0010\) is no number above 0"),
        ({"Rows": None}, r"Rows \(0028,0010\) is missing"),
        ({"Rows": 60_000, "Columns": 60_000}, "larger than the limit"),
        ({"Rows": 25}, r"has 768 bytes; 32 x 25 pixels need 800 up to frame 0"),
        ({"BitsAllocated": 12}, r"Bits Allocated \(0028,0100\) is 12"),
        ({"BitsStored": 9}, r"Bits Stored \(0028,0101\) 9"),
        ({"NumberOfFrames": "2147483647"}, r"Number of Frames \(0028,0008\) is 21474"),
        ({"PhotometricInterpretation": "X" * 16}, "'XXXXXXXXXXXXXXXX' is not read"),
    ],
)
def test_headers_that_lie(
    tmp_path: Path, elements: dict[str, Any], message: str
) -> None:
    refused(tmp_path, to_bytes(dicom(ramp(), **elements)), message)


def test_frames_that_are_not_there(tmp_path: Path) -> None:
    path = save(dicom(ramp(), NumberOfFrames=2), tmp_path / "x.dcm")
    assert len(list_members(path)) == 2
    np.testing.assert_array_equal(
        open_image(path, member="frame:0").array[0, 0], ramp()
    )
    with pytest.raises(ReadError, match="need 1,536 up to frame 1"):
        open_image(path, member="frame:1")


def test_truncated_pixels(tmp_path: Path) -> None:
    data = to_bytes(dicom(ramp(200, 200)))
    refused(tmp_path, data[:-500], "truncated: frame 0 needs 40,000 bytes, 39,500")
    # The element's own length says 40,000 here; cut inside the header next.
    refused(tmp_path, data[:300], "(cut off|no pixels|without pixels)")
    refused(tmp_path, data[:150], "no DICOM element could be read")


def test_without_preamble_and_meta(tmp_path: Path) -> None:
    data = to_bytes(dicom(ramp()))
    bare = data[data.index(b"\x08\0\x16\0UI") :]
    (tmp_path / "x").write_bytes(bare)
    np.testing.assert_array_equal(open_image(tmp_path / "x").array[0, 0], ramp())
    (tmp_path / "y").write_bytes(data[128 + 4 :])
    np.testing.assert_array_equal(open_image(tmp_path / "y").array[0, 0], ramp())
    implicit = to_bytes(dicom(ramp(), syntax=ImplicitVRLittleEndian))
    (tmp_path / "z").write_bytes(implicit[implicit.index(b"\x08\0\x16\0\x1a") :])
    np.testing.assert_array_equal(open_image(tmp_path / "z").array[0, 0], ramp())


@pytest.mark.parametrize(
    ("uid", "name"),
    [
        ("1.2.840.10008.5.1.4.1.1.481.3", "an RT Structure Set without pixels"),
        ("1.2.840.10008.5.1.4.1.1.88.33", "a Comprehensive SR without pixels"),
        ("1.2.840.10008.1.3.10", "a Media Storage Directory without pixels"),
        ("1.2.3.4", "has no pixels"),
    ],
)
def test_objects_without_pixels_are_named(tmp_path: Path, uid: str, name: str) -> None:
    data = dicom(ramp(), PixelData=None, SOPClassUID=uid)
    refused(tmp_path, to_bytes(data), name)


def test_video_and_unknown_syntaxes(tmp_path: Path) -> None:
    video = dicom(ramp(), frames=[b"\0\0\1\xb3" * 8], syntax=MPEG2MPML)
    refused(
        tmp_path, to_bytes(video), "transfer syntax MPEG2 Main Profile / Main Level"
    )
    known = to_bytes(dicom(ramp(), frames=[bytes(8)], syntax=MPEG2MPML))
    unknown = known.replace(b"1.2.840.10008.1.2.4.100", b"1.2.826.0.1.3680043.9.9")
    refused(tmp_path, unknown, "transfer syntax of an unknown UID is not read")


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
@pytest.mark.parametrize("stream", [b"", b"\0" * 64, bytes(range(256)), b"\xff" * 100])
def test_streams_of_nonsense(tmp_path: Path, syntax: str, stream: bytes) -> None:
    data = dicom(ramp(), frames=[stream or b"\0\0"], syntax=syntax)
    refused(tmp_path, to_bytes(data), "cannot be decoded; the file is damaged")


def test_rle_segment_that_ends_early(tmp_path: Path) -> None:
    stream = struct.pack("<16L", 1, 64, *[0] * 14) + b"\x81\x05\x81\x05"
    data = dicom(ramp(), frames=[stream], syntax=RLELossless)
    refused(tmp_path, to_bytes(data), "cannot be decoded")


def test_nothing_is_logged_or_warned(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = to_bytes(dicom(ramp(), AccessionNumber="AAA", StudyDate="20200101"))
    data = data.replace(b"20200101", b"PLANTED!")
    (tmp_path / "x.dcm").write_bytes(data)
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        open_image(tmp_path / "x.dcm")
    assert "PLANTED" not in caplog.text
    assert not caught


def test_threads_read_at_the_same_time(tmp_path: Path) -> None:
    paths = []
    for index in range(8):
        pixels = np.full((16, 16), index, np.uint16)
        paths.append(save(dicom(pixels), tmp_path / f"{index}.dcm"))
    found: dict[int, set[int]] = {}

    def work(index: int) -> None:
        for _ in range(5):
            array = open_image(paths[index]).array
            found.setdefault(index, set()).update(array.ravel().tolist())

    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {index: {index} for index in range(8)}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Encapsulated PDF", "an Encapsulated PDF"),
        ("RT Plan", "an RT Plan"),
        ("Segmentation", "a Segmentation"),
        ("US Image", "a US Image"),
        ("X-Ray Radiation Dose SR", "an X-Ray Radiation Dose SR"),
        ("Ultrasound Image", "an Ultrasound Image"),
    ],
)
def test_classes_have_their_article(name: str, said: str) -> None:
    assert with_article(name) == said
