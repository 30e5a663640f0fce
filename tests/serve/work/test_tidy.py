"""Retention, as the worker does it: with a line in the trail."""

from __future__ import annotations

import os
import time

import sqlalchemy as sa

from medlens.serve.settings import Limits
from medlens.serve.store.store import Store
from medlens.serve.store.tables import studies, trail
from medlens.serve.work.tidy import tidy
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
