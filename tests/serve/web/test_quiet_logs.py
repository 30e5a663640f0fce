"""Nothing that is written to a log names a patient."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from medlens.core import ReadError
from medlens.serve.settings import ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.store.tables import studies
from medlens.serve.web.app import create_app
from medlens.serve.web.logs import set_up_logs
from tests.serve.http import client_for
from tests.serve.people import token_of
from tests.serve.web.api.filled import add_job, add_result, add_study

TOKEN = "Qzplanted"  # stands in every field that could name somebody
UID = "1.2.826.0.99.4711"


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that a process of the service writes, from the first line on."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, threading.excepthook
    shown = warnings.showwarning
    out = io.StringIO()
    set_up_logs("web", level="DEBUG", stream=out)
    root.setLevel(logging.DEBUG)
    yield out
    logging.captureWarnings(False)
    warnings.showwarning = shown
    root.handlers[:], root.level, sys.excepthook, threading.excepthook = before


def lines_of(out: io.StringIO) -> list[dict[str, object]]:
    """Each line as the JSON object that it must be."""
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_whole_api_leaves_no_identity(
    store: Store, tmp_path: Path, logged: io.StringIO
) -> None:
    study = add_study(
        store,
        study_uid=UID,
        patient_id=TOKEN,
        patient_name=f"{TOKEN}^{TOKEN}",
        accession_number=TOKEN,
        description=TOKEN,
        referring_physician=TOKEN,
        study_id=TOKEN,
        issuer=TOKEN,
        birth_date="19010203",
        site=TOKEN,
    )
    result, job = add_result(store, study), add_job(store, study_id=study)
    app = create_app(store, ServeSettings(data=tmp_path))
    described = client_for(app).get("/api/v1/openapi.json").json()
    client = client_for(app, headers=token_of(store))
    values = Planted(study=study, result=result, job=job, number=1, version=1)
    values |= {"assessment": 0, "finding": 1, "slice": 0, "evaluation": 1}
    asked = 0
    for path, methods in described["paths"].items():
        if path.endswith("/events"):
            continue  # an endless reply; its lines are those of any route
        for method in methods:
            address = path.format_map(values)
            client.request(
                method,
                address,
                params={"text": TOKEN, "study_uid": UID, "patient_id": TOKEN},
                json={"destination": TOKEN, "toml": TOKEN, "name": TOKEN},
                headers={"X-Planted": TOKEN, "User-Agent": TOKEN, "Referer": TOKEN},
            )
            client.request(method, address)
            asked += 2
    for path in (
        f"/dicom-web/studies?PatientName={TOKEN}&StudyInstanceUID={UID}",
        f"/dicom-web/studies/{UID}/metadata",
        f"/dicom-web/studies/{UID}/series/{UID}/instances/{UID}",
        f"/{TOKEN}",
        f"/api/v1/studies/{TOKEN}",
    ):
        client.get(path)
        asked += 1
    found = lines_of(logged)
    requests = [line for line in found if line["message"] == "request"]
    assert len(requests) == asked + 1
    assert all(line["process"] == "web" for line in found)
    assert {line["route"] for line in requests} >= {
        "/api/v1/studies/{study}", "/api/v1/results/{result}", "(none)",
    }  # fmt: skip
    text = logged.getvalue()
    for secret in (TOKEN, UID, "19010203", str(tmp_path)):
        assert secret not in text, next(x for x in found if secret in str(x))


class Planted(dict[str, object]):
    """What stands in an address: the token where nothing else is known."""

    def __missing__(self, key: str) -> str:
        return TOKEN


def test_a_database_that_fails_tells_no_parameters(
    store: Store, tmp_path: Path, logged: io.StringIO
) -> None:
    app = create_app(store, ServeSettings(data=tmp_path))
    headers = token_of(store)
    with store.begin() as connection:
        connection.execute(sa.text("ALTER TABLE studies RENAME TO away"))
    try:
        reply = client_for(app, headers=headers).get(
            "/api/v1/studies", params={"text": TOKEN}
        )
    finally:
        with store.begin() as connection:
            connection.execute(sa.text("ALTER TABLE away RENAME TO studies"))
    assert reply.status_code == 503
    assert reply.json()["detail"] == "the index does not answer; try again in a moment"
    assert TOKEN.lower() not in (logged.getvalue() + reply.text).lower()
    error = next(line for line in lines_of(logged) if line["level"] == "ERROR")
    assert "Error at " in str(error["exc_info"])
    assert studies.name not in reply.text


def test_texts_of_libraries_and_exceptions_are_withheld(logged: io.StringIO) -> None:
    logging.getLogger("pydicom").warning("Invalid value for PN: %s", TOKEN)
    logging.getLogger("asyncio").error(TOKEN, extra={})
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"bad UID {TOKEN}", UserWarning, stacklevel=1)
    try:
        try:
            raise ValueError(TOKEN)
        except ValueError as inner:
            raise KeyError(TOKEN) from inner
    except KeyError as error:
        logging.getLogger("medlens.work").error("a job failed", exc_info=error)
        sys.excepthook(KeyError, error, error.__traceback__)
    logging.getLogger("medlens").error("no", exc_info=ReadError("case 3: is cut off"))
    assert TOKEN not in logged.getvalue()
    found = lines_of(logged)
    assert found[0]["message"] == "(text of a library, withheld: it may name a patient)"
    assert str(found[0]["where"]).startswith("test_quiet_logs:")
    shown = [str(line["exc_info"]) for line in found if "exc_info" in line]
    assert "KeyError at test_quiet_logs.py:" in shown[0]
    assert "<- ValueError at test_quiet_logs.py:" in shown[0]
    assert "ReadError: case 3: is cut off" in shown[-1]


def test_a_route_that_breaks_says_nothing_from_inside(
    store: Store, tmp_path: Path, logged: io.StringIO
) -> None:
    app = create_app(store, ServeSettings(data=tmp_path))

    @app.get("/breaks")
    def breaks() -> None:
        raise RuntimeError(TOKEN)

    reply: httpx.Response = client_for(app).get("/breaks")
    assert reply.status_code == 500
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert TOKEN not in reply.text + logged.getvalue()
    number = reply.headers["x-request-id"]
    assert any(line.get("request") == number for line in lines_of(logged))
