"""Retention, as the worker does it: with a line in the trail."""

from __future__ import annotations

import logging
import os
import threading
import time

import pytest
import sqlalchemy as sa

from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import anchor_of, read_anchor, record, verify_trail
from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.store.tables import jobs, replies, studies, trail
from medlens.serve.work import tidy as tidying
from medlens.serve.work import worker
from medlens.serve.work.answer import Workplace
from medlens.serve.work.models import Models
from medlens.serve.work.queue import enqueue
from medlens.serve.work.tidy import Housekeeper, tell_anchor, tidy
from tests.serve.work.studies import of_study, take
from tests.write.dicom_sources import radiograph

DAY_S = 86_400.0


def test_a_study_past_its_time_is_removed_with_a_line(store: Store) -> None:
    old = take(store, of_study(radiograph(), 1)).study_id
    young = take(store, of_study(radiograph(), 2)).study_id
    now = time.time()
    with store.begin() as connection:
        connection.execute(
            sa.update(studies)
            .where(studies.c.id == old)
            .values(last_at=now - 31 * DAY_S)
        )
    assert tidy(store, Limits(keep_days=0), now=now) == 0
    assert tidy(store, Limits(keep_days=30), now=now) == 1
    with store.read() as connection:
        left = list(connection.execute(sa.select(studies.c.id)).scalars())
        lines = connection.execute(sa.select(trail)).all()
    assert left == [young]
    assert [(line.who, line.action, line.study_id) for line in lines] == [
        ("medlens", "remove expired study", old)
    ]


def test_half_written_files_go(store: Store) -> None:
    path = store.blobs.incoming / "left"
    path.write_bytes(b"half")
    os.utime(path, (1.0, 1.0))
    tidy(store, Limits(), now=time.time())
    assert not path.exists()


def test_replies_go_after_a_day_also_where_nobody_asks(store: Store) -> None:
    """They hold words of reports, and their study may be gone by now."""
    now = time.time()
    with store.begin() as connection:
        for key, age in (("old", DAY_S + 1), ("young", DAY_S - 60)):
            connection.execute(
                sa.insert(replies).values(
                    key=key, user_id=0, request="0" * 64, status=201,
                    body={"findings": "Nodule."}, created_at=now - age,
                )
            )  # fmt: skip
    tidy(store, Limits(), now=now)
    with store.read() as connection:
        assert list(connection.execute(sa.select(replies.c.key)).scalars()) == ["young"]


def leave_line(store: Store) -> None:
    caller = Caller(None, "somebody", "viewer", frozenset())
    record(store, caller, "view study", study_id=7)


def test_the_end_of_the_trail_is_logged(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "medlens.work")
    tell_anchor(store)
    assert caplog.messages == []
    leave_line(store)
    leave_line(store)
    tell_anchor(store)
    (said,) = caplog.messages
    anchor = read_anchor(said.removeprefix("trail end "))
    with store.read() as connection:
        assert anchor == anchor_of(connection)
    assert anchor.number == 2
    assert verify_trail(store, anchor=anchor).is_whole


def test_each_piece_is_done_when_it_is_due(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    now = [1.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(tidying, "tidy", lambda *_, **__: done.append("tidy"))
    monkeypatch.setattr(tidying, "tell_anchor", lambda _: done.append("anchor"))
    monkeypatch.setattr(tidying, "_remove_exports", lambda _: None)
    monkeypatch.setattr(tidying, "_look_for_drift", lambda _: None)
    keeper = Housekeeper(store, Limits())
    for minute in range(61):
        now[0] = 1.0 + 60.0 * minute
        keeper.look()
    assert done.count("tidy") == 7  # at 0, 10, … 60 minutes
    assert done.count("anchor") == 2


def test_results_that_wait_do_not_keep_the_house_from_being_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many things to send as can be: the house is kept between them."""
    stop, done = threading.Event(), 0
    with store.begin() as connection:
        enqueue(connection, kind="send", key="send:1:p", now=0.0)

    class Keeper:
        def look(self) -> None:
            nonlocal done
            done += 1

    def do(*_: object) -> None:
        with store.begin() as connection:
            connection.execute(sa.update(jobs).values(state="waiting"))
        if done >= 3:
            stop.set()

    monkeypatch.setattr(worker, "do", do)
    place = Workplace(store, ServeSettings(), None, Models(store, ()))
    carrier = threading.Thread(
        target=worker._carry,
        args=(place, "w", "send", stop),
        kwargs={"keeper": Keeper()},
    )
    carrier.start()
    carrier.join(30)
    stop.set()
    assert not carrier.is_alive()
    assert done >= 3
