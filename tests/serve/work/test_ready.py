"""A study becomes a job after a quiet time, once for each set of its images."""

from __future__ import annotations

import sqlalchemy as sa

from medlens.serve.store.store import Store
from medlens.serve.store.tables import jobs, studies
from medlens.serve.work.control import cancel
from medlens.serve.work.priority import priority_by
from medlens.serve.work.queue import fail, finish, lease
from medlens.serve.work.ready import ask, digest_of, inputs_digest, make_ready
from medlens.serve.work.rules import rules_from_table
from tests.serve.work.studies import of_study, state_of, take
from tests.write.dicom_sources import radiograph, series

RULES = "r" * 64


def ready(store: Store, now: float, **more: object) -> int:
    return make_ready(
        store,
        quiet_s=10,
        rules_digest=RULES,
        attempts=3,
        now=now,
        **more,  # type: ignore[arg-type]
    )


def last_at(store: Store, study_id: int) -> float:
    with store.read() as connection:
        query = sa.select(studies.c.last_at).where(studies.c.id == study_id)
        return float(connection.execute(query).scalar_one())


def keys(store: Store) -> list[str]:
    with store.read() as connection:
        return list(
            connection.execute(sa.select(jobs.c.key).order_by(jobs.c.id)).scalars()
        )


def receive(store: Store, number: int = 1, instance: int = 1) -> int:
    made = of_study(radiograph(), number, instance=instance)
    receipt = take(store, made)
    assert receipt.outcome == "stored"
    assert receipt.study_id is not None
    return receipt.study_id


def test_only_a_quiet_study_is_ready(store: Store) -> None:
    study = receive(store)
    came = last_at(store, study)
    assert ready(store, came + 9.9) == 0
    assert state_of(store, study)[0] == "receiving"
    assert ready(store, came + 10) == 1
    assert state_of(store, study)[0] == "ready"
    assert ready(store, came + 20) == 0
    with store.read() as connection:
        digest = inputs_digest(connection, study)
    assert keys(store) == [f"answer:{study}:{digest}:{RULES}"]


def test_one_more_image_is_one_more_job(store: Store) -> None:
    study = receive(store)
    ready(store, last_at(store, study) + 10)
    receive(store, instance=2)
    assert state_of(store, study)[0] == "receiving"
    ready(store, last_at(store, study) + 10)
    first, second = keys(store)
    assert first != second


def test_the_same_image_again_is_no_job(store: Store) -> None:
    study = receive(store)
    ready(store, last_at(store, study) + 10)
    assert take(store, of_study(radiograph(), 1)).outcome == "duplicate"
    assert state_of(store, study)[0] == "ready"
    assert ready(store, last_at(store, study) + 100) == 0
    assert len(keys(store)) == 1


def test_results_are_no_inputs(store: Store) -> None:
    study = receive(store)
    with store.read() as connection:
        before = inputs_digest(connection, study)
    own = of_study(radiograph(), 1, series=9)
    assert take(store, own, origin="own").outcome == "stored"
    with store.read() as connection:
        assert inputs_digest(connection, study) == before
    assert before == digest_of([before_digest(store, study)])


def before_digest(store: Store, study: int) -> str:
    from medlens.serve.work.inputs import load_study

    found = load_study(store, study)
    assert found is not None
    (only,) = found.inputs
    return only.digest


def test_digests_do_not_depend_on_the_order() -> None:
    assert digest_of(["a", "b"]) == digest_of(["b", "a"]) != digest_of(["ab"])


def test_asking_again(store: Store) -> None:
    study = receive(store)
    with store.begin() as connection:
        first = ask(connection, study, rules_digest=RULES, now=1.0)
        again = ask(connection, study, rules_digest=RULES, now=2.0)
        other = ask(connection, study, rules_digest="s" * 64, now=2.0)
        nobody = ask(connection, 999, rules_digest=RULES, now=2.0)
    assert first is not None
    assert first.is_new
    assert again is not None
    assert (again.job_id, again.is_new) == (first.job_id, False)
    assert other is not None
    assert other.is_new
    assert nobody is None


def test_asking_revives_what_was_cancelled_or_parked(store: Store) -> None:
    study = receive(store)
    with store.begin() as connection:
        first = ask(connection, study, rules_digest=RULES, attempts=1, now=1.0)
        assert first is not None
        cancel(connection, first.job_id, now=2.0)
    assert state_of(store, study)[0] == "refused"
    with store.begin() as connection:
        second = ask(connection, study, rules_digest=RULES, now=3.0)
    assert second is not None
    assert second.is_new
    assert state_of(store, study)[0] == "ready"
    job = lease(store, worker="a", kinds=("answer",), lease_s=9, now=4.0)
    assert job is not None
    with store.begin() as connection:
        fail(connection, job, "no", now=5.0)
    assert state_of(store, study)[0] == "failed"
    with store.begin() as connection:
        ask(connection, study, rules_digest=RULES, now=6.0)
    job = lease(store, worker="a", kinds=("answer",), lease_s=9, now=7.0)
    assert job is not None
    with store.begin() as connection:
        finish(connection, job, now=8.0)
        done = ask(connection, study, rules_digest=RULES, now=9.0)
    assert done is not None
    assert not done.is_new


def test_rules_say_who_comes_first(store: Store) -> None:
    chest = receive(store, 1)
    head = take(store, of_study(series("CT")[0], 2)).study_id
    assert head is not None
    rules = rules_from_table(
        {
            "rule": [
                {"name": "c", "bundle": "b", "modality": "DX", "priority": 2},
                {"name": "h", "bundle": "b", "modality": "CT", "priority": 7,
                 "slices": {"min": 20}},
            ]
        }
    )  # fmt: skip
    ready(store, last_at(store, head) + 10, priority_of=priority_by(rules))
    job = lease(store, worker="a", kinds=("answer",), lease_s=9, now=1e12)
    assert job is not None
    assert (job.study_id, job.priority) == (head, 7)
    assert state_of(store, chest)[0] == "ready"
