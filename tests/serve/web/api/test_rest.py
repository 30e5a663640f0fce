"""Rules, destinations, refusals, conflicts, status, and the API's own description."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from medlens.serve.settings import ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.store.tables import conflicts, instances, refusals, trail
from medlens.serve.web.app import create_app
from medlens.serve.web.errors import KINDS
from tests.serve.http import client_for
from tests.serve.people import token_of
from tests.serve.web.api.filled import add_job, add_study

RULES = """
[[rule]]
name = "chest"
bundle = "chest-1"
modality = ["DX", "CR"]
destinations = ["pacs"]
"""


OPEN = ("/healthz", "/metrics", "/readyz", "/api/v1/logout")
"""What anybody may ask: it tells of nobody. Metrics are for this machine alone."""


def test_rules_in_force_are_shown(
    store: Store, tmp_path: Path, viewer: httpx.Client
) -> None:
    assert viewer.get("/api/v1/rules").json()["source"] == "bundles"
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    app = create_app(store, ServeSettings(data=tmp_path, rules=path))
    with client_for(app, headers=token_of(store, "viewer")) as client:
        found = client.get("/api/v1/rules").json()
    assert found["source"] == "file"
    (rule,) = found["rules"]
    assert (rule["name"], rule["bundle"]) == ("chest", "chest-1")
    assert "DX or CR" in rule["wants"]
    assert rule["destinations"] == ["pacs"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RULES, ""),
        (RULES.replace("modality", "modalty"), "nearest: modality"),
        (RULES.replace("pacs", "pacss"), "nearest: 'pacs'"),
        ("[[rule", "is no TOML"),
        ("a=" + "[" * 5000, "is no TOML"),
        ("", "wanted 1 to"),
    ],
)
def test_a_draft_of_rules_is_checked(
    reader: httpx.Client, text: str, said: str
) -> None:
    found = reader.post("/api/v1/rules/check", json={"toml": text}).json()
    assert found["is_good"] == (said == "")
    assert said in found["reason"]


def test_destinations_are_those_of_the_settings(administrator: httpx.Client) -> None:
    found = administrator.get("/api/v1/destinations").json()
    assert [(each["name"], each["protocol"]) for each in found] == [
        ("pacs", "C-STORE"),
        ("web", "STOW-RS"),
    ]
    for name in ("pacs", "web"):  # nobody listens at port 1
        echo = administrator.post(f"/api/v1/destinations/{name}/echo").json()
        assert not echo["answers"]
        assert "cannot be reached" in echo["reason"]
    for name in ("sender", "nobody", "http:%2f%2f127.0.0.1"):
        reply = administrator.post(f"/api/v1/destinations/{name}/echo")
        assert reply.status_code == 404


def test_refusals_and_conflicts_are_listed(store: Store, reader: httpx.Client) -> None:
    study = add_study(store)
    with store.begin() as connection:
        image = connection.execute(sa.select(instances.c.id)).scalar_one()
        for at in range(3):
            connection.execute(
                sa.insert(refusals).values(
                    received_at=at, origin="stow", peer="x", case=f"part {at}",
                    reason="<b>no</b>",
                )
            )  # fmt: skip
        connection.execute(
            sa.insert(conflicts).values(
                instance_id=image, digest="0" * 64, bytes=7, received_at=5.0,
                origin="dicom", reason="another instance has this UID",
            )
        )  # fmt: skip
    first = reader.get("/api/v1/refusals?limit=2")
    assert [each["case"] for each in first.json()["items"]] == ["part 2", "part 1"]
    rest = reader.get(first.links["next"]["url"]).json()
    assert [each["case"] for each in rest["items"]] == ["part 0"]
    assert rest["next"] is None
    (conflict,) = reader.get("/api/v1/conflicts").json()["items"]
    assert (conflict["study_id"], conflict["bytes"]) == (study, 7)


def test_the_status_counts(store: Store, viewer: httpx.Client) -> None:
    add_study(store)
    add_study(store, state="failed")
    add_job(store)
    found = viewer.get("/api/v1/status").json()
    assert found["studies"] == {"answered": 1, "failed": 1}
    assert found["jobs"] == {"answer": {"waiting": 1}}
    assert found["versions"]["database"].split()[0] == store.engine.dialect.name
    assert found["notice"] == "Research software, not a medical device."


def test_a_study_is_removed_with_what_was_read(
    store: Store, administrator: httpx.Client, viewer: httpx.Client
) -> None:
    study, other = add_study(store), add_study(store)
    address = f"/api/v1/studies/{study}"
    assert viewer.delete(address).status_code == 403
    tag = administrator.get(address).headers["ETag"]
    add_job(store, study_id=study, state="done")
    late = administrator.delete(address, headers={"If-Match": tag})
    assert late.status_code == 412
    tag = administrator.get(address).headers["ETag"]
    assert administrator.delete(address, headers={"If-Match": tag}).status_code == 204
    assert administrator.get(address).status_code == 404
    assert administrator.delete(address).status_code == 404
    assert administrator.get(f"/api/v1/studies/{other}").status_code == 200


def test_a_removal_that_breaks_off_is_in_the_trail(
    store: Store, administrator: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is gone")

    study = add_study(store)
    monkeypatch.setattr("medlens.serve.web.api.removal.remove", fail)
    assert administrator.delete(f"/api/v1/studies/{study}").status_code == 500
    with store.read() as connection:
        last = sa.select(trail.c.action, trail.c.study_id)
        row = connection.execute(last.order_by(trail.c.number.desc())).first()
    assert row is not None
    assert tuple(row) == ("remove study", study)


def test_every_route_fails_in_one_shape(app: FastAPI) -> None:
    """Nobody may do anything, and every refusal is a problem document."""
    described = client_for(app).get("/api/v1/openapi.json").json()
    with client_for(app) as client:
        for path, methods in described["paths"].items():
            address = path
            for name, value in {
                "{study}": "1", "{result}": "1", "{job}": "1", "{number}": "1",
                "{user_id}": "1", "{digest}": "0" * 64, "{name}": "x", "{kind}": "x-y",
                "{version}": "1", "{assessment}": "0", "{finding}": "1", "{slice}": "0",
                "{evaluation}": "1",
            }.items():  # fmt: skip
                address = address.replace(name, value)
            assert "{" not in address, path
            wrong = client.request("PROPFIND", address)
            assert_problem(wrong, 405)
            for method in methods:
                reply = client.request(method, address)
                if reply.status_code >= 400 and path != "/readyz":
                    assert_problem(reply, reply.status_code)
                elif reply.is_success:
                    assert path in OPEN, path
    assert_problem(client_for(app).get("/nowhere/at/all"), 404)


def assert_problem(reply: httpx.Response, status: int) -> None:
    """A reply is a problem document of a status."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    said = reply.json()
    assert said["status"] == status
    assert set(said) >= {"type", "title", "status", "detail", "instance"}
    assert said["type"].rpartition("/")[2] in KINDS, said
    assert said["instance"] == f"urn:uuid:{reply.headers['x-request-id']}"


def test_allow_names_all_methods_of_an_address(app: FastAPI) -> None:
    reply = client_for(app).put("/api/v1/bundles")
    assert reply.headers["Allow"] == "GET, POST"


def test_kinds_of_problems_have_a_page(viewer: httpx.Client) -> None:
    for kind, (status, title) in KINDS.items():
        found = viewer.get(f"/api/v1/problems/{kind}").json()
        assert (found["status"], found["title"]) == (status, title)


def test_the_docs_page_asks_no_other_host(viewer: httpx.Client) -> None:
    page = viewer.get("/api/v1/docs")
    assert "/api/v1/studies/{study}" in page.text
    for word in ("<script", "http://", "https://", "style="):
        assert word not in page.text
