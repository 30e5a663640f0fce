"""Server-sent events: what happens to jobs and studies, while it happens."""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import StreamingResponse

from medlens.serve.access.caller import Caller
from medlens.serve.web.api.fields import JobNumber
from medlens.serve.web.api.jobs import job_view
from medlens.serve.web.events import Events
from medlens.serve.web.guard import may
from medlens.serve.web.state import Service, service_of

router = APIRouter(prefix="/api/v1", tags=["events"])
MEDIA_TYPE = "text/event-stream"
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "events `job` with id, kind, study_id, state, attempts and "
        "progress; `study` with id, state, reading, urgency and changed_at; `reset` "
        "where some were missed",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}
LastEvent = Annotated[
    str,
    Header(
        alias="Last-Event-ID",
        max_length=64,
        pattern=r"^[\x21-\x7e]*$",
        description="of a client that comes back; what it missed is told again",
    ),
]
Viewer = Annotated[Caller, Depends(may("view"))]


@router.get("/events", response_class=StreamingResponse, responses=STREAM)
async def all_events(
    request: Request, caller: Viewer, last: LastEvent = ""
) -> StreamingResponse:
    """Changes of all jobs and of all lines of the worklist.

    A stream ends after 15 minutes; open it again.
    """
    return _stream(request, caller, last, None)


@router.get("/jobs/{job}/events", response_class=StreamingResponse, responses=STREAM)
def job_events(
    request: Request,
    job: JobNumber,
    service: Annotated[Service, Depends(service_of)],
    caller: Viewer,
    last: LastEvent = "",
) -> StreamingResponse:
    """One job: what it is now, every change, and the end with its last state."""
    with service.store.read() as connection:
        job_view(connection, job)
    return _stream(request, caller, last, job)


def _stream(
    request: Request, caller: Caller, last: str, job: int | None
) -> StreamingResponse:
    events = cast(Events, request.app.state.events)
    who = str(caller.user_id) if caller.user_id is not None else caller.address
    events.admit(who)
    return StreamingResponse(
        events.stream(who, last=last, job_id=job),
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
