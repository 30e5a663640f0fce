"""Requests that want the same rows at the same time, on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from pydantic import BaseModel

from medlens.serve.access.caller import RIGHTS, Caller
from medlens.serve.store.store import Store
from medlens.serve.store.tables import studies
from medlens.serve.web.idempotency import Once
from tests.serve.web.api.filled import add_study


class Nothing(BaseModel):
    """A reply that says nothing."""


def test_asking_and_cancelling_never_wait_for_each_other(
    store: Store, as_role: Callable[[str], httpx.Client]
) -> None:
    study = add_study(store, state="receiving")
    first = as_role("reader").post(f"/api/v1/studies/{study}/answers")
    job = first.json()["job"]["id"]
    seen: list[tuple[int, str]] = []

    def hammer(client: httpx.Client, address: str) -> None:
        for _ in range(12):
            reply = client.post(address)
            seen.append((reply.status_code, reply.text))

    threads = [
        threading.Thread(target=hammer, args=(as_role("reader"), address))
        for address in (
            f"/api/v1/studies/{study}/answers",
            f"/api/v1/jobs/{job}/cancel",
            f"/api/v1/studies/{study}/answers",
            f"/api/v1/jobs/{job}/retry",
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _ in seen} <= {200, 202, 409}, seen


def test_a_deed_that_met_another_is_done_again(store: Store) -> None:
    if store.is_sqlite:
        pytest.skip("SQLite lets one write at a time")
    one, two = add_study(store), add_study(store)
    has_first = threading.Barrier(2, timeout=20)
    tries: dict[str, int] = {"a": 0, "b": 0}

    def deed_of(name: str, order: tuple[int, int]) -> Callable[[sa.Connection], Any]:
        def deed(connection: sa.Connection) -> Any:
            tries[name] += 1
            for at, number in enumerate(order):
                connection.execute(
                    sa.update(studies)
                    .where(studies.c.id == number)
                    .values(series_count=studies.c.series_count + 1)
                )
                if at == 0 and tries[name] == 1:
                    has_first.wait()
            return 200, Nothing()

        return deed

    def run(name: str, order: tuple[int, int]) -> None:
        Once(None, name, store).run(
            Caller(None, "guest", "reader", RIGHTS["reader"]), deed_of(name, order)
        )

    threads = [
        threading.Thread(target=run, args=("a", (one, two))),
        threading.Thread(target=run, args=("b", (two, one))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(tries.values()) == [1, 2]
    with store.read() as connection:
        counts = connection.execute(sa.select(studies.c.series_count)).scalars().all()
    assert counts == [3, 3]  # both deeds, each once
