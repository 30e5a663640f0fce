"""A reader's report on a study: suggested, drafted, kept in versions, signed."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import record
from medlens.serve.store.tables import reading_objects, reports
from medlens.serve.web.api.fields import StudyNumber
from medlens.serve.web.api.report_models import (
    DraftSave,
    DraftView,
    ReportContent,
    ReportView,
    VersionNumber,
    VersionView,
    VersionWish,
    content_of,
    line_of_version,
    view_of_content,
    view_of_draft,
    view_of_version,
)
from medlens.serve.web.api.studies import study_row
from medlens.serve.web.dicomweb.work import heavy
from medlens.serve.web.errors import Problem
from medlens.serve.web.guard import may
from medlens.serve.web.idempotency import OnceOnly
from medlens.serve.web.notes import note_look
from medlens.serve.web.state import Service, service_of
from medlens.serve.work.report_drafted import results_of
from medlens.serve.work.report_drafts import (
    DraftChangedError,
    TooManyDraftsError,
    drop_draft,
    read_draft,
    save_draft,
)
from medlens.serve.work.report_kept import files_state
from medlens.serve.work.report_suggestion import suggest_report
from medlens.serve.work.report_versions import (
    ReportChangedError,
    Wish,
    add_version,
    prepare,
)

router = APIRouter(prefix="/api/v1/studies/{study}/report", tags=["reports"])
ServiceHere = Annotated[Service, Depends(service_of)]
Viewer = Annotated[Caller, Depends(may("view"))]
Reader = Annotated[Caller, Depends(may("read"))]


@router.get("", response_model=ReportView)
def read_report(study: StudyNumber, service: ServiceHere, caller: Viewer) -> ReportView:
    """The caller's draft and all versions of a study's report."""
    with service.store.read() as connection:
        study_row(connection, study)
        draft = read_draft(connection, study, caller.user_id)
        rows = connection.execute(
            sa.select(reports)
            .where(reports.c.study_id == study)
            .order_by(reports.c.version.desc())
        ).all()
        given = results_of(connection, study)
    note_look(service, caller, "view report", study)
    return ReportView(
        draft=None if draft is None else view_of_draft(draft),
        versions=[line_of_version(row, given) for row in rows],
    )


@router.get("/suggestion", response_model=ReportContent)
def suggest(
    study: StudyNumber,
    service: ServiceHere,
    caller: Viewer,
    lang: Annotated[Literal["en", "zh"], Query(description="of the draft")] = "en",
) -> ReportContent:
    """A first draft, from the newest result and what readers said of its findings.

    Sentences that a model stands behind end with a mark, `[AI]`: they are not
    verified until a reader signs.
    """
    with service.store.read() as connection:
        study_row(connection, study)
        content = suggest_report(connection, study, lang=lang, reader=caller.user_id)
    note_look(service, caller, "suggest report", study, result=content.result_id)
    return view_of_content(content)


@router.put("/draft", response_model=DraftView)
def write_draft(
    study: StudyNumber, said: DraftSave, service: ServiceHere, caller: Reader
) -> DraftView:
    """Save the caller's draft over the revision that they saw."""
    try:
        with service.store.begin() as connection:
            study_row(connection, study, hold=True)
            draft = save_draft(
                connection,
                study,
                caller.user_id,
                content_of(said.content),
                revision=said.revision,
                now=time.time(),
            )
            detail = {"revision": draft.revision}
            record(connection, caller, "save draft", study_id=study, detail=detail)
    except DraftChangedError as error:
        raise Problem(409, str(error), kind="draft-changed") from None
    except TooManyDraftsError as error:
        raise Problem(409, str(error)) from None
    return view_of_draft(draft)


@router.delete("/draft", status_code=204, response_class=Response)
def delete_draft(study: StudyNumber, service: ServiceHere, caller: Reader) -> Response:
    """Drop the caller's draft; where there is none, nothing happens."""
    with service.store.begin() as connection:
        study_row(connection, study, hold=True)
        if drop_draft(connection, study, caller.user_id):
            record(connection, caller, "drop draft", study_id=study)
    return Response(status_code=204)


@router.post("/versions", status_code=201, response_model=VersionView)
def add(
    study: StudyNumber,
    said: VersionWish,
    once: OnceOnly,
    service: ServiceHere,
    caller: Reader,
) -> JSONResponse:
    """Keep a version for good, with a signature or without; drops the draft."""
    wish = Wish(
        study_id=study,
        content=content_of(said.content),
        is_signed=said.sign,
        reason=said.reason.strip(),
        expected_version=said.expected_version,
        author=caller.name,
        user_id=caller.user_id,
        draft_revision=said.draft_revision,
    )
    with service.store.read() as connection:
        study_row(connection, study)

    def deed(connection: sa.Connection) -> tuple[int, BaseModel]:
        study_row(connection, study)
        add_version(connection, wish, ready)
        version = said.expected_version + 1
        made = whole_version(connection, study, version)
        record(
            connection,
            caller,
            "sign report" if said.sign else "keep report",
            study_id=study,
            detail={"version": version, "result": said.content.result_id},
        )
        return 201, made

    try:
        with heavy():
            ready = prepare(service.store, wish, now=time.time())
        return once.run(caller, deed)
    except ReportChangedError as error:
        raise Problem(409, str(error), kind="report-changed") from None
    except DraftChangedError as error:
        raise Problem(409, str(error), kind="draft-changed") from None


@router.get("/versions/{version}", response_model=VersionView)
def read_version(
    study: StudyNumber, version: VersionNumber, service: ServiceHere, caller: Viewer
) -> VersionView:
    """One version with its words and files."""
    with service.store.read() as connection:
        found = whole_version(connection, study, version)
    note_look(service, caller, "view report", study, version=version)
    return found


def whole_version(connection: sa.Connection, study: int, version: int) -> VersionView:
    """A version as the API says it.

    Raises:
        Problem: 404.
    """
    row = version_row(connection, study, version)
    objects = connection.execute(
        sa.select(reading_objects)
        .where(reading_objects.c.report_id == row.id)
        .order_by(reading_objects.c.id)
    ).all()
    files = files_state(connection, row)
    return view_of_version(row, objects, results_of(connection, study), files)


def version_row(connection: sa.Connection, study: int, version: int) -> Any:
    """The row of a version.

    Raises:
        Problem: 404.
    """
    row = connection.execute(
        sa.select(reports).where(
            reports.c.study_id == study, reports.c.version == version
        )
    ).first()
    if row is None:
        raise Problem(
            404,
            f"the report of study {study} has no version {version}; "
            f"/api/v1/studies/{study}/report lists all of them",
        )
    return row
