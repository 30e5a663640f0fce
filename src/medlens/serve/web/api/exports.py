"""Exports without identity: studies, or a data set that readers corrected."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, Field

from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import record
from medlens.serve.store.files import free_files
from medlens.serve.store.tables import (
    bundles,
    exports,
    feedback,
    jobs,
    results,
    scores,
    studies,
)
from medlens.serve.web.api.fields import (
    Digest,
    JobNumber,
    Number,
    Strict,
    moment,
    moment_or_none,
)
from medlens.serve.web.api.job_models import JobState
from medlens.serve.web.api.owner import check_owner, is_theirs
from medlens.serve.web.api.paging import Page, Paged, link_next, read_page
from medlens.serve.web.errors import Problem
from medlens.serve.web.guard import may
from medlens.serve.web.idempotency import OnceOnly
from medlens.serve.web.state import Service, service_of
from medlens.serve.work.control import cancel
from medlens.serve.work.exports import KEPT_S, Wanted
from medlens.serve.work.queue import enqueue

router = APIRouter(prefix="/api/v1/exports", tags=["exports"])
ServiceHere = Annotated[Service, Depends(service_of)]
Reader = Annotated[Caller, Depends(may("read"))]
MOST_STUDIES, MOST_RELEASED = 500, 10_000
MOST_NAMED = 150  # of released images, in the trail
LOW = -20  # beside the answering; of exports the oldest first
ARCHIVE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "a ZIP archive",
        "content": {
            "application/zip": {"schema": {"type": "string", "format": "binary"}}
        },
    }
}


class Keeping(Strict):
    """What may stay beside what the basic profile leaves (PS3.15 E.3)."""

    dates: Literal["remove", "shift", "keep"] = Field(
        "remove", description="shift: all of a patient by the same number of days"
    )
    patient: bool = Field(False, description="sex, age, size, weight and the like")
    device: bool = Field(False, description="model, serial number, technique in text")


class ExportRequest(Strict):
    """Images of `studies`, or what readers said of the answers of a `bundle`."""

    studies: list[Number] = Field(
        [],
        max_length=MOST_STUDIES,
        description="our own numbers: all their images; with `bundle` the studies "
        "whose answers are meant",
    )
    bundle: Digest | None = Field(
        None,
        description="digest of a bundle: a data set of its answers that readers judged "
        "(all of them, or those in `studies`), with labels.csv, that `medlens run` "
        "takes",
    )
    keep: Keeping | None = Field(None, description="nothing by default")
    released: list[Number] = Field(
        [],
        max_length=MOST_RELEASED,
        description="`instance` of images that an earlier export held and that a "
        "person has looked at since: nothing in their pixels names anybody",
    )


class HeldView(BaseModel):
    """An image that a person must look at before it leaves."""

    instance: int
    case: str
    reason: str


class ReasonView(BaseModel):
    """Something that is not in the archive, and why."""

    case: str
    reason: str


class ExportView(BaseModel):
    """One export."""

    id: int = Field(description="of its job")
    state: JobState
    progress: float
    error: str
    asked_at: datetime
    studies: list[int]
    bundle: str
    keep: Keeping
    bytes: int | None = Field(description="of the archive, null until it is there")
    made_at: datetime | None
    expires_at: datetime | None
    may_remove: bool = Field(
        description="by the caller: they asked for it, or administer"
    )
    images: int = 0
    patients: int = 0
    series: int = 0
    cases: int | None = Field(None, description="rows of answers in labels.csv")
    held_count: int = 0
    failed_count: int = 0
    left_out_count: int = 0


class WholeExport(ExportView):
    """One export with what is not in it."""

    held: list[HeldView] = []
    failed: list[ReasonView] = []
    left_out: list[ReasonView] = []


class ExportPage(Page[ExportView]):
    """One page of exports, the newest first."""


@router.post("", status_code=202, response_model=ExportView)
def ask_for_export(
    wanted: ExportRequest, once: OnceOnly, caller: Reader
) -> JSONResponse:
    """Make an archive without identity; its job is done beside the answering.

    Images likely to hold text in their pixels, and documents, are held and listed.
    """
    if not wanted.studies and wanted.bundle is None:
        raise Problem(422, "wanted `studies`, `bundle`, or both")
    numbers = tuple(dict.fromkeys(wanted.studies))

    def deed(connection: sa.Connection) -> tuple[int, BaseModel]:
        _check(connection, numbers, wanted.bundle)
        keep = wanted.keep
        payload = Wanted(
            studies=numbers,
            bundle=wanted.bundle or "",
            dates=keep.dates if keep else "remove",
            patient=keep is not None and keep.patient,
            device=keep is not None and keep.device,
            released=tuple(wanted.released),
            user_id=caller.user_id,
            user=caller.name,
        )
        job = enqueue(
            connection,
            kind="export",
            key=f"export:{secrets.token_hex(16)}",
            # With its study an export of one goes, too.
            study_id=numbers[0] if len(numbers) == 1 else None,
            payload=asdict(payload),
            priority=LOW,
            now=time.time(),
        )
        assert job is not None
        detail: dict[str, Any] = {
            "job": job,
            "studies": len(numbers),
            "bundle": wanted.bundle,
        }
        if wanted.released:  # who answers for what left although it was held
            detail["released"] = len(wanted.released)
            detail["first released"] = wanted.released[:MOST_NAMED]
        record(connection, caller, "ask for export", detail=detail)
        return 202, _view(_row(connection, job), caller)

    return once.run(caller, deed)


@router.get("", response_model=ExportPage)
def list_exports(
    request: Request,
    response: Response,
    query: Annotated[Paged, Query()],
    service: ServiceHere,
    caller: Reader,
) -> ExportPage:
    """Exports of the last days, the newest first."""
    with service.store.read() as connection:
        page, cursor = read_page(connection, _query(), jobs.c.id, query)
    link_next(request, response, cursor)
    return ExportPage(items=[_view(row, caller) for row in page], next=cursor)


@router.get("/{job}", response_model=WholeExport)
def read_export(job: JobNumber, service: ServiceHere, caller: Reader) -> WholeExport:
    """One export, with everything that was held or left out and why."""
    with service.store.read() as connection:
        row = _row(connection, job)
    report = row.report or {}
    lists = {name: report.get(name, []) for name in ("held", "failed", "left_out")}
    return WholeExport(**_view(row, caller).model_dump(), **lists)


@router.get("/{job}/file", response_class=FileResponse, responses=ARCHIVE)
def download_export(
    job: JobNumber, service: ServiceHere, caller: Reader
) -> FileResponse:
    """The archive."""
    with service.store.begin() as connection:
        row = _row(connection, job)
        if row.digest is None:
            raise Problem(
                409 if row.state in ("waiting", "leased") else 410,
                f"export {job} has no archive: it is {row.state}; an archive is kept "
                f"for {round(KEPT_S / 86_400)} days",
            )
        detail = {"job": job, "images": row.report.get("images", 0)}
        record(connection, caller, "download export", detail=detail)
    path = service.store.blobs.path_of(row.digest)
    if not path.is_file():
        raise Problem(
            500, "its file is missing; the operator should run medlens doctor"
        )
    return FileResponse(
        path,
        media_type="application/zip",
        filename=f"export-{job}.zip",
        headers={"ETag": f'"{row.digest}"', "X-Content-Type-Options": "nosniff"},
    )


@router.delete("/{job}", status_code=204)
def remove_export(job: JobNumber, service: ServiceHere, caller: Reader) -> Response:
    """Take an export back: its job is cancelled, its archive deleted.

    For whoever asked for it, and administrators.
    """
    with service.store.begin() as connection:
        row = _row(connection, job)
        check_owner(connection, caller, job, verb="remove")
        cancel(connection, job, now=time.time())
        connection.execute(sa.delete(exports).where(exports.c.job_id == job))
        record(connection, caller, "remove export", detail={"job": job})
    if row.digest is not None:
        free_files(service.store, [row.digest])
    return Response(status_code=204)


def _check(
    connection: sa.Connection, numbers: Sequence[int], bundle: str | None
) -> None:
    """Refuse what would give an empty archive.

    Raises:
        Problem: 404 or 409.
    """
    for number in numbers:
        query = sa.select(studies.c.id).where(studies.c.id == number)
        if connection.execute(query).first() is None:
            raise Problem(404, f"there is no study {number}; it may have been removed")
    if bundle is None:
        return
    is_known = sa.select(bundles.c.digest).where(bundles.c.digest == bundle)
    if connection.execute(is_known).first() is None:
        raise Problem(404, "there is no such bundle; /api/v1/bundles lists all of them")
    judged = (
        sa.select(feedback.c.id)
        .join(scores, scores.c.result_id == feedback.c.result_id)
        .where(scores.c.bundle_digest == bundle)
        .limit(1)
    )
    if numbers:
        judged = judged.join(results, results.c.id == feedback.c.result_id).where(
            results.c.study_id.in_(numbers)
        )
    if connection.execute(judged).first() is None:
        raise Problem(
            409,
            "no reader has judged a finding of this bundle there yet; POST to "
            "/api/v1/results/{result}/feedback first",
        )


def _query() -> sa.Select[Any]:
    return (
        sa.select(
            jobs.c.id,
            jobs.c.state,
            jobs.c.progress,
            jobs.c.error,
            jobs.c.created_at,
            jobs.c.payload,
            exports.c.digest,
            exports.c.bytes,
            exports.c.report,
            exports.c.made_at,
        )
        .join(exports, exports.c.job_id == jobs.c.id, isouter=True)
        .where(jobs.c.kind == "export")
    )


def _row(connection: sa.Connection, job: int) -> Any:
    row = connection.execute(_query().where(jobs.c.id == job)).first()
    if row is None:
        raise Problem(404, f"there is no export {job}")
    return row


def _view(row: Any, caller: Caller) -> ExportView:
    wanted = Wanted.of(row.payload)
    report = row.report or {}
    counts = {
        name: report[name]
        for name in ExportView.model_fields
        if isinstance(report.get(name), int)
    }
    return ExportView(
        id=row.id,
        state=row.state,
        progress=row.progress,
        error=row.error,
        asked_at=moment(row.created_at),
        studies=list(wanted.studies),
        bundle=wanted.bundle,
        keep=Keeping(
            dates=wanted.keep.dates, patient=wanted.patient, device=wanted.device
        ),
        bytes=row.bytes,
        made_at=moment_or_none(row.made_at),
        expires_at=None if row.made_at is None else moment(row.made_at + KEPT_S),
        may_remove=is_theirs(caller, wanted.user_id),
        **counts,
    )
