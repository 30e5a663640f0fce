"""Hostile requests to DICOMweb: refused or inert, with little memory."""

from __future__ import annotations

import hashlib
import resource
import socket
import threading
import time
import tracemalloc
from io import BytesIO
from urllib.parse import urlsplit

import numpy as np
import pydicom
import pytest

from medlens.serve.settings import Limits
from medlens.serve.store.store import Store
from tests.serve.receive.files import dicom
from tests.serve.web.dicomweb.conftest import Served, serving
from tests.serve.web.dicomweb.multipart_body import DICOM, body_of, parts_of
from tests.serve.web.dicomweb.test_frames import address

MB = 1 << 20


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_a_page_in_the_preamble_is_served_as_dicom_alone(quick: Served) -> None:
    page = b"<html><script>alert(1)</script></html>".ljust(128, b" ")
    (receipt,) = quick.put(page + dicom(1)[128:])
    assert receipt.outcome == "stored"
    accept = {"Accept": "text/html,application/dicom"}
    reply = quick.client.get(address(receipt), headers=accept)
    assert reply.headers["content-type"].startswith("application/dicom;")
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-disposition"].startswith("attachment")
    html = quick.client.get(address(receipt), headers={"Accept": "text/html"})
    assert html.status_code == 406


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Rows": 65535, "Columns": 65535}, (404, 422)),
        ({"NumberOfFrames": 2**31 - 1}, (404, 422)),
        ({"BitsAllocated": 64}, (404, 422)),
        ({"SamplesPerPixel": 3}, (404, 422)),
        ({"PhotometricInterpretation": "UNKNOWN"}, (404, 422)),
    ],
)
def test_headers_that_lie_cost_nothing(
    quick: Served, changes: dict[str, object], status: tuple[int, ...]
) -> None:
    data = pydicom.dcmread(BytesIO(dicom(1)))
    for keyword, value in changes.items():
        setattr(data, keyword, value)
    out = BytesIO()
    data.save_as(out)
    (receipt,) = quick.put(out.getvalue())
    if receipt.outcome == "refused":
        assert receipt.reason
        return
    before = peak_mb()
    for end in ("/frames/1", "/rendered", "/thumbnail"):
        assert quick.client.get(address(receipt) + end).status_code in status
    assert quick.client.get(address(receipt) + "/metadata").status_code == 200
    assert peak_mb() - before < 100


def test_a_large_study_streams(quick: Served) -> None:
    """120 instances of 2 MB each way; the process grows by a few pieces only."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 4096, (1024, 1024), dtype=np.uint16).tobytes()
    files = [dicom(i, rows=1024, Columns=1024, PixelData=pixels) for i in range(24)]

    def body() -> object:
        for index in range(120):
            data = files[index % 24]
            if index >= 24:  # another instance of the same length
                uid = pydicom.dcmread(BytesIO(data)).SOPInstanceUID.encode()
                new = uid[:-4] + f"{1000 + index}".encode()
                data = data.replace(uid, new)
            yield body_of(data)[:-9] + b"\r\n"
        yield b"--B--\r\n"

    before = peak_mb()
    reply = quick.client.post(
        "/studies", content=body(), headers={"Content-Type": DICOM}, timeout=120
    )
    assert reply.status_code == 200
    assert len(reply.json()["00081199"]["Value"]) == 120
    study = reply.json()["00081190"]["Value"][0].split("/dicom-web")[1]
    size = 0
    accept = {"Accept": 'multipart/related; type="application/dicom"'}
    with quick.client.stream("GET", study, headers=accept, timeout=120) as stream:
        for piece in stream.iter_raw():
            size += len(piece)
    assert size > 240 * MB
    assert peak_mb() - before < 120


def test_nested_sequences_do_not_break_a_study(quick: Served) -> None:
    deep = b""
    for _ in range(3000):
        deep = b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    good = dicom(1)
    place = good.rindex(b"\xe0\x7f\x10\x00OW")
    hostile = good[:place] + deep * 3000 + good[place:]
    quick.put(dicom(2))
    quick.put(hostile)
    reply = quick.client.get("/studies")
    assert reply.status_code == 200
    study = reply.json()[0]["0020000D"]["Value"][0]
    assert quick.client.get(f"/studies/{study}/metadata").status_code == 200


@pytest.mark.parametrize("is_implicit", [False, True])
def test_large_values_beside_the_pixels_stay_in_the_file(
    quick: Served, is_implicit: bool
) -> None:
    value = bytes(range(256)) * (48 << 12)  # 48 MiB
    data = pydicom.dcmread(BytesIO(dicom(1)))
    data.add_new(0x00110010, "LO", "MAKER")
    data.add_new(0x00111001, "OB", value)
    data.add_new(0x00420011, "OB", value)  # Encapsulated Document
    out = BytesIO()
    if is_implicit:
        data.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    pydicom.dcmwrite(out, data, enforce_file_format=True)
    (receipt,) = quick.put(out.getvalue())
    del data, out
    alone = {"Accept": "application/octet-stream"}
    tracemalloc.start()
    try:
        (model,) = quick.client.get(address(receipt) + "/metadata").json()
        for tag in ("00111001", "00420011"):
            digest = hashlib.sha256()
            where = model[tag]["BulkDataURI"]
            with quick.client.stream("GET", where, headers=alone) as reply:
                for piece in reply.iter_bytes():
                    digest.update(piece)
            assert digest.digest() == hashlib.sha256(value).digest()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 << 20


def test_a_header_without_end_is_not_read_whole(
    quick: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small values by the thousand: what the index knows is told instead."""
    monkeypatch.setattr("medlens.serve.web.dicomweb.dataset.MAX_HEADER", 1 << 20)
    data = pydicom.dcmread(BytesIO(dicom(1)))
    data.add_new(0x00110010, "LO", "MAKER")
    for number in range(100):
        data.add_new(0x00111000 + number, "OB", bytes(30_000))
    out = BytesIO()
    pydicom.dcmwrite(out, data, enforce_file_format=True)
    (receipt,) = quick.put(out.getvalue())
    (model,) = quick.client.get(address(receipt) + "/metadata").json()
    assert model["00080018"]["Value"] == [receipt.sop_uid]
    assert "00111001" not in model
    reply = quick.client.get(address(receipt) + "/bulkdata/00111001")
    assert reply.status_code == 422
    assert "as it is stored" in reply.json()["detail"]


@pytest.mark.parametrize("where", ["header", "query"])
def test_what_is_accepted_is_not_read_for_long(quick: Served, where: str) -> None:
    """Quotes that never close: 16 kB of them held the service up for ten seconds."""
    (receipt,) = quick.put(dicom(1))
    quotes = '"' + '\\"' * 8000
    said = {"headers": {"Accept": quotes}} if where == "header" else {}
    asked = {"params": {"accept": quotes}} if where == "query" else {}
    start = time.monotonic()
    reply = quick.client.get(f"/studies/{receipt.study_uid}", **said, **asked)  # type: ignore[arg-type]
    assert time.monotonic() - start < 3
    assert reply.status_code == 400
    assert "name fewer media types" in reply.json()["detail"]


def test_slow_bodies_do_not_keep_others_waiting(store: Store) -> None:
    with serving(store, Limits(free_mb=1)) as served:
        host = urlsplit(served.url)
        head = (
            f"POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nContent-Type: {DICOM}\r\n"
            "Content-Length: 1000000\r\n\r\n--B\r\n"
        ).encode()
        sockets = []
        for _ in range(100):
            slow = socket.create_connection((host.hostname, host.port), timeout=5)
            slow.sendall(head)
            sockets.append(slow)
        try:
            started = time.monotonic()
            reply = served.client.post(
                "/studies", content=body_of(dicom(1)), headers={"Content-Type": DICOM}
            )
            assert reply.status_code == 200
            assert served.client.get("/studies").status_code == 200
            assert time.monotonic() - started < 5
        finally:
            for slow in sockets:
                slow.close()
        end = time.monotonic() + 10
        while list(store.blobs.incoming.iterdir()) and time.monotonic() < end:
            time.sleep(0.05)
        assert list(store.blobs.incoming.iterdir()) == []


def test_many_at_once_are_all_answered(quick: Served) -> None:
    (receipt,) = quick.put(dicom(1, rows=512, Columns=512, PixelData=bytes(512 * 1024)))
    statuses: list[int] = []

    def look() -> None:
        import httpx

        for end in ("/rendered", "/frames/1", "/metadata"):
            url = f"{quick.url}/dicom-web{address(receipt)}{end}"
            statuses.append(httpx.get(url, timeout=60).status_code)

    threads = [threading.Thread(target=look) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert statuses == [200] * 48


def test_parts_and_types_cannot_smuggle_headers(quick: Served) -> None:
    (receipt,) = quick.put(dicom(1))
    accept = (
        'multipart/related; type="application/dicom"; transfer-syntax="*\\r\\nX: y"'
    )
    reply = quick.client.get(address(receipt), headers={"Accept": accept})
    assert reply.status_code == 406
    assert "x" not in {name.lower() for name in reply.headers}
    host = quick.client.get(
        f"/studies/{receipt.study_uid}/metadata", headers={"Host": "evil.example"}
    )
    assert "evil" not in host.text
    assert len(parts_of(quick.client.get(address(receipt)))) == 1
