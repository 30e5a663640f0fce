"""Files of a report: kept for good once signed, marked as drafts before, and sent."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pydicom
import pytest
import sqlalchemy as sa

from medlens.read.dicom.header import read_header
from medlens.read.source import open_source
from medlens.serve.store.backup import back_up, restore
from medlens.serve.store.doctor import check_store
from medlens.serve.store.keep import measure_usage, remove_study
from medlens.serve.store.store import Store
from medlens.serve.store.tables import (
    instances,
    jobs,
    reading_objects,
    report_drafts,
    reports,
    series,
    studies,
)
from medlens.serve.work.deliver import files_of_report
from medlens.serve.work.report_picture import key_picture
from tests.serve.web.api.filled import add_study
from tests.serve.web.api.reading import content, real_result, real_study, sign
from tests.serve.work.studies import of_study, take, with_level
from tests.write.dicom_sources import errors_of, radiograph

pytest.importorskip("reportlab")
KINDS = {
    "pdf": "application/pdf",
    "sr": "application/dicom",
    "fhir": "application/fhir+json",
    "text": "text/plain; charset=utf-8",
}
PATIENT = {"PatientName": "O'Neil^Zoë=王^小东", "PatientID": "P 1"}


@pytest.fixture
def study(store: Store) -> int:
    """A study whose images are real."""
    return real_study(store, **PATIENT)


def fetch(client: httpx.Client, study: int, kind: str, version: int = 1) -> Any:
    path = f"/api/v1/studies/{study}/report/versions/{version}/{kind}"
    reply = client.get(path)
    assert reply.status_code == 200, reply.text
    return reply


def test_what_is_signed_stays_the_same_bytes(
    store: Store, reader: httpx.Client, study: int
) -> None:
    result = real_result(store, study)
    made = sign(reader, study, content={"result_id": result}).json()
    digests = {each["kind"]: each["digest"] for each in made["objects"]}
    before = {kind: fetch(reader, study, kind) for kind in KINDS}
    sign(reader, study, 1, reason="More", content={"findings": "Other words."})
    for kind, media_type in KINDS.items():
        again = fetch(reader, study, kind)
        assert again.content == before[kind].content
        assert hashlib.sha256(again.content).hexdigest() == digests[kind.upper()]
        assert again.headers["content-type"] == media_type
        assert again.headers["x-content-type-options"] == "nosniff"
        name = again.headers["content-disposition"]
        assert name.startswith(f'attachment; filename="report-{study}-version-1.')
    assert before["pdf"].content.startswith(b"%PDF-")
    assert before["fhir"].json()["entry"][0]["resource"]["status"] == "final"
    other = fetch(reader, study, "fhir", 2).json()
    assert other["entry"][0]["resource"]["status"] == "amended"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_dicom_objects_are_valid_and_of_their_patient(
    store: Store, reader: httpx.Client, study: int, lang: str, tmp_path: Path
) -> None:
    real_result(store, study)
    words = {"lang": lang, "findings": "肺炎。[AI]", "impression": "肺炎。"}
    sign(reader, study, content=words)
    sign(reader, study, 1, content=words, reason="漏写 comparison")
    with store.read() as connection:
        rows = connection.execute(
            sa.select(instances.c.sop_uid, instances.c.digest, series.c.number)
            .join(series, series.c.id == instances.c.series_id)
            .where(instances.c.study_id == study, instances.c.origin == "own")
            .order_by(instances.c.id)
        ).all()
        assert all(
            connection.execute(
                sa.select(series.c.is_own).where(series.c.number >= 9005)
            ).scalars()
        )
    assert [row.number for row in rows] == [9005, 9006, 9005, 9006]
    read = [pydicom.dcmread(store.blobs.path_of(row.digest)) for row in rows]
    for row, data in zip(rows, read, strict=True):
        assert data.SOPInstanceUID == row.sop_uid
        assert data.PatientID == "P 1"
        assert str(data.PatientName) == PATIENT["PatientName"]
        assert errors_of(store.blobs.read(row.digest), tmp_path) == []
    first, printed, second, _ = read
    (before,) = second.PredecessorDocumentsSequence
    (of_series,) = before.ReferencedSeriesSequence
    (document,) = of_series.ReferencedSOPSequence
    assert document.ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert of_series.SeriesInstanceUID == first.SeriesInstanceUID
    pdf = fetch(reader, study, "pdf").content
    length = printed.EncapsulatedDocumentLength
    assert printed.EncapsulatedDocument[:length] == pdf
    (origin,) = printed.SourceInstanceSequence
    assert origin.ReferencedSOPInstanceUID == first.SOPInstanceUID


@pytest.mark.parametrize(
    "other",
    [{"PatientName": "ONEIL^Z", "PatientBirthDate": "19570403"},
     {"PatientID": "", "PatientBirthDate": ""}],
    ids=["spelt", "lacks"],
)  # fmt: skip
def test_all_forms_name_one_patient_where_headers_differ(
    store: Store, reader: httpx.Client, other: dict[str, str]
) -> None:
    """The image that came first is not the first one of the series."""
    for number, said in (
        (2, PATIENT | {"PatientBirthDate": "19570304", "AccessionNumber": "A7"}),
        (1, PATIENT | other),
    ):
        image = of_study(with_level(radiograph(), 0.1 * number), 77, instance=number)
        image.InstanceNumber = number
        image.AccessionNumber = ""
        for name, value in said.items():
            setattr(image, name, value)
        study = take(store, image).study_id
    assert study is not None
    assert sign(reader, study).status_code == 201
    sr = pydicom.dcmread(io.BytesIO(fetch(reader, study, "sr").content))
    assert (sr.PatientID, sr.PatientBirthDate) == ("P 1", "19570304")
    assert (str(sr.PatientName), sr.AccessionNumber) == (PATIENT["PatientName"], "A7")
    entries = fetch(reader, study, "fhir").json()["entry"]
    (patient,) = (
        each["resource"]
        for each in entries
        if each["resource"]["resourceType"] == "Patient"
    )
    assert patient["identifier"][0]["value"] == "P 1"
    assert patient["birthDate"] == "1957-03-04"


def test_they_are_found_by_dicomweb(reader: httpx.Client, study: int) -> None:
    sign(reader, study)
    sr = pydicom.dcmread(io.BytesIO(fetch(reader, study, "sr").content))
    uid = sr.StudyInstanceUID
    found = reader.get(
        f"/dicom-web/studies/{uid}/instances",
        params={"Modality": "SR"},
        headers={"Accept": "application/dicom+json"},
    ).json()
    assert [each["00080018"]["Value"] for each in found] == [[sr.SOPInstanceUID]]


def test_what_is_not_signed_says_so_in_every_form(
    store: Store, reader: httpx.Client, study: int
) -> None:
    sign(reader, study, sign=False)
    assert fetch(reader, study, "text").text.startswith("Draft – not signed\n")
    sr = pydicom.dcmread(io.BytesIO(fetch(reader, study, "sr").content))
    assert (sr.VerificationFlag, sr.CompletionFlag) == ("UNVERIFIED", "PARTIAL")
    report = fetch(reader, study, "fhir").json()["entry"][0]["resource"]
    assert report["status"] == "preliminary"
    assert fetch(reader, study, "pdf").content.startswith(b"%PDF-")
    with store.read() as connection:
        assert connection.execute(sa.select(reading_objects)).all() == []


def test_images_that_are_none_leave_text_and_pdf(
    store: Store, reader: httpx.Client
) -> None:
    study = add_study(store)  # its one file only claims to be an image
    with store.begin() as connection:
        connection.execute(sa.update(instances).values(rows=10, columns=10))
    made = sign(reader, study).json()
    assert [each["kind"] for each in made["objects"]] == ["TEXT", "PDF"]
    reply = reader.get(f"/api/v1/studies/{study}/report/versions/1/sr")
    assert reply.status_code == 404
    assert "its text is there" in reply.json()["detail"]


def test_the_key_image_is_shown_only_where_the_report_speaks_of_it(
    store: Store, study: int
) -> None:
    from medlens.serve.web.api.report_models import ReportContent, content_of
    from medlens.serve.work.report_suggestion import newest_answer

    real_result(store, study)
    with store.read() as connection:
        answer = newest_answer(connection, study, reader=None)

    def shown(**changes: Any) -> Any:
        said = ReportContent(**content(**changes))
        return key_picture(store, study, content_of(said), answer)

    picture = shown()
    assert picture.caption == "Pneumonia; box: pneumonia [AI]"
    assert picture.width / picture.height == pytest.approx(32 / 40, abs=0.01)
    assert shown(findings="Nothing.", impression="None.") is None
    assert shown(lang="zh", findings="见肺炎。").caption == "肺炎；方框：肺炎 [AI]"
    # Whoever denies a finding is shown no box of it.
    for lang, words in (
        ("en", "No evidence of pneumonia. Lungs clear."),
        ("en", "Effusion or pneumonia: not seen."),
        ("zh", "未见肺炎；心影正常。"),
    ):
        assert shown(lang=lang, findings=words, impression="") is None
    assert shown(lang="zh", findings="左肺肺炎。[AI，意见不一]") is not None
    said = "No effusion; pneumonia on the left."
    assert shown(findings=said, impression="") is not None


def test_a_box_is_drawn_where_it_lies() -> None:
    import numpy as np

    from medlens.core import Geometry, Image
    from medlens.serve.work.report_picture import BOX, paint

    # Pixels twice as high as wide: 100 x 50 of them are a square of 400.
    geometry = Geometry.from_parts(spacing=(1.0, 2.0, 1.0))
    image = Image(np.zeros((1, 1, 50, 100), np.uint8), geometry)
    picture = paint(image, (10.0, 5.0, 60.0, 30.0))
    assert picture.shape == (400, 400, 3)
    coloured = np.argwhere((picture == BOX).all(axis=2))
    top, left = coloured.min(axis=0)
    bottom, right = coloured.max(axis=0)
    # A line of two pixels lies on the edge and one pixel beside it.
    assert np.abs(np.array([top, left]) - (40, 40)).max() <= 1
    assert np.abs(np.array([bottom, right]) - (239, 239)).max() <= 1
    marked = paint(image, None, ("R", "A"))
    bright = np.argwhere((marked == 255).all(axis=2))
    at_left = bright[bright[:, 1] < 50]
    assert abs(at_left[:, 0].mean() - 200) < 15
    at_top = bright[bright[:, 0] < 50]
    assert abs(at_top[:, 1].mean() - 200) < 15
    assert len(at_left) + len(at_top) == len(bright) > 0


def test_a_signed_version_is_sent_and_no_other(
    store: Store, reader: httpx.Client, study: int
) -> None:
    sign(reader, study, sign=False)
    address = f"/api/v1/studies/{study}/report/versions"
    body = {"destination": "pacs"}
    reply = reader.post(f"{address}/1/sendings", json=body)
    assert reply.status_code == 409
    assert "sign the report, then send it" in reply.json()["detail"]
    sign(reader, study, 1)
    first = reader.post(f"{address}/2/sendings", json=body)
    assert first.status_code == 202, first.text
    again = reader.post(f"{address}/2/sendings", json=body)
    assert again.json()["id"] == first.json()["id"]
    assert reader.post(f"{address}/3/sendings", json=body).status_code == 404
    nobody = reader.post(f"{address}/2/sendings", json={"destination": "nobody"})
    assert nobody.status_code == 404
    with store.read() as connection:
        job = connection.execute(sa.select(jobs)).one()
        report = connection.execute(
            sa.select(reports.c.id).where(reports.c.version == 2)
        )
        number = report.scalar_one()
    assert (job.kind, job.payload) == ("send", {"report": number, "peer": "pacs"})
    files = files_of_report(store, number)
    read = [pydicom.dcmread(file.path) for file in files]
    assert [data.Modality for data in read] == ["SR", "DOC"]
    assert [file.sop_uid for file in files] == [d.SOPInstanceUID for d in read]


def test_a_study_goes_with_its_reports(
    store: Store, as_role: Callable[[str], httpx.Client], study: int
) -> None:
    reader, other = as_role("reader"), real_study(store)
    for number in (study, other):
        result = real_result(store, number)
        sign(reader, number, content={"result_id": result})
        reader.put(
            f"/api/v1/studies/{number}/report/draft",
            json={"revision": 0, "content": content()},
        )
    assert measure_usage(store).result_bytes > 2 * 10_000
    remove_study(store, study)
    with store.read() as connection:
        for table in (reports, report_drafts, reading_objects):
            left = connection.execute(sa.select(table.c.study_id)).scalars().all()
            assert set(left) == {other}, table.name
    findings = {each.name: each.count for each in check_store(store, deep=True)}
    assert findings["every row has its file"] == 0
    assert findings["studies are counted right"] == 0


def test_a_crash_between_file_and_row_leaves_files_alone(
    store: Store,
    reader: httpx.Client,
    study: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from medlens.serve.work import report_versions

    def die(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(report_versions, "_move_on", die)
    assert sign(reader, study).status_code == 500
    monkeypatch.undo()
    with store.read() as connection:
        for table in (reports, reading_objects):
            assert connection.execute(sa.select(table)).all() == []
    found = {each.name: each for each in check_store(store)}
    assert not any(each.is_serious and each.count for each in found.values())
    assert "may still get theirs" in found["every file has its row"].detail
    assert sign(reader, study).status_code == 201


def test_a_file_that_is_missing_is_said(
    store: Store, reader: httpx.Client, study: int
) -> None:
    sign(reader, study)
    with store.begin() as connection:
        connection.execute(sa.update(reading_objects).values(digest="f" * 64))
    reply = reader.get(f"/api/v1/studies/{study}/report/versions/1/pdf")
    assert reply.status_code == 500
    assert "its file is missing" in reply.json()["detail"]


def test_logs_name_nobody(
    reader: httpx.Client, study: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="medlens")
    sign(reader, study)
    fetch(reader, study, "pdf")
    told = json.dumps([record.__dict__ for record in caplog.records], default=str)
    for secret in ("Neil", "P 1", "Pneumonia", "王"):
        assert secret not in told


def test_a_backup_holds_reports_with_their_files(
    store: Store, reader: httpx.Client, study: int, tmp_path: Path
) -> None:
    sign(reader, study)
    pdf = fetch(reader, study, "pdf").content
    back_up(store, tmp_path / "copy")
    again = Store(tmp_path / "again")
    restore(tmp_path / "copy", again)
    with again.read() as connection:
        row = connection.execute(sa.select(reports)).one()
        digest = connection.execute(
            sa.select(reading_objects.c.digest).where(
                reading_objects.c.report_id == row.id, reading_objects.c.kind == "PDF"
            )
        ).scalar_one()
    assert (row.study_id, row.is_signed, row.author) == (study, True, "reader")
    assert again.blobs.read(digest) == pdf
    assert not any(each.count for each in check_store(again, deep=True))
    again.close()


def test_the_name_in_the_index_is_given_to_no_other_reader_of_the_file(
    store: Store, reader: httpx.Client, study: int
) -> None:
    """Headers of the last files are kept for all who ask."""
    with store.begin() as connection:
        query = sa.select(instances.c.digest).where(instances.c.study_id == study)
        source = open_source(
            store.blobs.path_of(connection.execute(query).scalar_one()), "case"
        )
        before = str(read_header(source).data.PatientName)
        connection.execute(sa.update(studies).values(patient_name="Roe^Richard"))
    sign(reader, study)
    assert str(read_header(source).data.PatientName) == before != "Roe^Richard"
