"""For whatever watches the service: does it live, is it ready, how much does it do."""

from __future__ import annotations

import shutil
import time
from typing import Annotated, Literal, cast

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from medlens.serve.access.loopback import is_local
from medlens.serve.store.tables import bundles, jobs
from medlens.serve.web.errors import Problem
from medlens.serve.web.guard import caller_of
from medlens.serve.web.metrics import MEDIA_TYPE, Meter
from medlens.serve.web.state import Service, service_of

router = APIRouter(tags=["operation"])
PATIENCE_S = 60.0  # of a due job that nobody takes, before workers count as missing
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


class Health(BaseModel):
    """The process lives."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether work can be taken, and what is missing."""

    status: Literal["ready", "not ready"]
    reasons: list[str] = Field(description="what is missing; empty where ready")


@router.get("/healthz", response_model=Health)
def healthz() -> Health:
    """The process lives."""
    return Health()


@router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
def readyz(
    response: Response, service: Annotated[Service, Depends(service_of)]
) -> Readiness:
    """The index answers, the disk has room, and workers take jobs; 503 if not."""
    reasons = [*_disk(service), *_index(service)]
    response.status_code = 503 if reasons else 200
    return Readiness(status="not ready" if reasons else "ready", reasons=reasons)


def _disk(service: Service) -> list[str]:
    free = shutil.disk_usage(service.store.folder).free
    wanted = service.settings.limits.free_mb << 20
    if free >= wanted:
        return []
    return [f"disk: {free >> 20} MiB are free; wanted {wanted >> 20}"]


def _index(service: Service) -> list[str]:
    try:
        with service.store.read() as connection:
            return [*_bundles(connection), *_workers(connection)]
    except sa.exc.SQLAlchemyError:
        return ["index: does not answer"]


def _bundles(connection: sa.Connection) -> list[str]:
    found = connection.execute(
        sa.select(bundles.c.digest).where(bundles.c.role == "active").limit(1)
    ).first()
    return [] if found else ["bundles: none is active; start with one, or add one"]


def _workers(connection: sa.Connection) -> list[str]:
    """Workers are missed when due jobs wait for long while nobody holds any."""
    now = time.time()
    waits = connection.execute(
        sa.select(jobs.c.id)
        .where(
            jobs.c.state == "waiting",
            sa.func.max(jobs.c.run_after, jobs.c.created_at) < now - PATIENCE_S
            if connection.dialect.name == "sqlite"
            else sa.func.greatest(jobs.c.run_after, jobs.c.created_at)
            < now - PATIENCE_S,
        )
        .limit(1)
    ).first()
    held = connection.execute(
        sa.select(jobs.c.id)
        .where(jobs.c.state == "leased", jobs.c.leased_until > now)
        .limit(1)
    ).first()
    if waits is None or held is not None:
        return []
    return [f"workers: a job has been due for {PATIENCE_S:g} s and nobody takes it"]


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request) -> Response:
    """Figures for Prometheus: to this machine, or with the right to administer."""
    if not _is_here(request):
        caller = caller_of(request)
        if "administer" not in caller.rights:
            raise Problem(403, "this needs the right 'administer'", kind="forbidden")
    meter = cast(Meter, request.app.state.meter)
    return Response(meter.text(), media_type=MEDIA_TYPE)


def _is_here(request: Request) -> bool:
    """True for a program of this machine, not for what a proxy here passes on."""
    host = request.client.host if request.client else ""
    if any(name in request.headers for name in FORWARDED):
        return False
    return is_local(host) and is_local(request.url.hostname or "")
