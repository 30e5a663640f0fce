"""Whether a destination is there."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from medlens.core import MedlensError
from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import record
from medlens.serve.send.echo import echo_peer
from medlens.serve.web.api.destinations import peer_named
from medlens.serve.web.api.fields import TEXT
from medlens.serve.web.guard import may
from medlens.serve.web.state import Service, service_of

router = APIRouter(prefix="/api/v1/destinations", tags=["destinations"])


class EchoView(BaseModel):
    """Whether a destination answers."""

    answers: bool
    reason: str = Field(description="why not, else empty")
    ms: float = Field(description="until it answered or failed")


@router.post("/{name}/echo", response_model=EchoView)
def echo(
    name: Annotated[str, Path(max_length=64, pattern=TEXT, examples=["pacs"])],
    service: Annotated[Service, Depends(service_of)],
    caller: Annotated[Caller, Depends(may("administer"))],
) -> EchoView:
    """Ask a destination whether it is there (C-ECHO, or a question to its URL).

    Only destinations of the settings are asked: no address comes from the caller.
    """
    peer = peer_named(service, name)
    record(service.store, caller, "test destination", detail={"destination": name})
    start, reason = time.perf_counter(), ""
    try:
        echo_peer(peer, ae_title=service.settings.ae_title)
    except MedlensError as error:
        reason = str(error)
    ms = round((time.perf_counter() - start) * 1000, 1)
    return EchoView(answers=not reason, reason=reason, ms=ms)
