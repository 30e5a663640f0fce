"""A worker from start to stop, and what it does when something is wrong."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from medlens.core import BundleError, UsageError
from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.store.tables import jobs, results
from medlens.serve.work import worker
from medlens.serve.work.queue import enqueue, lease
from medlens.serve.work.refusal import FinalError
from medlens.serve.work.worker import do, prepare, run_worker
from tests.serve.work.studies import of_study, put_bundle, state_of, take, with_level
from tests.write.dicom_sources import radiograph


@pytest.fixture
def settings(store: Store, tmp_path: Path) -> ServeSettings:
    return ServeSettings(
        data=store.folder,
        database="" if store.is_sqlite else store.url,
        bundles=(put_bundle(tmp_path / "bundle"),),
        quiet_s=0.3,
        lease_s=5,
        limits=Limits(free_mb=1),
    )


@contextmanager
def working(settings: ServeSettings) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=run_worker, args=(settings, "work-1", stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


def wait_until(store: Store, study: int, state: str) -> None:
    until = time.monotonic() + 60
    while state_of(store, study)[0] != state:
        assert time.monotonic() < until, state_of(store, study)
        time.sleep(0.05)


def test_a_study_that_arrives_is_answered(
    store: Store, settings: ServeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    image = of_study(with_level(radiograph(), 0.9), 1)
    image.PatientName, image.PatientID = "Planted^Token", "PLANTED-7"
    with working(settings):
        study = take(store, image).study_id
        assert study is not None
        wait_until(store, study, "answered")
    said = [
        f"{record.getMessage()} {record.__dict__}"
        for record in caplog.records
        if record.name.startswith("medlens")
    ]
    assert any("study answered" in line for line in said)
    for token in ("Planted", "PLANTED", "1.2.840.99", str(store.folder)):
        assert not any(token in line for line in said)


def test_what_a_killed_worker_held_is_taken_up_at_once(
    store: Store, settings: ServeSettings
) -> None:
    import socket

    with store.begin() as connection:
        enqueue(connection, kind="answer", key="k", now=0.0)
    name = f"work-1@{socket.gethostname()}"
    held = lease(store, worker=name, kinds=("answer",), lease_s=1e6, now=time.time())
    assert held is not None
    until = time.monotonic() + 30
    with working(settings):
        while time.monotonic() < until:
            with store.read() as connection:
                row = connection.execute(sa.select(jobs)).one()
            if row.fence > held.fence:
                break
            time.sleep(0.05)
    assert row.fence > held.fence


def test_rules_and_bundles_are_checked_at_the_start(
    store: Store, settings: ServeSettings, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nname = "a"\nbundle = "b"\ndestinations = "pacs"\n')
    with pytest.raises(UsageError, match=r"destination 'pacs' is no peer"):
        prepare(store, replace(settings, rules=rules))
    with pytest.raises(BundleError, match=r"bundle\.json cannot be read"):
        prepare(store, replace(settings, bundles=(tmp_path / "nothing",)))


def test_a_failure_that_would_repeat_is_parked_at_once(
    store: Store, settings: ServeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = prepare(store, settings)
    monkeypatch.setitem(worker.HOMES, "odd", "tests.serve.work.test_worker:final")
    with store.begin() as connection:
        enqueue(connection, kind="odd", key="k", now=0.0, max_attempts=9)
    job = lease(store, worker="w", kinds=("odd",), lease_s=9, now=time.time())
    assert job is not None
    do(place, job)
    with store.read() as connection:
        row = connection.execute(sa.select(jobs)).one()
    assert (row.state, row.error) == ("parked", "never")


def final(*_: object) -> None:
    raise FinalError("never")


def test_a_database_that_is_away_for_a_moment_is_waited_for(
    store: Store, settings: ServeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = worker.make_ready, []

    def sometimes(*args: object, **more: object) -> int:
        calls.append(1)
        if len(calls) < 3:
            raise sa.exc.OperationalError("SELECT 'Doe'", None, Exception("away"))
        return real(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(worker, "make_ready", sometimes)
    monkeypatch.setattr(worker, "RECOVER_S", 0.05)
    study = take(store, of_study(with_level(radiograph(), 0.9), 1)).study_id
    assert study is not None
    with working(settings):
        wait_until(store, study, "answered")
    with store.read() as connection:
        assert len(connection.execute(sa.select(results.c.id)).all()) == 1
