"""A version of a report as files, and on its way to other systems."""

from __future__ import annotations

import time
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Response
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel

from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import record
from medlens.serve.web.api.destinations import peer_named
from medlens.serve.web.api.fields import StudyNumber
from medlens.serve.web.api.job_models import JobView
from medlens.serve.web.api.jobs import job_view
from medlens.serve.web.api.report_models import VersionNumber
from medlens.serve.web.api.reports import version_row
from medlens.serve.web.api.result_models import Sending
from medlens.serve.web.api.sending import sending_job
from medlens.serve.web.api.studies import study_row
from medlens.serve.web.dicomweb.work import heavy
from medlens.serve.web.errors import Problem
from medlens.serve.web.guard import may
from medlens.serve.web.idempotency import OnceOnly
from medlens.serve.web.notes import note_look
from medlens.serve.web.state import Service, service_of
from medlens.serve.work.objects import DICOM
from medlens.serve.work.report_basis import UnreadNowError
from medlens.serve.work.report_kept import ask_for_files, files_state, kept_files
from medlens.serve.work.report_objects import MEDIA_TYPES, make_file
from medlens.serve.work.report_versions import report_of

router = APIRouter(
    prefix="/api/v1/studies/{study}/report/versions/{version}", tags=["reports"]
)
SUFFIXES = {"PDF": "pdf", "SR": "dcm", "FHIR": "json", "TEXT": "txt"}
_BINARY = {"type": "string", "format": "binary"}
ServiceHere = Annotated[Service, Depends(service_of)]
Viewer = Annotated[Caller, Depends(may("view"))]


def _described(media_type: str, schema: dict[str, Any]) -> dict[int | str, Any]:
    content = {media_type: {"schema": schema}}
    return {200: {"description": "the file", "content": content}}


@router.get(
    "/pdf",
    response_class=Response,
    responses=_described("application/pdf", _BINARY),
)
def read_pdf(
    study: StudyNumber, version: VersionNumber, service: ServiceHere, caller: Viewer
) -> Response:
    """The report as PDF; without a signature each page says that it is a draft."""
    return _file(service, caller, study, version, "PDF")


@router.get(
    "/sr",
    response_class=Response,
    responses=_described("application/dicom", _BINARY),
)
def read_sr(
    study: StudyNumber, version: VersionNumber, service: ServiceHere, caller: Viewer
) -> Response:
    """The report as DICOM SR (TID 2000)."""
    return _file(service, caller, study, version, "SR")


@router.get(
    "/fhir",
    response_class=Response,
    responses=_described("application/fhir+json", {"type": "object"}),
)
def read_fhir(
    study: StudyNumber, version: VersionNumber, service: ServiceHere, caller: Viewer
) -> Response:
    """The report as a FHIR R4 Bundle with PDF and text in it."""
    return _file(service, caller, study, version, "FHIR")


@router.get(
    "/text",
    response_class=Response,
    responses=_described("text/plain", {"type": "string"}),
)
def read_text(
    study: StudyNumber, version: VersionNumber, service: ServiceHere, caller: Viewer
) -> Response:
    """The report as plain text, without the patient's data."""
    return _file(service, caller, study, version, "TEXT")


@router.post("/files", status_code=202, response_model=JobView)
def make_again(
    study: StudyNumber,
    version: VersionNumber,
    once: OnceOnly,
    caller: Annotated[Caller, Depends(may("read"))],
) -> JSONResponse:
    """Make the files that a signed version lacks, of the words that were signed."""

    def deed(connection: sa.Connection) -> tuple[int, BaseModel]:
        study_row(connection, study, hold=True)
        row = version_row(connection, study, version)
        state = files_state(connection, row)
        if state not in ("owed", "lacking"):
            raise Problem(409, _NOTHING_LACKS[state].format(version=version))
        job = ask_for_files(connection, row, now=time.time())
        if job is None:
            raise Problem(409, "another request asks for them now; look at its job")
        record(
            connection,
            caller,
            "ask for report files",
            study_id=study,
            detail={"version": version},
        )
        return 202, job_view(connection, job)

    return once.run(caller, deed)


_NOTHING_LACKS = {
    "none": "version {version} is not signed; its files are made when they are fetched",
    "whole": "version {version} has all its files; fetch them",
}


@router.post("/sendings", status_code=202, response_model=JobView)
def send(
    study: StudyNumber,
    version: VersionNumber,
    wanted: Sending,
    once: OnceOnly,
    service: ServiceHere,
    caller: Annotated[Caller, Depends(may("read"))],
) -> JSONResponse:
    """Send the DICOM objects of a signed version to a destination."""
    peer = peer_named(service, wanted.destination)

    def deed(connection: sa.Connection) -> tuple[int, BaseModel]:
        row = version_row(connection, study, version)
        if not row.is_signed:
            raise Problem(
                409, f"version {version} is not signed; sign the report, then send it"
            )
        if files_state(connection, row) == "owed":
            raise Problem(409, _owed(version))
        if not _AS_DICOM & set(kept_files(connection, row.id)):
            raise Problem(409, _nothing_to_send(version))
        job = sending_job(
            connection,
            f"send:report:{row.id}:{peer.name}",
            study_id=study,
            payload={"report": row.id, "peer": peer.name},
        )
        record(
            connection,
            caller,
            "send report",
            study_id=study,
            detail={"version": version, "destination": peer.name},
        )
        return 202, job_view(connection, job)

    return once.run(caller, deed)


def _file(
    service: Service, caller: Caller, study: int, version: int, kind: str
) -> Response:
    """A file of a version: kept since it was signed, or made now as a draft.

    Raises:
        Problem: 404 where there is no such version, or no such file of it; 503 where
            a draft's file cannot be made now.
    """
    with service.store.read() as connection:
        row = version_row(connection, study, version)
        report = report_of(connection, row)
        kept = kept_files(connection, row.id).get(kind)
        state = files_state(connection, row)
    note_look(service, caller, "view report", study, version=version, **{"as": kind})
    name = f"report-{study}-version-{version}.{SUFFIXES[kind]}"
    safe = {"X-Content-Type-Options": "nosniff"}
    if kept is not None:
        path = service.store.blobs.path_of(kept)
        if not path.is_file():
            raise Problem(
                500, "its file is missing; the operator should run medlens doctor"
            )
        return FileResponse(
            path,
            media_type=MEDIA_TYPES[kind],
            filename=name,
            headers={"ETag": f'"{kept}"', **safe},
        )
    made = None
    if not report.is_signed:
        try:
            with heavy():
                made = make_file(service.store, report, kind, reader=row.user_id)
        except UnreadNowError as error:
            raise Problem(503, str(error)) from None
    if made is None and state == "owed":
        raise Problem(404, _owed(version))
    if made is None:
        raise Problem(
            404,
            f"version {version} has no such file: the headers of the study's images "
            "do not allow one; its text is there",
        )
    named = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(made.data, media_type=made.media_type, headers={**named, **safe})


_AS_DICOM = {kind for kind, media_type in MEDIA_TYPES.items() if media_type == DICOM}


def _nothing_to_send(version: int) -> str:
    return (
        f"version {version} has no DICOM object, so that nothing could be sent: its "
        "images could not be read, or their headers allow none. Ask for it with POST "
        "…/files, or hand on its PDF"
    )


def _owed(version: int) -> str:
    return (
        f"files of version {version} could not be made when it was signed: an image "
        "could not be read. They are made by themselves; look at the study's jobs, or "
        "ask for them with POST …/files"
    )
