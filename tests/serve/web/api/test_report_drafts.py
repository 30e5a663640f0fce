"""Drafts of reports over the API: of two tabs, of two readers, beside a signature."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest

from medlens.serve.store.store import Store
from medlens.serve.web.api import reports as routes
from medlens.serve.work import report_drafts as drafts
from medlens.write.reading.content import Content
from tests.serve.web.api.filled import add_study
from tests.serve.web.api.reading import (
    address,
    content,
    lines,
    reading_of,
    real_study,
    save,
    sign,
)

pytest.importorskip("reportlab")


@pytest.fixture
def study(store: Store) -> int:
    """A study whose images are real."""
    return real_study(store)


def test_a_draft_is_saved_again_and_again(
    store: Store, reader: httpx.Client, study: int
) -> None:
    assert reader.get(address(study)).json() == {"draft": None, "versions": []}
    first = save(reader, study, 0)
    assert first.status_code == 200, first.text
    began = first.json()["revision"]
    assert began >= 1
    second = save(reader, study, began, findings="More.")
    assert second.json()["revision"] == began + 1
    kept = reader.get(address(study)).json()["draft"]
    assert kept == second.json()
    assert kept["content"] == content(findings="More.")
    assert reading_of(store, study) == ("begun", None)
    assert [x for x in lines(store) if x[0] == "save draft"] == [
        ("save draft", {"revision": began}),
        ("save draft", {"revision": began + 1}),
    ]


def test_of_two_tabs_neither_writes_over_the_other(
    reader: httpx.Client, study: int
) -> None:
    seen = save(reader, study, 0).json()["revision"]
    save(reader, study, seen, findings="first tab")
    reply = save(reader, study, seen, findings="second tab")
    assert reply.status_code == 409
    assert reply.json()["type"] == "/api/v1/problems/draft-changed"
    assert f"it is revision {seen + 1}, you saw {seen}" in reply.json()["detail"]
    assert f"save with revision {seen + 1}" in reply.json()["detail"]
    again = save(reader, study, 0, findings="third tab")
    assert again.status_code == 409
    draft = reader.get(address(study)).json()["draft"]
    assert draft["content"]["sections"]["findings"] == "first tab"


@pytest.mark.parametrize("is_signed", [True, False])
def test_a_tab_that_shows_an_old_draft_drops_no_newer_one(
    store: Store, reader: httpx.Client, study: int, is_signed: bool
) -> None:
    seen = save(reader, study, 0).json()["revision"]
    newest = save(reader, study, seen, findings="from the other tab").json()
    for shown, told in ((seen, f"you saw {seen}"), (0, "you saw none")):
        reply = sign(reader, study, sign=is_signed, draft_revision=shown)
        assert reply.status_code == 409
        assert reply.json()["type"] == "/api/v1/problems/draft-changed"
        assert told in reply.json()["detail"]
        assert f"draft_revision {newest['revision']}" in reply.json()["detail"]
    assert reader.get(address(study)).json() == {"draft": newest, "versions": []}
    assert reading_of(store, study)[0] == "begun"
    kept = sign(reader, study, sign=is_signed, draft_revision=newest["revision"])
    assert kept.status_code == 201
    assert reader.get(address(study)).json()["draft"] is None


def test_a_draft_saved_while_files_were_made_is_not_dropped(
    reader: httpx.Client, study: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes between the files and the row of the version."""
    seen = save(reader, study, 0).json()["revision"]
    prepare = routes.prepare

    def late(*args: Any, **more: Any) -> Any:
        ready = prepare(*args, **more)
        assert save(reader, study, seen, findings="late").status_code == 200
        return ready

    monkeypatch.setattr(routes, "prepare", late)
    assert sign(reader, study, draft_revision=seen).status_code == 409
    whole = reader.get(address(study)).json()
    assert whole["draft"]["content"]["sections"]["findings"] == "late"
    assert whole["versions"] == []


def test_a_draft_begun_anew_is_not_the_one_that_was_dropped(
    reader: httpx.Client, study: int
) -> None:
    """Another tab dropped it and began again: both were saved once."""
    seen = save(reader, study, 0).json()["revision"]
    reader.delete(address(study, "/draft"))
    # Nothing is lost by signing what nobody took the place of.
    assert save(reader, study, 0, findings="begun anew").status_code == 200
    assert save(reader, study, seen).status_code == 409
    assert sign(reader, study, draft_revision=seen).status_code == 409
    reader.delete(address(study, "/draft"))
    assert sign(reader, study, draft_revision=seen).status_code == 201


def test_a_draft_that_is_gone_can_be_begun_anew(
    store: Store, reader: httpx.Client, study: int
) -> None:
    save(reader, study, 0)
    assert reader.delete(address(study, "/draft")).status_code == 204
    assert reading_of(store, study) == ("unread", None)
    assert reader.delete(address(study, "/draft")).status_code == 204
    reply = save(reader, study, 1)
    assert reply.status_code == 409
    assert "save it with revision 0" in reply.json()["detail"]
    assert save(reader, study, 0).status_code == 200
    assert [x[0] for x in lines(store)].count("drop draft") == 1


def test_everybody_has_a_draft_of_their_own(
    store: Store,
    as_role: Callable[[str], httpx.Client],
    study: int,
) -> None:
    one, other = as_role("reader"), as_role("administrator")
    save(one, study, 0, findings="one")
    save(other, study, 0, findings="other")
    found = other.get(address(study)).json()["draft"]["content"]["sections"]
    assert found["findings"] == "other"
    one.delete(address(study, "/draft"))
    assert reading_of(store, study)[0] == "begun"  # the other still writes
    assert as_role("viewer").get(address(study)).json()["draft"] is None


def test_a_reader_has_no_end_of_drafts_only_up_to_a_limit(
    store: Store, reader: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "MOST_DRAFTS", 2)
    numbers = [add_study(store) for _ in range(3)]
    assert [save(reader, n, 0).status_code for n in numbers] == [200, 200, 409]
    first = reader.get(address(numbers[0])).json()["draft"]["revision"]
    assert save(reader, numbers[0], first).status_code == 200
    assert "you have 2 drafts" in save(reader, numbers[2], 0).json()["detail"]


def test_of_two_threads_one_saves_and_one_signs(
    as_role: Callable[[str], httpx.Client], study: int
) -> None:
    clients = [as_role("reader"), as_role("reader")]
    with ThreadPoolExecutor(2) as pool:
        saved = list(pool.map(lambda c: save(c, study, 0).status_code, clients))
        seen = clients[0].get(address(study)).json()["draft"]["revision"]
        again = {"draft_revision": seen}
        signed = list(pool.map(lambda c: sign(c, study, **again).status_code, clients))
    assert sorted(saved) == [200, 409]
    assert sorted(signed) == [201, 409]
    versions = clients[0].get(address(study)).json()["versions"]
    assert [line["version"] for line in versions] == [1]


def test_who_drops_a_draft_waits_for_who_begins_one(
    store: Store, as_role: Callable[[str], httpx.Client], study: int
) -> None:
    client = as_role("reader")
    assert save(client, study, 0).status_code == 200
    with ThreadPoolExecutor(1) as pool:
        with store.begin() as connection:
            drafts.save_draft(
                connection, study, None, Content("en"), revision=0, now=1.0
            )
            dropped = pool.submit(client.delete, address(study, "/draft"))
            with suppress(TimeoutError):
                dropped.result(1.0)
        assert dropped.result(30.0).status_code == 204
    assert reading_of(store, study)[0] == "begun"  # somebody drafts still
