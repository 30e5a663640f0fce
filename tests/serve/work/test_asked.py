"""One bundle that a person chose looks, whatever the rules say."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from medlens.serve.settings import ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.store.tables import bundles, jobs, results
from medlens.serve.work.answer import Workplace
from medlens.serve.work.asked import asked_digest
from medlens.serve.work.queue import lease
from medlens.serve.work.ready import ask
from medlens.serve.work.rules import rules_from_table
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

RULES = rules_from_table(
    {
        "rule": [
            {"name": "r", "bundle": "one", "destinations": ["a"]},
            {"name": "s", "bundle": "two", "modality": "MR", "destinations": ["b"]},
        ]
    }
)


@pytest.fixture
def place(store: Store, tmp_path: Path) -> Workplace:
    one = put_bundle(tmp_path / "one", name="one")
    two = put_bundle(tmp_path / "two", name="two", bias=-3.0)
    return Workplace(store, ServeSettings(), RULES, models_of(store, one, two))


def receive(store: Store) -> int:
    study = take(store, of_study(with_level(radiograph(), 0.9), 1)).study_id
    assert study is not None
    return study


def ask_for(place: Workplace, study: int, name: str) -> Any:
    model = place.models.named(name)
    assert model is not None
    with place.store.begin() as connection:
        return ask(
            connection, study, rules_digest=asked_digest(model.digest),
            bundle=model.digest, now=time.time(),
        )  # fmt: skip


def work(place: Workplace) -> None:
    now = time.time() + 1
    job = lease(place.store, worker="w", kinds=("answer",), lease_s=60, now=now)
    assert job is not None
    do(place, job)


def test_it_looks_and_its_results_go_where_its_rules_say(place: Workplace) -> None:
    store = place.store
    study = receive(store)
    asked = ask_for(place, study, "two")
    assert asked.is_new
    assert not ask_for(place, study, "two").is_new
    work(place)
    assert state_of(store, study) == ("answered", "")
    with store.read() as connection:
        (said,) = connection.execute(sa.select(results.c.diagnosis)).scalars()
        sends = connection.execute(
            sa.select(jobs.c.payload).where(jobs.c.kind == "send")
        ).scalars()
        assert [each["peer"] for each in sends] == ["b"]
    (assessment,) = said["assessments"]
    assert assessment["algorithm"]["name"] == "two"


def test_each_bundle_has_its_answer(place: Workplace) -> None:
    study = receive(place.store)
    for name in ("one", "two"):
        ask_for(place, study, name)
        work(place)
    with place.store.read() as connection:
        found = list(connection.execute(sa.select(results.c.key)).scalars())
    assert len(set(found)) == 2


def test_one_that_was_retired_parks_the_job(place: Workplace) -> None:
    store = place.store
    study = receive(store)
    ask_for(place, study, "two")
    with store.begin() as connection:
        connection.execute(
            sa.update(bundles).where(bundles.c.name == "two").values(role="retired")
        )
    place.models.refresh(is_due=True)
    work(place)
    state, reason = state_of(store, study)
    assert state == "failed"
    assert "is not at work; let it be active" in reason
