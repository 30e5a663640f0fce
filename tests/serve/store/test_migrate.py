"""The schema's history leads to the tables as they are, with data in between."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from medlens.core import UsageError
from medlens.serve.store import trigrams
from medlens.serve.store.migrate import (
    FOLDER,
    bring_up_to_date,
    make_schema,
    revision_of,
    upgrade,
)
from medlens.serve.store.migrations import HEAD
from medlens.serve.store.store import Store, open_store
from medlens.serve.store.tables import metadata, series, studies, trail
from tests.serve import postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store without any table."""
    if request.param == "sqlite":
        store = Store(tmp_path / "bare")
        yield store
        store.close()
        return
    cluster: postgres.Cluster = request.getfixturevalue("cluster")
    url = cluster.create()
    store = Store(tmp_path / "bare", url)
    yield store
    store.close()
    cluster.drop(url)


def _is_ours(_object: object, name: str | None, *_: object) -> bool:
    """What the tables tell of; the index of triples is made where it can be."""
    return name not in (trigrams.NAME, "alembic_version")


def stamp(store: Store, revision: str) -> None:
    with store.begin() as connection:
        connection.execute(
            sa.text("UPDATE alembic_version SET version_num = :to"), {"to": revision}
        )


def test_head_is_the_newest_file() -> None:
    script = ScriptDirectory(str(FOLDER))
    assert script.get_heads() == [HEAD]
    files = sorted((FOLDER / "versions").glob("[0-9]*.py"))
    assert [path.name[:4] for path in files] == [
        f"{number:04d}" for number in range(1, int(HEAD) + 1)
    ]


def test_the_migrations_lead_to_the_tables(bare: Store) -> None:
    with bare.begin() as connection:
        upgrade(connection)
        assert revision_of(connection) == HEAD
        # SQLite tells defaults in another spelling than it was given.
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_server_default": not bare.is_sqlite,
                "include_object": _is_ours,
            },
        )
        assert compare_metadata(context, metadata) == []


def test_an_empty_database_gets_the_same(bare: Store) -> None:
    bring_up_to_date(bare)
    with bare.begin() as connection:
        assert revision_of(connection) == HEAD
        context = MigrationContext.configure(
            connection, opts={"include_object": _is_ours}
        )
        assert compare_metadata(context, metadata) == []
    bring_up_to_date(bare)  # again changes nothing


@pytest.mark.parametrize("by_steps", [True, False])
def test_either_way_guards_the_trail(bare: Store, by_steps: bool) -> None:
    row = {"number": 1, "at": 0.0, "who": "", "address": "", "action": "view"}
    with bare.begin() as connection:
        if by_steps:
            upgrade(connection)
        else:
            make_schema(connection)
        row |= {"detail": {}, "previous": "0" * 64, "digest": "1" * 64}
        connection.execute(sa.insert(trail).values(row))
    for statement in (sa.update(trail).values(who="x"), sa.delete(trail)):
        with (
            pytest.raises(sa.exc.DBAPIError, match="only appended to"),
            bare.begin() as connection,
        ):
            connection.execute(statement)


def test_data_of_the_first_schema_outlive_every_step(bare: Store) -> None:
    study = {
        "study_uid": "1.2.3",
        "received_at": 1.0,
        "last_at": 2.0,
        "urgency": 3.75,  # a reader should look, 75 %: 30.75 on the scale of 0002
    }
    dated = {"study_date": "20260304", "study_time": "093015.5"}
    with bare.begin() as connection:
        upgrade(connection, "0001")
        # The table as it was then: today's has columns that were not there.
        then = sa.Table("studies", sa.MetaData(), autoload_with=connection)
        key = connection.execute(sa.insert(then).values(study)).inserted_primary_key
        assert key is not None
        connection.execute(
            sa.insert(series).values(study_id=key[0], series_uid="1.2.3.4")
        )
        upgrade(connection, "0002")
        then = sa.Table("studies", sa.MetaData(), autoload_with=connection)
        said = {"advice": "refer", "why": [], "assessments": 1}
        connection.execute(
            sa.insert(then).values(study | dated | {"study_uid": "9", "headline": said})
        )
    bring_up_to_date(bare)
    with bare.read() as connection:
        assert revision_of(connection) == HEAD
        query = sa.select(
            studies.c.state, studies.c.modalities, series.c.is_own, studies.c.urgency
        )
        found = connection.execute(query.join(series)).one()
        moments = connection.execute(
            sa.select(studies.c.began_at, studies.c.advice).order_by(studies.c.id)
        ).all()
    assert tuple(found) == ("receiving", "\\", False, 30.75)
    made = datetime(2026, 3, 4, 9, 30, 15).timestamp()
    assert [tuple(row) for row in moments] == [(1.0, ""), (made, "refer")]


def test_a_newer_schema_is_refused(bare: Store) -> None:
    bring_up_to_date(bare)
    stamp(bare, "9999")
    with pytest.raises(UsageError, match="'9999' is newer than this version's"):
        bring_up_to_date(bare)


def test_somebody_elses_database_is_left_alone(bare: Store) -> None:
    with bare.begin() as connection:
        connection.execute(sa.text("CREATE TABLE theirs (id INTEGER)"))
    with pytest.raises(UsageError, match="none of medlens' own record"):
        bring_up_to_date(bare)
    with bare.read() as connection:
        assert sa.inspect(connection).get_table_names() == ["theirs"]


def test_processes_that_start_together_make_one_schema(bare: Store) -> None:
    errors: list[Exception] = []

    def start() -> None:
        try:
            open_store(bare.folder, bare.url).close()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    with bare.read() as connection:
        assert revision_of(connection) == HEAD
