"""Results on their way: sent once they are there, tried again, given up with a word."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydicom
import pytest
import sqlalchemy as sa

from medlens.serve.send import SendError, SentObject
from medlens.serve.settings import Peer, ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.store.tables import jobs, trail
from medlens.serve.work import deliver
from medlens.serve.work.answer import Workplace
from medlens.serve.work.queue import Job, enqueue, lease
from medlens.serve.work.ready import make_ready
from medlens.serve.work.report_versions import Wish, add_version, prepare
from medlens.serve.work.rules import rules_from_table
from medlens.serve.work.worker import do
from medlens.write.reading.content import Content
from tests.serve.work.studies import models_of, of_study, put_bundle, take, with_level
from tests.write.dicom_sources import radiograph

WORDS = Content("en", impression="A blob.")
PACS = Peer("pacs", ae_title="PACS", host="127.0.0.1", port=104)


@pytest.fixture
def place(store: Store, tmp_path: Path) -> Workplace:
    """With one answered study whose result waits to be sent."""
    rules = rules_from_table(
        {"rule": [{"name": "r", "bundle": "tiny", "destinations": "pacs"}]}
    )
    models = models_of(store, put_bundle(tmp_path / "bundle"))
    made = Workplace(store, ServeSettings(peers=(PACS,)), rules, models)
    take(store, of_study(with_level(radiograph(), 0.9), 1))
    make_ready(store, quiet_s=0, rules_digest="r", attempts=3, now=time.time() + 1)
    do(made, take_job(store, "answer"))
    return made


def take_job(store: Store, kind: str) -> Job:
    job = lease(store, worker="w", kinds=(kind,), lease_s=60, now=time.time() + 1)
    assert job is not None
    return job


def job_row(store: Store) -> Any:
    with store.read() as connection:
        query = sa.select(jobs).where(jobs.c.kind == "send")
        return connection.execute(query).one()


def test_the_objects_of_a_result_are_sent_with_a_line_in_the_trail(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[Peer, list[SentObject], str]] = []

    def note(peer: Peer, files: Sequence[SentObject], *, ae_title: str) -> None:
        sent.append((peer, list(files), ae_title))

    monkeypatch.setattr(deliver, "send_objects", note)
    do(place, take_job(place.store, "send"))
    ((peer, files, title),) = sent
    assert (peer, title) == (PACS, "MEDLENS")
    read = [pydicom.dcmread(file.path) for file in files]
    assert [data.Modality for data in read] == ["PR", "OT", "SR"]
    for file, data in zip(files, read, strict=True):
        assert file.sop_uid == data.SOPInstanceUID
        assert file.sop_class == data.SOPClassUID
        assert file.transfer_syntax == data.file_meta.TransferSyntaxUID
    assert job_row(place.store).state == "done"
    with place.store.read() as connection:
        (line,) = connection.execute(sa.select(trail)).all()
    assert (line.action, line.detail["peer"]) == ("send result", "pacs")


@pytest.mark.parametrize(("is_final", "state"), [(False, "waiting"), (True, "parked")])
def test_what_is_not_taken(
    place: Workplace, monkeypatch: pytest.MonkeyPatch, is_final: bool, state: str
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise SendError("destination pacs: 3 of 3 objects", is_final=is_final)

    monkeypatch.setattr(deliver, "send_objects", refuse)
    do(place, take_job(place.store, "send"))
    row = job_row(place.store)
    assert (row.state, row.error) == (state, "destination pacs: 3 of 3 objects")
    with place.store.read() as connection:
        assert connection.execute(sa.select(trail)).all() == []


def test_a_destination_that_is_gone_from_the_settings(place: Workplace) -> None:
    elsewhere = replace(place, settings=ServeSettings())
    do(elsewhere, take_job(place.store, "send"))
    row = job_row(place.store)
    assert row.state == "parked"
    assert "'pacs' is no longer in the settings" in row.error


def test_a_dead_port_is_tried_again(place: Workplace) -> None:
    dead = replace(PACS, port=1)
    settings = replace(place.settings, peers=(dead,))
    do(replace(place, settings=settings), take_job(place.store, "send"))
    assert job_row(place.store).state == "waiting"


def test_a_node_that_is_down_holds_up_no_other(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall(peer: Peer, *_: Any, **__: Any) -> None:
        raise SendError(f"destination {peer.name}: is down", is_final=False)

    monkeypatch.setattr(deliver, "send_objects", fall)
    store = place.store
    do(place, take_job(store, "send"))
    assert job_row(store).priority == -1
    with store.begin() as connection:
        connection.execute(sa.update(jobs).values(run_after=0.0))
        newer = enqueue(connection, kind="send", key="send:1:other", now=1.0)
    assert take_job(store, "send").id == newer


def test_a_signed_report_is_sent_as_a_result_is(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("reportlab")
    sent: list[str] = []

    def note(_: Peer, files: Sequence[SentObject], *, ae_title: str) -> None:
        del ae_title
        sent.extend(str(pydicom.dcmread(file.path).Modality) for file in files)

    store, wish = place.store, Wish(1, WORDS, True, "", 0, "dr.wang", None)
    ready = prepare(store, wish, now=time.time())
    with store.begin() as connection:
        connection.execute(sa.update(jobs).values(state="cancelled"))
        report = add_version(connection, wish, ready)
        payload = {"report": report, "peer": "pacs"}
        enqueue(connection, kind="send", key="r", study_id=1, payload=payload, now=1.0)
    monkeypatch.setattr(deliver, "send_objects", note)
    do(place, take_job(store, "send"))
    assert sent == ["SR", "DOC"]
    with store.read() as connection:
        (line,) = connection.execute(sa.select(trail)).all()
    assert (line.action, line.study_id) == ("send report", 1)
    assert line.detail == {"report": report, "peer": "pacs", "objects": 2}
