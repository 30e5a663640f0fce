"""What readers say of findings."""

from __future__ import annotations

import time
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import record
from medlens.serve.monitor.feedback import (
    Correction,
    Plane,
    Word,
    last_words,
    read_words,
    say,
)
from medlens.serve.store.tables import results, users
from medlens.serve.web.api.fields import ResultNumber
from medlens.serve.web.api.monitor_models import Judgement, WordView, view_of_word
from medlens.serve.web.errors import Problem
from medlens.serve.web.guard import GUEST, may
from medlens.serve.web.idempotency import OnceOnly
from medlens.serve.web.notes import note_look
from medlens.serve.web.state import Service, service_of
from medlens.write.document import from_document

router = APIRouter(prefix="/api/v1/results", tags=["monitor"])


@router.post("/{result}/feedback", status_code=201, response_model=WordView)
def give_feedback(
    result: ResultNumber,
    said: Judgement,
    once: OnceOnly,
    caller: Annotated[Caller, Depends(may("read"))],
) -> JSONResponse:
    """Accept, reject or correct one finding, or add one that the bundle missed.

    The last word of each reader on each finding counts.
    """
    box, image = said.box, said.image
    correction = Correction(
        said.label,
        (box.left, box.top, box.right, box.bottom) if box else None,
        said.mask,
        Plane(image.sop_uid, image.frame) if image else None,
    )

    def deed(connection: sa.Connection) -> tuple[int, BaseModel]:
        row = _row(connection, result)
        word = say(
            connection,
            result=result,
            study_id=row.study_id,
            diagnosis=from_document(row.diagnosis),
            assessment=said.assessment,
            finding=said.finding,
            verdict=said.verdict,
            correction=correction,
            comment=said.comment,
            reader=caller.user_id,
            now=time.time(),
        )
        record(
            connection,
            caller,
            "judge finding",
            study_id=row.study_id,
            detail={
                "result": result,
                "assessment": said.assessment,
                "finding": word.finding,
                "verdict": said.verdict,
            },
        )
        return 201, view_of_word(word, counts=True, reader=caller.name)

    return once.run(caller, deed)


@router.get("/{result}/feedback", response_model=list[WordView])
def list_feedback(
    result: ResultNumber,
    service: Annotated[Service, Depends(service_of)],
    caller: Annotated[Caller, Depends(may("view"))],
) -> list[WordView]:
    """Every word on a result, the oldest first."""
    with service.store.read() as connection:
        row = _row(connection, result)
        words = read_words(connection, [result])
        names = _reader_names(connection, words)
    note_look(service, caller, "view feedback", row.study_id, result=result)
    counting = {word.id for word in last_words(words)}
    return [
        view_of_word(
            word, counts=word.id in counting, reader=names.get(word.reader, "")
        )
        for word in words
    ]


def _reader_names(
    connection: sa.Connection, words: list[Word]
) -> dict[int | None, str]:
    """Number of a reader → their name; the guest of a demo has no number."""
    wanted = {word.reader for word in words if word.reader is not None}
    rows = connection.execute(
        sa.select(users.c.id, users.c.name).where(users.c.id.in_(wanted))
    )
    return {None: GUEST, **{int(number): str(name) for number, name in rows}}


def _row(connection: sa.Connection, result: int) -> Any:
    row = connection.execute(
        sa.select(results).where(results.c.id == result, results.c.role == "active")
    ).first()
    if row is None:
        raise Problem(404, f"there is no result {result}; it may have been removed")
    return row
