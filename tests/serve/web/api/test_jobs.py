"""Jobs: listing, cancelling, trying again, asking for an answer."""

from __future__ import annotations

import httpx
import sqlalchemy as sa

from medlens.serve.store.store import Store
from medlens.serve.store.tables import bundles, jobs, studies, trail
from tests.serve.web.api.filled import add_job, add_study, set_job


def test_jobs_are_filtered_and_paged(store: Store, viewer: httpx.Client) -> None:
    study = add_study(store)
    parked = add_job(store, state="parked", error="no memory", study_id=study)
    send = add_job(store, kind="send")
    done = add_job(store, state="done", finished_at=5.0)

    def listed(**query: object) -> list[int]:
        reply = viewer.get("/api/v1/jobs", params=query)
        return [each["id"] for each in reply.json()["items"]]

    assert listed() == [done, send, parked]
    assert listed(state="parked") == [parked]
    assert listed(state=["done", "waiting"]) == [done, send]
    assert listed(kind="send") == [send]
    assert listed(study_id=study) == [parked]
    first = viewer.get("/api/v1/jobs?limit=2").json()
    assert [each["id"] for each in first["items"]] == [done, send]
    assert listed(limit=2, cursor=first["next"]) == [parked]


def test_a_job_is_cancelled_and_retried(store: Store, reader: httpx.Client) -> None:
    study = add_study(store, state="ready")
    job = add_job(store, study_id=study, attempts=2, error="x")
    address = f"/api/v1/jobs/{job}"
    assert reader.post(f"{address}/retry").status_code == 409
    assert reader.post(f"{address}/cancel").json()["state"] == "cancelled"
    again = reader.post(f"{address}/cancel")
    assert again.status_code == 409
    assert "is cancelled: there is nothing to cancel" in again.json()["detail"]
    revived = reader.post(f"{address}/retry").json()
    assert (revived["state"], revived["attempts"]) == ("waiting", 0)
    with store.read() as connection:
        found = connection.execute(sa.select(studies.c.state)).scalar()
        lines = connection.execute(sa.select(trail.c.action, trail.c.study_id)).all()
    assert found == "ready"
    assert [tuple(x) for x in lines] == [("cancel job", study), ("retry job", study)]


def test_a_change_holds_to_the_version_that_was_read(
    store: Store, reader: httpx.Client
) -> None:
    job = add_job(store, state="parked")
    tag = reader.get(f"/api/v1/jobs/{job}").headers["ETag"]
    set_job(store, job, state="waiting")
    late = reader.post(f"/api/v1/jobs/{job}/cancel", headers={"If-Match": tag})
    assert late.status_code == 412
    assert late.json()["type"].endswith("/changed")
    tag = reader.get(f"/api/v1/jobs/{job}").headers["ETag"]
    good = reader.post(f"/api/v1/jobs/{job}/cancel", headers={"If-Match": tag})
    assert good.status_code == 200


def test_viewers_change_nothing(store: Store, viewer: httpx.Client) -> None:
    study, job = add_study(store), add_job(store)
    for address in (
        f"/api/v1/jobs/{job}/cancel",
        f"/api/v1/jobs/{job}/retry",
        f"/api/v1/studies/{study}/answers",
    ):
        reply = viewer.post(address)
        assert reply.status_code == 403
        assert reply.json()["type"].endswith("/forbidden")


def test_an_answer_is_asked_for_once(store: Store, reader: httpx.Client) -> None:
    study = add_study(store, state="receiving")
    first = reader.post(f"/api/v1/studies/{study}/answers")
    assert first.status_code == 202, first.text
    assert first.json()["is_new"]
    second = reader.post(f"/api/v1/studies/{study}/answers").json()
    assert not second["is_new"]
    assert second["job"]["id"] == first.json()["job"]["id"]
    assert reader.get(f"/api/v1/studies/{study}").json()["state"] == "ready"
    assert reader.post("/api/v1/studies/999999/answers").status_code == 404


def test_the_key_is_that_of_the_workers(store: Store, reader: httpx.Client) -> None:
    """Asking for what the quiet time already asked for gives the same job."""
    import time

    from medlens.serve.work.models import Models, work_digest
    from medlens.serve.work.ready import make_ready

    study = add_study(store, state="receiving", last_at=1.0)
    models = Models(store, [])
    models.refresh(is_due=True)
    make_ready(
        store,
        quiet_s=1,
        rules_digest=work_digest(None, models),
        attempts=3,
        now=time.time(),
    )
    asked = reader.post(f"/api/v1/studies/{study}/answers").json()
    assert not asked["is_new"]


def test_a_bundle_can_be_chosen(store: Store, reader: httpx.Client) -> None:
    study = add_study(store, state="receiving")
    folder = str(store.folder / "bundles" / "x")
    with store.begin() as connection:
        for name, digest, role in (
            ("old", "a" * 64, "retired"),
            ("new", "b" * 64, "active"),
        ):
            connection.execute(
                sa.insert(bundles).values(
                    digest=digest, name=name, role=role, folder=folder,
                    added_at=1.0, changed_at=1.0,
                )
            )  # fmt: skip
    address = f"/api/v1/studies/{study}/answers"
    plain = reader.post(address).json()
    by_name = reader.post(address, json={"bundle": "new"})
    assert by_name.status_code == 202, by_name.text
    assert by_name.json()["is_new"]
    assert by_name.json()["job"]["id"] != plain["job"]["id"]
    by_digest = reader.post(address, json={"bundle": "b" * 8}).json()
    assert not by_digest["is_new"]
    assert by_digest["job"]["id"] == by_name.json()["job"]["id"]
    assert not reader.post(address, json={}).json()["is_new"]
    with store.read() as connection:
        payloads = connection.execute(
            sa.select(jobs.c.payload).order_by(jobs.c.id)
        ).scalars()
        assert [each.get("bundle") for each in payloads] == [None, "b" * 64]
    gone = reader.post(address, json={"bundle": "old"})
    assert gone.status_code == 409
    assert "bundle 'old' is not at work" in gone.json()["detail"]
    assert reader.post(address, json={"bundel": "new"}).status_code == 422
