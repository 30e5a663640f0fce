"""Jobs that survive whoever works on them: a table of leases.

A job is leased for a while, renewed while it is worked on, and taken over when its
lease runs out. Every lease has a number of its own, the fence: what was made under an
older one is refused, so that a worker that was only slow, and not dead, cannot write
a second result. After the last attempt a job is parked with its error.

The clocks of the machines that share a database need to agree within a fraction of
the lease; where they do not, work is done twice and still written once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from medlens.core import MedlensError
from medlens.serve.store.store import Store
from medlens.serve.store.tables import jobs, studies

FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 3600.0
LONGEST_ERROR = 2000
DIED = (
    "the process that worked on it ended {count} times without an answer (killed, out "
    "of memory, or crashed); see its log, then try again"
)


class LostLeaseError(MedlensError):
    """The job was taken over, cancelled or removed meanwhile: write nothing of it."""


@dataclass(frozen=True)
class Job:
    """A leased job.

    Attributes:
        id: in the table.
        kind: "answer", "send", …
        key: what it is about.
        study_id: our own number of the study, or None.
        payload: what else the work needs.
        attempts, max_attempts: with this one; when it is parked.
        fence: number of this lease.
        created_at: when it was asked for.
        priority: higher ones are leased first.
    """

    id: int
    kind: str
    key: str
    study_id: int | None
    payload: dict[str, Any] = field(repr=False)
    attempts: int
    max_attempts: int
    fence: int
    created_at: float
    priority: int = 0

    @property
    def is_last_attempt(self) -> bool:
        """True when a failure parks it."""
        return self.attempts >= self.max_attempts


def enqueue(
    connection: sa.Connection,
    *,
    kind: str,
    key: str,
    study_id: int | None = None,
    payload: Mapping[str, Any] | None = None,
    priority: int = 0,
    run_after: float = 0.0,
    max_attempts: int = 3,
    now: float,
) -> int | None:
    """Add a job and return its number; None where the key is there already.

    Args:
        connection: of a writing transaction: the job is there when it commits.
        kind: who does it.
        key: the same key twice is one job, for ever; at most 200 characters.
        study_id, payload: what it is about.
        priority: higher ones are leased first, then the oldest.
        run_after: moment before which it waits.
        max_attempts: before it is parked.
        now: seconds since 1970.
    """
    statement = (
        insert_into(connection, jobs)
        .values(
            kind=kind,
            key=key,
            study_id=study_id,
            payload=dict(payload or {}),
            priority=priority,
            run_after=run_after,
            max_attempts=max_attempts,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(jobs.c.id)
    )
    found = connection.execute(statement).scalar_one_or_none()
    return None if found is None else int(found)


def insert_into(connection: sa.Connection, table: sa.Table) -> Any:
    """An insert that knows ON CONFLICT, which is each database's own."""
    kind = sqlite if connection.dialect.name == "sqlite" else postgresql
    return kind.insert(table)


def lease(
    store: Store, *, worker: str, kinds: Sequence[str], lease_s: float, now: float
) -> Job | None:
    """Take the next job that is due, or None.

    Jobs whose lease ran out are waiting again, or parked after their last attempt.

    Args:
        store: where the table is.
        worker: who takes it.
        kinds: which it can do.
        lease_s: how long nobody else takes it.
        now: seconds since 1970.
    """
    with store.read() as connection:  # so that idle workers take no lock
        if not _is_work(connection, kinds, now):
            return None
    with store.begin() as connection:
        _take_back(connection, now)
        chosen = _next(connection, kinds, now)
        if chosen is None:
            return None
        connection.execute(
            sa.update(jobs)
            .where(jobs.c.id == chosen.id)
            .values(
                state="leased",
                worker=worker[:64],
                fence=jobs.c.fence + 1,
                attempts=jobs.c.attempts + 1,
                leased_until=now + lease_s,
                started_at=now,
                progress=0.0,
            )
        )
        return Job(
            id=chosen.id,
            kind=chosen.kind,
            key=chosen.key,
            study_id=chosen.study_id,
            payload=chosen.payload,
            attempts=chosen.attempts + 1,
            max_attempts=chosen.max_attempts,
            fence=chosen.fence + 1,
            created_at=chosen.created_at,
            priority=chosen.priority,
        )


def renew(
    store: Store, job: Job, *, lease_s: float, now: float, progress: float | None = None
) -> bool:
    """Keep a job for longer; False where it is no longer ours.

    Args:
        store, job: the job as leased.
        lease_s: from now on.
        now: seconds since 1970.
        progress: 0..1, to be shown; None leaves it.
    """
    values: dict[str, Any] = {"leased_until": now + lease_s}
    if progress is not None:
        values["progress"] = min(max(progress, 0.0), 1.0)
    with store.begin() as connection:
        return _update(connection, job, values)


def hold(connection: sa.Connection, job: Job) -> None:
    """Make sure, until the transaction ends, that a job is still ours.

    Raises:
        LostLeaseError: it is not.
    """
    if not _update(connection, job, {"fence": job.fence}):
        raise _lost(job)


def finish(connection: sa.Connection, job: Job, *, now: float) -> None:
    """The job is done: in the same transaction as what came of it.

    Raises:
        LostLeaseError: it is no longer ours; nothing of the transaction may stay.
    """
    values = {
        "state": "done",
        "leased_until": None,
        "finished_at": now,
        "progress": 1.0,
        "error": "",
    }
    if not _update(connection, job, values):
        raise _lost(job)


def fail(
    connection: sa.Connection,
    job: Job,
    error: str,
    *,
    now: float,
    is_final: bool = False,
) -> bool:
    """Put a job back for another attempt, or park it; True where it was parked.

    Args:
        connection: of a writing transaction.
        job: as leased.
        error: in our own words; no name, number, date or UID of a patient.
        now: seconds since 1970.
        is_final: another attempt would end the same way.

    Raises:
        LostLeaseError: it is no longer ours.
    """
    is_parked = is_final or job.is_last_attempt
    values: dict[str, Any] = {
        "state": "parked" if is_parked else "waiting",
        "error": error[:LONGEST_ERROR],
        "leased_until": None,
        "run_after": now + pause_s(job.attempts),
    }
    if is_parked:
        values["finished_at"] = now
    if not _update(connection, job, values):
        raise _lost(job)
    if is_parked:
        mark_failed(connection, job.kind, job.study_id, error)
    return is_parked


def step_back(connection: sa.Connection, job: Job) -> bool:
    """Let all that was tried less often go before a job, from its next attempt on."""
    return _update(connection, job, {"priority": job.priority - 1})


def release(connection: sa.Connection, job: Job, *, now: float) -> bool:
    """Hand a job back that was hardly begun: the attempt does not count."""
    values = {
        "state": "waiting",
        "leased_until": None,
        "run_after": now,
        "attempts": job.attempts - 1,
    }
    return _update(connection, job, values)


def pause_s(attempts: int) -> float:
    """Seconds until the next attempt: 2, 4, 8, … up to an hour."""
    return min(FIRST_PAUSE_S * 2.0 ** min(attempts - 1, 20), LONGEST_PAUSE_S)


def mark_failed(
    connection: sa.Connection, kind: str, study_id: int | None, error: str
) -> None:
    """A study whose answer was parked has failed, unless more images came since."""
    if kind != "answer" or study_id is None:
        return
    connection.execute(
        sa.update(studies)
        .where(studies.c.id == study_id, studies.c.state.in_(("ready", "running")))
        .values(state="failed", reason=error[:LONGEST_ERROR])
    )


def _update(connection: sa.Connection, job: Job, values: dict[str, Any]) -> bool:
    """Change a job under its newest lease alone."""
    done = connection.execute(
        sa.update(jobs)
        .where(
            jobs.c.id == job.id,
            jobs.c.fence == job.fence,
            jobs.c.state == "leased",
        )
        .values(**values)
    )
    return done.rowcount == 1


def _lost(job: Job) -> LostLeaseError:
    return LostLeaseError(
        f"job {job.id}: was taken over, cancelled or removed while it was worked on; "
        "what was made of it is dropped"
    )


def _due(kinds: Sequence[str], now: float) -> sa.ColumnElement[bool]:
    return sa.and_(
        jobs.c.state == "waiting", jobs.c.run_after <= now, jobs.c.kind.in_(kinds)
    )


def _ran_out(now: float) -> sa.ColumnElement[bool]:
    return sa.and_(jobs.c.state == "leased", jobs.c.leased_until <= now)


def _is_work(connection: sa.Connection, kinds: Sequence[str], now: float) -> bool:
    for where in (_ran_out(now), _due(kinds, now)):
        if connection.execute(sa.select(jobs.c.id).where(where).limit(1)).first():
            return True
    return False


def _take_back(connection: sa.Connection, now: float) -> None:
    """Jobs of workers that died are waiting again, or parked."""
    chosen = (
        sa.select(jobs.c.id, jobs.c.kind, jobs.c.study_id, jobs.c.attempts)
        .add_columns(jobs.c.max_attempts)
        .where(_ran_out(now))
        .order_by(jobs.c.id)
        .limit(100)
        .with_for_update(skip_locked=True)
    )
    for row in connection.execute(chosen).all():
        values: dict[str, Any] = {"state": "waiting", "leased_until": None}
        if row.attempts >= row.max_attempts:
            error = DIED.format(count=row.attempts)
            values |= {"state": "parked", "error": error, "finished_at": now}
            mark_failed(connection, row.kind, row.study_id, error)
        connection.execute(sa.update(jobs).where(jobs.c.id == row.id).values(**values))


def _next(connection: sa.Connection, kinds: Sequence[str], now: float) -> Any:
    """The oldest due job of the highest priority that nobody else is taking.

    Two walks along the index of state, priority and number, instead of a sort of all
    that waits: ten thousand waiting jobs cost the same as ten.
    """
    below: sa.ColumnElement[bool] = sa.true()
    while True:
        highest = connection.execute(
            sa.select(jobs.c.priority)
            .where(_due(kinds, now), below)
            .order_by(jobs.c.priority.desc())
            .limit(1)
        ).scalar_one_or_none()
        if highest is None:
            return None
        row = connection.execute(
            sa.select(jobs)
            .where(_due(kinds, now), jobs.c.priority == highest)
            .order_by(jobs.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).first()
        if row is not None:
            return row
        below = jobs.c.priority < highest
