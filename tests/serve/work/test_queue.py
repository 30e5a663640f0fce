"""Leases: who gets a job, how long it is theirs, and what happens to the rest."""

from __future__ import annotations

import threading
import time

import pytest
import sqlalchemy as sa

from medlens.serve.store.store import Store
from medlens.serve.store.tables import jobs, studies
from medlens.serve.work.control import cancel, count_jobs, hasten, revive
from medlens.serve.work.heartbeat import Heartbeat
from medlens.serve.work.queue import (
    Job,
    LostLeaseError,
    enqueue,
    fail,
    finish,
    hold,
    lease,
    pause_s,
    release,
    renew,
)

KINDS = ("answer", "send")


def put(store: Store, key: str, **more: object) -> int | None:
    with store.begin() as connection:
        return enqueue(connection, kind="answer", key=key, now=0.0, **more)  # type: ignore[arg-type]


def take(store: Store, now: float, *, worker: str = "a", lease_s: float = 10) -> Job:
    job = lease(store, worker=worker, kinds=KINDS, lease_s=lease_s, now=now)
    assert job is not None
    return job


def row(store: Store, job_id: int) -> sa.Row[tuple[object, ...]]:
    with store.read() as connection:
        return connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).one()


def add_study(store: Store, uid: str = "1.2", state: str = "ready") -> int:
    with store.begin() as connection:
        made = connection.execute(
            sa.insert(studies).values(
                study_uid=uid, received_at=0.0, last_at=0.0, state=state
            )
        )
        return int(made.inserted_primary_key[0])


def study_state(store: Store, study_id: int) -> tuple[str, str]:
    with store.read() as connection:
        found = connection.execute(
            sa.select(studies.c.state, studies.c.reason).where(studies.c.id == study_id)
        ).one()
    return found.state, found.reason


def test_a_key_is_one_job_for_ever(store: Store) -> None:
    first = put(store, "k")
    assert first is not None
    assert put(store, "k") is None
    job = take(store, 1.0)
    with store.begin() as connection:
        finish(connection, job, now=2.0)
    assert put(store, "k") is None
    assert row(store, first).state == "done"


def test_order_is_priority_then_age(store: Store) -> None:
    for key, priority in (("old", 0), ("urgent", 5), ("young", 0), ("later", 5)):
        put(store, key, priority=priority)
    assert [take(store, 1.0).key for _ in range(4)] == [
        "urgent", "later", "old", "young",
    ]  # fmt: skip
    assert lease(store, worker="a", kinds=KINDS, lease_s=1, now=1.0) is None


def test_a_worker_takes_only_what_it_can_do(store: Store) -> None:
    put(store, "k")
    assert lease(store, worker="a", kinds=("send",), lease_s=1, now=1.0) is None


def test_run_after_is_kept(store: Store) -> None:
    put(store, "k", run_after=5.0)
    assert lease(store, worker="a", kinds=KINDS, lease_s=1, now=4.9) is None
    assert take(store, 5.0).key == "k"


def test_a_lease_runs_out_and_the_old_fence_is_refused(store: Store) -> None:
    put(store, "k")
    slow = take(store, 0.0, worker="slow", lease_s=10)
    assert lease(store, worker="quick", kinds=KINDS, lease_s=10, now=9.9) is None
    quick = take(store, 10.0, worker="quick")
    assert (quick.fence, quick.attempts) == (2, 2)
    with pytest.raises(LostLeaseError, match="taken over"), store.begin() as c:
        finish(c, slow, now=11.0)
    with pytest.raises(LostLeaseError, match="taken over"), store.begin() as c:
        hold(c, slow)
    assert not renew(store, slow, lease_s=10, now=11.0)
    with store.begin() as connection:
        finish(connection, quick, now=12.0)
    assert row(store, quick.id).worker == "quick"


def test_what_a_lost_lease_wrote_is_rolled_back(store: Store) -> None:
    put(store, "k")
    slow = take(store, 0.0)
    take(store, 20.0, worker="b")

    def write() -> None:
        with store.begin() as connection:
            enqueue(connection, kind="send", key="made of it", now=21.0)
            finish(connection, slow, now=21.0)

    with pytest.raises(LostLeaseError, match="dropped"):
        write()
    with store.read() as connection:
        assert count_jobs(connection) == {"answer": {"leased": 1}}


def test_renewal_keeps_a_job_and_shows_progress(store: Store) -> None:
    put(store, "k")
    job = take(store, 0.0, lease_s=10)
    assert renew(store, job, lease_s=10, now=9.0, progress=0.4)
    assert lease(store, worker="b", kinds=KINDS, lease_s=10, now=18.9) is None
    assert row(store, job.id).progress == 0.4
    assert take(store, 19.0, worker="b").fence == 2


def test_failures_wait_longer_and_then_park(store: Store) -> None:
    study = add_study(store)
    put(store, "k", max_attempts=3, study_id=study)
    now = 0.0
    for attempt in (1, 2, 3):
        job = take(store, now)
        assert job.attempts == attempt
        with store.begin() as connection:
            assert fail(connection, job, f"no {attempt}", now=now) is (attempt == 3)
        waits = pause_s(attempt)
        early = lease(store, worker="a", kinds=KINDS, lease_s=1, now=now + waits - 0.1)
        assert early is None
        now += waits
    assert lease(store, worker="a", kinds=KINDS, lease_s=1, now=1e9) is None
    assert (row(store, job.id).state, row(store, job.id).error) == ("parked", "no 3")
    assert study_state(store, study) == ("failed", "no 3")
    assert [pause_s(n) for n in (1, 2, 3, 12, 99)] == [2, 4, 8, 3600, 3600]


def test_a_final_failure_parks_at_once(store: Store) -> None:
    put(store, "k")
    job = take(store, 0.0)
    with store.begin() as connection:
        assert fail(connection, job, "never", now=1.0, is_final=True)
    assert row(store, job.id).state == "parked"


def test_workers_that_die_park_a_job(store: Store) -> None:
    study = add_study(store)
    number = put(store, "k", max_attempts=2, study_id=study)
    assert number is not None
    take(store, 0.0, lease_s=1)
    take(store, 1.0, lease_s=1)
    assert lease(store, worker="c", kinds=KINDS, lease_s=1, now=2.0) is None
    found = row(store, number)
    assert found.state == "parked"
    assert "ended 2 times without an answer" in found.error
    assert study_state(store, study)[0] == "failed"


def test_a_parked_job_starts_over(store: Store) -> None:
    study = add_study(store)
    number = put(store, "k", max_attempts=1, study_id=study)
    assert number is not None
    job = take(store, 0.0)
    with store.begin() as connection:
        fail(connection, job, "no", now=0.0)
        assert not cancel(connection, 999, now=0.0)
    with store.begin() as connection:
        assert revive(connection, number, now=3.0)
        assert not revive(connection, number, now=3.0)
    assert study_state(store, study) == ("ready", "")
    again = take(store, 3.0)
    assert (again.attempts, again.fence) == (1, 2)


def test_cancelling_stops_whoever_works_on_it(store: Store) -> None:
    study = add_study(store, state="running")
    number = put(store, "k", study_id=study)
    assert number is not None
    job = take(store, 0.0)
    with store.begin() as connection:
        assert cancel(connection, number, now=1.0)
        assert not cancel(connection, number, now=1.0)
    with pytest.raises(LostLeaseError, match="cancelled"), store.begin() as connection:
        finish(connection, job, now=2.0)
    state, reason = study_state(store, study)
    assert (state, "cancelled" in reason) == ("refused", True)


def test_handing_back_costs_no_attempt(store: Store) -> None:
    put(store, "k")
    job = take(store, 0.0)
    with store.begin() as connection:
        assert release(connection, job, now=1.0)
    again = take(store, 1.0)
    assert (again.attempts, again.fence) == (1, 2)


def test_hastening(store: Store) -> None:
    put(store, "first")
    second = put(store, "second", run_after=100.0)
    assert second is not None
    with store.begin() as connection:
        assert hasten(connection, second, priority=9)
    assert take(store, 1.0).key == "second"


def test_a_failed_study_with_new_images_stays_as_it_is(store: Store) -> None:
    study = add_study(store, state="receiving")
    put(store, "k", study_id=study, max_attempts=1)
    job = take(store, 0.0)
    with store.begin() as connection:
        fail(connection, job, "no", now=0.0)
    assert study_state(store, study) == ("receiving", "")


def test_a_heartbeat_keeps_a_lease_and_learns_of_its_loss(store: Store) -> None:
    put(store, "k")
    job = take(store, time.time(), lease_s=0.6)
    with Heartbeat(store, job, lease_s=0.6) as beat:
        beat.check(0.5)
        time.sleep(1.2)
        beat.check()
        late = lease(store, worker="b", kinds=KINDS, lease_s=1, now=time.time())
        assert late is None
        assert row(store, job.id).progress == 0.5
        with store.begin() as connection:
            cancel(connection, job.id, now=time.time())
        until = time.monotonic() + 5
        while not beat.is_lost and time.monotonic() < until:
            time.sleep(0.05)
        with pytest.raises(LostLeaseError, match="cancelled"):
            beat.check()


def test_many_workers_take_every_job_once(store: Store) -> None:
    for i in range(60):
        put(store, f"k{i}", priority=i % 3)
    taken: list[int] = []
    lock = threading.Lock()

    def work(name: str) -> None:
        while True:
            job = lease(store, worker=name, kinds=KINDS, lease_s=60, now=1.0)
            if job is None:
                with store.read() as connection:
                    if count_jobs(connection)["answer"].get("waiting", 0) == 0:
                        return
                continue
            with store.begin() as connection:
                finish(connection, job, now=1.0)
            with lock:
                taken.append(job.id)

    threads = [threading.Thread(target=work, args=(f"w{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(taken) == len(set(taken)) == 60
