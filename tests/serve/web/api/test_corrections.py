"""The report of readers' corrections over HTTP: written, kept, read back."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import httpx
import pydicom
import pytest
import sqlalchemy as sa
from highdicom import sr

from medlens.serve.store.doctor import check_store
from medlens.serve.store.store import Store
from medlens.serve.store.tables import instances, reading_objects, trail
from tests.serve.web.api.test_maps import answered
from tests.serve.web.api.test_masks import body, file_of
from tests.serve.work.studies import of_study, put_bundle, take, with_level
from tests.write.dicom_sources import errors_of, radiograph
from tests.write.test_corrections import groups_of, values


@pytest.fixture
def answer(store: Store, tmp_path: Path) -> tuple[str, Any]:
    """Address of a result, and the image that it is of."""
    image = of_study(with_level(radiograph(), 0.9), 1)
    take(store, image)
    number = answered(store, put_bundle(tmp_path / "b"))
    return f"/api/v1/results/{number}", image


def speak(client: httpx.Client, address: str, **said: Any) -> dict[str, Any]:
    reply = client.post(f"{address}/feedback", json={"finding": "1"} | said)
    assert reply.status_code == 201, reply.text
    found: dict[str, Any] = reply.json()
    return found


def test_words_become_a_report_of_the_study(
    store: Store,
    reader: httpx.Client,
    viewer: httpx.Client,
    answer: tuple[str, Any],
    tmp_path: Path,
) -> None:
    address, image = answer
    mask = reader.post(f"{address}/masks", json=body(image)).json()["sop_uid"]
    speak(reader, address, verdict="accept")
    speak(reader, address, verdict="correct", mask=mask, comment="Not for export")
    speak(
        reader, address, finding="", verdict="add", label="nodule",
        box={"left": 1, "top": 2, "right": 5, "bottom": 8},
        image={"sop_uid": image.SOPInstanceUID},
    )  # fmt: skip
    shown = viewer.get(f"{address}/corrections/sr")
    assert shown.status_code == 200, shown.text
    assert shown.headers["content-type"] == "application/dicom"
    assert errors_of(shown.content, tmp_path) == []
    report = pydicom.dcmread(io.BytesIO(shown.content))
    sr.ComprehensiveSR.from_dataset(report)
    assert report.StudyInstanceUID == image.StudyInstanceUID
    assert report.PatientID == image.PatientID
    groups = groups_of(report)  # the last words alone
    assert [values(g, "VERDICT") for g in groups] == [["CORRECTED"], ["ADDED"]]
    assert [values(g, "LABEL") for g in groups] == [["blob"], ["nodule"]]
    assert b"Not for export" not in shown.content
    with store.read() as connection:
        assert connection.execute(
            sa.select(sa.func.count()).where(reading_objects.c.kind == "SR")
        ).scalar() == 0  # fmt: skip
    one, two = (reader.post(f"{address}/corrections") for _ in "ab")
    assert (one.status_code, two.json()) == (201, one.json())
    uid = one.json()["sop_uid"]
    assert uid == report.SOPInstanceUID
    assert file_of(store, uid) == shown.content
    assert viewer.get(f"{address}/corrections/sr").content == shown.content
    with store.read() as connection:
        row = connection.execute(
            sa.select(instances).where(instances.c.sop_uid == uid)
        ).one()
        actions = connection.execute(
            sa.select(trail.c.action).where(trail.c.action == "keep corrections")
        ).all()
    assert (row.origin, row.study_id, len(actions)) == ("own", 1, 2)
    assert [f.name for f in check_store(store, deep=True) if f.count] == []


def test_another_word_is_another_report(
    reader: httpx.Client, answer: tuple[str, Any]
) -> None:
    address, _ = answer
    speak(reader, address, verdict="accept")
    first = reader.post(f"{address}/corrections").json()
    speak(reader, address, verdict="reject")
    second = reader.post(f"{address}/corrections").json()
    assert first["sop_uid"] != second["sop_uid"]
    report = pydicom.dcmread(
        io.BytesIO(reader.get(f"{address}/corrections/sr").content)
    )
    assert [values(g, "VERDICT") for g in groups_of(report)] == [["REJECTED"]]


def test_where_nobody_spoke_and_who_may(
    reader: httpx.Client, viewer: httpx.Client, answer: tuple[str, Any]
) -> None:
    address, _ = answer
    for reply in (
        viewer.get(f"{address}/corrections/sr"),
        reader.post(f"{address}/corrections"),
    ):
        assert reply.status_code == 404
        assert "no reader has said anything" in reply.json()["detail"]
    assert viewer.post(f"{address}/corrections").status_code == 403
    assert viewer.get("/api/v1/results/999/corrections/sr").status_code == 404
