"""Server-sent events: what is told, what is told again, when it ends."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.store import Store, open_store
from medlens.serve.store.tables import studies
from medlens.serve.web import study_changes
from medlens.serve.web.study_changes import StudyChanges
from tests.serve.web.api.filled import add_job, add_study, set_job
from tests.serve.web.live import live_server


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Store, str]]:
    """A store and the URL of a demo over it."""
    store = open_store(tmp_path)
    limits = Limits(streams=4, streams_per_caller=2)
    with live_server(ServeSettings(data=tmp_path, demo=True, limits=limits)) as url:
        yield store, url
    store.close()


def read(lines: Iterator[str]) -> tuple[str, str, dict[str, object]]:
    """Number, kind and data of the next event; what is no event is passed over."""
    found: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if name in ("id", "event", "data"):
            found[name] = value
        if not line and "data" in found:
            return found["id"], found["event"], json.loads(found["data"])
    raise AssertionError("the stream ended")


def test_every_change_of_a_job_is_told_until_its_end(
    served: tuple[Store, str],
) -> None:
    store, url = served
    job = add_job(store)

    def work() -> None:
        for values in (
            {"state": "leased", "attempts": 1},
            {"progress": 0.5},
            {"state": "done", "progress": 1.0},
        ):
            time.sleep(1.2)
            set_job(store, job, **values)

    worker = threading.Thread(target=work)
    worker.start()
    with httpx.stream("GET", f"{url}/api/v1/jobs/{job}/events", timeout=20) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        lines = reply.iter_lines()
        told = [read(lines)[2] for _ in range(4)]
        assert list(lines) == []  # it ends with the job
    worker.join()
    assert [(each["state"], each["progress"]) for each in told] == [
        ("waiting", 0.0),
        ("leased", 0.0),
        ("leased", 0.5),
        ("done", 1.0),
    ]
    assert {each["id"] for each in told} == {job}


def test_a_job_that_has_ended_says_so_at_once(served: tuple[Store, str]) -> None:
    store, url = served
    job = add_job(store, state="parked")
    with httpx.stream("GET", f"{url}/api/v1/jobs/{job}/events", timeout=5) as reply:
        lines = reply.iter_lines()
        assert read(lines)[2]["state"] == "parked"
        assert list(lines) == []
    assert httpx.get(f"{url}/api/v1/jobs/99/events").status_code == 404


def test_what_was_missed_is_told_again(served: tuple[Store, str]) -> None:
    store, url = served
    address = f"{url}/api/v1/events"
    with httpx.stream("GET", address, timeout=20) as other:
        kept = other.iter_lines()  # keeps the look open while the first one is away
        next(kept)
        time.sleep(1)
        with httpx.stream("GET", address, timeout=20) as reply:
            lines = reply.iter_lines()
            next(lines)
            first = add_job(store)
            seen = read(lines)
            assert (seen[1], seen[2]["id"]) == ("job", first)
        missed = add_job(store)
        time.sleep(1.5)
        with httpx.stream(
            "GET", address, headers={"Last-Event-ID": seen[0]}, timeout=20
        ) as again:
            told = read(again.iter_lines())
        assert (told[1], told[2]["id"]) == ("job", missed)
        kept.close()


def test_a_client_from_an_earlier_process_is_told_to_read_anew(
    served: tuple[Store, str],
) -> None:
    _, url = served
    with httpx.stream(
        "GET", f"{url}/api/v1/events", headers={"Last-Event-ID": "abc-5"}, timeout=9
    ) as reply:
        assert read(reply.iter_lines())[1] == "reset"


def test_streams_of_one_caller_are_few(served: tuple[Store, str]) -> None:
    _, url = served
    address = f"{url}/api/v1/events"
    with (
        httpx.stream("GET", address, timeout=9) as one,
        httpx.stream("GET", address, timeout=9) as two,
    ):
        kept = [one.iter_lines(), two.iter_lines()]  # dropped, they would close
        assert all(next(lines).startswith("retry:") for lines in kept)
        third = httpx.get(address, timeout=9)
        assert third.status_code == 429
        assert third.headers["Retry-After"] == "10"
        assert "too many event streams" in third.json()["detail"]
    time.sleep(1)  # those who left make room
    with httpx.stream("GET", address, timeout=9) as again:
        assert again.status_code == 200


def change_study(store: Store, study: int, **fields: object) -> None:
    with store.begin() as connection:
        connection.execute(
            sa.update(studies).where(studies.c.id == study).values(**fields)
        )


def test_every_change_of_a_line_of_the_worklist_is_told(
    served: tuple[Store, str],
) -> None:
    store, url = served
    old = add_study(store)
    told = []
    with httpx.stream("GET", f"{url}/api/v1/events", timeout=20) as reply:
        lines = reply.iter_lines()
        next(lines)
        time.sleep(1)
        new = add_study(store, state="receiving", patient_name="Planted^Name")
        told.append(read(lines))
        change_study(store, old, reading="begun")
        told.append(read(lines))
        for urgency in (1.0, 2.0, 33.0):  # together
            change_study(store, new, state="answered", urgency=urgency)
        told.append(read(lines))
        if told[-1][2]["urgency"] != 33.0:  # a look fell between two of them
            told[-1] = read(lines)
    assert {kind for _, kind, _ in told} == {"study"}
    data = [each for _, _, each in told]
    assert [(d["id"], d["state"], d["reading"]) for d in data] == [
        (new, "receiving", "unread"),
        (old, "answered", "begun"),
        (new, "answered", "unread"),
    ]
    assert data[2]["urgency"] == 33.0
    assert {*data[0]} == {"id", "state", "reading", "urgency", "changed_at"}
    assert str(data[0]["changed_at"]).endswith("Z")


def test_a_job_is_told_of_itself_alone(served: tuple[Store, str]) -> None:
    store, url = served
    job = add_job(store)
    address = f"{url}/api/v1/jobs/{job}/events"
    with httpx.stream("GET", address, timeout=20) as reply:
        lines = reply.iter_lines()
        assert read(lines)[2]["state"] == "waiting"
        time.sleep(1)
        add_study(store)
        time.sleep(1)
        set_job(store, job, state="done")
        assert read(lines)[1:] == ("job", read_job(job, "done"))
        assert list(lines) == []


def read_job(job: int, state: str) -> dict[str, object]:
    return {
        "id": job, "kind": "answer", "study_id": None, "state": state, "attempts": 0,
        "progress": 0.0,
    }  # fmt: skip


def test_looks_tell_each_change_once_however_late_it_is_committed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_changes, "MOST", 20)
    now = time.time()
    first = add_study(store, changed_at=now - 100)
    changes = StudyChanges()

    def look() -> list[int] | None:
        with store.read() as connection:
            found = changes.look(connection)
        return None if found is None else [int(each["id"]) for each in found]

    assert look() == []
    new = add_study(store, changed_at=now)
    assert look() == [new]
    assert look() == []
    slow = add_study(store, changed_at=now - 10)  # written before it was committed
    assert look() == [slow]
    ahead = add_study(store, changed_at=now + 3600)  # by a clock that is wrong
    assert look() == [ahead]
    change_study(store, first, state="failed")
    assert look() == [first]
    flood = [add_study(store) for _ in range(30)]
    assert look() is None
    assert look() == []
    change_study(store, flood[-1], state="failed")
    assert look() == [flood[-1]]
