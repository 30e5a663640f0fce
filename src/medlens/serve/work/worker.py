"""A worker process: bundles warm, studies made ready, jobs done one after another."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from importlib import import_module

import sqlalchemy as sa

from medlens.core import MedlensError, reason_of
from medlens.serve.settings import ServeSettings
from medlens.serve.store.store import Store, open_store
from medlens.serve.store.tables import jobs
from medlens.serve.work.answer import Workplace
from medlens.serve.work.heartbeat import Heartbeat, StoppedError
from medlens.serve.work.models import Models, register, work_digest
from medlens.serve.work.priority import priority_by
from medlens.serve.work.queue import Job, LostLeaseError, fail, lease, release
from medlens.serve.work.ready import make_ready
from medlens.serve.work.refusal import FinalError
from medlens.serve.work.rules import check_destinations, load_rules
from medlens.serve.work.tidy import Housekeeper

log = logging.getLogger("medlens.work")

POLL_S = 0.1
FIRST = "work-1"  # of all workers: it keeps the house
RECOVER_S = 1.0  # after the database could not be reached

Doer = Callable[[Workplace, Job, Heartbeat], None]
HOMES = {
    "answer": "medlens.serve.work.answer:answer_study",
    "shadow": "medlens.serve.work.answer:answer_in_shadow",
    "send": "medlens.serve.work.deliver:deliver",
    "export": "medlens.serve.work.exports:export",
    "evaluate": "medlens.serve.work.evaluations:evaluate",
    "report": "medlens.serve.work.report_again:make_again",
}
"""Job kind → function that does it; imported when the first such job comes."""

CARRIED = ("send", "export", "evaluate")
"""Kinds that wait for other machines or take long: each is done in a thread of its own
beside the answering, never before it."""


def run_worker(
    settings: ServeSettings,
    name: str,
    stop: threading.Event,
    *,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Work until told to stop; the job in hand is finished first.

    Args:
        settings: of the service; its schema is up to date.
        name: of this worker, the same after a restart: "work-1".
        stop: set from outside.
        on_ready: called once all is loaded, before the first job.

    Raises:
        UsageError: the rules cannot be used.
        BundleError: a bundle given at the start cannot be loaded.
    """
    store = open_store(settings.data, settings.database, migrate=False)
    try:
        place = prepare(store, settings)
        on_ready()
        worker = f"{name}@{socket.gethostname()}"[:64]
        _let_go(store, worker)
        log.info("worker ready", extra={"worker": name})
        keeper = Housekeeper(store, settings.limits) if name == FIRST else None
        carriers = [
            threading.Thread(
                target=_carry,
                args=(place, worker, kind, stop),
                kwargs={"keeper": keeper if kind == CARRIED[0] else None},
                name=kind,
                daemon=True,
            )
            for kind in CARRIED
        ]
        for carrier in carriers:
            carrier.start()
        _work(place, worker, stop)
        for carrier in carriers:
            carrier.join()
    finally:
        store.close()


def prepare(store: Store, settings: ServeSettings) -> Workplace:
    """A workplace with its rules checked and its bundles loaded and run once."""
    rules = load_rules(settings.rules) if settings.rules is not None else None
    if rules is not None:
        check_destinations(rules, settings.peers)
    given = register(store, settings.bundles, now=time.time())
    threads = max(1, (os.cpu_count() or 1) // max(1, settings.workers))
    models = Models(store, given, threads=threads)
    models.refresh(is_due=True)
    from medlens.serve.work.warm import warm_up

    warm_up(models)
    return Workplace(store, settings, rules, models)


def do(place: Workplace, job: Job, stop: threading.Event | None = None) -> None:
    """Do one job under a heartbeat; a failure puts it back or parks it.

    Args:
        place, job: the job as leased.
        stop: once it is set, a job with several series is handed back between two.
    """
    started = time.monotonic()
    try:
        lease_s = place.settings.lease_s
        with Heartbeat(place.store, job, lease_s=lease_s, stop=stop) as beat:
            _doer_of(job.kind)(place, job, beat)
    except LostLeaseError:
        log.warning("job lost", extra={"job": job.id, "kind": job.kind})
        return
    except StoppedError:
        with place.store.begin() as connection:
            release(connection, job, now=time.time())
        log.info("job handed back", extra={"job": job.id, "kind": job.kind})
        return
    except Exception as error:
        _fail(place.store, job, error)
        return
    log.info(
        "job done",
        extra={
            "job": job.id,
            "kind": job.kind,
            "ms": round(1000 * (time.monotonic() - started)),
        },
    )


def _work(place: Workplace, worker: str, stop: threading.Event) -> None:
    """Make studies ready and do what is due, until told to stop."""
    kinds = tuple(kind for kind in HOMES if kind not in CARRIED)
    while not stop.is_set():
        try:
            is_idle = not _step(place, worker, kinds, stop)
        except Exception as error:
            _tell_trouble(error)
            stop.wait(RECOVER_S)
            continue
        if is_idle:
            stop.wait(POLL_S)


def _step(
    place: Workplace, worker: str, kinds: tuple[str, ...], stop: threading.Event
) -> bool:
    settings, now = place.settings, time.time()
    place.models.refresh()
    make_ready(
        place.store,
        quiet_s=settings.quiet_s,
        rules_digest=work_digest(place.rules, place.models),
        attempts=settings.attempts,
        now=now,
        priority_of=priority_by(place.rules),
    )
    job = lease(
        place.store, worker=worker, kinds=kinds, lease_s=settings.lease_s, now=now
    )
    if job is not None:
        do(place, job, stop)
    return job is not None


def _carry(
    place: Workplace,
    worker: str,
    kind: str,
    stop: threading.Event,
    *,
    keeper: Housekeeper | None = None,
) -> None:
    """Do jobs of one kind beside the answering.

    The house comes first: results for a destination that hangs may wait for hours.
    """
    while not stop.is_set():
        try:
            if keeper is not None:
                keeper.look()
            job = lease(
                place.store,
                worker=worker,
                kinds=(kind,),
                lease_s=place.settings.lease_s,
                now=time.time(),
            )
            if job is not None:
                do(place, job, stop)
                continue
        except Exception as error:
            _tell_trouble(error)
            stop.wait(RECOVER_S)
        stop.wait(5 * POLL_S)


def _doer_of(kind: str) -> Doer:
    module, _, name = HOMES[kind].partition(":")
    found: Doer = getattr(import_module(module), name)
    return found


def _fail(store: Store, job: Job, error: Exception) -> None:
    said = str(error) if isinstance(error, MedlensError) else reason_of(error)
    is_final = isinstance(error, FinalError)
    try:
        with store.begin() as connection:
            is_parked = fail(connection, job, said, now=time.time(), is_final=is_final)
    except LostLeaseError:
        return
    log.warning(
        "job failed",
        extra={
            "job": job.id,
            "kind": job.kind,
            "error": type(error).__name__,
            "parked": is_parked,
        },
    )


def _let_go(store: Store, worker: str) -> None:
    """What this worker held when it was killed is taken up at once, not a lease later.

    Should the old one still live, its fence is refused.
    """
    with store.begin() as connection:
        connection.execute(
            sa.update(jobs)
            .where(jobs.c.state == "leased", jobs.c.worker == worker)
            .values(leased_until=0.0)
        )


def _tell_trouble(error: Exception) -> None:
    """The kind of the error alone: a database's own words may quote a row."""
    log.error("worker in trouble", extra={"error": type(error).__name__})
