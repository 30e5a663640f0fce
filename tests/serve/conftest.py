"""Fixtures that all tests of the service share: a store, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve import postgres


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Cluster]:
    """A private PostgreSQL with a migrated template, or a skip that says why not."""
    reason = postgres.why_not()
    if reason:
        pytest.skip(reason)
    pytest.importorskip("pg8000")
    from medlens.serve.store.store import open_store

    made = postgres.start()
    try:
        made.sql("CREATE DATABASE medlens_template")
        folder = tmp_path_factory.mktemp("template")
        open_store(folder, made.url("medlens_template")).close()
        yield made
    finally:
        postgres.stop(made)


@pytest.fixture
def postgresql_url(cluster: postgres.Cluster) -> Iterator[str]:
    """A fresh PostgreSQL database with this version's schema."""
    url = cluster.create(template="medlens_template")
    yield url
    cluster.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of a fresh database: "" for SQLite in the store's folder."""
    if request.param == "sqlite":
        return ""
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture
def store(tmp_path: Path, database_url: str) -> Iterator[object]:
    """An empty store; the test runs once on SQLite and once on PostgreSQL."""
    from medlens.serve.store.store import open_store

    opened = open_store(tmp_path / "service", database_url)
    yield opened
    opened.close()
