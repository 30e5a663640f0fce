"""The worklist: filters, pages, one study."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from medlens.serve.store.store import Store
from medlens.serve.store.tables import studies, trail
from tests.serve.web.api.filled import add_job, add_result, add_study


def listed(client: httpx.Client, **query: Any) -> list[int]:
    """Numbers of the studies that a search gives."""
    reply = client.get("/api/v1/studies", params=query)
    assert reply.status_code == 200, reply.text
    return [item["id"] for item in reply.json()["items"]]


def test_each_filter_keeps_what_it_says(store: Store, viewer: httpx.Client) -> None:
    ct = add_study(
        store,
        patient_name="Müller^Änne",
        modalities="\\CT\\SR\\",
        study_date="20250630",
        state="failed",
        urgency=33.9,
        reading="signed",
        accession_number="X-77",
        description="Abdomen with contrast",
        patient_id="4711",
        study_uid="1.2.99",
        advice="outside",
    )
    dx = add_study(store)
    assert listed(viewer) == [dx, ct]
    for query in (
        {"modality": "CT"},
        {"modality": "SR"},
        {"state": "failed"},
        {"state": ["failed", "refused"]},
        {"date_to": "2025-06-30"},
        {"date_from": "2025-06-30", "date_to": "2025-06-30"},
        {"urgency_from": 30},
        {"reading": "signed"},
        {"reading": ["signed", "begun"]},
        {"advice": "outside"},
        {"advice": ["refer", "outside"]},
        {"id": ct},
        {"id": [ct, 999]},
        {"text": "müLLER"},
        {"text": "änne"},
        {"text": "contrast"},
        {"text": "CONTRAST"},
        {"text": "471"},
        {"text": "X-7"},
        {"patient_id": "4711"},
        {"accession_number": "X-77"},
        {"study_uid": "1.2.99"},
    ):
        assert listed(viewer, **query) == [ct], query
    for query in (
        {"modality": "C"},
        {"text": "%"},
        {"text": "_"},
        {"text": "\\"},
        {"patient_id": "471"},
        {"date_from": "2027-01-01"},
        {"state": "ready"},
        {"reading": "begun"},
        {"advice": "nothing_found"},
        {"id": ct, "state": "ready"},
    ):
        assert listed(viewer, **query) == [], query
    assert listed(viewer, order="urgent") == [ct, dx]


def test_a_line_says_what_was_found_and_how_far_it_is_read(
    store: Store, viewer: httpx.Client
) -> None:
    why = {
        "label": "nodule", "name_en": "nodule", "name_zh": "结节",
        "probability": 0.93, "weight": 3.0, "urgency": 2.79,
    }  # fmt: skip
    headline = {"advice": "refer", "why": [why], "assessments": 1}
    add_study(store)
    add_study(store, headline=headline, reading="signed", read_at=0.0, changed_at=1.5)
    new, old = viewer.get("/api/v1/studies").json()["items"]
    assert new["headline"] == headline
    assert (new["reading"], new["read_at"]) == ("signed", "1970-01-01T00:00:00Z")
    assert new["changed_at"] == "1970-01-01T00:00:01.500000Z"
    assert (old["headline"], old["reading"], old["read_at"]) == (None, "unread", None)
    assert viewer.get(f"/api/v1/studies/{new['id']}").json()["headline"] == headline


def test_studies_are_counted_for_all_at_once(
    store: Store, viewer: httpx.Client, reader: httpx.Client
) -> None:
    add_study(store, state="failed")
    add_study(store, reading="begun", advice="refer")
    add_study(store)
    first = viewer.get("/api/v1/studies/counts").json()
    assert first == {
        "total": 3,
        "states": {"answered": 2, "failed": 1},
        "readings": {"unread": 2, "begun": 1},
        "advices": {"refer": 1},
    }
    add_study(store)
    assert reader.get("/api/v1/studies/counts").json() == first
    time.sleep(1.1)
    assert reader.get("/api/v1/studies/counts").json()["total"] == 4
    with store.read() as connection:  # it tells of nobody
        assert (
            connection.execute(sa.select(sa.func.count(trail.c.number))).scalar() == 0
        )


def test_pages_show_every_study_once_while_others_arrive(
    store: Store, viewer: httpx.Client
) -> None:
    there = [add_study(store) for _ in range(7)]
    seen, address = [], "/api/v1/studies?limit=3&state=answered"
    while address:
        reply = viewer.get(address)
        seen += [item["id"] for item in reply.json()["items"]]
        add_study(store)  # newer than all: would shift pages counted by offset
        link = reply.links.get("next", {}).get("url")
        assert (link is None) == (reply.json()["next"] is None)
        address = link
    assert seen == there[::-1]


def test_equal_moments_are_not_lost_between_pages(
    store: Store, viewer: httpx.Client
) -> None:
    there = [add_study(store, last_at=5.0, urgency=1.0) for _ in range(5)]
    for order in ("newest", "urgent"):
        seen, cursor = [], ""
        while cursor is not None:
            reply = viewer.get(
                "/api/v1/studies",
                params={"limit": 2, "order": order, "cursor": cursor},
            ).json()
            seen += [item["id"] for item in reply["items"]]
            cursor = reply["next"]
        assert seen == there[::-1]


def test_the_newest_is_what_was_made_last_not_what_came_last(
    store: Store, viewer: httpx.Client
) -> None:
    noon = add_study(store, study_date="20260304", study_time="1200", last_at=1.0)
    morning = add_study(store, study_date="20260304", study_time="0930", last_at=9.0)
    some_time = add_study(store, study_date="20260304", last_at=5.0)
    day_before = add_study(store, study_date="20260303", study_time="235959")
    undated = add_study(store, study_date="", received_at=10.0, last_at=99.0)
    wanted = [noon, morning, some_time, day_before, undated]
    assert listed(viewer) == wanted
    seen, cursor = [], ""
    while cursor is not None:
        page = viewer.get("/api/v1/studies", params={"limit": 2, "cursor": cursor})
        seen += [item["id"] for item in page.json()["items"]]
        cursor = page.json()["next"]
    assert seen == wanted
    line = viewer.get("/api/v1/studies", params={"id": morning}).json()["items"][0]
    assert (line["study_date"], line["study_time"]) == ("2026-03-04", "09:30:00")


def test_what_stands_behind_a_study_follows_it_in_either_order(
    store: Store, viewer: httpx.Client
) -> None:
    """The study itself may have left the list: it was signed, the list is unread."""
    low = add_study(store, urgency=1.0)
    high = add_study(store, urgency=33.0)
    read = add_study(store, urgency=20.0, reading="signed")
    query = {"order": "urgent", "reading": "unread", "after": read}
    assert listed(viewer, **query) == [low]
    assert listed(viewer, order="newest", after=read) == [high, low]
    assert listed(viewer, order="urgent", after=low) == []
    page = viewer.get(
        "/api/v1/studies", params={"order": "urgent", "after": high, "limit": 1}
    )
    assert [item["id"] for item in page.json()["items"]] == [read]
    following = viewer.get(page.links["next"]["url"]).json()
    assert [item["id"] for item in following["items"]] == [low]
    gone = viewer.get("/api/v1/studies", params={"after": 999})
    assert gone.status_code == 404
    assert "after: there is no study 999" in gone.json()["detail"]


@pytest.mark.parametrize("cursor", ["x", "W10", "WzEsMl0", "bnVsbA", "e30", "WyJhIl0"])
def test_a_cursor_of_another_list_is_refused(viewer: httpx.Client, cursor: str) -> None:
    reply = viewer.get("/api/v1/jobs", params={"cursor": cursor})
    assert reply.status_code == 404
    assert "cursor: is none that this list gave" in reply.json()["detail"]


def test_one_study_has_what_belongs_to_it(store: Store, viewer: httpx.Client) -> None:
    study = add_study(store)
    old, new = add_result(store, study), add_result(store, study)
    add_result(store, study, role="shadow")
    job = add_job(store, study_id=study)
    reply = viewer.get(f"/api/v1/studies/{study}")
    found = reply.json()
    assert found["patient"]["name"] == "Doe^Jane"
    assert found["patient"]["birth_date"] == "1970-01-02"
    assert found["study_date"] == "2026-11-01"
    assert found["modalities"] == ["DX"]
    assert [each["modality"] for each in found["series"]] == ["DX"]
    assert [each["id"] for each in found["results"]] == [new, old]
    assert [each["id"] for each in found["jobs"]] == [job]
    assert found["result_id"] == new
    again = viewer.get(
        f"/api/v1/studies/{study}", headers={"If-None-Match": reply.headers["ETag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


def test_dates_that_are_none_are_null(store: Store, viewer: httpx.Client) -> None:
    study = add_study(
        store, birth_date="19991345", study_date="", study_time="99", received_at=60.0
    )
    found = viewer.get(f"/api/v1/studies/{study}").json()
    assert found["patient"]["birth_date"] is None
    assert found["study_date"] is None
    assert found["study_time"] is None
    assert found["began_at"] == "1970-01-01T00:01:00Z"


def test_every_look_leaves_a_line(store: Store, viewer: httpx.Client) -> None:
    study = add_study(store)
    listed(viewer)
    viewer.get(f"/api/v1/studies/{study}")
    with store.read() as connection:
        rows = connection.execute(
            sa.select(
                trail.c.action, trail.c.study_id, trail.c.who, trail.c.detail
            ).order_by(trail.c.number)
        ).all()
    assert [tuple(row) for row in rows][-2:] == [
        ("list studies", None, "viewer", {"found": 1, "studies": [study]}),
        ("view study", study, "viewer", {}),
    ]


@pytest.mark.parametrize("form", ["W/{}", "*"])
def test_a_weak_tag_is_known_as_well(
    store: Store, viewer: httpx.Client, form: str
) -> None:
    """A proxy that packs a reply makes its tag weak (RFC 9110, 8.8.1)."""
    where = f"/api/v1/studies/{add_study(store)}"
    known = form.format(viewer.get(where).headers["ETag"])
    reply = viewer.get(where, headers={"If-None-Match": known})
    assert reply.status_code == 304


@pytest.mark.parametrize(
    ("method", "path", "right"),
    [
        ("POST", "/api/v1/uploads", "upload"),
        ("POST", "/dicom-web/studies", "upload"),
        ("POST", "/api/v1/studies/1/answers", "read"),
        ("POST", "/api/v1/jobs/1/cancel", "read"),
        ("POST", "/api/v1/results/1/sendings", "read"),
        ("GET", "/api/v1/refusals", "read"),
        ("DELETE", "/api/v1/studies/1", "administer"),
        ("GET", "/api/v1/trail", "administer"),
    ],
)
def test_a_viewer_is_told_what_is_needed_and_whom_to_ask(
    viewer: httpx.Client, method: str, path: str, right: str
) -> None:
    json = {"destination": "pacs"} if "sendings" in path else None
    reply = viewer.request(method, path, json=json)
    assert reply.status_code == 403
    assert reply.json()["type"].endswith("/forbidden")
    said = reply.json()["detail"]
    assert f"needs the right {right!r}" in said
    assert "has view" in said
    assert "ask who administers medlens for another role" in said


def test_a_long_list_names_every_study_that_it_shows(
    store: Store, viewer: httpx.Client
) -> None:
    shown = {add_study(store) for _ in range(205)}
    listed(viewer, limit=500)
    with store.read() as connection:
        rows = connection.execute(
            sa.select(trail.c.detail).where(trail.c.action == "list studies")
        ).all()
    assert len(rows) == 2
    assert {study for row in rows for study in row.detail["studies"]} == shown


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE studies; --",
        "' OR '1'='1",
        "<script>alert(1)</script>",
        "%' UNION SELECT 1 --",
        "{{7*7}}",
        "\u202e\U0001f600",
    ],
)
def test_statements_and_scripts_are_inert(
    store: Store, viewer: httpx.Client, text: str
) -> None:
    study = add_study(store, patient_name=text, patient_id=text[:64])
    for name in ("text", "patient_id", "accession_number", "modality"):
        wanted = [study] if name in ("text", "patient_id") else []
        assert listed(viewer, **{name: text}) == wanted
    found = viewer.get(f"/api/v1/studies/{study}")
    assert found.json()["patient"]["name"] == text
    assert found.headers["content-type"] == "application/json"
    assert found.headers["x-content-type-options"] == "nosniff"
    with store.read() as connection:
        assert connection.execute(sa.select(sa.func.count(studies.c.id))).scalar() == 1


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ({"limit": 501}, "query.limit"),
        ({"limit": "many"}, "query.limit"),
        ({"text": "a\x00b"}, "query.text"),
        ({"text": "x" * 65}, "query.text"),
        ({"date_from": "yesterday"}, "query.date_from"),
        ({"urgency_from": "nan"}, "query.urgency_from"),
        ({"urgency_from": 41}, "query.urgency_from"),
        ({"reading": "lost"}, "query.reading.0"),
        ({"advice": "urgent"}, "query.advice.0"),
        ({"id": "seven"}, "query.id.0"),
        ({"id": list(range(1, 102))}, "query.id"),
        ({"after": 0}, "query.after"),
        ({"study_uid": "../etc"}, "query.study_uid"),
        ({"state": "lost"}, "query.state.0"),
        ({"sort": "name"}, "query.sort"),
    ],
)
def test_wrong_filters_are_named(
    viewer: httpx.Client, query: dict[str, object], where: str
) -> None:
    reply = viewer.get("/api/v1/studies", params=query)
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["where"] == where
