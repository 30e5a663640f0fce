"""Studies: the worklist, one study with all that belongs to it, its removal."""

from __future__ import annotations

from typing import Annotated, Any, cast

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request, Response

from medlens.serve.access.caller import Caller
from medlens.serve.store.tables import jobs, results, series, studies
from medlens.serve.web.api.fields import StudyNumber, moment
from medlens.serve.web.api.job_models import JobView, view_of_job
from medlens.serve.web.api.paging import link_next
from medlens.serve.web.api.study_models import (
    ResultLine,
    SeriesView,
    StudyCounts,
    StudyPage,
    StudyQuery,
    WholeStudy,
    view_of_study,
)
from medlens.serve.web.api.worklist import find_page, newest_results
from medlens.serve.web.counts import Counts
from medlens.serve.web.errors import Problem
from medlens.serve.web.etag import tag
from medlens.serve.web.guard import may
from medlens.serve.web.notes import note_list, note_look
from medlens.serve.web.state import Service, service_of

router = APIRouter(prefix="/api/v1/studies", tags=["studies"])
MAX_JOBS = 200  # of one study that are shown


@router.get("", response_model=StudyPage)
def list_studies(
    request: Request,
    response: Response,
    query: Annotated[StudyQuery, Query()],
    service: Annotated[Service, Depends(service_of)],
    caller: Annotated[Caller, Depends(may("view"))],
) -> StudyPage:
    """The worklist: studies that match every filter, in pages."""
    with service.store.read() as connection:
        page, cursor = find_page(connection, query)
        newest = newest_results(connection, [row.id for row in page])
    note_list(service, caller, "list studies", (row.id for row in page))
    link_next(request, response, cursor)
    items = [view_of_study(row, newest.get(row.id)) for row in page]
    return StudyPage(items=items, next=cursor)


@router.get("/counts", response_model=StudyCounts)
def count_studies(
    request: Request, caller: Annotated[Caller, Depends(may("view"))]
) -> StudyCounts:
    """How many studies are in which state, how far they are read, what is advised.

    Counted at most once a second, for all callers together.
    """
    del caller
    found = cast(Counts, request.app.state.counts).now()
    return StudyCounts.model_validate(
        {
            "total": found.states.total(),
            "states": found.states,
            "readings": found.readings,
            "advices": found.advices,
        }
    )


@router.get("/{study}", response_model=WholeStudy)
def read_study(
    request: Request,
    response: Response,
    study: StudyNumber,
    service: Annotated[Service, Depends(service_of)],
    caller: Annotated[Caller, Depends(may("view"))],
) -> Any:
    """One study with its series, results and jobs."""
    with service.store.read() as connection:
        found = whole_study(connection, study)
    note_look(service, caller, "view study", study)
    if tag(request, response, found):
        return Response(status_code=304, headers=dict(response.headers))
    return found


def whole_study(connection: sa.Connection, study: int) -> WholeStudy:
    """Everything that the API shows of a study.

    Raises:
        Problem: 404.
    """
    row = study_row(connection, study)
    all_results = connection.execute(
        sa.select(results.c.id, results.c.created_at, results.c.job_id)
        .where(results.c.study_id == study, results.c.role == "active")
        .order_by(results.c.id.desc())
    ).all()
    newest = all_results[0].id if all_results else None
    return WholeStudy(
        **view_of_study(row, newest).model_dump(),
        series=_series_of(connection, study),
        results=[
            ResultLine(id=r.id, created_at=moment(r.created_at), job_id=r.job_id)
            for r in all_results
        ],
        jobs=_jobs_of(connection, study),
    )


def study_row(connection: sa.Connection, study: int, *, hold: bool = False) -> Any:
    """The row of a study.

    Args:
        connection: to the index; of `Store.begin` to hold.
        study: our own number.
        hold: keep others from changing it until the transaction ends.

    Raises:
        Problem: 404.
    """
    this = sa.select(studies).where(studies.c.id == study)
    row = connection.execute(this.with_for_update() if hold else this).first()
    if row is None:
        raise Problem(404, f"there is no study {study}; it may have been removed")
    return row


def _series_of(connection: sa.Connection, study: int) -> list[SeriesView]:
    rows = connection.execute(
        sa.select(series)
        .where(series.c.study_id == study)
        .order_by(series.c.number, series.c.id)
    )
    names = SeriesView.model_fields
    return [SeriesView(**{name: getattr(row, name) for name in names}) for row in rows]


def _jobs_of(connection: sa.Connection, study: int) -> list[JobView]:
    rows = connection.execute(
        sa.select(jobs)
        .where(jobs.c.study_id == study)
        .order_by(jobs.c.id.desc())
        .limit(MAX_JOBS)
    )
    return [view_of_job(row) for row in rows]
