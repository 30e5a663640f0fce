"""The state of a study says what its newest images are told by, whatever happened."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from medlens.serve.settings import ServeSettings
from medlens.serve.store.doctor import check_store
from medlens.serve.store.keep import remove_study
from medlens.serve.store.store import Store
from medlens.serve.store.tables import jobs, results, studies
from medlens.serve.work.answer import Workplace
from medlens.serve.work.control import cancel, revive
from medlens.serve.work.queue import Job, enqueue, fail, finish, lease
from medlens.serve.work.ready import ask, inputs_digest, make_ready
from medlens.serve.work.worker import do
from tests.serve.work.studies import (
    models_of,
    of_study,
    put_bundle,
    state_of,
    take,
    with_level,
)
from tests.write.dicom_sources import radiograph


@pytest.fixture
def place(store: Store, tmp_path: Path) -> Workplace:
    models = models_of(store, put_bundle(tmp_path / "bundle"))
    return Workplace(store, ServeSettings(), None, models)


def receive(store: Store, instance: int = 1) -> int:
    image = of_study(with_level(radiograph(), 0.9), 1, instance=instance)
    study = take(store, image).study_id
    assert study is not None
    return study


def ready(store: Store, rules: str = "r") -> int:
    now = time.time() + 1
    return make_ready(store, quiet_s=0, rules_digest=rules, attempts=1, now=now)


def next_job(store: Store) -> Job:
    now = time.time() + 1e6
    job = lease(store, worker="w", kinds=("answer",), lease_s=60, now=now)
    assert job is not None
    return job


def park(store: Store) -> Job:
    job = next_job(store)
    with store.begin() as connection:
        fail(connection, job, "no room", now=time.time(), is_final=True)
    return job


def test_asking_waits_for_an_image_on_its_way(
    tmp_path: Path, postgresql_url: str
) -> None:
    """An image that is being indexed while somebody asks is not passed over."""
    from medlens.serve.receive.committer import Committer
    from medlens.serve.store.store import open_store

    store = open_store(tmp_path / "service", postgresql_url)
    study = receive(store)
    taker: threading.Thread | None = None
    with store.begin() as connection:
        real = connection.execute

        def slowly(statement: sa.Executable, *rest: object) -> object:
            """Before a job is made, another image comes as quickly as it can."""
            nonlocal taker
            if taker is None and statement.is_insert:
                taker = threading.Thread(target=receive, args=(store, 2))
                taker.start()
                taker.join(2.0)
            return real(statement, *rest)  # type: ignore[call-overload]

        connection.execute = slowly  # type: ignore[method-assign,assignment]
        ask(connection, study, rules_digest="r", now=1.0)
    assert taker is not None
    taker.join(20)
    assert Committer(store).read(lambda c: inputs_digest(c, study))
    assert state_of(store, study)[0] == "receiving"
    store.close()


def test_a_job_of_earlier_images_leaves_no_study_waiting(place: Workplace) -> None:
    store = place.store
    study = receive(store)
    ready(store)
    old = park(store)
    receive(store, 2)
    ready(store)
    park(store)
    with store.begin() as connection:
        revive(connection, old.id, now=time.time())
    assert state_of(store, study)[0] == "ready"
    do(place, next_job(store))  # its images are not the study's any more
    ready(store)
    assert state_of(store, study) == ("failed", "no room")


def test_an_answer_that_was_refused_stays_refused(
    store: Store, place: Workplace
) -> None:
    bare = Workplace(store, ServeSettings(), None, models_of(store))
    study = receive(store)
    ready(store)
    old = park(store)
    receive(store, 2)
    ready(store)
    do(bare, next_job(store))
    before = state_of(store, study)
    assert before[0] == "refused"
    assert "no bundle at work" in before[1]
    with store.begin() as connection:
        revive(connection, old.id, now=time.time())
    do(place, next_job(store))
    ready(store)
    assert state_of(store, study) == before


def test_cancelling_an_older_job_hides_no_answer(place: Workplace) -> None:
    store = place.store
    study = receive(store)
    with store.begin() as connection:
        older = ask(connection, study, rules_digest="old", now=1.0)
        ask(connection, study, rules_digest="new", now=2.0)
        assert older is not None
        cancel(connection, older.job_id, now=3.0)
    assert state_of(store, study)[0] == "refused"
    do(place, next_job(store))
    assert state_of(store, study) == ("answered", "")


def test_the_same_answer_from_another_job_ends_the_study(place: Workplace) -> None:
    """Where the web side saw other bundles than a worker does."""
    store = place.store
    study = receive(store)
    ready(store)
    do(place, next_job(store))
    with store.begin() as connection:
        ask(connection, study, rules_digest="other", now=time.time())
    do(place, next_job(store))
    assert state_of(store, study) == ("answered", "")
    with store.read() as connection:
        counted = sa.select(sa.func.count())
        assert connection.execute(counted.select_from(results)).scalar() == 1
        states = connection.execute(sa.select(jobs.c.state)).scalars().all()
    assert states == ["done", "done"]


def test_a_job_that_waits_keeps_its_study_ready(place: Workplace) -> None:
    store = place.store
    study = receive(store)
    with store.begin() as connection:
        enqueue(
            connection, kind="answer", key="older", study_id=study,
            payload={"inputs": "x"}, priority=9, now=1.0,
        )  # fmt: skip
        ask(connection, study, rules_digest="r", now=2.0)
        connection.execute(sa.update(jobs).values(priority=0))
    do(place, next_job(store))
    assert state_of(store, study)[0] == "ready"


def test_a_study_can_be_removed_while_its_answer_is_kept(store: Store) -> None:
    study = receive(store)
    ready(store)
    job = next_job(store)
    errors: list[Exception] = []

    def remove() -> None:
        try:
            remove_study(store, study)
        except Exception as error:
            errors.append(error)

    remover = threading.Thread(target=remove)
    with store.begin() as connection:
        finish(connection, job, now=1.0)
        remover.start()
        remover.join(1.0)
        connection.execute(
            sa.insert(results).values(
                key="k", study_id=study, job_id=job.id, inputs_digest="i",
                diagnosis={}, created_at=1.0,
            )
        )  # fmt: skip
        connection.execute(
            sa.update(studies).where(studies.c.id == study).values(state="answered")
        )
    remover.join(30)
    assert errors == []
    with store.read() as connection:
        for table in (studies, jobs, results):
            assert connection.execute(sa.select(table)).all() == []


def test_the_doctor_finds_a_study_that_waits_for_nothing(store: Store) -> None:
    study = receive(store)
    ready(store)

    def found() -> tuple[int, bool, str]:
        (one,) = [f for f in check_store(store) if f.name == "jobs are done"]
        return one.count, one.is_serious, one.detail

    assert found()[0] == 0
    with store.begin() as connection:
        connection.execute(sa.update(jobs).values(state="done"))
    count, is_serious, detail = found()
    assert (count, is_serious) == (1, True)
    assert "have no job: ask for their answers" in detail
    assert state_of(store, study)[0] == "ready"
