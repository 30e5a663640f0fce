"""Health, readiness and metrics."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families

from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.store.tables import bundles
from medlens.serve.web.app import create_app
from tests.serve.http import client_for
from tests.serve.people import token_of
from tests.serve.web.api.filled import add_job, add_study


def add_bundle(store: Store) -> None:
    """An active bundle's row."""
    with store.begin() as connection:
        connection.execute(
            sa.insert(bundles).values(
                digest="a" * 64, name="x", role="active", folder="x",
                added_at=1.0, changed_at=1.0,
            )
        )  # fmt: skip


def test_readiness_names_what_is_missing(store: Store, tmp_path: Path) -> None:
    client = client_for(create_app(store, ServeSettings(data=tmp_path)))

    def reasons(status: int) -> list[str]:
        reply = client.get("/readyz")
        assert reply.status_code == status
        return [reason.partition(":")[0] for reason in reply.json()["reasons"]]

    assert client.get("/healthz").json() == {"status": "ok"}
    assert reasons(503) == ["bundles"]
    add_bundle(store)
    assert reasons(200) == []
    add_job(store, created_at=time.time())
    assert reasons(200) == []
    add_job(store, created_at=time.time() - 120)
    assert reasons(503) == ["workers"]
    add_job(store, state="leased", leased_until=time.time() + 60)
    assert reasons(200) == []


def test_a_full_disk_and_a_lost_index_are_not_ready(
    store: Store, tmp_path: Path
) -> None:
    add_bundle(store)
    full = ServeSettings(data=tmp_path, limits=Limits(free_mb=1 << 40))
    found = client_for(create_app(store, full)).get("/readyz").json()["reasons"]
    assert [reason.partition(":")[0] for reason in found] == ["disk"]
    client = client_for(create_app(store, ServeSettings(data=tmp_path)))
    with store.begin() as connection:
        connection.execute(sa.text("ALTER TABLE jobs RENAME TO away"))
    try:
        assert client.get("/readyz").json()["reasons"] == ["index: does not answer"]
        assert client.get("/healthz").status_code == 200
        assert "medlens_index_up 0.0" in client.get("/metrics").text
    finally:
        with store.begin() as connection:
            connection.execute(sa.text("ALTER TABLE away RENAME TO jobs"))


def test_metrics_are_those_of_the_index(store: Store, tmp_path: Path) -> None:
    add_study(store, patient_name="Qzplanted")
    add_study(store, state="failed")
    add_job(store, run_after=time.time() - 100)
    add_job(store, state="parked")
    client = client_for(create_app(store, ServeSettings(data=tmp_path)))
    client.get("/api/v1/nothing/Qzplanted")
    client.get("/healthz")
    reply = client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    assert "Qzplanted" not in reply.text
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }
    assert found["medlens_studies", "answered"] == 1
    assert found["medlens_studies", "failed"] == 1
    assert found["medlens_jobs", "answer", "waiting"] == 1
    assert found["medlens_jobs", "answer", "parked"] == 1
    assert found["medlens_instances",] == 2
    assert 100 <= found["medlens_job_wait_seconds",] < 200
    assert found["medlens_requests_total", "GET", "/healthz", "200"] == 1
    assert found["medlens_requests_total", "GET", "(none)", "404"] == 1
    assert found["medlens_index_up",] == 1


@pytest.mark.parametrize(
    ("address", "headers", "role", "status"),
    [
        ("127.0.0.1", {}, "", 200),
        ("127.0.0.1", {"X-Forwarded-For": "10.0.0.9"}, "", 401),
        ("127.0.0.1", {"Host": "evil.example"}, "", 421),
        ("10.0.0.9", {}, "", 401),
        ("10.0.0.9", {}, "viewer", 403),
        ("10.0.0.9", {}, "administrator", 200),
    ],
)
def test_metrics_are_for_this_machine_or_administrators(
    store: Store,
    tmp_path: Path,
    address: str,
    headers: dict[str, str],
    role: str,
    status: int,
) -> None:
    app = create_app(store, ServeSettings(data=tmp_path))
    sent = {**headers, **(token_of(store, role) if role else {})}
    assert (
        client_for(app, address=address).get("/metrics", headers=sent).status_code
        == status
    )
