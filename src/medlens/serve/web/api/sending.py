"""The job that sends something to a destination."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from medlens.serve.store.tables import jobs
from medlens.serve.web.errors import Problem
from medlens.serve.work.control import revive
from medlens.serve.work.queue import enqueue
from medlens.serve.work.results import SEND_ATTEMPTS


def sending_job(
    connection: sa.Connection, key: str, *, study_id: int, payload: Mapping[str, Any]
) -> int:
    """Number of the job that sends: one that has not ended, or a new one.

    Args:
        connection: of `Store.begin`.
        key: what is sent where.
        study_id: our own number of the study.
        payload: of the job.

    Raises:
        Problem: 409, another request makes it now.
    """
    now = time.time()
    before = connection.execute(
        sa.select(jobs.c.id, jobs.c.state)
        .where(jobs.c.kind == "send", jobs.c.study_id == study_id)
        .where(
            sa.or_(jobs.c.key == key, jobs.c.key.startswith(f"{key}:", autoescape=True))
        )
        .order_by(jobs.c.id.desc())
        .limit(1)
    ).first()
    if before is not None and before.state != "done":
        revive(connection, before.id, now=now)
        return int(before.id)
    made = enqueue(
        connection,
        kind="send",
        key=key if before is None else f"{key}:{secrets.token_hex(8)}",
        study_id=study_id,
        payload=payload,
        max_attempts=SEND_ATTEMPTS,
        now=now,
    )
    if made is None:
        raise Problem(409, "another request is sending it now; look at its job")
    return made
