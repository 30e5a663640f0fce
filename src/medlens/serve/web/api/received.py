"""What came and was not taken, or not as what it says it is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from medlens.serve.access.caller import Caller
from medlens.serve.store.tables import conflicts, instances, refusals
from medlens.serve.web.api.fields import moment
from medlens.serve.web.api.paging import Page, Paged, link_next, read_page
from medlens.serve.web.guard import may
from medlens.serve.web.state import Service, service_of

router = APIRouter(prefix="/api/v1", tags=["received"])
ServiceHere = Annotated[Service, Depends(service_of)]
Reader = Annotated[Caller, Depends(may("read"))]


class RefusalView(BaseModel):
    """Something that was not taken; its bytes were not kept."""

    id: int
    received_at: datetime
    origin: str = Field(description="dicom, stow or upload")
    peer: str = Field(description="who sent it")
    case: str = Field(description="local key of the thing among what was sent")
    reason: str


class ConflictView(BaseModel):
    """Another instance under a UID that is taken; its bytes are kept aside."""

    id: int
    received_at: datetime
    origin: str
    peer: str
    study_id: int = Field(description="of the instance that has the UID")
    bytes: int
    reason: str


class RefusalPage(Page[RefusalView]):
    """One page of refusals, the newest first."""


class ConflictPage(Page[ConflictView]):
    """One page of conflicts, the newest first."""


@router.get("/refusals", response_model=RefusalPage)
def list_refusals(
    request: Request,
    response: Response,
    query: Annotated[Paged, Query()],
    service: ServiceHere,
    caller: Reader,
) -> RefusalPage:
    """What was refused, with the reason that its sender was given."""
    del caller
    wanted = sa.select(refusals)
    with service.store.read() as connection:
        rows, cursor = read_page(connection, wanted, refusals.c.id, query)
    link_next(request, response, cursor)
    items = [
        RefusalView(
            id=row.id,
            received_at=moment(row.received_at),
            origin=row.origin,
            peer=row.peer,
            case=row.case,
            reason=row.reason,
        )
        for row in rows
    ]
    return RefusalPage(items=items, next=cursor)


@router.get("/conflicts", response_model=ConflictPage)
def list_conflicts(
    request: Request,
    response: Response,
    query: Annotated[Paged, Query()],
    service: ServiceHere,
    caller: Reader,
) -> ConflictPage:
    """Instances that came under a UID that another instance has."""
    del caller
    wanted = sa.select(conflicts, instances.c.study_id).join(
        instances, instances.c.id == conflicts.c.instance_id
    )
    with service.store.read() as connection:
        rows, cursor = read_page(connection, wanted, conflicts.c.id, query)
    link_next(request, response, cursor)
    items = [
        ConflictView(
            id=row.id,
            received_at=moment(row.received_at),
            origin=row.origin,
            peer=row.peer,
            study_id=row.study_id,
            bytes=row.bytes,
            reason=row.reason,
        )
        for row in rows
    ]
    return ConflictPage(items=items, next=cursor)
