"""WADO-RS: frames, bulk data, metadata and rendered images."""

from __future__ import annotations

import math
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.encaps import encapsulate

from medlens.serve.receive.receipt import Receipt
from medlens.serve.receive.wrap import Details, Wrapping, begin_dataset, to_part10
from tests.serve.receive.files import dicom
from tests.serve.web.dicomweb.conftest import Served
from tests.serve.web.dicomweb.multipart_body import parts_of

JPEG, RLE = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.5"
EXPLICIT = "1.2.840.10008.1.2.1"


def address(receipt: Receipt) -> str:
    return (
        f"/studies/{receipt.study_uid}/series/{receipt.series_uid}"
        f"/instances/{receipt.sop_uid}"
    )


def film(frames: NDArray[Any], **more: Any) -> bytes:
    """A multi-frame capture of (N, H, W) or (N, H, W, 3) uint8."""
    wrapping = Wrapping("film", Details(patient_id="P1", study="film"))
    data = begin_dataset(
        wrapping, sop_class="1.2.840.10008.5.1.4.1.1.7.2", series=0, instance=0,
        modality="OT",
    )  # fmt: skip
    data.NumberOfFrames, data.Rows, data.Columns = frames.shape[:3]
    colour = frames.ndim == 4
    data.SamplesPerPixel = 3 if colour else 1
    data.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        data.PlanarConfiguration = 0
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    data.PixelData = frames.tobytes()
    data["PixelData"].VR = "OB"
    for keyword, value in more.items():
        setattr(data, keyword, value)
    return to_part10(data)


def compressed(frames: NDArray[Any]) -> tuple[bytes, list[bytes]]:
    """The same as JPEG baseline, and its streams."""
    streams = [bytes(cv2.imencode(".jpg", frame)[1]) for frame in frames]
    data = pydicom.dcmread(BytesIO(film(frames)))
    data.PixelData = encapsulate(streams)
    data["PixelData"].VR = "OB"
    data["PixelData"].is_undefined_length = True
    data.file_meta.TransferSyntaxUID = JPEG
    out = BytesIO()
    pydicom.dcmwrite(out, data)
    return out.getvalue(), streams


FRAMES = np.arange(5 * 6 * 4, dtype=np.uint8).reshape(5, 6, 4)


def test_frames_come_in_the_order_asked_for(quick: Served) -> None:
    (receipt,) = quick.put(film(FRAMES))
    reply = quick.client.get(address(receipt) + "/frames/5,1,3,3")
    found = parts_of(reply)
    assert [body for _, body in found] == [FRAMES[i].tobytes() for i in (4, 0, 2, 2)]
    assert found[0][0]["content-type"] == (
        f"application/octet-stream; transfer-syntax={EXPLICIT}"
    )
    assert found[0][0]["content-location"].endswith("/frames/5")


@pytest.mark.parametrize(
    ("frames", "status"),
    [
        ("0", 400),
        ("-1", 400),
        ("1,", 400),
        ("a", 400),
        ("6", 404),
        ("1,6", 404),
        ("2147483647", 400),
        ("999999999", 404),
        (",".join(["1"] * 5000), 400),
        ("1;2", 400),
    ],
)
def test_frames_that_are_not_there_are_refused(
    quick: Served, frames: str, status: int
) -> None:
    (receipt,) = quick.put(film(FRAMES))
    assert quick.client.get(f"{address(receipt)}/frames/{frames}").status_code == status


@pytest.mark.parametrize(
    ("accept", "kind", "as_stored"),
    [
        ('multipart/related; type="application/octet-stream"', "octets", False),
        ('multipart/related; type="*/*"', "octets", False),
        ("*/*", "octets", False),
        (
            'multipart/related; type="application/octet-stream"; transfer-syntax=*',
            "octets",
            True,
        ),
        ('multipart/related; type="image/jpeg"', "jpeg", True),
        (f'multipart/related; type="image/jpeg"; transfer-syntax={JPEG}', "jpeg", True),
        ("image/jpeg", "jpeg", True),
        ("image/*", "jpeg", True),
        ('multipart/related; type="image/jp2"', "", False),
        (f'multipart/related; type="image/jpeg"; transfer-syntax={RLE}', "", False),
    ],
)
def test_compressed_frames_come_decoded_or_as_they_are(
    quick: Served, accept: str, kind: str, as_stored: bool
) -> None:
    frames = np.repeat(np.arange(0, 250, 50, dtype=np.uint8), 64).reshape(5, 8, 8)
    data, streams = compressed(frames)
    (receipt,) = quick.put(data)
    reply = quick.client.get(address(receipt) + "/frames/2", headers={"Accept": accept})
    if not kind:
        assert reply.status_code == 406
        assert "image/jpeg" in reply.json()["detail"]
        return
    if accept.startswith("image"):
        head, body = dict(reply.headers), reply.content
    else:
        ((head, body),) = parts_of(reply)
    assert ("jpeg" in head["content-type"]) is (kind == "jpeg")
    assert head["content-type"].endswith(JPEG if as_stored else EXPLICIT)
    if as_stored:
        assert body.rstrip(b"\0") == streams[1].rstrip(b"\0")
    else:
        assert body == frames[1].tobytes()


def test_metadata_names_large_values_by_address(quick: Served) -> None:
    private = pydicom.Dataset()
    private.add_new(0x00282000, "OB", bytes(range(250)) * 10)
    (receipt,) = quick.put(
        film(FRAMES, OpticalPathSequence=[private], PatientName="<img src=x>")
    )
    (model,) = quick.client.get(address(receipt) + "/metadata").json()
    assert model["7FE00010"]["BulkDataURI"].endswith("/bulkdata/7FE00010")
    nested = model["00480105"]["Value"][0]["00282000"]["BulkDataURI"]
    assert nested.endswith("/bulkdata/00480105/0/00282000")
    assert model["00280008"]["Value"] == [5]
    assert model["00083002"]["Value"] == [EXPLICIT]
    path = nested.split("/dicom-web")[1]
    ((_, body),) = parts_of(quick.client.get(path))
    assert body == bytes(range(250)) * 10
    alone = quick.client.get(path, headers={"Accept": "application/octet-stream"})
    assert alone.content == body
    pixels = quick.client.get(address(receipt) + "/bulkdata/7FE00010")
    assert parts_of(pixels)[0][1] == FRAMES.tobytes()


def test_metadata_of_a_study_do_not_fail_for_one_of_its_instances(
    quick: Served,
) -> None:
    good, odd = dicom(1), dicom(2, WindowCenter="1.5")
    odd = odd.replace(b"1.5 ", b"x.y ")
    receipts = quick.put(good, odd)
    assert [receipt.outcome for receipt in receipts] == ["stored"] * 2
    found = quick.client.get(f"/studies/{receipts[0].study_uid}/metadata").json()
    assert len(found) == 2
    assert {each["00080018"]["Value"][0] for each in found} == {
        receipt.sop_uid for receipt in receipts
    }


def test_numbers_that_json_lacks_are_null(quick: Served) -> None:
    (receipt,) = quick.put(dicom(1, RealWorldValueSlope=math.nan))
    reply = quick.client.get(address(receipt) + "/metadata")
    assert "NaN" not in reply.text
    assert reply.json()


@pytest.mark.parametrize(
    ("place", "status"),
    [
        ("00100010", 404),
        ("00990099", 404),
        ("x", 400),
        ("..%2f..%2f..%2f..%2fetc%2fpasswd", 400),
        ("7FE00010/0", 400),
        ("00480105/0/00282000", 404),
        ("00480105/999999/00282000", 404),
        ("/".join(["00480105/0"] * 40) + "/00282000", 400),
        ("7FE00010%00", 400),
    ],
)
def test_bulk_data_that_is_not_there(quick: Served, place: str, status: int) -> None:
    (receipt,) = quick.put(dicom(1))
    reply = quick.client.get(f"{address(receipt)}/bulkdata/{place}")
    assert reply.status_code == status


def shown(quick: Served, receipt: Receipt, query: str = "") -> NDArray[Any]:
    reply = quick.client.get(
        f"{address(receipt)}/rendered{query}", headers={"Accept": "image/png"}
    )
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "image/png"
    picture = cv2.imdecode(np.frombuffer(reply.content, np.uint8), cv2.IMREAD_COLOR)
    return picture[..., 0]


RAMP = np.tile(np.arange(0, 256, 16, dtype=np.uint8), (8, 1))[None]  # (1, 8, 16)


def test_the_window_is_the_files_then_the_callers(quick: Served) -> None:
    plain, windowed = quick.put(
        film(RAMP),
        film(RAMP, WindowCenter="128", WindowWidth="64", SOPInstanceUID="1.2.3.4"),
    )
    assert np.array_equal(shown(quick, plain), RAMP[0])
    # PS3.3 C.11.2.1.2.1 by hand: ((x - 127.5) / 63 + 0.5) * 255
    wanted = np.clip(((RAMP[0] - 127.5) / 63 + 0.5) * 255, 0, 255).round()
    assert np.array_equal(shown(quick, windowed), wanted)
    assert np.array_equal(shown(quick, plain, "?window=128,64,linear"), wanted)
    assert np.array_equal(shown(quick, plain, "?window=128,64"), wanted)
    exact = np.clip(((RAMP[0] - 128.0) / 64 + 0.5) * 255, 0, 255).round()
    assert np.array_equal(shown(quick, plain, "?window=128,64,linear-exact"), exact)


def test_monochrome1_looks_as_its_header_says(quick: Served) -> None:
    (receipt,) = quick.put(film(RAMP, PhotometricInterpretation="MONOCHROME1"))
    assert np.array_equal(shown(quick, receipt), 255 - RAMP[0])
    wanted = np.clip(((RAMP[0] - 127.5) / 63 + 0.5) * 255, 0, 255)
    found = shown(quick, receipt, "?window=128,64,linear")
    assert np.abs(found - (255 - wanted)).max() <= 0.51


def test_the_viewport_scales_crops_and_flips(quick: Served) -> None:
    (receipt,) = quick.put(film(RAMP))
    assert shown(quick, receipt, "?viewport=32,32").shape == (16, 32)
    assert shown(quick, receipt, "?viewport=4,100").shape == (2, 4)
    crop = shown(quick, receipt, "?viewport=4,4,8,0,4,4")
    assert np.array_equal(crop, RAMP[0, :4, 8:12])
    flipped = shown(quick, receipt, "?viewport=16,8,0,0,-16,8")
    assert np.array_equal(flipped, RAMP[0, :, ::-1])


def test_frames_and_thumbnails_are_rendered(quick: Served) -> None:
    frames = np.stack([np.full((8, 8), level, np.uint8) for level in (10, 20, 30)])
    (receipt,) = quick.put(film(frames))
    assert shown(quick, receipt)[0, 0] == 20  # the middle one
    for number, level in ((1, 10), (3, 30)):
        url = f"{address(receipt)}/frames/{number}/rendered"
        reply = quick.client.get(url, headers={"Accept": "image/png"})
        picture = cv2.imdecode(np.frombuffer(reply.content, np.uint8), 0)
        assert picture[0, 0] == level
    for path in (
        f"/studies/{receipt.study_uid}",
        f"/studies/{receipt.study_uid}/series/{receipt.series_uid}",
        address(receipt),
        f"{address(receipt)}/frames/1",
    ):
        reply = quick.client.get(f"{path}/thumbnail")
        assert reply.headers["content-type"] == "image/jpeg"
        picture = cv2.imdecode(np.frombuffer(reply.content, np.uint8), 0)
        assert picture.shape == (128, 128)
    assert (
        quick.client.get(f"{address(receipt)}/frames/1,2/rendered").status_code == 400
    )


@pytest.mark.parametrize(
    "query",
    [
        "window=1", "window=a,b", "window=1,0,linear", "window=1,2,cubic",
        "window=nan,1", "window=1,inf", "viewport=0,1", "viewport=1", "viewport=1,2,3",
        "viewport=99999,1", "viewport=1e99,1", "quality=0", "quality=101", "quality=x",
    ],
)  # fmt: skip
def test_views_that_make_no_sense_are_refused(quick: Served, query: str) -> None:
    (receipt,) = quick.put(film(RAMP))
    assert quick.client.get(f"{address(receipt)}/rendered?{query}").status_code == 400


def test_colours_keep_their_order(quick: Served) -> None:
    frames = np.zeros((1, 4, 4, 3), np.uint8)
    frames[..., 0] = 200  # red
    (receipt,) = quick.put(film(frames))
    reply = quick.client.get(
        f"{address(receipt)}/rendered", headers={"Accept": "image/png"}
    )
    picture = cv2.imdecode(np.frombuffer(reply.content, np.uint8), cv2.IMREAD_COLOR)
    assert picture[0, 0].tolist() == [0, 0, 200]


def test_what_has_no_pixels_is_not_rendered(quick: Served, tmp_path: Path) -> None:
    data = pydicom.dcmread(BytesIO(dicom(1)))
    del data.PixelData
    path = tmp_path / "bare"
    data.save_as(path)
    (receipt,) = quick.put(path.read_bytes())
    for end in ("/rendered", "/frames/1", "/thumbnail"):
        assert quick.client.get(address(receipt) + end).status_code == 404
