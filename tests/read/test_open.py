"""The front door: content before suffix, and what is no image is named."""

from __future__ import annotations

import gzip
import os
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from medlens.core import ReadError
from medlens.read import list_members, open_image
from medlens.read.sniff import describe, sniff

from .phantoms import dicom, ramp, save, to_bytes


def zip_of(name: str) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "hello")
    return buffer.getvalue()


NO_IMAGES = {
    "an empty file": b"",
    "a PDF document": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj",
    "an HTML page": b"  <!DOCTYPE html><html><body>404</body></html>",
    "an XML document": b"<?xml version='1.0'?><report/>",
    "a JSON document": b'{"error": "not found"}',
    "text": b"image,label\nx.png,1\n",
    "a ZIP archive without NumPy arrays": zip_of("hello.txt"),
    "a GIF image": b"GIF89a" + bytes(20),
    "gzip data that is no NIfTI volume": gzip.compress(b"hello"),
    "nothing but zero bytes": bytes(2000),
    "an HDF5 file": b"\x89HDF\r\n\x1a\n" + bytes(100),
    "unknown binary data": bytes([200, 201, 0, 3, 250]) * 50,
    "a NumPy .npy array": b"\x93NUMPY\x01\x00",
}


@pytest.mark.parametrize("what", NO_IMAGES)
def test_what_is_no_image_is_named(tmp_path: Path, what: str) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(NO_IMAGES[what])
    with pytest.raises(ReadError, match=f"key/x: the content is {what}.*wanted DICOM"):
        open_image(path, case="key/x")
    with pytest.raises(ReadError, match=f"x.png: the content is {what}"):
        list_members(path)


def test_content_decides_and_not_the_suffix(tmp_path: Path) -> None:
    PillowImage.fromarray(ramp()).save(tmp_path / "x.png")
    (tmp_path / "x.dcm").write_bytes((tmp_path / "x.png").read_bytes())
    (tmp_path / "y.jpg").write_bytes(to_bytes(dicom(ramp())))
    assert open_image(tmp_path / "x.dcm").provenance.format == "png"
    image = open_image(tmp_path / "y.jpg")
    assert image.provenance.format == "dicom"
    np.testing.assert_array_equal(image.array[0, 0], ramp())


def test_dicom_with_a_tiff_preamble_is_dicom(tmp_path: Path) -> None:
    data = bytearray(to_bytes(dicom(ramp())))
    data[:4] = b"II*\0"
    (tmp_path / "x").write_bytes(data)
    assert open_image(tmp_path / "x").provenance.format == "dicom"


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"^k: cannot be opened \(No such file"):
        open_image(tmp_path / "none.png", case="k")
    with pytest.raises(ReadError, match="is a folder; wanted a file"):
        open_image(tmp_path)
    with pytest.raises(ReadError, match="not a usable file name"):
        open_image("a\0b")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_named_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ReadError, match="is no regular file"):
        open_image(tmp_path / "pipe.png")


def test_messages_hold_no_path(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"text")
    with pytest.raises(ReadError, match=r"^x\.png: ") as caught:
        open_image(tmp_path / "x.png")
    assert str(tmp_path) not in str(caught.value)


def test_case_is_kept(tmp_path: Path) -> None:
    PillowImage.fromarray(ramp()).save(tmp_path / "x.png")
    assert open_image(tmp_path / "x.png", case="a/x").case == "a/x"
    assert open_image(tmp_path / "x.png").case == "x.png"


@pytest.mark.parametrize(
    "member", ["frame:1", "frame:-1", "volume:0", "x", "frame:1e3"]
)
def test_unknown_member_of_a_single_image(tmp_path: Path, member: str) -> None:
    save(dicom(ramp()), tmp_path / "x.dcm")
    with pytest.raises(ReadError, match=r"'frame:0'"):
        open_image(tmp_path / "x.dcm", member=member)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=600))
def test_any_bytes_can_be_sniffed_and_described(head: bytes) -> None:
    sniff(head)
    assert describe(head)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_files_raise_read_errors_only(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp()
    whole = data.draw(st.sampled_from(_samples()))
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(damaged)))
    path = folder / "damaged"
    path.write_bytes(damaged[:cut] if data.draw(st.booleans()) else damaged)
    failure = None
    try:
        for member in list_members(path)[:3]:
            open_image(path, member=member)
    except ReadError as error:
        failure = str(error)
    assert failure is None or failure.startswith("damaged: ")


def _samples() -> list[bytes]:
    """One small file of each kind."""
    import nibabel

    result = [to_bytes(dicom(ramp(8, 8)))]
    colour = PillowImage.fromarray(np.dstack([ramp(8, 8)] * 2 + [ramp(8, 8)[::-1]]))
    for suffix in ("PNG", "JPEG", "TIFF", "BMP", "WEBP"):
        buffer = BytesIO()
        colour.save(buffer, suffix)
        result.append(buffer.getvalue())
    volume = nibabel.Nifti1Image(
        np.arange(60, dtype=np.int16).reshape(3, 4, 5), np.eye(4)
    )
    result += [volume.to_bytes(), gzip.compress(volume.to_bytes())]
    buffer = BytesIO()
    np.savez_compressed(buffer, train_images=np.zeros((2, 8, 8), np.uint8))
    return [*result, buffer.getvalue()]
