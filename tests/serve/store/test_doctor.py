"""What the doctor finds, each fault made by hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from medlens.serve.store.doctor import Finding, check_store
from medlens.serve.store.store import Store
from medlens.serve.store.tables import instances, jobs, series, studies
from tests.serve.dicom_files import part10
from tests.serve.store.test_keep import age_files, files, take


def wrong(
    store: Store, *, deep: bool = False, clean: bool = False
) -> dict[str, Finding]:
    findings = check_store(store, deep=deep, clean=clean)
    return {each.name: each for each in findings if each.count}


@pytest.fixture
def filled(store: Store) -> Store:
    for study in (1, 2):
        for number in (1, 2, 3):
            take(store, part10(number, study=study, series=number % 2))
    take(store, part10(1, study=1, series=1, pixels=bytes(32)))
    return store


def first(store: Store) -> Path:
    with store.read() as connection:
        digest = connection.execute(sa.select(instances.c.digest)).scalars().first()
    assert digest is not None
    return store.blobs.path_of(digest)


def test_a_good_store_has_no_findings(filled: Store) -> None:
    told: list[float] = []
    assert all(not each.count for each in check_store(filled, on_progress=told.append))
    assert wrong(filled, deep=True) == {}
    assert told[-1] == 1.0


def test_a_lost_file_is_found(filled: Store) -> None:
    path = first(filled)
    path.unlink()
    (finding,) = wrong(filled).values()
    assert (finding.name, finding.count) == ("every row has its file", 1)
    assert finding.is_serious
    assert path.name[:12] in finding.detail


def test_a_file_of_another_size_is_found(filled: Store) -> None:
    first(filled).write_bytes(b"short")
    assert list(wrong(filled)) == ["files have their size"]


def test_one_changed_bit_is_found_by_a_deep_look(filled: Store) -> None:
    path = first(filled)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert wrong(filled) == {}
    assert list(wrong(filled, deep=True)) == ["files are what they were"]


def test_orphans_are_told_and_cleaned_once_old(filled: Store) -> None:
    filled.blobs.put(b"left by a crash")
    assert wrong(filled, clean=True) == {}
    age_files(filled)
    (finding,) = wrong(filled).values()
    assert (finding.name, finding.is_serious) == ("every file has its row", False)
    before = len(files(filled))
    assert wrong(filled, clean=True) == {}
    assert len(files(filled)) == before - 1
    assert wrong(filled, deep=True) == {}


def test_half_written_files_are_told_and_cleaned(filled: Store) -> None:
    path = filled.blobs.incoming / "draft"
    path.write_bytes(b"half")
    os.utime(path, (0, 0))
    assert list(wrong(filled)) == ["nothing is left half written"]
    assert wrong(filled, clean=True) == {}
    assert not path.exists()


def _update(table: sa.Table, **values: int) -> Callable[[Store], None]:
    def change(store: Store) -> None:
        with store.begin() as connection:
            connection.execute(sa.update(table).where(table.c.id == 1).values(**values))

    return change


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (_update(studies, instance_count=9), "studies are counted right"),
        (_update(studies, bytes=9), "studies are counted right"),
        (_update(studies, series_count=9), "studies are counted right"),
        (_update(series, instance_count=9), "series are counted right"),
    ],
)
def test_wrong_counters_are_found(
    filled: Store, change: Callable[[Store], None], name: str
) -> None:
    change(filled)
    (finding,) = wrong(filled).values()
    assert (finding.name, finding.count) == (name, 1)
    assert "number 1" in finding.detail


@pytest.mark.parametrize(
    ("state", "words", "is_serious"),
    [
        ("parked", "parked after their last attempt", False),
        ("leased", "lease ran out an hour ago", False),
        ("done", "marked answered that have no result", True),
    ],
)
def test_work_that_stands_still_is_found(
    filled: Store, state: str, words: str, is_serious: bool
) -> None:
    with filled.begin() as connection:
        connection.execute(
            sa.insert(jobs).values(
                kind="answer", key="k", study_id=1, payload={}, run_after=0.0,
                created_at=0.0, state=state, leased_until=1.0,
            )
        )  # fmt: skip
        this = studies.c.id == 1
        connection.execute(sa.update(studies).where(this).values(state="answered"))
    (finding,) = wrong(filled).values()
    assert words in finding.detail
    assert finding.is_serious is is_serious


def test_an_old_schema_is_told(filled: Store) -> None:
    with filled.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    assert "schema is '0000'" in wrong(filled)["the database is whole"].detail
