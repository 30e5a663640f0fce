"""Rows of a signed version's files, and the job that makes what could not be made."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, Literal

import sqlalchemy as sa

from medlens.serve.store.index import add_row
from medlens.serve.store.tables import jobs, reading_objects
from medlens.serve.work.control import revive
from medlens.serve.work.inputs import Study
from medlens.serve.work.objects import DICOM
from medlens.serve.work.queue import enqueue
from medlens.serve.work.report_objects import MEDIA_TYPES, ReportFile
from medlens.serve.work.results import own_row

FilesState = Literal["none", "whole", "owed", "lacking"]
JOB = "report"
ATTEMPTS = 12  # with growing pauses: some hours
PRIORITY = 20  # a signature waits for it; it takes a second


def add_files(
    connection: sa.Connection,
    study: Any,
    version: Any,
    files: Sequence[ReportFile],
    digests: Sequence[str],
    *,
    now: float,
) -> None:
    """Index the files of a version, instances among them.

    Args:
        connection: of `Store.begin`.
        study: row of `studies`.
        version: row of `reports`.
        files, digests: what was made, and its names in the store; durable.
        now: seconds since 1970.
    """
    about = Study(
        study.id, study.study_uid, study.patient_id, study.issuer, study.study_date,
        study.site, (),
    )  # fmt: skip
    for file, digest in zip(files, digests, strict=True):
        row = None
        if file.media_type == DICOM:
            row = own_row(file.data, digest, about, now)
            add_row(connection, row)
        connection.execute(
            sa.insert(reading_objects).values(
                study_id=study.id,
                result_id=version.result_id,
                report_id=version.id,
                kind=file.kind,
                key=f"report:{version.id}:{file.kind}",
                media_type=file.media_type,
                digest=digest,
                bytes=len(file.data),
                sop_uid=row.instance["sop_uid"] if row else "",
                user_id=version.user_id,
                made_at=now,
            )
        )


def owe_files(
    connection: sa.Connection, version: Any, *, newest_result: int | None, now: float
) -> None:
    """Let the files of a version be made that could not be made when it was signed.

    Args:
        connection: of the transaction that keeps the version.
        version: row of `reports`.
        newest_result: as its other files tell it.
        now: seconds since 1970.
    """
    enqueue(
        connection,
        kind=JOB,
        key=_key(version.id),
        study_id=version.study_id,
        payload={"report": version.id, "newest": newest_result},
        priority=PRIORITY,
        max_attempts=ATTEMPTS,
        now=now,
    )


def ask_for_files(connection: sa.Connection, version: Any, *, now: float) -> int | None:
    """Number of the job that makes what a version lacks: an open one, or a new one.

    None where another request makes it at this moment.

    Args:
        connection: of `Store.begin`.
        version: row of `reports`, signed.
        now: seconds since 1970.
    """
    before = _job_of(connection, version.id)
    if before is not None and before.state != "done":
        if not revive(connection, before.id, now=now):
            due = sa.update(jobs).where(
                jobs.c.id == before.id, jobs.c.state == "waiting"
            )
            connection.execute(due.values(run_after=0.0))
        return int(before.id)
    key = _key(version.id)
    return enqueue(
        connection,
        kind=JOB,
        key=key if before is None else f"{key}:{secrets.token_hex(8)}",
        study_id=version.study_id,
        payload={"report": version.id},
        priority=PRIORITY,
        max_attempts=ATTEMPTS,
        now=now,
    )


def kept_files(connection: sa.Connection, report_id: int) -> dict[str, str]:
    """Kind of each file of a version → its digest."""
    rows = connection.execute(
        sa.select(reading_objects.c.kind, reading_objects.c.digest).where(
            reading_objects.c.report_id == report_id
        )
    )
    return {row.kind: row.digest for row in rows}


def files_state(connection: sa.Connection, version: Any) -> FilesState:
    """How it stands with the files of a version.

    Returns:
        "none" without a signature, "whole" where all are kept, "owed" where those that
        are missing are being made, "lacking" where they are not.
    """
    if not version.is_signed:
        return "none"
    if set(MEDIA_TYPES) <= set(kept_files(connection, version.id)):
        return "whole"
    job = _job_of(connection, version.id)
    return "owed" if job is not None and job.state in _OPEN else "lacking"


_OPEN = ("waiting", "leased")


def _key(report_id: int) -> str:
    return f"{JOB}:{report_id}"


def _job_of(connection: sa.Connection, report_id: int) -> Any:
    """The newest job that makes files of a version."""
    key = _key(report_id)
    is_of = sa.or_(jobs.c.key == key, jobs.c.key.startswith(f"{key}:", autoescape=True))
    return connection.execute(
        sa.select(jobs.c.id, jobs.c.state)
        .where(jobs.c.kind == JOB, is_of)
        .order_by(jobs.c.id.desc())
        .limit(1)
    ).first()
