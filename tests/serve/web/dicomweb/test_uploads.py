"""POST /api/v1/uploads by real HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import pytest
import sqlalchemy as sa

from medlens.serve.settings import Limits
from medlens.serve.store.store import Store
from medlens.serve.store.tables import studies, trail
from tests.serve.receive.files import archive, dicom, nifti, picture
from tests.serve.web.dicomweb.conftest import Served, serving

GREY = np.zeros((4, 4), np.uint8)


def send(served: Served, **request: Any) -> httpx.Response:
    return httpx.post(f"{served.url}/api/v1/uploads", timeout=30, **request)


def test_files_with_details_become_a_study(served: Served) -> None:
    details = {
        "patient_id": "P9",
        "patient_name": "Łoś^Ann",
        "study": "visit 1",
        "study_date": "20260105",
        "modality": "DX",
    }
    files = [
        ("file", ('böse"; name=x.png', picture(GREY))),
        ("file", ("C:\\fakepath\\two.png", picture(GREY + 1))),
    ]
    reply = send(served, data=details, files=files)
    assert reply.status_code == 200
    found = reply.json()
    assert (found["stored"], found["refused"]) == (2, 0)
    assert len(found["studies"]) == 1
    assert found["entries"][1]["name"] == "two.png"
    with served.store.read() as connection:
        (row,) = connection.execute(sa.select(studies)).all()
        lines = connection.execute(sa.select(trail)).all()
    assert (row.patient_id, row.patient_name) == ("P9", "Łoś^Ann")
    assert row.modalities == "\\DX\\"
    assert [(line.action, line.study_id) for line in lines] == [("upload", row.id)]
    again = send(served, data=details, files=files)
    assert again.json()["duplicate"] == 2


@pytest.mark.parametrize(
    ("kind", "body", "stored"),
    [
        ("application/dicom", dicom(1), 1),
        ("application/zip", archive({"a": dicom(1), "b": dicom(2)}), 2),
        (
            "application/octet-stream",
            nifti(np.zeros((2, 2, 3), np.int16), np.eye(4)),
            3,
        ),
        ("image/png", picture(GREY), 1),
    ],
)
def test_a_body_can_be_one_file(
    quick: Served, kind: str, body: bytes, stored: int
) -> None:
    reply = send(quick, content=body, headers={"Content-Type": kind})
    assert (reply.status_code, reply.json()["stored"]) == (200, stored)


def test_a_part_that_is_refused_is_told(quick: Served) -> None:
    reply = send(
        quick, files=[("file", ("a.dcm", dicom(1))), ("file", ("b.txt", b"hello"))]
    )
    assert reply.status_code == 207
    refused = [each for each in reply.json()["entries"] if each["outcome"] == "refused"]
    assert [(each["name"], "is text" in each["reason"]) for each in refused] == [
        ("b.txt", True)
    ]


@pytest.mark.parametrize(
    ("request_", "status", "words"),
    [
        ({"files": {"file": ("x", b"hello")}}, 422, "nothing was taken"),
        ({"files": {"other": (None, "x")}}, 400, "not known"),
        (
            {"data": {"sex": "unknown"}, "files": {"file": ("x", b"y")}},
            422,
            "M, F or O",
        ),
        ({"data": {"patient_id": "x" * 5000}, "files": {"file": b"y"}}, 400, "longer"),
        ({"content": b"x", "headers": {"Content-Type": "text/html"}}, 415, "wanted"),
        ({"content": b"x"}, 415, "wanted"),
        (
            {"content": b"", "headers": {"Content-Type": "multipart/form-data"}},
            400,
            "no boundary",
        ),
        (
            {
                "content": b"--B\r\n\r\nx\r\n--B--",
                "headers": {"Content-Type": "multipart/form-data; boundary=B"},
            },
            400,
            "Content-Disposition",
        ),
        (
            {"content": b"", "headers": {"Content-Type": "application/dicom"}},
            422,
            "an empty file",
        ),
    ],
)
def test_uploads_that_are_not_taken_say_why(
    quick: Served, request_: dict[str, Any], status: int, words: str
) -> None:
    reply = send(quick, **request_)
    assert reply.status_code == status
    assert words in reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert list(quick.store.blobs.incoming.iterdir()) == []


def test_fields_come_before_files(quick: Served) -> None:
    body = (
        b'--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        + dicom(1)
        + b'\r\n--B\r\nContent-Disposition: form-data; name="sex"\r\n\r\nF\r\n--B--'
    )
    kind = {"Content-Type": "multipart/form-data; boundary=B"}
    reply = send(quick, content=body, headers=kind)
    assert reply.status_code == 400
    assert "before the files" in reply.json()["detail"]


def test_sizes_are_limited(store: Store) -> None:
    with serving(store, Limits(free_mb=1, upload_mb=1)) as served:
        kind = {"Content-Type": "application/dicom"}
        assert send(served, content=bytes(2 << 20), headers=kind).status_code == 413
        bomb = archive({"a": bytes(8 << 20)})
        reply = send(served, content=bomb, headers={"Content-Type": "application/zip"})
        assert reply.status_code == 422
        assert "bomb" in reply.json()["detail"]


def test_a_full_store_is_told(store: Store) -> None:
    with serving(store, Limits(free_mb=1 << 40)) as served:
        kind = {"Content-Type": "application/dicom"}
        assert send(served, content=dicom(1), headers=kind).status_code == 507
