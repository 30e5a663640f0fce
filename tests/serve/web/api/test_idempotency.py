"""Idempotency-Key: done once, answered as often as asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import sqlalchemy as sa

from medlens.serve.store.store import Store
from medlens.serve.store.tables import jobs, replies, trail
from medlens.serve.web.idempotency import KEPT_S
from tests.serve.web.api.filled import add_job, add_result, add_study, set_job

KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}


def test_the_same_key_gives_the_same_reply(store: Store, reader: httpx.Client) -> None:
    job = add_job(store)
    address = f"/api/v1/jobs/{job}/cancel"
    first = reader.post(address, headers=KEY)
    second = reader.post(address, headers=KEY)  # without the key it would be 409
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.json() == first.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    with store.read() as connection:
        assert (
            connection.execute(sa.select(sa.func.count(trail.c.number))).scalar() == 1
        )


def test_a_key_is_for_one_request(store: Store, reader: httpx.Client) -> None:
    result = add_result(store, add_study(store))
    address = f"/api/v1/results/{result}/sendings"
    assert reader.post(address, headers=KEY, json={"destination": "pacs"}).is_success
    other = reader.post(address, headers=KEY, json={"destination": "web"})
    assert other.status_code == 422
    assert other.json()["type"].endswith("/key-reused")


def test_the_key_of_another_user_is_another_key(
    store: Store, as_role: Callable[[str], httpx.Client]
) -> None:
    job = add_job(store)
    assert as_role("reader").post(f"/api/v1/jobs/{job}/cancel", headers=KEY).is_success
    other = as_role("administrator").post(f"/api/v1/jobs/{job}/cancel", headers=KEY)
    assert other.status_code == 409


def test_a_failure_is_not_kept(store: Store, reader: httpx.Client) -> None:
    job = add_job(store)
    address = f"/api/v1/jobs/{job}/retry"
    assert reader.post(address, headers=KEY).status_code == 409
    set_job(store, job, state="parked")
    assert reader.post(address, headers=KEY).status_code == 200


def test_a_key_is_forgotten_after_a_day(store: Store, reader: httpx.Client) -> None:
    job = add_job(store)
    address = f"/api/v1/jobs/{job}/cancel"
    assert reader.post(address, headers=KEY).is_success
    with store.begin() as connection:
        connection.execute(sa.update(replies).values(created_at=time.time() - KEPT_S))
    set_job(store, job, state="waiting")
    again = reader.post(address, headers=KEY)
    assert again.is_success
    assert "Idempotency-Replayed" not in again.headers
    with store.read() as connection:
        assert connection.execute(sa.select(sa.func.count(replies.c.key))).scalar() == 1


def test_twins_are_done_once(store: Store, reader: httpx.Client) -> None:
    """Eight senders at once, each with the key and with the same wish."""
    study = add_study(store)
    result = add_result(store, study)
    add_job(store, kind="send", key=f"send:{result}:pacs", state="done", study_id=study)

    def send(_: int) -> httpx.Response:
        return reader.post(
            f"/api/v1/results/{result}/sendings",
            headers=KEY,
            json={"destination": "pacs"},
        )

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(send, range(8)))
    assert [reply.status_code for reply in found] == [202] * 8
    assert len({reply.json()["id"] for reply in found}) == 1
    with store.read() as connection:
        count = connection.execute(sa.select(sa.func.count(jobs.c.id))).scalar()
    assert count == 2


def test_keys_are_bounded(store: Store, reader: httpx.Client) -> None:
    job = add_job(store)
    for key in ("x" * 201, "a b", ""):
        reply = reader.post(
            f"/api/v1/jobs/{job}/cancel", headers={"Idempotency-Key": key}
        )
        assert reply.status_code == 422, key
