"""When a study is ready: nothing new came for a while, so a job is made of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from medlens.serve.store.store import Store
from medlens.serve.store.tables import instances, jobs, series, studies
from medlens.serve.work.control import CANCELLED, hasten, revive
from medlens.serve.work.outcome import earlier_outcome
from medlens.serve.work.queue import enqueue

AT_ONCE = 20
STATES = {
    "waiting": "ready",
    "leased": "running",
    "parked": "failed",
    "cancelled": "refused",
}
"""State of a study by that of its job; one that is done has its outcome."""
ASKED_PRIORITY = 1000  # of an answer that a person waits for


@dataclass(frozen=True)
class Asked:
    """What became of a wish for an answer.

    Attributes:
        job_id: that answers it, or has answered it.
        is_new: False where the same images had their job already.
    """

    job_id: int
    is_new: bool


def digest_of(digests: Sequence[str]) -> str:
    """One digest for a set of instances, whatever their order."""
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


def inputs_digest(connection: sa.Connection, study_id: int) -> str:
    """Digest of all instances of a study that came from elsewhere; "" for none."""
    found = connection.execute(
        sa.select(instances.c.digest)
        .join(series, series.c.id == instances.c.series_id)
        .where(foreign(study_id))
    ).scalars()
    digests = list(found)
    return digest_of(digests) if digests else ""


def foreign(study_id: int) -> sa.ColumnElement[bool]:
    """Instances of a study that were not made here, joined with their series.

    A result of ours that a PACS sent back is none of them.
    """
    return sa.and_(
        instances.c.study_id == study_id,
        instances.c.origin != "own",
        series.c.is_own.is_(sa.false()),
    )


def make_ready(
    store: Store,
    *,
    quiet_s: float,
    rules_digest: str,
    attempts: int,
    now: float,
    priority_of: Callable[[sa.Connection, int], int] = lambda _, __: 0,
) -> int:
    """Turn studies that have been quiet into jobs; how many.

    One transaction moves a study on and makes its job, so that neither can be without
    the other. The job's key holds the digest of its images and of the rules: the same
    images never have a second one, a new image gives a new one.

    Args:
        store: where the studies are.
        quiet_s: without a new image.
        rules_digest: of rules and bundles, see `models`.
        attempts: of the job.
        now: seconds since 1970.
        priority_of: (connection, study) → priority of its job.
    """
    quiet = sa.and_(studies.c.state == "receiving", studies.c.last_at <= now - quiet_s)
    with store.read() as connection:  # so that idle workers take no lock
        if (
            connection.execute(sa.select(studies.c.id).where(quiet).limit(1)).first()
            is None
        ):
            return 0
    with store.begin() as connection:
        chosen = connection.execute(
            sa.select(studies.c.id)
            .where(quiet)
            .order_by(studies.c.last_at)
            .limit(AT_ONCE)
            .with_for_update(skip_locked=True)
        ).scalars()
        numbers = list(chosen)
        for study_id in numbers:
            _make_job(
                connection,
                study_id,
                rules_digest,
                attempts,
                priority_of(connection, study_id),
                now,
            )
    return len(numbers)


def ask(
    connection: sa.Connection,
    study_id: int,
    *,
    rules_digest: str,
    bundle: str = "",
    attempts: int = 3,
    now: float,
) -> Asked | None:
    """Answer a study now, without waiting for the quiet time.

    A job of the same images that was parked or cancelled starts over; one that waits
    is moved to the front; one that is done stands, since it would say the same again.

    Args:
        connection: of a writing transaction.
        study_id: our own number of the study.
        rules_digest: what decides the answer besides the images, see `models`; with
            `bundle` see `asked`.
        bundle: digest of the only one that shall look; "" for those of the rules.
        attempts: of the job.
        now: seconds since 1970.

    Returns:
        None where there is no such study, or no image in it.
    """
    # An image that comes at this moment waits, and then sets the study back; without
    # this PostgreSQL would let us say "ready" over its "receiving". Jobs come first, as
    # with whoever ends or cancels one, so that none waits for the other.
    for table, column in ((jobs, jobs.c.study_id), (studies, studies.c.id)):
        rows = sa.select(table.c.id).where(column == study_id).order_by(table.c.id)
        connection.execute(rows.with_for_update())
    digest = inputs_digest(connection, study_id)
    if not digest:
        return None
    key = key_of(study_id, digest, rules_digest)
    made = enqueue(
        connection,
        kind="answer",
        key=key,
        study_id=study_id,
        payload={"inputs": digest} | ({"bundle": bundle} if bundle else {}),
        priority=ASKED_PRIORITY,
        max_attempts=attempts,
        now=now,
    )
    if made is not None:
        _set_state(connection, study_id, "ready")
        return Asked(made, True)
    number = int(
        connection.execute(sa.select(jobs.c.id).where(jobs.c.key == key)).scalar_one()
    )
    is_revived = revive(connection, number, now=now)
    hasten(connection, number, priority=ASKED_PRIORITY)
    return Asked(number, is_revived)


def look_again(connection: sa.Connection, study_id: int) -> None:
    """A study that waits for an answer, and has no job that gives one, gets one.

    This happens where a job of images as they once were is started over: what the
    study's newest images are told by is decided anew, as after the quiet time.
    """
    works = sa.select(jobs.c.id).where(
        jobs.c.study_id == study_id,
        jobs.c.kind == "answer",
        jobs.c.state.in_(("waiting", "leased")),
    )
    connection.execute(
        sa.update(studies)
        .where(
            studies.c.id == study_id,
            studies.c.state.in_(("ready", "running")),
            ~works.exists(),
        )
        .values(state="receiving")
    )


def key_of(study_id: int, inputs: str, rules_digest: str) -> str:
    """Key of an answer's job."""
    return f"answer:{study_id}:{inputs}:{rules_digest}"


def _make_job(
    connection: sa.Connection,
    study_id: int,
    rules: str,
    attempts: int,
    priority: int,
    now: float,
) -> None:
    digest = inputs_digest(connection, study_id)
    if not digest:  # all that came was removed again
        _set_state(connection, study_id, "refused")
        return
    made = enqueue(
        connection,
        kind="answer",
        key=key_of(study_id, digest, rules),
        study_id=study_id,
        payload={"inputs": digest},
        priority=priority,
        max_attempts=attempts,
        now=now,
    )
    if made is not None:
        _set_state(connection, study_id, "ready")
        return
    # The same images as once before: what became of them stands.
    same = jobs.c.key == key_of(study_id, digest, rules)
    found = connection.execute(sa.select(jobs.c.state, jobs.c.error).where(same)).one()
    if found.state == "done":
        state, reason = earlier_outcome(connection, study_id, digest)
    else:
        is_cancelled = found.state == "cancelled"
        reason = CANCELLED if is_cancelled else found.error
        state = STATES[found.state]
    _set_state(connection, study_id, state, reason)


def _set_state(
    connection: sa.Connection, study_id: int, state: str, reason: str = ""
) -> None:
    connection.execute(
        sa.update(studies)
        .where(studies.c.id == study_id)
        .values(state=state, reason=reason)
    )
