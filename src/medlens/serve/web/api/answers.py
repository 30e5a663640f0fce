"""Ask for the answer of a study now."""

from __future__ import annotations

import time
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import record
from medlens.serve.web.api.fields import StudyNumber
from medlens.serve.web.api.job_models import JobView
from medlens.serve.web.api.jobs import job_view
from medlens.serve.web.api.studies import study_row
from medlens.serve.web.api.work_key import active_named, current_work_digest
from medlens.serve.web.errors import Problem
from medlens.serve.web.guard import may
from medlens.serve.web.idempotency import OnceOnly
from medlens.serve.web.state import Service, service_of
from medlens.serve.work.asked import asked_digest
from medlens.serve.work.ready import ask

router = APIRouter(prefix="/api/v1/studies", tags=["studies"])


class Wish(BaseModel):
    """What shall answer."""

    model_config = ConfigDict(extra="forbid")

    bundle: str | None = Field(
        None,
        min_length=1,
        max_length=64,
        description="name, or 8 or more digits of the digest, of an active bundle: it "
        "looks at all that its form fits, whatever the rules say",
    )


class Asked(BaseModel):
    """The job that answers a study."""

    job: JobView
    is_new: bool = Field(
        description="false where the same images had their job already under the same "
        "rules and bundles: it would say the same again"
    )


@router.post("/{study}/answers", status_code=202, response_model=Asked)
def ask_for_answer(
    study: StudyNumber,
    once: OnceOnly,
    service: Annotated[Service, Depends(service_of)],
    caller: Annotated[Caller, Depends(may("read"))],
    wish: Wish | None = None,
) -> JSONResponse:
    """Answer a study now, before others and without waiting for the quiet time.

    A job of the same images that was parked or cancelled starts over.
    """
    bundle = _wanted(service, wish)
    digest = asked_digest(bundle) if bundle else current_work_digest(service)

    def deed(connection: sa.Connection) -> tuple[int, BaseModel]:
        study_row(connection, study)
        asked = ask(
            connection,
            study,
            rules_digest=digest,
            bundle=bundle,
            attempts=service.settings.attempts,
            now=time.time(),
        )
        if asked is None:
            raise Problem(409, f"study {study} has no image; send some first")
        record(
            connection,
            caller,
            "ask for answer",
            study_id=study,
            detail={"job": asked.job_id} | ({"bundle": bundle} if bundle else {}),
        )
        job = job_view(connection, asked.job_id)
        return 202, Asked(job=job, is_new=asked.is_new)

    return once.run(caller, deed)


def _wanted(service: Service, wish: Wish | None) -> str:
    """Digest of the bundle that is wished for, "" where none is."""
    if wish is None or wish.bundle is None:
        return ""
    found = active_named(service, wish.bundle)
    if found is None:
        raise Problem(
            409,
            f"bundle {wish.bundle!r} is not at work; see GET /api/v1/bundles for those "
            "that are active",
        )
    return found
