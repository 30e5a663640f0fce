"""Reports over the API: drafts of two tabs, versions, signatures, rights, limits."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from medlens.serve.store.store import Store
from medlens.serve.store.tables import (
    report_drafts,
    reports,
    studies,
    trail,
)
from medlens.serve.web.api import reports as routes
from medlens.serve.work import report_drafts as drafts
from medlens.serve.work import report_versions as versions
from medlens.write.reading.content import Content
from tests.serve.web.api.filled import add_study
from tests.serve.web.api.reading import (
    SECTIONS,
    add_word,
    content,
    real_result,
    real_study,
    sign,
)
from tests.serve.work.studies import of_study, take, with_level
from tests.write.dicom_sources import radiograph

pytest.importorskip("reportlab")


@pytest.fixture
def study(store: Store) -> int:
    """A study whose images are real."""
    return real_study(store)


def address(study: int, rest: str = "") -> str:
    return f"/api/v1/studies/{study}/report{rest}"


def save(client: httpx.Client, study: int, revision: int, **changes: Any) -> Any:
    body = {"revision": revision, "content": content(**changes)}
    return client.put(address(study, "/draft"), json=body)


def reading_of(store: Store, study: int) -> tuple[str, float | None]:
    with store.read() as connection:
        row = connection.execute(
            sa.select(studies.c.reading, studies.c.read_at).where(studies.c.id == study)
        ).one()
    return row.reading, row.read_at


def lines(store: Store) -> list[tuple[str, Any]]:
    with store.read() as connection:
        rows = connection.execute(sa.select(trail).order_by(trail.c.number))
        return [(row.action, row.detail) for row in rows]


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


def test_signing_keeps_a_version_and_ends_the_draft(
    store: Store, reader: httpx.Client, study: int
) -> None:
    seen = save(reader, study, 0).json()["revision"]
    reply = sign(reader, study, draft_revision=seen)
    assert reply.status_code == 201, reply.text
    made = reply.json()
    assert (made["version"], made["is_signed"], made["author"]) == (1, True, "reader")
    assert made["content"] == content()
    assert [each["kind"] for each in made["objects"]] == [
        "TEXT",
        "PDF",
        "SR",
        "DOC",
        "FHIR",
    ]
    whole = reader.get(address(study)).json()
    assert whole["draft"] is None
    (line,) = whole["versions"]
    assert line.items() <= made.items()
    assert reader.get(address(study, "/versions/1")).json() == made
    reading, moment = reading_of(store, study)
    assert reading == "signed"
    assert moment is not None
    found = [x for x in lines(store) if x[0] == "sign report"]
    assert found == [("sign report", {"version": 1, "result": None})]
    assert not any("Pneumonia" in str(detail) for _, detail in lines(store))


def test_an_unsigned_version_leaves_the_study_open(
    store: Store, reader: httpx.Client, study: int
) -> None:
    made = sign(reader, study, sign=False).json()
    assert (made["is_signed"], made["objects"]) == (False, [])
    assert reading_of(store, study) == ("begun", None)
    # What is kept without a signature needs no reason, and is changed without one.
    assert sign(reader, study, 1).status_code == 201
    assert reading_of(store, study)[0] == "signed"


def test_a_signed_report_is_amended_with_a_reason_and_never_changed(
    reader: httpx.Client, study: int
) -> None:
    first = sign(reader, study).json()
    refused = sign(reader, study, 1, content={"impression": "Changed."})
    assert refused.status_code == 422
    assert "version 1 is signed; say in `reason`" in refused.json()["detail"]
    second = sign(
        reader, study, 1, content={"impression": "Changed."}, reason="A typing error"
    )
    assert second.json()["version"] == 2
    assert reader.get(address(study, "/versions/1")).json() == first
    numbers = [v["version"] for v in reader.get(address(study)).json()["versions"]]
    assert numbers == [2, 1]
    text = reader.get(address(study, "/versions/2/text")).text
    assert text.startswith("Amended report\n")
    assert "It takes the place of version 1, which is kept." in text


def test_who_has_not_seen_the_newest_version_signs_nothing(
    store: Store, reader: httpx.Client, study: int
) -> None:
    sign(reader, study)
    for expected in (0, 2):
        reply = sign(reader, study, expected, reason="Again")
        assert reply.status_code == 409
        assert reply.json()["type"] == "/api/v1/problems/report-changed"
        assert "has version 1 by now" in reply.json()["detail"]
    with store.read() as connection:
        query = sa.select(sa.func.count()).select_from(reports)
        assert connection.execute(query).scalar() == 1


def test_of_two_who_sign_at_once_one_does(
    reader: httpx.Client, study: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second comes between the files and the row of the first."""
    prepare = routes.prepare

    def late(*args: Any, **more: Any) -> Any:
        ready = prepare(*args, **more)
        monkeypatch.setattr(routes, "prepare", prepare)
        assert sign(reader, study).status_code == 201
        return ready

    monkeypatch.setattr(routes, "prepare", late)
    assert sign(reader, study, reason="Late").status_code == 409
    assert len(reader.get(address(study)).json()["versions"]) == 1


def test_the_same_signature_sent_twice_is_one(reader: httpx.Client, study: int) -> None:
    reader.headers["Idempotency-Key"] = "a-key"
    first, second = sign(reader, study), sign(reader, study)
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    del reader.headers["Idempotency-Key"]
    assert len(reader.get(address(study)).json()["versions"]) == 1


def test_nothing_is_signed_that_says_nothing(reader: httpx.Client, study: int) -> None:
    reply = sign(reader, study, content={"findings": " \n", "impression": ""})
    assert reply.status_code == 422
    assert "findings and impression are both empty" in reply.json()["detail"]


def test_only_a_result_of_the_study_is_named(
    store: Store, reader: httpx.Client, study: int
) -> None:
    other = real_result(store, real_study(store))
    reply = sign(reader, study, content={"result_id": other})
    assert reply.status_code == 422
    assert f"result {other} is none of this study" in reply.json()["detail"]
    own = real_result(store, study)
    assert sign(reader, study, content={"result_id": own}).status_code == 201


def test_a_version_says_which_result_it_knows_nothing_of(
    store: Store, reader: httpx.Client, study: int
) -> None:
    older, newer = real_result(store, study), real_result(store, study)
    made = sign(reader, study, content={"result_id": older}).json()
    assert (made["result_id"], made["newest_result_id"]) == (older, newer)
    text = reader.get(address(study, "/versions/1/text")).text
    assert f"Drafted from AI result {older} of " in text
    assert f"a newer AI result, {newer} of " in text
    sr = reader.get(address(study, "/versions/1/fhir")).text
    assert f"a newer AI result, {newer} of " in sr
    # What comes afterwards is no matter of that version, and reopens the study.
    last = real_result(store, study)
    made = reader.get(address(study, "/versions/1")).json()
    assert made["newest_result_id"] == newer
    again = sign(reader, study, 1, content={"result_id": last}, reason="Newer").json()
    assert (again["result_id"], again["newest_result_id"]) == (last, last)
    text = reader.get(address(study, "/versions/2/text")).text
    assert f"Drafted from AI result {last} of " in text
    assert "newer AI result" not in text
    lines = reader.get(address(study)).json()["versions"]
    assert [line["newest_result_id"] for line in lines] == [last, newer]


def test_who_wrote_without_a_result_names_none(
    store: Store, reader: httpx.Client, study: int
) -> None:
    assert sign(reader, study).json()["newest_result_id"] is None
    result = real_result(store, study)
    made = sign(reader, study, 1, reason="More").json()
    assert (made["result_id"], made["newest_result_id"]) == (None, result)
    assert "AI result" not in reader.get(address(study, "/versions/2/text")).text


def test_versions_have_an_end(
    reader: httpx.Client, study: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "MOST_VERSIONS", 1)
    sign(reader, study)
    reply = sign(reader, study, 1, reason="Again")
    assert reply.status_code == 422
    assert "has 1 versions, and no more are kept" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a\x00b", "holds a control character"),
        ("a\rb", "holds a control character"),
        ("a\u202eb", "holds a control character"),
        ("x" * 20_001, "at most 20000 characters"),
    ],
)
def test_hostile_words_are_refused(
    store: Store, reader: httpx.Client, study: int, text: str, what: str
) -> None:
    for name in SECTIONS:
        reply = save(reader, study, 0, **{name: text})
        assert reply.status_code == 422
        (error,) = reply.json()["errors"]
        assert error["where"] == f"body.content.sections.{name}"
        assert what in error["what"]
        assert text not in reply.text
    assert sign(reader, study, content={"findings": text}).status_code == 422
    with store.read() as connection:
        assert connection.execute(sa.select(report_drafts)).all() == []
    assert save(reader, study, 0, findings="x" * 20_000 + "").status_code == 200


def test_a_dictionary_is_no_report(reader: httpx.Client, study: int) -> None:
    many = "".join(chr(0x4E00 + n) for n in range(3001))
    reply = save(reader, study, 0, findings=many)
    assert reply.status_code == 422
    assert "different characters; no more than 3000" in reply.json()["detail"]
    assert save(reader, study, 0, findings=many[:2900]).status_code == 200


def test_lone_surrogates_and_unknown_fields_are_refused(
    reader: httpx.Client, study: int
) -> None:
    body = (
        '{"revision": 0, "content": {"lang": "en", "sections": '
        '{"findings": "\\ud800"}}}'
    )
    headers = {"Content-Type": "application/json"}
    reply = reader.put(address(study, "/draft"), content=body, headers=headers)
    assert reply.status_code == 422
    for changes in ({"lang": "fr"}, {"more": 1}, {"result_id": -1}):
        said = {"revision": 0, "content": {**content(), **changes}}
        reply = reader.put(address(study, "/draft"), json=said)
        assert reply.status_code == 422, changes
    for reason in ("two\nlines", "x" * 501, "a\x1b"):
        assert sign(reader, study, reason=reason).status_code == 422
    # A number is no word for yes, and no word is a number.
    assert sign(reader, study, sign=1).status_code == 422
    assert sign(reader, study, "0").status_code == 422  # type: ignore[arg-type]
    assert save(reader, study, False).status_code == 422


def test_who_may_only_look_changes_nothing(
    viewer: httpx.Client, reader: httpx.Client, study: int
) -> None:
    sign(reader, study)
    assert viewer.get(address(study)).status_code == 200
    assert viewer.get(address(study, "/suggestion")).status_code == 200
    assert viewer.get(address(study, "/versions/1/pdf")).status_code == 200
    for reply in (
        save(viewer, study, 0),
        viewer.delete(address(study, "/draft")),
        sign(viewer, study, 1, reason="Mine"),
        viewer.post(
            address(study, "/versions/1/sendings"), json={"destination": "pacs"}
        ),
    ):
        assert reply.status_code == 403
        assert reply.json()["type"] == "/api/v1/problems/forbidden"


def test_nobody_is_asked_to_log_in(app: Any, study: int) -> None:
    from tests.serve.http import client_for

    with client_for(app) as nobody:
        assert nobody.get(address(study)).status_code == 401
        assert nobody.put(address(study, "/draft"), json={}).status_code == 401


def test_what_is_not_there_is_not_found(
    store: Store, reader: httpx.Client, study: int
) -> None:
    sign(reader, study)
    other = real_study(store)
    for path in ("", "/suggestion", "/versions/1", "/versions/1/pdf"):
        assert reader.get(address(987654, path)).status_code == 404
    assert reader.get(address(study, "/versions/2")).status_code == 404
    assert reader.get(address(other, "/versions/1/sr")).status_code == 404
    assert save(reader, 987654, 0).status_code == 404
    assert sign(reader, 987654).status_code == 404
    assert reader.delete(address(987654, "/draft")).status_code == 404


def test_the_suggestion_follows_the_result_and_its_readers(
    store: Store, reader: httpx.Client, study: int
) -> None:
    empty = reader.get(address(study, "/suggestion")).json()
    assert empty["result_id"] is None
    assert empty["sections"]["examined"] == "Digital radiograph, chest, 1 image."
    assert empty["sections"]["findings"] == ""
    result = real_result(store, study)
    found = reader.get(address(study, "/suggestion?lang=zh")).json()
    assert (found["lang"], found["result_id"]) == ("zh", result)
    assert found["sections"]["impression"] == "肺炎。[AI]"
    add_word(store, result, "correct", label="effusion")
    changed = reader.get(address(study, "/suggestion")).json()
    assert changed["sections"]["impression"] == "Effusion. [AI, corrected]"
    assert "neumonia" not in str(changed["sections"])
    assert "secret" not in str(changed)
    add_word(store, result, "reject")
    gone = reader.get(address(study, "/suggestion")).json()["sections"]
    assert (gone["findings"], gone["impression"]) == ("", "")
    # A suggestion can be signed as it stands, where it says something.
    add_word(store, result, "accept")
    body = reader.get(address(study, "/suggestion")).json()
    assert body["sections"]["findings"].endswith("[AI, accepted]")
    reply = reader.post(
        address(study, "/versions"),
        json={"content": body, "sign": True, "expected_version": 0},
    )
    assert reply.status_code == 201


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


@pytest.mark.parametrize("what", ["nothing", "image", "result"])
def test_what_came_while_files_were_made_is_still_to_be_read(
    store: Store, what: str
) -> None:
    def come(instance: int) -> int:
        image = of_study(
            with_level(radiograph(), 0.2 * instance), 501, instance=instance
        )
        study = take(store, image).study_id
        assert study is not None
        return study

    study = come(1)
    said = Content("en", findings="Nothing.")
    wish = versions.Wish(study, said, True, "", 0, "guest", None)
    ready = versions.prepare(store, wish, now=time.time())
    if what == "image":
        come(2)
    elif what == "result":
        real_result(store, study)
    with store.begin() as connection:
        versions.add_version(connection, wish, ready)
    reading, read_at = reading_of(store, study)
    assert reading == ("signed" if what == "nothing" else "unread")
    assert read_at is not None
