"""Studies: the worklist, one study with all that belongs to it, its removal."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, cast

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request, Response

from medlens.serve.access.caller import Caller
from medlens.serve.store.names import name_key
from medlens.serve.store.tables import jobs, results, series, studies
from medlens.serve.web.api.fields import StudyNumber, moment
from medlens.serve.web.api.job_models import JobView, view_of_job
from medlens.serve.web.api.paging import after, link_next, pack_cursor, unpack_cursor
from medlens.serve.web.api.study_models import (
    ResultLine,
    SeriesView,
    StudyCounts,
    StudyPage,
    StudyQuery,
    WholeStudy,
    view_of_study,
)
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
    by_urgency = query.order == "urgent"
    columns = (*((studies.c.urgency,) if by_urgency else ()), *_NEWEST)
    wanted = [*_filters(query)]
    place = unpack_cursor(query.cursor, len(columns))
    if place is not None:
        wanted.append(after(columns, place))
    with service.store.read() as connection:
        rows = connection.execute(
            sa.select(studies)
            .where(*wanted)
            .order_by(*(column.desc() for column in columns))
            .limit(query.limit + 1)
        ).all()
        page = rows[: query.limit]
        newest = _newest_results(connection, [row.id for row in page])
    note_list(service, caller, "list studies", (row.id for row in page))
    cursor = None
    if len(rows) > query.limit:
        last = page[-1]
        cursor = pack_cursor(*(getattr(last, column.name) for column in columns))
    link_next(request, response, cursor)
    items = [view_of_study(row, newest.get(row.id)) for row in page]
    return StudyPage(items=items, next=cursor)


_NEWEST = (studies.c.last_at, studies.c.id)


def _filters(query: StudyQuery) -> list[sa.ColumnElement[bool]]:
    """Conditions of a search; every value is a parameter of the statement."""
    found: list[sa.ColumnElement[bool]] = []
    if query.state:
        found.append(studies.c.state.in_(query.state))
    if query.reading:
        found.append(studies.c.reading.in_(query.reading))
    if query.modality:
        found.append(
            studies.c.modalities.contains(f"\\{query.modality}\\", autoescape=True)
        )
    for value, column in (
        (query.study_uid, studies.c.study_uid),
        (query.patient_id, studies.c.patient_id),
        (query.accession_number, studies.c.accession_number),
    ):
        if value:
            found.append(column == value)
    if query.date_from:
        found.append(studies.c.study_date >= _da(query.date_from))
    if query.date_to:
        found.append(studies.c.study_date <= _da(query.date_to))
        found.append(studies.c.study_date != "")
    if query.urgency_from is not None:
        found.append(studies.c.urgency >= query.urgency_from)
    if query.text:
        found.append(_holds(query.text))
    return found


def _da(day: date) -> str:
    return day.strftime("%Y%m%d").rjust(8, "0")


def _holds(text: str) -> sa.ColumnElement[bool]:
    """Studies whose name, number, accession number or description hold a text."""
    return sa.or_(
        studies.c.name_key.contains(name_key(text), autoescape=True),
        studies.c.patient_id.startswith(text, autoescape=True),
        studies.c.accession_number.startswith(text, autoescape=True),
        studies.c.description.icontains(text, autoescape=True),
    )


def _newest_results(connection: sa.Connection, numbers: list[int]) -> dict[int, int]:
    """Study → number of its newest result that counts."""
    rows = connection.execute(
        sa.select(results.c.study_id, sa.func.max(results.c.id))
        .where(results.c.study_id.in_(numbers), results.c.role == "active")
        .group_by(results.c.study_id)
    )
    return {int(study): int(result) for study, result in rows}


@router.get("/counts", response_model=StudyCounts)
def count_studies(
    request: Request, caller: Annotated[Caller, Depends(may("view"))]
) -> StudyCounts:
    """How many studies are in which state, and how far they are read.

    Counted at most once a second, for all callers together.
    """
    del caller
    states, readings = cast(Counts, request.app.state.counts).now()
    total = sum(states.values())
    return StudyCounts.model_validate(
        {"total": total, "states": states, "readings": readings}
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


def study_row(connection: sa.Connection, study: int) -> Any:
    """The row of a study.

    Raises:
        Problem: 404.
    """
    row = connection.execute(sa.select(studies).where(studies.c.id == study)).first()
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
