"""Results: the diagnosis as JSON, text, FHIR and DICOM; sending it again."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse
from pydantic import BaseModel

from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import record
from medlens.serve.store.tables import result_objects, results
from medlens.serve.web.api.destinations import peer_named
from medlens.serve.web.api.fields import ResultNumber, moment
from medlens.serve.web.api.job_models import JobView
from medlens.serve.web.api.jobs import job_view
from medlens.serve.web.api.result_models import (
    FHIR_FILE,
    OBJECT_FILE,
    ObjectNumber,
    ObjectView,
    ResultView,
    Sending,
)
from medlens.serve.web.api.result_words import names_of, phrases_of
from medlens.serve.web.api.sending import sending_job
from medlens.serve.web.errors import Problem
from medlens.serve.web.etag import tag
from medlens.serve.web.guard import may
from medlens.serve.web.idempotency import OnceOnly
from medlens.serve.web.notes import note_look
from medlens.serve.web.state import Service, service_of
from medlens.write.document import from_document
from medlens.write.text import to_text

router = APIRouter(prefix="/api/v1/results", tags=["results"])
FHIR = "application/fhir+json"
SUFFIXES = {"application/dicom": "dcm", FHIR: "json", "application/zip": "zip"}
ServiceHere = Annotated[Service, Depends(service_of)]
Viewer = Annotated[Caller, Depends(may("view"))]


@router.get("/{result}", response_model=ResultView)
def read_result(
    request: Request,
    response: Response,
    result: ResultNumber,
    service: ServiceHere,
    caller: Viewer,
) -> Any:
    """One result: the diagnosis (schema medlens/diagnosis/1) and its objects."""
    with service.store.read() as connection:
        row = _row(connection, result)
        diagnosis = from_document(row.diagnosis)
        found = ResultView(
            id=row.id,
            study_id=row.study_id,
            job_id=row.job_id,
            created_at=moment(row.created_at),
            diagnosis=row.diagnosis,
            names=names_of(diagnosis),
            phrases=phrases_of(diagnosis),
            objects=_objects(connection, result),
        )
    note_look(service, caller, "view result", row.study_id, result=result)
    if tag(request, response, found):
        return Response(status_code=304, headers=dict(response.headers))
    return found


@router.get("/{result}/text", response_class=PlainTextResponse)
def read_text(
    result: ResultNumber,
    service: ServiceHere,
    caller: Viewer,
    lang: Annotated[Literal["en", "zh"], Query(description="of the text")] = "en",
) -> PlainTextResponse:
    """The diagnosis as a text for people."""
    row = _look(service, result, caller, "text")
    text = to_text(from_document(row.diagnosis), lang=lang)
    return PlainTextResponse(text, headers={"Content-Language": lang})


@router.get("/{result}/objects", response_model=list[ObjectView])
def list_objects(
    result: ResultNumber, service: ServiceHere, caller: Viewer
) -> list[ObjectView]:
    """What was made of the result: DICOM objects and FHIR."""
    _look(service, result, caller, "objects")
    with service.store.read() as connection:
        return _objects(connection, result)


@router.get(
    "/{result}/objects/{number}", response_class=FileResponse, responses=OBJECT_FILE
)
def download_object(
    result: ResultNumber, number: ObjectNumber, service: ServiceHere, caller: Viewer
) -> FileResponse:
    """One object as a file."""
    return _send_file(service, result, caller, result_objects.c.id == number)


@router.get("/{result}/fhir", response_class=FileResponse, responses=FHIR_FILE)
def read_fhir(
    result: ResultNumber, service: ServiceHere, caller: Viewer
) -> FileResponse:
    """The result as a FHIR R4 Bundle."""
    is_fhir = result_objects.c.media_type == FHIR
    return _send_file(service, result, caller, is_fhir)


@router.post("/{result}/sendings", status_code=202, response_model=JobView)
def send_again(
    result: ResultNumber,
    wanted: Sending,
    once: OnceOnly,
    service: ServiceHere,
    caller: Annotated[Caller, Depends(may("read"))],
) -> JSONResponse:
    """Send the objects of a result to a destination, now or once more."""
    peer = peer_named(service, wanted.destination)

    def deed(connection: sa.Connection) -> tuple[int, BaseModel]:
        row = _row(connection, result)
        job = sending_job(
            connection,
            f"send:{result}:{peer.name}",
            study_id=row.study_id,
            payload={"result": result, "peer": peer.name},
        )
        record(
            connection,
            caller,
            "send result",
            study_id=row.study_id,
            detail={"result": result, "destination": peer.name},
        )
        return 202, job_view(connection, job)

    return once.run(caller, deed)


def _row(connection: sa.Connection, result: int) -> Any:
    """The row of a result that counts; what runs in the shadow is shown to nobody.

    Raises:
        Problem: 404.
    """
    row = connection.execute(
        sa.select(results).where(results.c.id == result, results.c.role == "active")
    ).first()
    if row is None:
        raise Problem(404, f"there is no result {result}; it may have been removed")
    return row


def _look(service: Service, result: int, caller: Caller, what: str) -> Any:
    with service.store.read() as connection:
        row = _row(connection, result)
    said = {"result": result, "as": what}
    note_look(service, caller, "view result", row.study_id, **said)
    return row


def _objects(connection: sa.Connection, result: int) -> list[ObjectView]:
    rows = connection.execute(
        sa.select(result_objects)
        .where(result_objects.c.result_id == result)
        .order_by(result_objects.c.id)
    )
    return [
        ObjectView(
            id=row.id,
            kind=row.kind,
            assessment=row.assessment,
            media_type=row.media_type,
            bytes=row.bytes,
            digest=row.digest,
            sop_uid=row.sop_uid,
        )
        for row in rows
    ]


def _send_file(
    service: Service, result: int, caller: Caller, which: sa.ColumnElement[bool]
) -> FileResponse:
    with service.store.read() as connection:
        _row(connection, result)
        row = connection.execute(
            sa.select(result_objects).where(result_objects.c.result_id == result, which)
        ).first()
    if row is None:
        raise Problem(404, f"result {result} has no such object")
    _look(service, result, caller, row.kind)
    path = service.store.blobs.path_of(row.digest)
    if not path.is_file():
        raise Problem(
            500, "its file is missing; the operator should run medlens doctor"
        )
    name = f"result-{result}-{row.kind}-{row.id}.{SUFFIXES.get(row.media_type, 'bin')}"
    return FileResponse(
        path,
        media_type=row.media_type,
        filename=name,
        headers={"ETag": f'"{row.digest}"', "X-Content-Type-Options": "nosniff"},
    )
