"""The queue against a model of it that fits on one page."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from medlens.serve.store.store import Store, open_store
from medlens.serve.store.tables import jobs
from medlens.serve.work.control import cancel, revive
from medlens.serve.work.queue import (
    Job,
    LostLeaseError,
    enqueue,
    fail,
    finish,
    lease,
    pause_s,
    renew,
)

LEASE_S = 10.0
MOST = 2


@dataclass
class Model:
    """What the table should hold of one job."""

    number: int
    priority: int
    state: str = "waiting"
    attempts: int = 0
    fence: int = 0
    run_after: float = 0.0
    until: float = 0.0
    written: int = 0


class QueueMachine(RuleBasedStateMachine):
    """Workers that come, go, sleep too long and are told no."""

    store: Store

    def __init__(self) -> None:
        super().__init__()
        with self.store.begin() as connection:
            connection.execute(sa.delete(jobs))
        self.now = 100.0
        self.model: dict[str, Model] = {}
        self.held: list[Job] = []

    @rule(key=st.sampled_from("abcde"), priority=st.integers(0, 2))
    def put(self, key: str, priority: int) -> None:
        with self.store.begin() as connection:
            number = enqueue(
                connection, kind="answer", key=key, priority=priority,
                max_attempts=MOST, now=self.now,
            )  # fmt: skip
        assert (number is None) == (key in self.model)
        if number is not None:
            self.model[key] = Model(number, priority)

    @rule(seconds=st.sampled_from([0.5, 3.0, 11.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def take(self) -> None:
        found = lease(
            self.store, worker="w", kinds=("answer",), lease_s=LEASE_S, now=self.now
        )
        for item in self.model.values():
            if item.state == "leased" and item.until <= self.now:
                item.state = "parked" if item.attempts >= MOST else "waiting"
        due = [
            (-item.priority, item.number, key)
            for key, item in self.model.items()
            if item.state == "waiting" and item.run_after <= self.now
        ]
        assert (found.key if found else None) == (min(due)[2] if due else None)
        if found is not None:
            item = self.model[found.key]
            item.state, item.until = "leased", self.now + LEASE_S
            item.attempts += 1
            item.fence += 1
            assert (found.attempts, found.fence) == (item.attempts, item.fence)
            self.held.append(found)

    def _is_ours(self, job: Job) -> bool:
        item = self.model[job.key]
        return item.state == "leased" and item.fence == job.fence

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(self.held))
        item = self.model[job.key]
        if self._is_ours(job):
            with self.store.begin() as connection:
                finish(connection, job, now=self.now)
            item.state = "done"
            item.written += 1
        else:
            with (
                pytest.raises(LostLeaseError, match="dropped"),
                self.store.begin() as connection,
            ):
                finish(connection, job, now=self.now)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(self.held))
        item = self.model[job.key]
        if not self._is_ours(job):
            return
        with self.store.begin() as connection:
            parked = fail(connection, job, "no", now=self.now)
        assert parked == (item.attempts >= MOST)
        item.state = "parked" if parked else "waiting"
        item.run_after = self.now + pause_s(item.attempts)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(self.held))
        done = renew(self.store, job, lease_s=LEASE_S, now=self.now)
        assert done == self._is_ours(job)
        if done:
            self.model[job.key].until = self.now + LEASE_S

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        item = self.model[data.draw(st.sampled_from(sorted(self.model)))]
        with self.store.begin() as connection:
            done = cancel(connection, item.number, now=self.now)
        assert done == (item.state not in ("done", "cancelled"))
        if done:
            item.state = "cancelled"
            item.fence += 1

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def revive(self, data: st.DataObject) -> None:
        item = self.model[data.draw(st.sampled_from(sorted(self.model)))]
        with self.store.begin() as connection:
            done = revive(connection, item.number, now=self.now)
        assert done == (item.state in ("parked", "cancelled"))
        if done:
            item.state, item.attempts, item.run_after = "waiting", 0, self.now

    @invariant()
    def the_table_is_the_model(self) -> None:
        with self.store.read() as connection:
            rows = connection.execute(sa.select(jobs)).all()
        found = {r.key: (r.state, r.attempts, r.fence) for r in rows}
        wanted = {k: (m.state, m.attempts, m.fence) for k, m in self.model.items()}
        assert found == wanted

    @invariant()
    def nothing_is_written_twice(self) -> None:
        assert all(item.written <= 1 for item in self.model.values())


def _check(store: Store, *, examples: int, steps: int) -> None:
    machine = type("Machine", (QueueMachine,), {"store": store})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_queue_is_its_model() -> None:
    """On SQLite alone and without waiting for the disk, so that it can walk far."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder))
        sa.event.listen(
            store.engine,
            "connect",
            lambda connection, _: connection.execute("PRAGMA synchronous=OFF"),
        )
        store.engine.dispose()
        _check(store, examples=60, steps=40)
        store.close()


def test_the_queue_is_its_model_on_each_database(store: Store) -> None:
    _check(store, examples=5, steps=25)
