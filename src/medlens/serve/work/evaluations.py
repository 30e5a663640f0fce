"""A job of kind "evaluate": a bundle looks at an uploaded set with labels.

It runs what `medlens evaluate` runs. The page is durable first; then one transaction
ends the job and keeps the figures. The set goes with its job, whichever way that ends.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from medlens.core import DataError
from medlens.serve.receive.archive import ArchiveError
from medlens.serve.receive.committer import Committer
from medlens.serve.store.files import free_files
from medlens.serve.store.store import Store
from medlens.serve.store.tables import bundles, evaluations, jobs
from medlens.serve.work.answer import Workplace
from medlens.serve.work.evaluation_process import REPORT_NAME, Given, run_beside
from medlens.serve.work.evaluation_set import (
    find_data,
    find_table,
    remove_folder,
    unpack_set,
)
from medlens.serve.work.heartbeat import Heartbeat
from medlens.serve.work.queue import Job, LostLeaseError, enqueue, finish, hold
from medlens.serve.work.refusal import FinalError

FOLDER = "evaluating"
SET = "uploaded set"  # as the page calls the data
LOW = -30  # beside exports, which somebody waits for
MOST_WAITING = 20
"""Each holds an archive."""
MOST_FAILED = 1000  # listed
UNPACKED = 0.05  # progress when the set is unpacked
LOOK_S = 2.0  # how often a cancelled job is noticed
ENDED = ("done", "parked", "cancelled")
KEPT = (
    "n_cases", "n_unlabelled", "n_patients", "unit", "counted", "n_groups", "labels",
    "metrics", "per_label", "macro", "conformal", "out_of_distribution", "case_unit",
)  # fmt: skip
"""Of a split of metrics.json: figures without curves, and nothing of a single case."""


@dataclass(frozen=True)
class Asked:
    """An evaluation that somebody wants.

    Attributes:
        bundle: digest.
        title: for people.
        set_digest, set_bytes: of the archive, which lies in the store.
        options: "labels", "label_column" and "patient_column".
        user_id: who asks.
    """

    bundle: str
    title: str = field(repr=False)
    set_digest: str
    set_bytes: int
    options: Mapping[str, str] = field(repr=False)
    user_id: int | None = None

    @property
    def key(self) -> str:
        """The same for the same set, bundle, title and options."""
        said = [self.bundle, self.title, self.set_digest, sorted(self.options.items())]
        return f"evaluate:{hashlib.sha256(json.dumps(said).encode()).hexdigest()}"


def ask(connection: sa.Connection, asked: Asked, *, now: float) -> tuple[int, bool]:
    """Put an evaluation into the queue; its number, and whether it is new.

    One that failed or was cancelled is replaced.
    """
    for _ in range(2):
        job = enqueue(connection, kind="evaluate", key=asked.key, priority=LOW, now=now)
        if job is not None:
            return _insert(connection, asked, job, now), True
        there = connection.execute(
            sa.select(evaluations.c.id, jobs.c.state)
            .join(jobs, jobs.c.id == evaluations.c.job_id)
            .where(jobs.c.key == asked.key)
        ).one()
        if there.state not in ("parked", "cancelled"):
            return int(there.id), False
        remove_evaluation(connection, there.id)
    raise AssertionError("a key that was freed in this transaction is free")


def _insert(connection: sa.Connection, asked: Asked, job: int, now: float) -> int:
    made = connection.execute(
        sa.insert(evaluations)
        .values(
            job_id=job,
            bundle_digest=asked.bundle,
            title=asked.title,
            set_digest=asked.set_digest,
            set_bytes=asked.set_bytes,
            options=dict(asked.options),
            user_id=asked.user_id,
            created_at=now,
        )
        .returning(evaluations.c.id)
    )
    return int(made.scalar_one())


def count_waiting(connection: sa.Connection) -> int:
    """Evaluations that have not ended."""
    query = sa.select(sa.func.count()).where(
        jobs.c.kind == "evaluate", jobs.c.state.not_in(ENDED)
    )
    return int(connection.execute(query).scalar_one())


def remove_evaluation(connection: sa.Connection, number: int) -> list[str] | None:
    """Remove an evaluation with its job; digests of its files, None where none is.

    Whoever works on it finds the lease gone.
    """
    job = connection.execute(  # jobs first, as all who hold both do
        sa.select(jobs.c.id)
        .join(evaluations, evaluations.c.job_id == jobs.c.id)
        .where(evaluations.c.id == number)
        .with_for_update(of=jobs)
    ).scalar()
    gone = connection.execute(
        sa.delete(evaluations)
        .where(evaluations.c.id == number)
        .returning(evaluations.c.set_digest, evaluations.c.report_digest)
    ).first()
    if gone is None:
        return None
    connection.execute(sa.delete(jobs).where(jobs.c.id == job))
    return [digest for digest in gone if digest]


def evaluate(place: Workplace, job: Job, beat: Heartbeat) -> None:
    """Do a job of kind "evaluate".

    Raises:
        FinalError: the set or the bundle cannot be used.
        ResourceError: the disk is full, or there was too little memory.
        LostLeaseError: somebody else has the job, or it was cancelled.
    """
    store = place.store
    row, bundle = _row_of(store, job)
    folder = store.folder / FOLDER / f"{job.id}-{job.fence}"
    watch = _Watch(store, job, beat)
    try:
        unpacked = folder / SET
        refused = unpack_set(
            store.blobs.path_of(row.set_digest),
            unpacked,
            limits=place.settings.limits,
            check=lambda: watch.check(0.0),
        )
        data = find_data(unpacked)
        given = Given(
            bundle=bundle,
            data=data,
            labels=find_table(unpacked, row.options.get("labels", "")),
            label_column=row.options.get("label_column", ""),
            patient_column=row.options.get("patient_column", ""),
            folder=folder,
        )
        found = run_beside(
            given, lambda done: watch.check(UNPACKED + (1 - UNPACKED) * done)
        )
        found["failed"] = [*refused, *found["failed"]]
        _keep(store, job, row, found, folder / REPORT_NAME)
    except (DataError, ArchiveError) as error:
        _tell(store, job, row.id, str(error))
    finally:
        remove_folder(folder)
    free_files(store, [row.set_digest], older_than_s=0)


class _Watch:
    """Notices within seconds that a job was cancelled; a lease alone takes longer."""

    def __init__(self, store: Store, job: Job, beat: Heartbeat) -> None:
        self._store, self._job, self._beat = store, job, beat
        self._looked_at = time.monotonic()

    def check(self, progress: float) -> None:
        """Raises LostLeaseError or StoppedError; see `Heartbeat.check`."""
        self._beat.check(progress)
        if time.monotonic() - self._looked_at < LOOK_S:
            return
        self._looked_at = time.monotonic()
        query = sa.select(jobs.c.id).where(
            jobs.c.id == self._job.id,
            jobs.c.fence == self._job.fence,
            jobs.c.state == "leased",
        )
        with self._store.read() as connection:
            if connection.execute(query).first() is None:
                raise LostLeaseError(
                    f"job {self._job.id}: was cancelled, removed or taken over"
                )


def _row_of(store: Store, job: Job) -> tuple[Any, Path]:
    """The evaluation and the folder of its bundle.

    Raises:
        FinalError: the set or the bundle is no longer there.
    """
    query = (
        sa.select(evaluations, bundles.c.folder)
        .join(bundles, bundles.c.digest == evaluations.c.bundle_digest, isouter=True)
        .where(evaluations.c.job_id == job.id)
    )
    with store.read() as connection:
        row = connection.execute(query).first()
    if row is None or not row.set_digest:
        raise FinalError("evaluation: its set is no longer kept; send it again")
    if row.folder is None:
        raise FinalError("evaluation: the bundle is no longer known; choose another")
    return row, Path(row.folder)


def _keep(store: Store, job: Job, row: Any, found: dict[str, Any], page: Path) -> None:
    digest = store.blobs.put(page.read_bytes())
    failed = found["failed"]
    metrics = found["metrics"]
    metrics["splits"] = {
        name: {key: entry[key] for key in KEPT if key in entry}
        for name, entry in metrics["splits"].items()
    }

    def write(connection: sa.Connection) -> None:
        now = time.time()
        finish(connection, job, now=now)
        connection.execute(
            sa.update(evaluations)
            .where(evaluations.c.id == row.id)
            .values(
                set_digest="",
                report_digest=digest,
                metrics=metrics,
                curves=found["curves"],
                failed=failed[:MOST_FAILED],
                options={**row.options, "failed_count": len(failed)},
                made_at=now,
            )
        )

    Committer(store).write(write)


def _tell(store: Store, job: Job, number: int, reason: str) -> None:
    """Keep why a set cannot be used, for those who may read; end the job.

    Names in the set may be those of patients: the queue, which all may see, says less.

    Raises:
        FinalError: always.
    """
    with store.begin() as connection:
        hold(connection, job)
        connection.execute(
            sa.update(evaluations)
            .where(evaluations.c.id == number)
            .values(failed=[{"case": "", "reason": reason[:2000]}])
        )
    raise FinalError(
        f"evaluation {number}: the set cannot be used; readers find the reason at "
        f"/api/v1/evaluations/{number}"
    )


def release_sets(store: Store) -> int:
    """Let go of sets whose job has ended, and of folders that a killed worker left.

    Returns:
        Sets let go.
    """
    _remove_left_folders(store)
    ended = sa.select(jobs.c.id).where(
        jobs.c.kind == "evaluate", jobs.c.state.in_(ENDED)
    )
    where = sa.and_(
        evaluations.c.set_digest != "", evaluations.c.job_id.in_(ended)
    )  # fmt: skip
    with store.read() as connection:  # so that an idle look takes no lock
        query = sa.select(evaluations.c.set_digest).where(where)
        digests = set(connection.execute(query).scalars())
    if not digests:
        return 0
    with store.begin() as connection:
        connection.execute(sa.update(evaluations).where(where).values(set_digest=""))
    free_files(store, digests, older_than_s=0)
    return len(digests)


def _remove_left_folders(store: Store) -> None:
    home = store.folder / FOLDER
    if not home.is_dir():
        return
    query = sa.select(jobs.c.id, jobs.c.fence).where(
        jobs.c.kind == "evaluate", jobs.c.state == "leased"
    )
    # Listed first: a folder that is made meanwhile is not looked at.
    folders = list(home.iterdir())
    with store.read() as connection:
        at_work = {f"{number}-{fence}" for number, fence in connection.execute(query)}
    for folder in folders:
        if folder.name not in at_work:
            remove_folder(folder)
