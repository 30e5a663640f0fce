"""What the API says of jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from medlens.serve.web.api.fields import Number, moment, moment_or_none
from medlens.serve.web.api.paging import Page, Paged

JobState = Literal["waiting", "leased", "done", "parked", "cancelled"]


class JobQuery(Paged):
    """Filters of the list of jobs; all that are given must hold."""

    state: list[JobState] = Field([], max_length=5, description="one of these")
    kind: str = Field("", max_length=32, pattern=r"^[a-z_]*$", examples=["answer"])
    study_id: Number | None = None


class JobView(BaseModel):
    """One job."""

    id: int = Field(examples=[9])
    kind: str = Field(
        description="answer: a study's result; send: results to a destination",
        examples=["answer"],
    )
    study_id: int | None
    state: JobState = Field(
        description="parked: failed for good, see `error`; it can be tried again"
    )
    priority: int
    attempts: int
    max_attempts: int
    progress: float = Field(description="0..1")
    error: str = Field(description="of the last attempt, else empty")
    created_at: datetime
    run_after: datetime | None = Field(description="it waits until then")
    started_at: datetime | None
    finished_at: datetime | None


class JobPage(Page[JobView]):
    """One page of jobs, the newest first."""


def view_of_job(row: Any) -> JobView:
    """A row of the index as the API shows it."""
    is_due = row.state != "waiting" or row.run_after <= 0
    return JobView(
        id=row.id,
        kind=row.kind,
        study_id=row.study_id,
        state=row.state,
        priority=row.priority,
        attempts=row.attempts,
        max_attempts=row.max_attempts,
        progress=row.progress,
        error=row.error,
        created_at=moment(row.created_at),
        run_after=None if is_due else moment(row.run_after),
        started_at=moment_or_none(row.started_at),
        finished_at=moment_or_none(row.finished_at),
    )
