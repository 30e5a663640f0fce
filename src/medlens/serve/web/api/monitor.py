"""How the bundles do: readers' agreement, drift and its alarms."""

from __future__ import annotations

import time
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import record
from medlens.serve.monitor.agreement import measure_agreement
from medlens.serve.monitor.alarms import list_looks, mark_seen, start_anew
from medlens.serve.monitor.looks import FALSE_ALARMS
from medlens.serve.monitor.promotion import list_promotions
from medlens.serve.web.api.fields import LARGEST, Digest, Strict, Text, moment
from medlens.serve.web.api.monitor_models import (
    Anew,
    BaselineView,
    LookView,
    MonitorView,
    Month,
    PromotionView,
    Seen,
    view_of_agreement,
    view_of_look,
    view_of_promotion,
)
from medlens.serve.web.errors import Problem
from medlens.serve.web.guard import may
from medlens.serve.web.idempotency import OnceOnly
from medlens.serve.web.state import Service, service_of

router = APIRouter(prefix="/api/v1/monitor", tags=["monitor"])
LookNumber = Annotated[int, Path(ge=1, le=LARGEST, description="`id` of the alarm")]
SHOWN_MONTHS = 3
MOST_LOOKS = 200


class MonitorQuery(Strict):
    """What to tell of; all that are given must hold."""

    bundle: Digest | None = None
    site: Text | None = Field(None, description="empty for studies that name none")
    month: list[Month] = Field(
        [], max_length=24, description="for agreement; the last three by default"
    )


@router.get("", response_model=MonitorView)
def read_monitor(
    query: Annotated[MonitorQuery, Query()],
    service: Annotated[Service, Depends(service_of)],
    caller: Annotated[Caller, Depends(may("view"))],
) -> MonitorView:
    """Agreement by bundle, site and month, looks for drift, and open alarms.

    Counts and shares alone; nothing of a single patient.
    """
    del caller
    months = query.month or _last_months(time.time())
    bundle, site = query.bundle or "", query.site
    with service.store.read() as connection:
        alarms, looks = (
            list_looks(
                connection, bundle=bundle, site=site, is_open=is_open, limit=MOST_LOOKS
            )
            for is_open in (True, False)
        )
        agreement = measure_agreement(
            connection, bundle=bundle, site=site, months=months
        )
    return MonitorView(
        false_alarms=FALSE_ALARMS,
        open_alarms=[view_of_look(each) for each in alarms],
        looks=[view_of_look(each) for each in looks],
        agreement=[view_of_agreement(each) for each in agreement],
        months=months,
    )


@router.get("/promotions", response_model=list[PromotionView])
def read_promotions(
    service: Annotated[Service, Depends(service_of)],
    caller: Annotated[Caller, Depends(may("view"))],
) -> list[PromotionView]:
    """The last hundred promotions of bundles, the newest first."""
    del caller
    with service.store.read() as connection:
        return [view_of_promotion(each) for each in list_promotions(connection)]


@router.post("/alarms/{number}/seen", response_model=LookView)
def see_alarm(
    number: LookNumber,
    said: Seen,
    once: OnceOnly,
    caller: Annotated[Caller, Depends(may("read"))],
) -> JSONResponse:
    """A person has seen an alarm; it is no longer open."""

    def deed(connection: sa.Connection) -> tuple[int, BaseModel]:
        look = mark_seen(
            connection, number, reader=caller.user_id, note=said.note, now=time.time()
        )
        if look is None:
            raise Problem(404, f"there is no alarm {number}")
        record(connection, caller, "see alarm", detail={"alarm": number})
        return 200, view_of_look(look)

    return once.run(caller, deed)


@router.post("/baselines", status_code=201, response_model=BaselineView)
def start_baseline(
    wanted: Anew,
    once: OnceOnly,
    caller: Annotated[Caller, Depends(may("administer"))],
) -> JSONResponse:
    """Let the answers from now on be the reference, since something was changed."""

    def deed(connection: sa.Connection) -> tuple[int, BaseModel]:
        now = time.time()
        made = start_anew(
            connection,
            bundle=wanted.bundle,
            site=wanted.site,
            reason=wanted.reason,
            reader=caller.user_id,
            now=now,
        )
        detail = {"bundle": wanted.bundle, "baseline": made}
        record(connection, caller, "start baseline", detail=detail)
        return 201, BaselineView(
            id=made,
            bundle=wanted.bundle,
            site=wanted.site,
            starts_at=moment(now),
            reason=wanted.reason,
        )

    return once.run(caller, deed)


def _last_months(now: float) -> list[str]:
    year, month = time.gmtime(now)[:2]
    count = year * 12 + month - 1
    return [
        f"{each // 12:04d}-{each % 12 + 1:02d}"
        for each in range(count, count - SHOWN_MONTHS, -1)
    ]
