"""Evaluations: a bundle looks at an uploaded set with labels."""

from __future__ import annotations

import time
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from starlette.requests import ClientDisconnect

from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import record
from medlens.serve.receive.archive import ArchiveError
from medlens.serve.store.blobs import Draft
from medlens.serve.store.files import free_files
from medlens.serve.store.tables import bundles, evaluations, jobs
from medlens.serve.web.api.evaluation_models import (
    EvaluationPage,
    EvaluationQuery,
    EvaluationsQuery,
    EvaluationView,
    WholeEvaluation,
    view_of_evaluation,
    whole_evaluation,
)
from medlens.serve.web.api.fields import LARGEST
from medlens.serve.web.api.owner import check_owner
from medlens.serve.web.api.paging import link_next, read_page
from medlens.serve.web.body import push_body
from medlens.serve.web.errors import Problem
from medlens.serve.web.guard import may
from medlens.serve.web.state import Service, service_of
from medlens.serve.work.evaluation_set import check_archive, check_room
from medlens.serve.work.evaluations import (
    MOST_WAITING,
    Asked,
    ask,
    count_waiting,
    remove_evaluation,
)

router = APIRouter(prefix="/api/v1/evaluations", tags=["evaluations"])
ServiceHere = Annotated[Service, Depends(service_of)]
Viewer = Annotated[Caller, Depends(may("view"))]
Reader = Annotated[Caller, Depends(may("read"))]
EvaluationNumber = Annotated[int, Path(ge=1, le=LARGEST, examples=[3])]
ZIP_BODY = {
    "requestBody": {
        "required": True,
        "description": "a ZIP archive of a labelled set in any form that `medlens "
        "evaluate` takes: folders named by label, or files with a table of labels",
        "content": {
            "application/zip": {"schema": {"type": "string", "format": "binary"}}
        },
    }
}
WAIT = {"Retry-After": "1"}
PAGE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the evaluation's page, one file that asks no other",
        "content": {"text/html": {"schema": {"type": "string"}}},
    }
}
# The page shows names of files that somebody sent. It gets an origin of its own, and
# neither scripts nor other hosts: whatever came through could do nothing.
SANDBOX = "; ".join(
    (
        "sandbox",
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


@router.post(
    "", status_code=202, response_model=EvaluationView, openapi_extra=dict(ZIP_BODY)
)
async def evaluate(
    request: Request,
    response: Response,
    query: Annotated[EvaluationQuery, Query()],
    service: ServiceHere,
    caller: Reader,
) -> EvaluationView:
    """Measure a bundle on a set of yours; its job is done beside the answering.

    The set is deleted when the job ends, whichever way. The same set, bundle and title
    twice is one evaluation (200), unless the first failed or was cancelled.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/zip":
        raise Problem(
            415,
            "wanted a ZIP archive of the set as application/zip",
            headers={"Connection": "close"},
        )
    announced = request.headers.get("content-length", "")
    size = int(announced[:18]) if announced.isdigit() else 0
    await run_in_threadpool(_check, service, query.bundle, size)
    try:
        with await run_in_threadpool(service.store.blobs.draft) as draft:
            await push_body(request, draft.write)
            found = await run_in_threadpool(_ask, service, caller, draft, query)
    except ClientDisconnect:
        raise Problem(400, "the body was not sent to its end; send it again") from None
    number, is_new = found
    response.status_code = 202 if is_new else 200
    response.headers["Location"] = f"/api/v1/evaluations/{number}"
    return await run_in_threadpool(
        lambda: view_of_evaluation(_row(service, number, whole=False), caller)
    )


@router.get("", response_model=EvaluationPage)
def list_evaluations(
    request: Request,
    response: Response,
    query: Annotated[EvaluationsQuery, Query()],
    service: ServiceHere,
    caller: Viewer,
) -> EvaluationPage:
    """Evaluations, the newest first; counts and shares alone."""
    wanted = _query(whole=False)
    if query.bundle is not None:
        wanted = wanted.where(evaluations.c.bundle_digest == query.bundle)
    with service.store.read() as connection:
        page, cursor = read_page(connection, wanted, evaluations.c.id, query)
    link_next(request, response, cursor)
    items = [view_of_evaluation(row, caller) for row in page]
    return EvaluationPage(items=items, next=cursor)


@router.get("/{evaluation}", response_model=WholeEvaluation)
def read_evaluation(
    evaluation: EvaluationNumber, service: ServiceHere, caller: Viewer
) -> WholeEvaluation:
    """One evaluation with its curves; which cases failed is told to readers."""
    return whole_evaluation(_row(service, evaluation), caller)


@router.get("/{evaluation}/report", response_class=FileResponse, responses=PAGE)
def read_evaluation_report(
    evaluation: EvaluationNumber,
    service: ServiceHere,
    caller: Reader,
    download: Annotated[
        bool, Query(description="as a file to keep, instead of a page to look at")
    ] = False,
) -> FileResponse:
    """The report: examples with their pictures, figures, curves; without scripts."""
    with service.store.begin() as connection:
        row = connection.execute(_query().where(evaluations.c.id == evaluation)).first()
        if row is None:
            raise _none(evaluation)
        if not row.report_digest:
            raise Problem(
                409,
                f"evaluation {evaluation} has no report: its job is {row.state}",
            )
        detail = {"evaluation": evaluation, "bundle": row.bundle_digest}
        record(connection, caller, "view evaluation report", detail=detail)
    path = service.store.blobs.path_of(row.report_digest)
    if not path.is_file():
        raise Problem(
            500, "its file is missing; the operator should run medlens doctor"
        )
    return FileResponse(
        path,
        media_type="text/html; charset=utf-8",
        filename=f"evaluation-{evaluation}.html",
        content_disposition_type="attachment" if download else "inline",
        headers={"Content-Security-Policy": SANDBOX},
    )


@router.delete("/{evaluation}", status_code=204)
def delete_evaluation(
    evaluation: EvaluationNumber, service: ServiceHere, caller: Reader
) -> Response:
    """Take an evaluation back: its job ends, its set and report are deleted.

    For whoever asked for it, and administrators.
    """
    this = sa.select(evaluations.c.job_id).where(evaluations.c.id == evaluation)
    with service.store.begin() as connection:
        job = connection.execute(this).scalar()
        if job is None:
            raise _none(evaluation)
        check_owner(connection, caller, job, verb="remove")
        digests = remove_evaluation(connection, evaluation)
        if digests is None:  # somebody was quicker
            raise _none(evaluation)
        detail = {"evaluation": evaluation}
        record(connection, caller, "remove evaluation", detail=detail)
    free_files(service.store, digests, older_than_s=0)
    return Response(status_code=204)


def _ask(
    service: Service, caller: Caller, draft: Draft, query: EvaluationQuery
) -> tuple[int, bool]:
    """Keep the set and put its job into the queue; its number, and whether it is new.

    Raises:
        Problem: the archive cannot be used, or too many wait.
    """
    store = service.store
    try:
        check_archive(draft.path, limits=service.settings.limits)
    except ArchiveError as error:
        raise Problem(422, str(error)) from None
    size, digest = draft.size, draft.commit()
    asked = Asked(
        bundle=query.bundle,
        title=query.title,
        set_digest=digest,
        set_bytes=size,
        options={
            "labels": query.labels,
            "label_column": query.label_column,
            "patient_column": query.patient_column,
        },
        user_id=caller.user_id,
    )
    try:
        with store.begin() as connection:
            number, is_new = ask(connection, asked, now=time.time())
            detail = {"evaluation": number, "bundle": query.bundle, "bytes": size}
            if is_new:
                _check_waiting(connection, MOST_WAITING)  # others came meanwhile
                record(connection, caller, "ask for evaluation", detail=detail)
    except Problem:
        free_files(store, [digest], older_than_s=0)
        raise
    if is_new and not store.blobs.path_of(digest).is_file():
        # The same bytes of an evaluation that ended were let go at this very moment.
        with store.begin() as connection:
            remove_evaluation(connection, number)
        raise Problem(503, "the set could not be kept; send it again", headers=WAIT)
    if not is_new:
        free_files(store, [digest], older_than_s=0)
    return number, is_new


def _check(service: Service, digest: str, size: int) -> None:
    """Refuse before the set is sent.

    Raises:
        Problem: 404 for no such bundle, 429 where many wait, 507 for a full disk.
    """
    check_room(service.store.folder, service.settings.limits, size)
    with service.store.read() as connection:
        is_known = sa.select(bundles.c.digest).where(bundles.c.digest == digest)
        if connection.execute(is_known).first() is None:
            raise Problem(
                404, "there is no such bundle; /api/v1/bundles lists all of them"
            )
        _check_waiting(connection, MOST_WAITING - 1)


def _check_waiting(connection: sa.Connection, most: int) -> None:
    """Refuse where more wait.

    Raises:
        Problem: 429.
    """
    if count_waiting(connection) > most:
        raise Problem(
            429,
            f"{MOST_WAITING} evaluations are waiting or at work already; send the "
            "set when one of them is done",
            headers={"Retry-After": "60", "Connection": "close"},
        )


def _query(*, whole: bool = True) -> sa.Select[Any]:
    columns = [
        column
        for column in evaluations.c
        if whole or column.name not in ("curves", "failed")
    ]
    return sa.select(*columns, jobs.c.state, jobs.c.progress, jobs.c.error).join(
        jobs, jobs.c.id == evaluations.c.job_id
    )


def _row(service: Service, number: int, *, whole: bool = True) -> Any:
    with service.store.read() as connection:
        row = connection.execute(
            _query(whole=whole).where(evaluations.c.id == number)
        ).first()
    if row is None:
        raise _none(number)
    return row


def _none(number: int) -> Problem:
    return Problem(404, f"there is no evaluation {number}; it may have been removed")
