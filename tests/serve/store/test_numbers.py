"""A number that stood for something never stands for anything else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from medlens.serve.store.dump import SCHEMA, dump_index, load_index
from medlens.serve.store.keep import remove_study
from medlens.serve.store.migrate import bring_up_to_date, upgrade
from medlens.serve.store.store import Store
from medlens.serve.store.tables import (
    jobs,
    metadata,
    reports,
    result_objects,
    results,
)
from medlens.serve.work.evaluations import Asked, ask, remove_evaluation
from tests.serve.dicom_files import part10
from tests.serve.store.test_keep import answer, take

DIGEST = "a" * 64
BEFORE = "0002"  # a schema in which SQLite gave numbers again


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Store]:
    """A SQLite store of an earlier version, with work and a trail."""
    store = Store(tmp_path / "old")
    with store.begin() as connection:
        upgrade(connection, BEFORE)
        there = sa.MetaData()
        there.reflect(connection)
        for name, values in OLD_ROWS:
            connection.execute(sa.insert(there.tables[name]).values(values))
    yield store
    store.close()


OLD_ROWS: list[tuple[str, dict[str, Any]]] = [
    ("users", {"id": 3, "name": "rita", "role": "reader", "created_at": 1.0}),
    ("sessions", {"digest": DIGEST, "user_id": 3, "csrf": "c", "created_at": 1.0,
                  "seen_at": 1.0, "expires_at": 2.0}),
    ("devices", {"digest": DIGEST, "user_id": 3, "created_at": 1.0}),
    ("studies", {"id": 5, "study_uid": "1.2", "received_at": 1.0, "last_at": 1.0}),
    ("jobs", {"id": 8, "kind": "answer", "key": "a", "study_id": 5, "payload": {},
              "state": "done", "run_after": 0.0, "created_at": 0.0}),
    ("jobs", {"id": 9, "kind": "export", "key": "b", "payload": {"n": [1, None]},
              "run_after": 0.0, "created_at": 0.0}),
    ("exports", {"job_id": 9, "digest": DIGEST, "bytes": 7, "report": {"é": None},
                 "made_at": 1.0}),
    ("results", {"id": 2, "key": "r", "study_id": 5, "job_id": 8,
                 "inputs_digest": DIGEST, "diagnosis": {}, "created_at": 1.0}),
    ("feedback", {"id": 4, "result_id": 2, "assessment": 0, "finding": "f",
                  "verdict": "accept", "correction": {}, "user_id": 3, "at": 1.0}),
    *(
        ("trail", {"number": number, "at": 1.0, "who": "rita", "address": "",
                   "action": "x", "detail": detail, "previous": DIGEST,
                   "digest": DIGEST})
        for number, detail in enumerate(
            # Job 31, evaluation 12 and report 6 were removed; words are no numbers.
            ({"job": 31}, {"evaluation": 12}, {"job": "97"}, {"result": 1}, {},
             {"report": 6, "peer": "pacs", "objects": 2}), 1
        )
    ),
]  # fmt: skip


def all_rows(connection: sa.Connection) -> dict[str, list[str]]:
    there = sa.MetaData()
    there.reflect(connection)
    return {
        table.name: sorted(map(repr, connection.execute(sa.select(table))))
        for table in there.sorted_tables
        if table.name != "alembic_version"
    }


def numbers(connection: sa.Connection, table: sa.Table) -> list[int]:
    return list(connection.execute(sa.select(table.c.id)).scalars())


def test_every_table_that_counts_says_so() -> None:
    counting = [t for t in metadata.sorted_tables if t.autoincrement_column is not None]
    assert jobs in counting
    for table in counting:
        assert table.dialect_options["sqlite"]["autoincrement"], table.name


@pytest.mark.parametrize("by_steps", [True, False])
def test_sqlite_is_told(tmp_path: Path, by_steps: bool) -> None:
    store = Store(tmp_path / "store")
    if by_steps:
        with store.begin() as connection:
            upgrade(connection)
    else:
        bring_up_to_date(store)
    query = "SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'"
    with store.read() as connection:
        told = set(connection.exec_driver_sql(query).scalars())
    store.close()
    assert told == {
        table.name
        for table in metadata.sorted_tables
        if table.autoincrement_column is not None
    }


def test_what_a_removed_study_was_called_stays_its_own(store: Store) -> None:
    seen: dict[str, set[int]] = {}
    for study in (1, 2, 3):
        take(store, part10(1, study=study))
        answer(store, study)
        with store.read() as connection:
            for table in (jobs, results, result_objects):
                (number,) = numbers(connection, table)
                assert number not in seen.setdefault(table.name, set())
                seen[table.name].add(number)
        remove_study(store, study)


def test_a_removed_evaluation_stays_the_only_one_of_its_number(store: Store) -> None:
    given: list[int] = []
    for title in ("first", "second", "third"):
        asked = Asked(DIGEST, title, set_digest=DIGEST, set_bytes=1, options={})
        with store.begin() as connection:
            number, is_new = ask(connection, asked, now=1.0)
            assert is_new
            assert remove_evaluation(connection, number) == [DIGEST]
        given.append(number)
    assert given == [1, 2, 3]


def test_the_step_keeps_every_row(old: Store) -> None:
    with old.read() as connection:
        before = all_rows(connection)
    bring_up_to_date(old)
    with old.read() as connection:
        after = all_rows(connection)
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    assert len(before["jobs"]) == 2
    for name, rows in before.items():
        if name != "studies":  # later steps give a study more columns
            assert after[name] == rows, name
    assert len(after["studies"]) == 1


def test_numbers_go_on_behind_all_that_the_trail_names(old: Store) -> None:
    bring_up_to_date(old)
    asked = Asked(DIGEST, "title", set_digest=DIGEST, set_bytes=1, options={})
    with old.begin() as connection:
        assert ask(connection, asked, now=1.0) == (13, True)
        assert max(numbers(connection, jobs)) == 32
        new = sa.insert(results).values(
            key="s", study_id=5, inputs_digest=DIGEST, diagnosis={}, created_at=1.0
        )
        assert connection.execute(new).inserted_primary_key == (3,)
        new = sa.insert(reports).values(
            study_id=5, version=1, is_signed=True, content={}, content_digest=DIGEST,
            author="rita", made_at=1.0,
        )  # fmt: skip
        assert connection.execute(new).inserted_primary_key == (7,)


def test_foreign_keys_hold_after_the_step(old: Store) -> None:
    bring_up_to_date(old)
    wrong = sa.insert(results).values(
        key="s", study_id=77, inputs_digest=DIGEST, diagnosis={}, created_at=1.0
    )
    with (
        pytest.raises(sa.exc.IntegrityError, match="FOREIGN KEY"),
        old.begin() as connection,
    ):
        connection.execute(wrong)


def test_a_dump_of_an_earlier_schema_brings_its_numbers(tmp_path: Path) -> None:
    """As PostgreSQL wrote it, which counted from the first: jobs 1 to 7 are gone."""
    counters = {"jobs": 7, "studies": 4}
    head = {"schema": SCHEMA, "revision": BEFORE, "counters": counters}
    lines = [json.dumps(head), json.dumps({"counts": {}})]
    store = Store(tmp_path / "store")
    with store.begin() as connection:
        assert load_index(connection, lines) == {}
        row = {"kind": "x", "key": "k", "payload": {}, "run_after": 0, "created_at": 0}
        made = connection.execute(sa.insert(jobs).values(row))
        assert made.inserted_primary_key == (8,)
    counters = json.loads(next(dump_index(store)))["counters"]
    assert (counters["jobs"], counters["studies"]) == (8, 4)
    store.close()
