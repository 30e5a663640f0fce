"""Files that could not be made with a signature: made later, of what was signed."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pydicom
import pytest
import sqlalchemy as sa

from medlens.core.terms import Lang
from medlens.serve.settings import ServeSettings
from medlens.serve.store.doctor import check_store
from medlens.serve.store.store import Store
from medlens.serve.store.tables import (
    instances,
    jobs,
    reading_objects,
    reports,
    trail,
)
from medlens.serve.work.answer import Workplace
from medlens.serve.work.models import Models
from medlens.serve.work.queue import lease
from medlens.serve.work.worker import do
from tests.serve.web.api.filled import add_study
from tests.serve.web.api.reading import real_result, real_study, sign
from tests.serve.work.studies import of_study, take, with_level
from tests.write.dicom_sources import errors_of, radiograph

pytest.importorskip("reportlab")
OWED = ["SR", "DOC", "FHIR"]


@pytest.fixture
def study(store: Store) -> int:
    """A study whose images are real."""
    return real_study(store, PatientID="P 1")


@pytest.fixture
def work(store: Store) -> Callable[[], str]:
    """Do the next job that makes files; its state afterwards."""
    place = Workplace(store, ServeSettings(), None, Models(store, (), threads=1))

    def work() -> str:
        later = time.time() + 3600
        job = lease(store, worker="w", kinds=["report"], lease_s=600, now=later)
        assert job is not None
        do(place, job)
        with store.read() as connection:
            query = sa.select(jobs.c.state).where(jobs.c.id == job.id)
            return str(connection.execute(query).scalar_one())

    return work


def address(study: int, rest: str = "") -> str:
    return f"/api/v1/studies/{study}/report/versions/1{rest}"


def image_path(store: Store, study: int) -> Path:
    """The file of a study's only image."""
    with store.read() as connection:
        query = sa.select(instances.c.digest).where(
            instances.c.study_id == study, instances.c.origin != "own"
        )
        return store.blobs.path_of(connection.execute(query).scalar_one())


def lose(store: Store, study: int) -> Callable[[], None]:
    """Let the disk lose an image; what is returned brings it back."""
    path = image_path(store, study)
    data = path.read_bytes()
    path.unlink()

    def restore() -> None:
        path.write_bytes(data)

    return restore


def kinds_of(made: Any) -> list[str]:
    return [each["kind"] for each in made["objects"]]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_a_read_error_cost_is_made_as_soon_as_it_can_be(
    store: Store,
    reader: httpx.Client,
    study: int,
    work: Callable[[], str],
    lang: Lang,
    tmp_path: Path,
) -> None:
    result = real_result(store, study)
    restore = lose(store, study)
    signed = sign(reader, study, content={"lang": lang, "result_id": result}).json()
    assert kinds_of(signed) == ["TEXT", "PDF"]
    assert signed["files"] == "owed"
    reply = reader.get(address(study, "/sr"))
    assert reply.status_code == 404
    assert "could not be made when it was signed" in reply.json()["detail"]
    assert "are made by themselves" in reply.json()["detail"]
    sent = reader.post(address(study, "/sendings"), json={"destination": "pacs"})
    assert sent.status_code == 409
    assert work() == "waiting"  # it cannot be read yet
    with store.read() as connection:
        (said,) = connection.execute(sa.select(jobs.c.error)).scalars()
    assert "the header of an image cannot be read" in said
    assert "SR, DOC, FHIR of report version 1" in said

    restore()
    # What comes after the signature is no matter of the report.
    newer = of_study(with_level(radiograph(), 0.3), 9999)
    newer.StudyInstanceUID = study_uid_of(store, study)
    newer.PatientID = "P 1"
    real_result(store, study)
    assert take(store, newer).study_id == study
    assert work() == "done"

    made = reader.get(address(study)).json()
    assert made["files"] == "whole"
    assert kinds_of(made) == ["TEXT", "PDF", *OWED]
    assert made["content_digest"] == signed["content_digest"]
    assert made["objects"][:2] == signed["objects"]
    sr = reader.get(address(study, "/sr"))
    assert errors_of(sr.content, tmp_path) == []
    data = pydicom.dcmread(io.BytesIO(sr.content))
    assert (data.VerificationFlag, data.CompletionFlag) == ("VERIFIED", "COMPLETE")
    (looked_at,) = data.CurrentRequestedProcedureEvidenceSequence
    (series,) = looked_at.ReferencedSeriesSequence
    assert len(series.ReferencedSOPSequence) == 1
    assert "newer" not in str(data)
    fhir = reader.get(address(study, "/fhir")).json()["entry"][0]["resource"]
    assert fhir["issued"] == signed["made_at"][:19] + "+00:00"
    assert fhir["presentedForm"][0]["contentType"] == "application/pdf"
    pdf = reader.get(address(study, "/pdf")).content
    with store.read() as connection:
        query = sa.select(reading_objects.c.digest).where(
            reading_objects.c.kind == "DOC"
        )
        doc = pydicom.dcmread(
            store.blobs.path_of(connection.execute(query).scalar_one())
        )
        lines = connection.execute(sa.select(trail.c.action, trail.c.detail)).all()
    assert doc.EncapsulatedDocument[: doc.EncapsulatedDocumentLength] == pdf
    assert ("make report files", {"version": 1, "kinds": OWED}) in [
        (line.action, line.detail) for line in lines
    ]
    assert "Pneumonia" not in json.dumps([line.detail for line in lines])
    again = reader.post(address(study, "/sendings"), json={"destination": "pacs"})
    assert again.status_code == 202
    findings = {each.name: each.count for each in check_store(store, deep=True)}
    assert findings["every row has its file"] == 0


def study_uid_of(store: Store, study: int) -> str:
    return str(pydicom.dcmread(image_path(store, study)).StudyInstanceUID)


def test_they_are_the_very_files_that_would_have_been_made(
    store: Store, reader: httpx.Client, study: int, work: Callable[[], str]
) -> None:
    """Made at once and made later: the same bytes, for the same moment."""
    from medlens.serve.work.report_objects import make_files, make_missing
    from medlens.serve.work.report_versions import report_of

    restore = lose(store, study)
    sign(reader, study)
    restore()
    with store.read() as connection:
        report = report_of(connection, connection.execute(sa.select(reports)).one())
    at_once = {x.kind: x.data for x in make_files(store, report, reader=None).files}
    later = make_missing(
        store, report, {"TEXT", "PDF"}, reader=None, pdf=at_once["PDF"]
    )
    assert [x.kind for x in later.files] == OWED
    assert {x.kind: x.data for x in later.files} == {k: at_once[k] for k in OWED}
    assert work() == "done"
    assert reader.get(address(study, "/sr")).content == at_once["SR"]


def test_a_reader_asks_for_them(
    store: Store, reader: httpx.Client, study: int, work: Callable[[], str]
) -> None:
    restore = lose(store, study)
    sign(reader, study)
    restore()
    with store.begin() as connection:  # its attempts came to an end
        connection.execute(sa.update(jobs).values(state="parked", error="away"))
    assert reader.get(address(study)).json()["files"] == "lacking"  # nobody makes them
    reply = reader.post(address(study, "/files"))
    assert reply.status_code == 202
    assert (reply.json()["kind"], reply.json()["state"]) == ("report", "waiting")
    assert reader.post(address(study, "/files")).json()["id"] == reply.json()["id"]
    assert work() == "done"
    whole = reader.post(address(study, "/files"))
    assert whole.status_code == 409
    assert "has all its files" in whole.json()["detail"]


def test_what_has_nothing_for_a_pacs_is_not_said_to_be_sent(
    store: Store, reader: httpx.Client, study: int
) -> None:
    lose(store, study)
    sign(reader, study)
    with store.begin() as connection:
        connection.execute(sa.update(jobs).values(state="parked", error="away"))
    sent = reader.post(address(study, "/sendings"), json={"destination": "pacs"})
    assert sent.status_code == 409
    assert "has no DICOM object" in sent.json()["detail"]
    with store.read() as connection:
        assert list(connection.execute(sa.select(jobs.c.kind)).scalars()) == ["report"]


def test_a_version_of_old_can_be_asked_for(
    store: Store, reader: httpx.Client, study: int, work: Callable[[], str]
) -> None:
    """Signed before there was such a job."""
    restore = lose(store, study)
    sign(reader, study)
    restore()
    with store.begin() as connection:
        connection.execute(sa.delete(jobs))
    assert reader.get(address(study)).json()["files"] == "lacking"
    assert reader.post(address(study, "/files")).status_code == 202
    assert work() == "done"
    assert reader.get(address(study)).json()["files"] == "whole"


def test_what_no_header_allows_is_owed_by_nobody(
    store: Store, reader: httpx.Client, work: Callable[[], str]
) -> None:
    study = add_study(store)  # its one file only claims to be an image
    with store.begin() as connection:
        connection.execute(sa.update(instances).values(rows=10, columns=10))
    assert sign(reader, study).json()["files"] == "lacking"
    with store.read() as connection:
        assert connection.execute(sa.select(jobs)).all() == []
    assert reader.post(address(study, "/files")).status_code == 202
    assert work() == "done"
    assert reader.get(address(study)).json()["files"] == "lacking"


def test_what_is_not_signed_owes_nothing(
    reader: httpx.Client, viewer: httpx.Client, store: Store, study: int
) -> None:
    assert sign(reader, study, sign=False).json()["files"] == "none"
    reply = reader.post(address(study, "/files"))
    assert reply.status_code == 409
    assert "is not signed" in reply.json()["detail"]
    assert viewer.post(address(study, "/files")).status_code == 403
    lose(store, study)
    draft = reader.get(address(study, "/sr"))
    assert draft.status_code == 503
    assert "cannot be read now; try again" in draft.json()["detail"]
