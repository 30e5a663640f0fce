"""How the service is doing."""

from __future__ import annotations

import platform
import shutil
import time
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from medlens import __version__
from medlens.serve.access.caller import Caller
from medlens.serve.store.tables import conflicts, refusals, studies
from medlens.serve.web.guard import may
from medlens.serve.web.state import Service, service_of
from medlens.serve.work.control import count_jobs

router = APIRouter(prefix="/api/v1/status", tags=["operation"])
STARTED = time.time()
NOTICE = "Research software, not a medical device."


class Disk(BaseModel):
    """Where files lie."""

    free_bytes: int
    total_bytes: int
    wanted_free_bytes: int = Field(description="below it nothing more is taken")


class Versions(BaseModel):
    """What runs."""

    medlens: str
    python: str
    database: str


class StatusView(BaseModel):
    """Counts, disk and versions; nothing of a patient."""

    studies: dict[str, int] = Field(description="by state")
    jobs: dict[str, dict[str, int]] = Field(description="by kind and state")
    refusals: int
    conflicts: int
    disk: Disk
    versions: Versions
    is_demo: bool = Field(description="no account is needed")
    running_s: float
    notice: str


@router.get("", response_model=StatusView)
def read_status(
    service: Annotated[Service, Depends(service_of)],
    caller: Annotated[Caller, Depends(may("view"))],
) -> StatusView:
    """How the service is doing."""
    del caller
    with service.store.read() as connection:
        by_state = connection.execute(
            sa.select(studies.c.state, sa.func.count()).group_by(studies.c.state)
        ).all()
        counts = [
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()
            for table in (refusals, conflicts)
        ]
        queue = count_jobs(connection)
        database = ".".join(
            str(n) for n in connection.dialect.server_version_info or ()
        )
    usage = shutil.disk_usage(service.store.folder)
    return StatusView(
        studies={state: int(count) for state, count in by_state},
        jobs=queue,
        refusals=counts[0] or 0,
        conflicts=counts[1] or 0,
        disk=Disk(
            free_bytes=usage.free,
            total_bytes=usage.total,
            wanted_free_bytes=service.settings.limits.free_mb << 20,
        ),
        versions=Versions(
            medlens=__version__,
            python=platform.python_version(),
            database=f"{service.store.engine.dialect.name} {database}".strip(),
        ),
        is_demo=service.settings.demo,
        running_s=round(time.time() - STARTED, 1),
        notice=NOTICE,
    )
