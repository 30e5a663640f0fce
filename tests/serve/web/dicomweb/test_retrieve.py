"""WADO-RS: what was stored comes back, unchanged or rightly converted."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
import sqlalchemy as sa
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from medlens.read import open_image
from medlens.serve.receive.receipt import Receipt
from medlens.serve.store.tables import trail
from tests.serve.receive.files import dicom
from tests.serve.web.dicomweb.conftest import Served
from tests.serve.web.dicomweb.multipart_body import parts_of

EXPLICIT = "1.2.840.10008.1.2.1"
AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'


def address(receipt: Receipt) -> str:
    return (
        f"/studies/{receipt.study_uid}/series/{receipt.series_uid}"
        f"/instances/{receipt.sop_uid}"
    )


def encoded(syntax: str) -> bytes:
    """The small instance in another native transfer syntax."""
    data = pydicom.dcmread(BytesIO(dicom(1)))
    if syntax == ExplicitVRBigEndian:
        words = np.frombuffer(data.PixelData, "<u2")
        data.PixelData = words.astype(">u2").tobytes()
    out = BytesIO()
    data.file_meta.TransferSyntaxUID = syntax
    little = syntax != ExplicitVRBigEndian
    pydicom.dcmwrite(
        out, data, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=little
    )
    return out.getvalue()


def test_a_study_comes_back_byte_by_byte(quick: Served) -> None:
    files = [dicom(i) for i in range(5)]
    receipts = quick.put(*files)
    reply = quick.client.get(
        f"/studies/{receipts[0].study_uid}", headers={"Accept": AS_STORED}
    )
    assert reply.status_code == 200
    found = parts_of(reply)
    assert [body for _, body in found] == files
    for (head, _), receipt in zip(found, receipts, strict=True):
        assert head["content-type"] == f"application/dicom; transfer-syntax={EXPLICIT}"
        assert head["content-location"].endswith(address(receipt))


def test_one_instance_comes_alone_where_that_is_accepted(quick: Served) -> None:
    data = dicom(1)
    (receipt,) = quick.put(data)
    accept = {"Accept": "application/dicom; transfer-syntax=*"}
    reply = quick.client.get(address(receipt), headers=accept)
    assert reply.content == data
    assert reply.headers["content-type"].startswith("application/dicom;")
    assert reply.headers["content-length"] == str(len(data))
    assert reply.headers["content-disposition"] == 'attachment; filename="instance.dcm"'
    assert reply.headers["x-content-type-options"] == "nosniff"
    head = quick.client.head(address(receipt), headers=accept)
    assert head.headers["content-length"] == str(len(data))
    assert head.content == b""
    # A study is no single file.
    study = f"/studies/{receipt.study_uid}"
    assert quick.client.get(study, headers=accept).status_code == 406


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian],
)
def test_native_syntaxes_become_explicit_little_endian(
    quick: Served, syntax: str
) -> None:
    (receipt,) = quick.put(encoded(syntax))
    assert receipt.outcome == "stored"
    default = quick.client.get(address(receipt), headers={"Accept": "*/*"})
    ((head, body),) = parts_of(default)
    assert head["content-type"].endswith(f"transfer-syntax={EXPLICIT}")
    found = pydicom.dcmread(BytesIO(body))
    assert found.file_meta.TransferSyntaxUID == EXPLICIT
    assert found.PixelData == np.arange(1, 17, dtype="<u2").tobytes()
    assert found.PatientID == "P1"
    stored = quick.client.get(address(receipt), headers={"Accept": AS_STORED})
    assert parts_of(stored)[0][1] == encoded(syntax)


def test_versions_are_told_and_known(quick: Served) -> None:
    (receipt,) = quick.put(dicom(1))
    for path in ("", "/metadata", "/frames/1", "/rendered", "/bulkdata/7FE00010"):
        first = quick.client.get(address(receipt) + path)
        tag = {"If-None-Match": first.headers["etag"]}
        again = quick.client.get(address(receipt) + path, headers=tag)
        assert (again.status_code, again.content) == (304, b"")
        assert "no-cache" in first.headers["cache-control"]


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("image/png", 406),
        ('multipart/related; type="image/jpeg"', 406),
        ('multipart/related; type="application/dicom"; transfer-syntax=1.2.3', 406),
        (
            'multipart/related; type="application/dicom"; transfer-syntax=' + EXPLICIT,
            200,
        ),
        ("multipart/related; type=application/dicom", 200),
        ('image/png, multipart/related; type="application/dicom"; q=0.1', 200),
        ('multipart/related; type="application/dicom"; q=0', 406),
    ],
)
def test_what_cannot_be_given_is_refused_with_what_can(
    quick: Served, accept: str, status: int
) -> None:
    (receipt,) = quick.put(dicom(1))
    reply = quick.client.get(address(receipt), headers={"Accept": accept})
    assert reply.status_code == status
    if status == 406:
        assert "application/dicom" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/studies/1.2.3", 404),
        ("/studies/1.2.3/metadata", 404),
        ("/studies/..%2f..%2fetc/metadata", 404),
        ("/studies/..%5c..%5cetc/metadata", 400),
        ("/studies/1.2.3%00/metadata", 400),
        ("/studies/abc", 400),
        (f"/studies/{'1' * 65}", 400),
        ("/studies/1..2", 400),
        ("/studies/1.2.3/series/' OR 1=1/instances/1", 400),
        ("/studies/١.٢", 400),
    ],
)
def test_addresses_that_are_none_are_refused(
    served: Served, path: str, status: int
) -> None:
    reply = served.client.get(path)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"


def test_only_the_named_parents_have_it(quick: Served) -> None:
    one, other = quick.put(dicom(1, text="a"), dicom(1, text="b"))
    wrong = address(one).replace(one.study_uid, other.study_uid)
    assert quick.client.get(wrong).status_code == 404


def test_every_request_leaves_a_line(quick: Served) -> None:
    (receipt,) = quick.put(dicom(1))
    whole = f"/studies/{receipt.study_uid}"
    asked = {
        whole: ("retrieve", {}),
        f"{whole}/series/{receipt.series_uid}": ("retrieve", {"series": 1}),
        address(receipt): ("retrieve", {"instance": 1}),
        f"{whole}/metadata": ("view", {"as": "metadata"}),
        f"{whole}/thumbnail": ("view", {"as": "thumbnail"}),
        address(receipt) + "/rendered": ("view", {"as": "rendered", "instance": 1}),
        address(receipt) + "/frames/1": (
            "view",
            {"as": "frames", "instance": 1, "frames": [1]},
        ),
        address(receipt) + "/frames/1/rendered": (
            "view",
            {"as": "rendered", "instance": 1, "frame": 1},
        ),
        address(receipt) + "/bulkdata/7fe00010": (
            "view",
            {"as": "bulkdata", "instance": 1, "tag": "7FE00010"},
        ),
    }
    for where in [*asked, *asked]:  # the second time is a line as well
        assert quick.client.get(where).status_code == 200
    known = quick.client.get(address(receipt)).headers["ETag"]
    again = quick.client.get(address(receipt), headers={"If-None-Match": known})
    assert again.status_code == 304
    with quick.store.read() as connection:
        rows = connection.execute(sa.select(trail).order_by(trail.c.number)).all()
    assert [(row.action, row.detail) for row in rows] == [
        *asked.values(),
        *asked.values(),
        ("retrieve", {"instance": 1}),
        ("retrieve", {"instance": 1}),
    ]
    assert {row.study_id for row in rows} == {receipt.study_id}


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", W/{}', "*"])
def test_a_version_that_is_known_is_not_sent(quick: Served, form: str) -> None:
    (receipt,) = quick.put(dicom(1))
    tag = quick.client.get(address(receipt)).headers["ETag"]
    known = {"If-None-Match": form.format(tag)}
    assert quick.client.get(address(receipt), headers=known).status_code == 304


def test_of_many_frames_the_trail_tells_how_many(quick: Served) -> None:
    (receipt,) = quick.put(dicom(1))
    frames = ",".join(["1"] * 300)
    assert quick.client.get(f"{address(receipt)}/frames/{frames}").status_code == 200
    with quick.store.read() as connection:
        (row,) = connection.execute(sa.select(trail)).all()
    assert row.detail["count"] == 300
    assert row.detail["frames"] == [1] * 200


def variety(shared: Path) -> list[Path]:
    return sorted(
        path for path in (shared / "dicom_variety").rglob("*") if path.is_file()
    )


def test_real_files_come_back_as_they_were(quick: Served, shared_data: Path) -> None:
    served = 0
    for path in variety(shared_data):
        (receipt,) = quick.put(path.read_bytes())
        if receipt.outcome != "stored":
            assert receipt.reason or receipt.outcome == "duplicate"
            continue
        stored = quick.client.get(address(receipt), headers={"Accept": AS_STORED})
        assert parts_of(stored)[0][1] == path.read_bytes()
        assert quick.client.get(address(receipt) + "/metadata").status_code == 200
        served += 1
    assert served >= 35


def test_real_files_of_all_syntaxes_are_converted(
    shared_data: Path, tmp_path: Path
) -> None:
    """Converted, they have the pixels they had; colours to one level of 255."""
    from medlens.core import ReadError
    from medlens.read.dicom.header import read_header
    from medlens.read.source import open_source
    from medlens.serve.web.dicomweb.transcode import to_explicit_little

    converted = set()
    for path in variety(shared_data):
        try:
            before = open_image(path, member=first_of(path))
        except ReadError:
            continue
        syntax = read_header(open_source(path)).transfer_syntax
        try:
            body = to_explicit_little(path, syntax)
        except ReadError:
            continue
        copy = tmp_path / "converted"
        copy.write_bytes(body)
        after = open_image(copy, member=first_of(copy))
        if before.is_colour:
            difference = np.abs(before.array.astype(int) - after.array.astype(int))
            assert difference.max() <= 1
        else:
            assert np.array_equal(before.array, after.array)
        converted.add(syntax)
    assert len(converted) >= 11


def first_of(path: Path) -> str:
    from medlens.read import list_members

    return list_members(path)[0]
