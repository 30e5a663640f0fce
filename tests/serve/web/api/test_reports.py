"""Reports over the API: versions, signatures, rights, limits."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from medlens.serve.store.store import Store
from medlens.serve.store.tables import (
    report_drafts,
    reports,
)
from medlens.serve.web.api import reports as routes
from medlens.serve.work import report_versions as versions
from medlens.write.reading.content import Content
from tests.serve.web.api.reading import (
    SECTIONS,
    add_word,
    address,
    content,
    lines,
    reading_of,
    real_result,
    real_study,
    save,
    sign,
)
from tests.serve.work.studies import of_study, take, with_level
from tests.write.dicom_sources import radiograph

pytest.importorskip("reportlab")


@pytest.fixture
def study(store: Store) -> int:
    """A study whose images are real."""
    return real_study(store)


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
