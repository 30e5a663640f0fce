"""STOW-RS: stored, refused, answered to the letter."""

from __future__ import annotations

import json
from typing import Any

import httpx
import numpy as np
import pytest
import sqlalchemy as sa

from medlens.serve.settings import Limits
from medlens.serve.store.store import Store
from medlens.serve.store.tables import instances, refusals, trail
from medlens.serve.web.dicomweb import stow_metadata
from medlens.serve.web.dicomweb.model import to_model
from tests.serve.receive.files import dicom
from tests.serve.web.dicomweb.conftest import Served, serving
from tests.serve.web.dicomweb.multipart_body import DICOM, body_of


def stow(served: Served, body: Any, path: str = "/studies", kind: str = DICOM) -> Any:
    return served.client.post(path, content=body, headers={"Content-Type": kind})


def count(store: Store, table: sa.Table) -> int:
    with store.read() as connection:
        query = sa.select(sa.func.count()).select_from(table)
        return int(connection.execute(query).scalar_one())


def items(reply: httpx.Response, tag: str) -> list[dict[str, Any]]:
    return reply.json().get(tag, {}).get("Value", [])


def test_instances_are_stored_and_named(served: Served) -> None:
    files = [dicom(i) for i in range(3)]
    reply = stow(served, body_of(*files))
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/dicom+json"
    stored = items(reply, "00081199")
    assert len(stored) == 3
    assert items(reply, "00081198") == []
    url = stored[0]["00081190"]["Value"][0]
    assert url.startswith(f"{served.url}/dicom-web/studies/")
    accept = {"Accept": "application/dicom; transfer-syntax=*"}
    assert httpx.get(url, headers=accept).content == files[0]
    again = stow(served, body_of(*files))
    assert again.status_code == 200
    assert count(served.store, instances) == 3


def test_some_good_some_bad_is_accepted_with_reasons(quick: Served) -> None:
    first = dicom(1)
    other = first.replace(b"P1", b"P1", 1)[:-2] + b"\xff\xff"
    quick.put(first)
    reply = stow(quick, body_of(dicom(2), b"no dicom at all", other))
    assert reply.status_code == 202
    assert len(items(reply, "00081199")) == 1
    (failed,) = items(reply, "00081198")
    assert failed["00081197"]["Value"] == [0x0111]
    (unknown,) = items(reply, "0008119A")
    assert unknown["00081197"]["Value"] == [0xC000]
    assert "no DICOM file" in unknown["0040A160"]["Value"][0]
    with quick.store.read() as connection:
        rows = connection.execute(sa.select(trail)).all()
    assert [(row.action, row.detail["way"]) for row in rows] == [("upload", "stow")]


def test_instances_of_another_study_are_refused(quick: Served) -> None:
    reply = stow(quick, body_of(dicom(1)), "/studies/1.2.3")
    assert reply.status_code == 409
    assert len(items(reply, "00081198")) == 1
    assert count(quick.store, instances) == 0
    assert count(quick.store, refusals) == 1


@pytest.mark.parametrize(
    ("kind", "body", "status", "words"),
    [
        ("application/json", b"{}", 415, "multipart/related"),
        ("multipart/form-data; boundary=B", body_of(b"x"), 415, "multipart/related"),
        ('multipart/related; type="text/xml"; boundary=B', b"", 415, "type="),
        ('multipart/related; type="application/dicom"', b"", 400, "no boundary"),
        (DICOM.replace("=B", "=" + "x" * 10_000), b"", 400, "Content-Type"),
        (DICOM, b"", 400, "ends inside"),
        (DICOM, body_of(dicom(1))[:-20], 400, "ends inside"),
        (DICOM, b"--B\r\n" + b"X: y\r\n" * 9000 + b"\r\n", 400, "longer than"),
        (DICOM, b"--B--\r\n", 400, "no part"),
        ("", b"", 400, "no media type"),
    ],
)
def test_broken_requests_are_refused(
    quick: Served, kind: str, body: bytes, status: int, words: str
) -> None:
    reply = stow(quick, body, kind=kind)
    assert reply.status_code == status
    assert words in reply.json()["detail"]
    assert list(quick.store.blobs.incoming.iterdir()) == []
    assert quick.client.get("/studies").status_code in (200, 204)


def test_what_was_whole_before_a_cut_is_kept(quick: Served) -> None:
    body = body_of(dicom(1), dicom(2))
    assert stow(quick, body[:-60]).status_code == 400
    assert count(quick.store, instances) == 1
    assert list(quick.store.blobs.incoming.iterdir()) == []


def test_limits_are_told(store: Store) -> None:
    limits = Limits(free_mb=1, upload_mb=2, instance_mb=1, zip_entries=4)
    with serving(store, limits) as served:
        reply = stow(served, body_of(bytes(3 << 20)))
        assert reply.status_code == 413
        # Without a length: refused while it comes.
        pieces = (bytes(1 << 16) for _ in range(64))
        reply = served.client.post(
            "/studies", content=pieces, headers={"Content-Type": DICOM}
        )
        assert reply.status_code in (400, 413)
        large = dicom(1) + bytes(1 << 20)
        reply = stow(served, body_of(large, dicom(2)))
        assert reply.status_code == 202
        assert (
            "larger than 1 MiB" in items(reply, "0008119A")[0]["0040A160"]["Value"][0]
        )
        reply = stow(served, body_of(*(dicom(i) for i in range(5))))
        assert reply.status_code == 400
        assert "more than 4 parts" in reply.json()["detail"]


def test_a_full_disk_is_told(store: Store) -> None:
    with serving(store, Limits(free_mb=1 << 40)) as served:
        reply = stow(served, body_of(dicom(1)))
        assert reply.status_code == 507
        assert items(reply, "00081198" if "00081198" in reply.json() else "0008119A")[
            0
        ]["00081197"]["Value"] == [0xA700]


def with_values(*, uri: str = "bulk/1", pixels: bytes | None = None) -> bytes:
    from io import BytesIO

    import pydicom

    data = pydicom.dcmread(BytesIO(dicom(1)))
    value = pixels or bytes(data.PixelData)
    del data.PixelData
    model = to_model(data)
    model["7FE00010"] = {"vr": "OW", "BulkDataURI": "bulk/1"}
    document = json.dumps([model]).encode()
    return (
        b"--B\r\nContent-Type: application/dicom+json\r\n\r\n" + document
        + b"\r\n--B\r\nContent-Type: application/octet-stream\r\nContent-Location: "
        + uri.encode() + b"\r\n\r\n" + value + b"\r\n--B--"
    )  # fmt: skip


META = 'multipart/related; type="application/dicom+json"; boundary=B'


def test_metadata_with_values_make_an_instance(quick: Served) -> None:
    reply = stow(quick, with_values(), kind=META)
    assert reply.status_code == 200
    (stored,) = items(reply, "00081199")
    path = stored["00081190"]["Value"][0].split("/dicom-web")[1]
    accept = {"Accept": "application/octet-stream"}
    frame = quick.client.get(f"{path}/frames/1", headers=accept)
    assert frame.content == np.arange(1, 17, dtype="<u2").tobytes()
    (model,) = quick.client.get(f"{path}/metadata").json()
    assert model["00100020"]["Value"] == ["P1"]


@pytest.mark.parametrize(
    "body",
    [
        with_values(uri="bulk/2"),
        b"--B\r\nContent-Type: application/dicom+json\r\n\r\n"
        + b"[" * 20_000 + b"\r\n--B--",
        b"--B\r\nContent-Type: application/dicom+json\r\n\r\n[1, 2]\r\n--B--",
        b"--B\r\nContent-Type: application/dicom+json\r\n\r\n[{}]\r\n--B--",
        b"--B\r\nContent-Type: text/plain\r\n\r\n[{}]\r\n--B--",
        b"--B\r\nContent-Type: application/dicom+json\r\n\r\n"
        + b'[{"00100010": {"vr": "PN", "Value": "x"}}]\r\n--B--',
    ],
)  # fmt: skip
def test_metadata_that_make_no_instance_are_refused(quick: Served, body: bytes) -> None:
    reply = stow(quick, body, kind=META)
    assert reply.status_code in (400, 409)
    assert count(quick.store, instances) == 0


def test_metadata_are_bounded(quick: Served) -> None:
    head = b"--B\r\nContent-Type: application/dicom+json\r\n\r\n"
    many = head + b"[" + b",".join([b"{}"] * 5000) + b"]\r\n--B--"
    reply = stow(quick, many, kind=META)
    assert reply.status_code == 400
    assert "send up to 4,096" in reply.json()["detail"]
    long = head + b"[" + b" " * (9 << 20) + b"]\r\n--B--"
    reply = stow(quick, long, kind=META)
    assert reply.status_code == 400
    assert "larger than 8 MiB" in reply.json()["detail"]
    assert count(quick.store, refusals) == 0


def test_few_requests_with_metadata_are_held_at_a_time(quick: Served) -> None:
    held = [stow_metadata._places.acquire() for _ in range(stow_metadata.AT_A_TIME)]
    try:
        reply = stow(quick, with_values(), kind=META)
    finally:
        for _ in held:
            stow_metadata._places.release()
    assert reply.status_code == 503
    assert reply.headers["Retry-After"] == "5"
    # Whatever became of a request, its place is free again.
    for body in [with_values(), b"--B\r\n", with_values(uri="other")] * 2:
        assert stow(quick, body, kind=META).status_code != 503


def test_the_answer_comes_in_xml_too(quick: Served) -> None:
    from xml.etree import ElementTree

    reply = quick.client.post(
        "/studies",
        content=body_of(dicom(1)),
        headers={"Content-Type": DICOM, "Accept": "application/dicom+xml"},
    )
    assert reply.headers["content-type"] == "application/dicom+xml"
    keywords = {each.get("keyword") for each in ElementTree.fromstring(reply.content)}
    assert "ReferencedSOPSequence" in keywords
