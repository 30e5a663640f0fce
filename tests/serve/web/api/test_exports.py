"""Exports over HTTP: asked for, followed, downloaded, taken back."""

from __future__ import annotations

import io
import time
import zipfile
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.store.tables import exports, trail
from medlens.serve.work.answer import Workplace
from medlens.serve.work.models import Models
from medlens.serve.work.queue import lease
from medlens.serve.work.worker import do
from tests.serve.http import client_for
from tests.serve.monitor.answers import BUNDLE, add_answer, add_bundle
from tests.serve.people import token_of
from tests.serve.web.api.filled import add_job, add_study
from tests.serve.work.studies import of_study, take
from tests.write.dicom_sources import radiograph, ultrasound

ADDRESS = "/api/v1/exports"


def work(store: Store) -> None:
    """Do the next export, as a worker would."""
    job = lease(store, worker="w", kinds=("export",), lease_s=60, now=time.time())
    assert job is not None
    settings = ServeSettings(limits=Limits(free_mb=1))
    do(Workplace(store, settings, None, Models(store, ())), job)


@pytest.fixture
def study(store: Store) -> int:
    """A study of a radiograph and an ultrasound image."""
    take(store, of_study(radiograph(), 7))
    number = take(store, of_study(ultrasound(), 7, series=2)).study_id
    assert number is not None
    return number


def test_an_export_from_asking_to_taking_back(
    store: Store, reader: httpx.Client, viewer: httpx.Client, study: int
) -> None:
    asked = reader.post(ADDRESS, json={"studies": [study, study]})
    assert asked.status_code == 202, asked.text
    address = f"{ADDRESS}/{asked.json()['id']}"
    assert (asked.json()["state"], asked.json()["studies"]) == ("waiting", [study])
    assert reader.get(f"{address}/file").status_code == 409
    work(store)
    told = reader.get(address).json()
    assert (told["state"], told["images"], told["held_count"]) == ("done", 1, 1)
    assert told["held"][0]["reason"].startswith("modality US")
    reply = reader.get(f"{address}/file")
    assert reply.headers["content-type"] == "application/zip"
    assert f"export-{told['id']}.zip" in reply.headers["content-disposition"]
    assert len(reply.content) == told["bytes"]
    names = zipfile.ZipFile(io.BytesIO(reply.content)).namelist()
    assert len([name for name in names if name.endswith(".dcm")]) == 1
    for path in (ADDRESS, address, f"{address}/file"):
        assert viewer.get(path).status_code == 403
    (line,) = reader.get(ADDRESS).json()["items"]
    assert line["id"] == told["id"]
    assert reader.delete(address).status_code == 204
    assert reader.get(f"{address}/file").status_code == 410
    with store.read() as connection:
        assert connection.execute(sa.select(exports)).all() == []
        actions = connection.scalars(sa.select(trail.c.action).order_by(trail.c.number))
        assert list(actions) == [
            "ask for export", "export study", "download export", "remove export",
        ]  # fmt: skip


def test_only_who_asked_takes_it_back(
    store: Store,
    app: FastAPI,
    reader: httpx.Client,
    administrator: httpx.Client,
    study: int,
) -> None:
    first, second = (
        reader.post(ADDRESS, json={"studies": [study]}).json() for _ in range(2)
    )
    answer = add_job(store, study_id=add_study(store))
    with client_for(app, headers=token_of(store, "reader", name="other")) as other:
        for refused in (
            other.delete(f"{ADDRESS}/{first['id']}"),
            other.post(f"/api/v1/jobs/{first['id']}/cancel"),
        ):
            assert refused.status_code == 403
            assert "this export was asked for by" in refused.json()["detail"]
        assert not other.get(f"{ADDRESS}/{first['id']}").json()["may_remove"]
        # A study's answer is everybody's.
        assert other.post(f"/api/v1/jobs/{answer}/cancel").is_success
    assert first["may_remove"]
    assert reader.delete(f"{ADDRESS}/{first['id']}").status_code == 204
    assert administrator.delete(f"{ADDRESS}/{second['id']}").status_code == 204


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 422, "wanted `studies`, `bundle`, or both"),
        ({"studies": [999], "bundle": BUNDLE}, 404, "there is no study 999"),
        ({"studies": [999]}, 404, "there is no study 999"),
        ({"studies": [0]}, 422, "studies"),
        ({"studies": list(range(1, 502))}, 422, "studies"),
        ({"bundle": BUNDLE}, 404, "there is no such bundle"),
        ({"bundle": "../../x"}, 422, "bundle"),
        ({"studies": [1], "keep": {"uids": True}}, 422, "uids"),
    ],
)
def test_what_is_no_export(
    reader: httpx.Client, body: dict[str, Any], status: int, said: str
) -> None:
    reply = reader.post(ADDRESS, json=body)
    assert reply.status_code == status, reply.text
    assert said in reply.json()["detail"]


def test_a_data_set_wants_feedback(store: Store, reader: httpx.Client) -> None:
    add_bundle(store, BUNDLE, "active")
    with store.begin() as connection:
        add_answer(connection)
    reply = reader.post(ADDRESS, json={"bundle": BUNDLE})
    assert reply.status_code == 409
    assert "no reader has judged" in reply.json()["detail"]


def test_a_bundle_that_is_gone_is_said(store: Store, reader: httpx.Client) -> None:
    add_bundle(store, BUNDLE, "active", folder=str(store.folder / "bundles" / "gone"))
    with store.begin() as connection:
        result = add_answer(connection)
    given = reader.post(
        f"/api/v1/results/{result}/feedback", json={"finding": "1", "verdict": "accept"}
    )
    assert given.status_code == 201
    asked = reader.post(ADDRESS, json={"bundle": BUNDLE}).json()
    work(store)
    told = reader.get(f"{ADDRESS}/{asked['id']}").json()
    assert told["state"] == "parked"
    assert "the bundle cannot be loaded" in told["error"]
    assert str(store.folder) not in told["error"]


def test_only_exports_are_exports(store: Store, reader: httpx.Client) -> None:
    job = add_job(store, study_id=add_study(store))
    for path in (f"{ADDRESS}/{job}", f"{ADDRESS}/{job}/file", f"{ADDRESS}/9999"):
        assert reader.get(path).status_code == 404
    assert reader.delete(f"{ADDRESS}/{job}").status_code == 404
    assert reader.get(f"/api/v1/jobs/{job}").json()["state"] == "waiting"


def test_exports_come_in_pages(reader: httpx.Client, study: int) -> None:
    made = [
        reader.post(ADDRESS, json={"studies": [study]}).json()["id"] for _ in range(3)
    ]
    first = reader.get(f"{ADDRESS}?limit=2")
    rest = reader.get(first.links["next"]["url"]).json()
    found = [each["id"] for each in [*first.json()["items"], *rest["items"]]]
    assert (found, rest["next"]) == (made[::-1], None)


def test_who_released_what_stands_in_the_trail(
    store: Store, reader: httpx.Client, study: int
) -> None:
    released = list(range(1, 401))
    body = {"studies": [study], "released": released}
    assert reader.post(ADDRESS, json=body).status_code == 202
    with store.read() as connection:
        detail = connection.scalars(sa.select(trail.c.detail)).one()
    assert detail["released"] == 400
    assert detail["first released"] == released[:150]
