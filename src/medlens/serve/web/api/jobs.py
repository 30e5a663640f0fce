"""Jobs: what is worked on, what waits, what failed for good."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import record
from medlens.serve.store.tables import jobs
from medlens.serve.web.api.fields import IfMatch, JobNumber
from medlens.serve.web.api.job_models import JobPage, JobQuery, JobView, view_of_job
from medlens.serve.web.api.owner import check_owner
from medlens.serve.web.api.paging import link_next, read_page
from medlens.serve.web.errors import Problem
from medlens.serve.web.etag import check_match, tag
from medlens.serve.web.guard import may
from medlens.serve.web.idempotency import OnceOnly
from medlens.serve.web.state import Service, service_of
from medlens.serve.work.control import cancel, revive

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])


@router.get("", response_model=JobPage)
def list_jobs(
    request: Request,
    response: Response,
    query: Annotated[JobQuery, Query()],
    service: Annotated[Service, Depends(service_of)],
    caller: Annotated[Caller, Depends(may("view"))],
) -> JobPage:
    """Jobs, the newest first; none of them names a patient."""
    del caller
    wanted: list[sa.ColumnElement[bool]] = []
    if query.state:
        wanted.append(jobs.c.state.in_(query.state))
    if query.kind:
        wanted.append(jobs.c.kind == query.kind)
    if query.study_id is not None:
        wanted.append(jobs.c.study_id == query.study_id)
    found = sa.select(jobs).where(*wanted)
    with service.store.read() as connection:
        page, cursor = read_page(connection, found, jobs.c.id, query)
    link_next(request, response, cursor)
    return JobPage(items=[view_of_job(row) for row in page], next=cursor)


@router.get("/{job}", response_model=JobView)
def read_job(
    request: Request,
    response: Response,
    job: JobNumber,
    service: Annotated[Service, Depends(service_of)],
    caller: Annotated[Caller, Depends(may("view"))],
) -> Any:
    """One job."""
    del caller
    with service.store.read() as connection:
        found = job_view(connection, job)
    if tag(request, response, found):
        return Response(status_code=304, headers=dict(response.headers))
    return found


def job_view(connection: sa.Connection, job: int) -> JobView:
    """One job as the API shows it.

    Raises:
        Problem: 404.
    """
    row = connection.execute(sa.select(jobs).where(jobs.c.id == job)).first()
    if row is None:
        raise Problem(404, f"there is no job {job}")
    return view_of_job(row)


@router.post("/{job}/cancel", response_model=JobView)
def cancel_job(
    job: JobNumber,
    once: OnceOnly,
    caller: Annotated[Caller, Depends(may("read"))],
    if_match: IfMatch = "",
) -> JSONResponse:
    """Take a job out; what is being made of it is dropped.

    An export or evaluation is for whoever asked for it, and administrators, to cancel.
    """
    return _change(once, caller, job, if_match, "cancel", cancel)


@router.post("/{job}/retry", response_model=JobView)
def retry_job(
    job: JobNumber,
    once: OnceOnly,
    caller: Annotated[Caller, Depends(may("read"))],
    if_match: IfMatch = "",
) -> JSONResponse:
    """Let a job that was parked or cancelled start over; see cancel for who may."""
    return _change(once, caller, job, if_match, "retry", revive)


def _change(
    once: OnceOnly,
    caller: Caller,
    job: int,
    if_match: str,
    verb: str,
    change: Callable[..., bool],
) -> JSONResponse:
    def deed(connection: sa.Connection) -> tuple[int, BaseModel]:
        before = job_view(connection, job)
        check_owner(connection, caller, job, verb=verb)
        check_match(if_match, before)
        if not change(connection, job, now=time.time()):
            raise Problem(
                409, f"job {job} is {before.state}: there is nothing to {verb}"
            )
        found = job_view(connection, job)
        record(
            connection,
            caller,
            f"{verb} job",
            study_id=before.study_id,
            detail={"job": job},
        )
        return 200, found

    return once.run(caller, deed)
