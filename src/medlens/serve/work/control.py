"""What people do to jobs: look, cancel, try again."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from medlens.serve.store.tables import evaluations, jobs, studies

ENDED = ("done", "cancelled")


@dataclass(frozen=True)
class AskedBy:
    """Whose a job is.

    Attributes:
        what: "export" or "evaluation".
        user_id: who asked for it, None for the guest of a demo.
    """

    what: str
    user_id: int | None


def asked_by(connection: sa.Connection, job_id: int) -> AskedBy | None:
    """Whose a job is; None where it is everybody's, or not there."""
    row = connection.execute(
        sa.select(jobs.c.kind, jobs.c.payload, evaluations.c.user_id)
        .join(evaluations, evaluations.c.job_id == jobs.c.id, isouter=True)
        .where(jobs.c.id == job_id)
    ).first()
    if row is None or row.kind not in ("export", "evaluate"):
        return None
    if row.kind == "evaluate":
        return AskedBy("evaluation", row.user_id)
    return AskedBy("export", row.payload.get("user_id"))


def cancel(connection: sa.Connection, job_id: int, *, now: float) -> bool:
    """Take a job out; what a worker makes of it meanwhile is refused.

    Returns:
        False where there is no such job, or it has ended.
    """
    done = connection.execute(
        sa.update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state.not_in(ENDED))
        .values(
            state="cancelled",
            fence=jobs.c.fence + 1,
            leased_until=None,
            finished_at=now,
        )
        .returning(jobs.c.kind, jobs.c.study_id)
    ).first()
    if done is not None and done.kind == "answer":
        _move(connection, done.study_id, ("ready", "running"), "refused", CANCELLED)
    return done is not None


CANCELLED = "the answer was cancelled; ask for it again if it is wanted"


def revive(connection: sa.Connection, job_id: int, *, now: float) -> bool:
    """Let a parked or cancelled job start over, with all its attempts.

    Returns:
        False where there is no such job, or it is neither.
    """
    done = connection.execute(
        sa.update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state.in_(("parked", "cancelled")))
        .values(
            state="waiting",
            attempts=0,
            run_after=now,
            progress=0.0,
            error="",
            finished_at=None,
        )
        .returning(jobs.c.kind, jobs.c.study_id)
    ).first()
    if done is not None and done.kind == "answer":
        _move(connection, done.study_id, ("failed", "refused"), "ready", "")
    return done is not None


def hasten(connection: sa.Connection, job_id: int, *, priority: int) -> bool:
    """Let a waiting job be taken before others of a lower priority."""
    done = connection.execute(
        sa.update(jobs)
        .where(jobs.c.id == job_id, jobs.c.state == "waiting")
        .values(priority=priority, run_after=0.0)
    )
    return done.rowcount == 1


def count_jobs(connection: sa.Connection) -> dict[str, dict[str, int]]:
    """Kind → state → how many."""
    rows = connection.execute(
        sa.select(jobs.c.kind, jobs.c.state, sa.func.count()).group_by(
            jobs.c.kind, jobs.c.state
        )
    )
    found: dict[str, dict[str, int]] = {}
    for kind, state, count in rows:
        found.setdefault(kind, {})[state] = int(count)
    return found


def _move(
    connection: sa.Connection,
    study_id: int | None,
    before: tuple[str, ...],
    state: str,
    reason: str,
) -> None:
    if study_id is not None:
        connection.execute(
            sa.update(studies)
            .where(studies.c.id == study_id, studies.c.state.in_(before))
            .values(state=state, reason=reason)
        )
