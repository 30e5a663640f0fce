"""What the API takes and says of evaluations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, Field, StringConstraints

from medlens.serve.access.caller import Caller
from medlens.serve.web.api.curve_models import (
    CurvesView,
    SplitSummary,
    curves_of,
    summaries_of,
)
from medlens.serve.web.api.fields import TEXT, Digest, Strict, moment, moment_or_none
from medlens.serve.web.api.owner import is_theirs
from medlens.serve.web.api.paging import Page, Paged

State = Literal["waiting", "running", "done", "failed", "cancelled"]
STATES: dict[str, State] = {
    "waiting": "waiting",
    "leased": "running",
    "done": "done",
    "parked": "failed",
    "cancelled": "cancelled",
}
"""State of the job → state of the evaluation."""

Title = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=TEXT)]
Column = Annotated[str, StringConstraints(max_length=128, pattern=TEXT)]
EntryName = Annotated[str, StringConstraints(max_length=512, pattern=TEXT)]


class EvaluationQuery(Strict):
    """What an uploaded set is, and which bundle looks at it."""

    bundle: Digest = Field(description="digest of the bundle")
    title: Title = Field(description="how the evaluation is called, for people")
    labels: EntryName = Field(
        "",
        description="table of labels in the archive, by its name or path there; empty "
        "where folders name the labels, or there is one table that fits",
    )
    label_column: Column = Field("", description="column that holds the label")
    patient_column: Column = Field("", description="column that holds the patient key")


class EvaluationsQuery(Paged):
    """Which evaluations."""

    bundle: Digest | None = Field(None, description="of this bundle alone")


class FailedCase(BaseModel):
    """A case that gave no answer, and why."""

    case: str = Field(description="local key: where it lies in the archive")
    reason: str


class EvaluationView(BaseModel):
    """One evaluation."""

    id: int
    job_id: int = Field(description="events and cancel go by it")
    bundle: str = Field(description="digest")
    title: str
    state: State
    progress: float = Field(ge=0, le=1)
    problem: str = Field(description="why it failed, in words; else empty")
    labels: str
    label_column: str
    patient_column: str
    set_bytes: int = Field(description="of the archive as it came")
    asked_at: datetime
    made_at: datetime | None
    has_report: bool
    may_remove: bool = Field(
        description="by the caller: they asked for it, or administer"
    )
    failed_count: int = Field(description="cases that gave no answer")
    summary: SplitSummary | None = Field(
        None, description="the figures that stand first; null until it is done"
    )


class WholeEvaluation(EvaluationView):
    """One evaluation with its curves."""

    curves: CurvesView | None = None
    failed: list[FailedCase] | None = Field(
        None, description="up to 1,000; null for those who may not read"
    )


class EvaluationPage(Page[EvaluationView]):
    """One page of evaluations, the newest first."""


def view_of_evaluation(row: Any, caller: Caller) -> EvaluationView:
    """A row of `evaluations` with its job's columns `state`, `progress`, `error`."""
    return EvaluationView(**_fields(row, caller))


def whole_evaluation(row: Any, caller: Caller) -> WholeEvaluation:
    """As `view_of_evaluation`, with curves; keys of cases only for readers."""
    found = WholeEvaluation(**_fields(row, caller), curves=curves_of(row.curves))
    if "read" in caller.rights:
        cases = [each for each in row.failed or () if each.get("case")]
        found.failed = [FailedCase(**each) for each in cases]
        # What is wrong with the set as a whole may repeat a name in it.
        said = [each["reason"] for each in row.failed or () if not each.get("case")]
        found.problem = said[0] if said else found.problem
    return found


def _fields(row: Any, caller: Caller) -> dict[str, Any]:
    options = row.options
    splits = summaries_of((row.metrics or {}).get("splits"))
    return {
        "id": row.id,
        "job_id": row.job_id,
        "bundle": row.bundle_digest,
        "title": row.title,
        "state": STATES[row.state],
        "progress": min(max(row.progress, 0.0), 1.0),
        "problem": row.error if row.state == "parked" else "",
        "labels": options.get("labels", ""),
        "label_column": options.get("label_column", ""),
        "patient_column": options.get("patient_column", ""),
        "set_bytes": row.set_bytes,
        "asked_at": moment(row.created_at),
        "made_at": moment_or_none(row.made_at),
        "has_report": bool(row.report_digest),
        "may_remove": is_theirs(caller, row.user_id),
        "failed_count": cast(int, options.get("failed_count", 0)),
        "summary": next(iter(splits.values()), None),
    }
