"""Results: JSON, text, files, sending."""

from __future__ import annotations

import hashlib

import httpx
import pytest
import sqlalchemy as sa

from medlens.serve.store.store import Store
from medlens.serve.store.tables import jobs, result_objects
from medlens.write.document import from_document
from tests.serve.web.api.filled import (
    add_result,
    add_study,
    diagnosis_of_one,
    set_job,
)


@pytest.fixture
def result(store: Store) -> int:
    """Number of a result."""
    return add_result(store, add_study(store))


def test_the_diagnosis_comes_back_field_by_field(
    viewer: httpx.Client, result: int
) -> None:
    reply = viewer.get(f"/api/v1/results/{result}")
    assert from_document(reply.json()["diagnosis"]) == diagnosis_of_one()
    kinds = [each["kind"] for each in reply.json()["objects"]]
    assert kinds == ["SR", "FHIR"]
    again = viewer.get(
        f"/api/v1/results/{result}", headers={"If-None-Match": reply.headers["ETag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize(("lang", "word"), [("en", "pneumonia"), ("zh", "肺炎")])
def test_the_text_is_in_the_language_asked_for(
    viewer: httpx.Client, result: int, lang: str, word: str
) -> None:
    reply = viewer.get(f"/api/v1/results/{result}/text", params={"lang": lang})
    assert word in reply.text.lower()
    assert reply.headers["content-language"] == lang
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert viewer.get(f"/api/v1/results/{result}/text?lang=fr").status_code == 422


def test_objects_come_with_their_bytes_and_kind(
    viewer: httpx.Client, result: int
) -> None:
    found = viewer.get(f"/api/v1/results/{result}/objects").json()
    for each in found:
        reply = viewer.get(f"/api/v1/results/{result}/objects/{each['id']}")
        assert hashlib.sha256(reply.content).hexdigest() == each["digest"]
        assert len(reply.content) == each["bytes"]
        assert reply.headers["content-type"] == each["media_type"]
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert "attachment" in reply.headers["content-disposition"]
    assert viewer.get(f"/api/v1/results/{result}/fhir").json() == {}


def test_an_object_belongs_to_its_result(
    store: Store, viewer: httpx.Client, result: int
) -> None:
    other = add_result(store, add_study(store))
    number = viewer.get(f"/api/v1/results/{other}/objects").json()[0]["id"]
    assert viewer.get(f"/api/v1/results/{result}/objects/{number}").status_code == 404


def test_a_shadow_is_shown_to_nobody(store: Store, viewer: httpx.Client) -> None:
    result = add_result(store, add_study(store), role="shadow")
    for path in ("", "/text", "/objects", "/fhir"):
        assert viewer.get(f"/api/v1/results/{result}{path}").status_code == 404


def test_a_file_that_is_missing_is_said(
    store: Store, viewer: httpx.Client, result: int
) -> None:
    with store.begin() as connection:
        connection.execute(sa.update(result_objects).values(digest="f" * 64))
    reply = viewer.get(f"/api/v1/results/{result}/fhir")
    assert reply.status_code == 500
    assert "its file is missing" in reply.json()["detail"]


def test_sending_again_makes_one_job_at_a_time(
    store: Store, reader: httpx.Client, result: int
) -> None:
    address = f"/api/v1/results/{result}/sendings"
    first = reader.post(address, json={"destination": "pacs"})
    assert first.status_code == 202, first.text
    second = reader.post(address, json={"destination": "pacs"})
    assert second.json()["id"] == first.json()["id"]  # it has not ended
    set_job(store, first.json()["id"], state="parked", attempts=12)
    third = reader.post(address, json={"destination": "pacs"})
    assert (third.json()["id"], third.json()["state"]) == (
        first.json()["id"],
        "waiting",
    )
    set_job(store, first.json()["id"], state="done")
    fourth = reader.post(address, json={"destination": "pacs"})
    assert fourth.json()["id"] != first.json()["id"]
    with store.read() as connection:
        rows = connection.execute(sa.select(jobs.c.payload, jobs.c.kind)).all()
    assert [tuple(r) for r in rows] == [
        ({"result": result, "peer": "pacs"}, "send")
    ] * 2


@pytest.mark.parametrize("name", ["sender", "nobody"])
def test_only_destinations_are_sent_to(
    reader: httpx.Client, result: int, name: str
) -> None:
    reply = reader.post(
        f"/api/v1/results/{result}/sendings", json={"destination": name}
    )
    assert reply.status_code == 404
    assert "no such destination" in reply.json()["detail"]
