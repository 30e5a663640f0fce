"""Feedback, figures, alarms and roles of bundles over HTTP."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from medlens.bundle import write_bundle
from medlens.serve.monitor.looks import REFERENCE, take_looks
from medlens.serve.settings import ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.store.tables import bundles, scores, trail
from medlens.serve.web.app import create_app
from medlens.serve.work.models import register
from tests.serve.http import client_for
from tests.serve.monitor.answers import BUNDLE, JUNE
from tests.serve.monitor.test_looks import JULY, MAY, fill
from tests.serve.people import token_of
from tests.serve.web.api.filled import add_result, add_study
from tests.tiny import CARD, bundle_of, plain_graph

ACCEPT = {"finding": "1", "verdict": "accept"}


@pytest.fixture
def result(store: Store) -> int:
    """A result with its row of scores, of this month."""
    number = add_result(store, add_study(store))
    with store.begin() as connection:
        connection.execute(
            sa.insert(scores).values(
                result_id=number,
                assessment=0,
                bundle_digest="ab" * 32,
                role="active",
                site="A",
                month=time.strftime("%Y-%m", time.gmtime()),
                probabilities={},
                is_positive=True,
                ood_score=0.5,
                is_outside=False,
                statistics=[],
                at=1.0,
            )
        )
    return number


def put(store: Store, name: str, role: str, *, shadow_of: str = "", bias: float) -> str:
    """A bundle that can be run, in the service's own folder; its digest."""
    folder = store.folder / "bundles" / f"{name}-{bias}"
    made = bundle_of(plain_graph(bias=bias), name=name, thresholds=(0.9,))
    write_bundle(folder, replace(made, conformal=None), card=CARD)
    (digest,) = register(store, [folder], now=1.0)
    with store.begin() as connection:
        connection.execute(
            sa.update(bundles)
            .where(bundles.c.digest == digest)
            .values(role=role, shadow_of=shadow_of)
        )
    return digest


def roles(client: httpx.Client) -> dict[str, str]:
    return {
        each["digest"]: each["role"] for each in client.get("/api/v1/bundles").json()
    }


def test_feedback_is_given_counted_and_traced(
    store: Store, reader: httpx.Client, viewer: httpx.Client, result: int
) -> None:
    address = f"/api/v1/results/{result}/feedback"
    first = reader.post(address, json=ACCEPT)
    assert first.status_code == 201, first.text
    said = {
        "finding": "1", "verdict": "correct", "label": "effusion",
        "comment": "two lines\nof text",
    }  # fmt: skip
    assert reader.post(address, json=said).status_code == 201
    words = viewer.get(address).json()
    assert [(w["verdict"], w["counts"]) for w in words] == [
        ("accept", False), ("correct", True),
    ]  # fmt: skip
    assert words[1]["comment"] == "two lines\nof text"
    name = reader.get("/api/v1/me").json()["name"]
    assert [first.json()["reader"], *(w["reader"] for w in words)] == [name] * 3
    told = viewer.get("/api/v1/monitor").json()
    (agreement,) = told["agreement"]
    assert (agreement["site"], agreement["reviewed"], agreement["corrected"]) == (
        "A",
        1,
        1,
    )
    assert agreement["ppv"]["value"] == 0.0
    with store.read() as connection:
        lines = connection.execute(sa.select(trail).order_by(trail.c.number)).all()
    assert [line.action for line in lines] == ["judge finding"] * 2 + ["view feedback"]
    assert "two lines" not in str([line.detail for line in lines])


def test_the_same_key_is_one_word(reader: httpx.Client, result: int) -> None:
    address, key = f"/api/v1/results/{result}/feedback", {"Idempotency-Key": "k"}
    one = reader.post(address, json=ACCEPT, headers=key)
    two = reader.post(address, json=ACCEPT, headers=key)
    assert one.json() == two.json()
    assert len(reader.get(address).json()) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"finding": "9"}, "no such finding"),
        ({"verdict": "perhaps"}, "verdict"),
        ({"verdict": "correct"}, "wants a label, a box or a mask"),
        ({"label": "x"}, "with 'correct' or 'add' alone"),
        ({"finding": ""}, "no such finding"),
        ({"verdict": "add", "label": "x"}, "wants an empty `finding`"),
        ({"finding": "", "verdict": "add", "label": "x"}, "wants a box or a mask"),
        ({"finding": "+1"}, "no such finding"),
        ({"verdict": "correct", "label": "a\u0000b"}, "label"),
        ({"verdict": "correct", "mask": "../x"}, "mask"),
        ({"verdict": "correct", "box": {"left": 0, "top": 0, "right": 1}}, "bottom"),
        ({"extra": 1}, "extra"),
    ],
)
def test_feedback_that_does_not_fit(
    reader: httpx.Client, result: int, change: dict[str, Any], said: str
) -> None:
    reply = reader.post(f"/api/v1/results/{result}/feedback", json=ACCEPT | change)
    assert reply.status_code == 422, reply.text
    assert said in reply.json()["detail"]


def test_who_may_judge(
    store: Store, viewer: httpx.Client, reader: httpx.Client, result: int
) -> None:
    assert (
        viewer.post(f"/api/v1/results/{result}/feedback", json=ACCEPT).status_code
        == 403
    )
    assert reader.post("/api/v1/results/99999/feedback", json=ACCEPT).status_code == 404
    shadow = add_result(store, add_study(store), role="shadow")
    assert (
        reader.post(f"/api/v1/results/{shadow}/feedback", json=ACCEPT).status_code
        == 404
    )


def test_an_alarm_is_shown_until_it_is_seen(
    store: Store,
    reader: httpx.Client,
    viewer: httpx.Client,
    administrator: httpx.Client,
) -> None:
    fill(store, REFERENCE, start=MAY, seed=1)
    fill(store, 40, start=JUNE, seed=2, bright=2.0)
    take_looks(store, now=JULY)
    assert "medlens_open_alarms 1.0" in viewer.get("/metrics").text
    told = viewer.get("/api/v1/monitor", params={"bundle": BUNDLE, "site": "A"}).json()
    assert told["false_alarms"] == 0.01
    (alarm,) = told["open_alarms"]
    assert (alarm["month"], alarm["number"], alarm["state"]) == ("2026-06", 4, "drift")
    address = f"/api/v1/monitor/alarms/{alarm['id']}/seen"
    assert viewer.post(address, json={}).status_code == 403
    seen = reader.post(address, json={"note": "new detector"}).json()
    assert seen["note"] == "new detector"
    assert viewer.get("/api/v1/monitor").json()["open_alarms"] == []
    assert reader.post("/api/v1/monitor/alarms/999/seen", json={}).status_code == 404
    assert viewer.get("/api/v1/monitor", params={"site": "B"}).json()["looks"] == []
    new = {"bundle": BUNDLE, "site": "A", "reason": "new detector"}
    assert reader.post("/api/v1/monitor/baselines", json=new).status_code == 403
    assert administrator.post("/api/v1/monitor/baselines", json=new).status_code == 201
    new["site"] = "nowhere"
    assert administrator.post("/api/v1/monitor/baselines", json=new).status_code == 422


def test_a_bundle_is_promoted_and_rolled_back_by_one_call_each(
    store: Store, administrator: httpx.Client, reader: httpx.Client
) -> None:
    old = put(store, "tiny", "active", bias=-2.0)
    new = put(store, "tiny", "shadow", shadow_of=old, bias=-1.0)
    address = f"/api/v1/bundles/{new}"
    assert reader.post(f"{address}/promote", json={}).status_code == 403
    compared = reader.get(f"{address}/comparison").json()
    assert (compared["active"], compared["shadow"], compared["pairs"]) == (old, new, 0)
    made = administrator.post(f"{address}/promote", json={})
    assert made.status_code == 200, made.text
    assert roles(reader) == {old: "retired", new: "active"}
    assert reader.get(f"{address}/comparison").json()["active"] == old
    assert administrator.post(f"{address}/promote", json={}).status_code == 409
    back = administrator.post("/api/v1/bundles/rollback")
    assert back.json()["rolled_back_at"] is not None
    assert roles(reader) == {old: "active", new: "shadow"}
    assert administrator.post("/api/v1/bundles/rollback").status_code == 409
    (told,) = reader.get("/api/v1/monitor/promotions").json()
    assert (told["digest"], told["replaced"]) == (new, old)
    assert administrator.post(f"{address}/retire").json()["role"] == "retired"
    wanted = {"shadow_of": old}
    shadow = administrator.post(f"{address}/shadow", json=wanted).json()
    assert (shadow["role"], shadow["shadow_of"]) == ("shadow", old)
    assert reader.get(f"/api/v1/bundles/{old}/comparison").status_code == 409


def test_no_bundle_is_promoted_that_nobody_would_run(
    store: Store, tmp_path: Path, administrator: httpx.Client
) -> None:
    old = put(store, "tiny", "active", bias=-2.0)
    with store.begin() as connection:
        for digest, folder in (("0" * 64, tmp_path / "elsewhere"),
                               ("1" * 64, store.folder / "gone")):  # fmt: skip
            connection.execute(
                sa.insert(bundles).values(
                    digest=digest, name="x", role="shadow", shadow_of=old,
                    folder=str(folder), added_at=1.0, changed_at=1.0,
                )
            )  # fmt: skip
    for digest, said in (
        ("0" * 64, "given to an earlier start"),
        ("1" * 64, "cannot be run"),
    ):
        reply = administrator.post(f"/api/v1/bundles/{digest}/promote", json={})
        assert reply.status_code == 409
        assert said in reply.json()["detail"]
        assert str(tmp_path) not in reply.text
    assert (
        administrator.post(f"/api/v1/bundles/{'2' * 64}/promote", json={}).status_code
        == 404
    )
    assert administrator.post(f"/api/v1/bundles/{'2' * 64}/retire").status_code == 404


def test_rules_that_would_name_nothing_stop_a_promotion(
    store: Store, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nname = "chest"\nbundle = "tiny"\n')
    old = put(store, "tiny", "active", bias=-2.0)
    new = put(store, "other", "shadow", shadow_of=old, bias=-1.0)
    app = create_app(store, ServeSettings(data=store.folder, rules=rules))
    with client_for(app, headers=token_of(store)) as client:
        reply = client.post(f"/api/v1/bundles/{new}/promote", json={})
        assert reply.status_code == 409
        assert "rule 'chest' would name no active bundle" in reply.json()["detail"]
        assert roles(client) == {old: "active", new: "shadow"}
        forced = client.post(f"/api/v1/bundles/{new}/promote", json={"force": True})
        assert forced.status_code == 200


def test_a_rollback_is_posted_alone(administrator: httpx.Client) -> None:
    reply = administrator.get("/api/v1/bundles/rollback")
    assert reply.status_code == 405
    reply = administrator.put("/api/v1/bundles/rollback")
    assert (reply.status_code, reply.headers["Allow"]) == (405, "POST")
