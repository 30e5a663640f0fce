"""Evaluations over the API: who may, what is refused, what is told."""

from __future__ import annotations

import io
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.store import Store
from medlens.serve.store.tables import evaluations, jobs, trail
from medlens.serve.web.api import evaluations as routes
from medlens.serve.web.app import create_app
from medlens.serve.work.answer import Workplace
from medlens.serve.work.evaluations import MOST_WAITING, release_sets
from medlens.serve.work.queue import lease
from medlens.serve.work.worker import do
from tests.serve.http import client_for
from tests.serve.people import token_of
from tests.serve.work.sets import BRIGHT, class_folders, pack, picture
from tests.serve.work.studies import models_of, put_bundle

pytest.importorskip("onnx")

ZIP = {"Content-Type": "application/zip"}
ADDRESS = "/api/v1/evaluations"
TOKEN = "Plantedname"


@pytest.fixture
def app(store: Store, tmp_path: Path) -> FastAPI:
    limits = Limits(free_mb=1, zip_entries=200, upload_mb=4)
    return create_app(store, ServeSettings(data=tmp_path / "service", limits=limits))


@pytest.fixture
def place(store: Store, tmp_path: Path) -> Workplace:
    models = models_of(store, put_bundle(tmp_path / "bundle"))
    return Workplace(store, ServeSettings(limits=Limits(free_mb=1)), None, models)


def send(client: httpx.Client, place: Workplace, data: bytes, **query: str) -> Any:
    (model,) = place.models.active
    asked = {"bundle": model.digest, "title": "Second hospital"} | query
    return client.post(ADDRESS, content=data, headers=ZIP, params=asked)


def work(place: Workplace) -> None:
    job = lease(
        place.store, worker="w", kinds=("evaluate",), lease_s=60, now=time.time()
    )
    assert job is not None
    do(place, job)


def test_from_a_set_to_its_curves(
    reader: httpx.Client, viewer: httpx.Client, place: Workplace
) -> None:
    first = send(reader, place, pack(class_folders()))
    assert first.status_code == 202, first.text
    asked = first.json()
    assert (asked["state"], asked["progress"], asked["summary"]) == ("waiting", 0, None)
    assert not asked["has_report"]
    assert first.headers["Location"] == f"{ADDRESS}/{asked['id']}"
    again = send(reader, place, pack(class_folders()))
    assert (again.status_code, again.json()["id"]) == (200, asked["id"])
    assert reader.get(f"{ADDRESS}/{asked['id']}/report").status_code == 409
    work(place)
    found = viewer.get(first.headers["Location"]).json()
    assert (found["state"], found["progress"], found["problem"]) == ("done", 1, "")
    assert found["summary"]["metrics"]["sensitivity"]["value"] == 0.75
    (part,) = found["curves"]["parts"]
    assert part["confusion"] == {"labels": ["normal", "blob"],
                                 "counts": [[8, 0], [2, 6]]}  # fmt: skip
    (label,) = part["labels"]
    assert (label["label"], label["n_present"], label["n_absent"]) == ("blob", 8, 8)
    counts = label["thresholds"]
    at = counts["threshold"].index(0.9)  # the operating point of this bundle
    assert [counts[name][at] for name in ("tp", "fp", "tn", "fn")] == [6, 0, 8, 2]
    listed = viewer.get(ADDRESS).json()
    assert [each["id"] for each in listed["items"]] == [asked["id"]]
    assert "curves" not in listed["items"][0]
    assert viewer.get(ADDRESS, params={"bundle": "0" * 64}).json()["items"] == []


def test_the_page_comes_in_a_sandbox(
    reader: httpx.Client, viewer: httpx.Client, place: Workplace
) -> None:
    number = send(reader, place, pack(class_folders())).json()["id"]
    work(place)
    address = f"{ADDRESS}/{number}/report"
    assert viewer.get(address).status_code == 403
    page = reader.get(address)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script" not in policy
    assert page.headers["content-disposition"].startswith("inline")
    kept = reader.get(address, params={"download": "true"})
    assert kept.headers["content-disposition"] == (
        f'attachment; filename="evaluation-{number}.html"'
    )
    assert kept.text == page.text
    assert reader.get(f"{ADDRESS}/987/report").status_code == 404
    with place.store.read() as connection:
        lines = connection.execute(
            sa.select(trail.c.action, trail.c.detail).order_by(trail.c.number)
        ).all()
    assert [line.action for line in lines if "evaluation" in line.action] == [
        "ask for evaluation", "view evaluation report", "view evaluation report"
    ]  # fmt: skip


def test_names_of_cases_are_for_readers(
    reader: httpx.Client, viewer: httpx.Client, place: Workplace
) -> None:
    files = class_folders() | {f"blob/{TOKEN}.png": picture(200)[:50]}
    done = send(reader, place, pack(files)).json()["id"]
    work(place)
    bad = send(reader, place, pack({f"{TOKEN}.png": picture(1)}), title="x").json()[
        "id"
    ]
    work(place)
    for number in (done, bad):
        address = f"{ADDRESS}/{number}"
        assert TOKEN not in viewer.get(address).text
        assert viewer.get(address).json()["failed"] is None
    (failed,) = reader.get(f"{ADDRESS}/{done}").json()["failed"]
    assert failed["case"] == f"blob/{TOKEN}.png"
    assert viewer.get(f"{ADDRESS}/{done}").json()["failed_count"] == 1
    told = reader.get(f"{ADDRESS}/{bad}").json()
    assert (told["state"], told["failed"]) == ("failed", [])
    assert "no labels" in told["problem"]
    assert "readers find the reason" in viewer.get(f"{ADDRESS}/{bad}").json()["problem"]
    assert TOKEN not in reader.get("/api/v1/jobs").text
    with place.store.read() as connection:
        said = connection.execute(sa.select(trail.c.detail)).scalars()
        assert TOKEN not in repr(list(said))


def test_who_may_not_is_told_so(
    viewer: httpx.Client, reader: httpx.Client, place: Workplace
) -> None:
    data = pack(class_folders())
    assert send(viewer, place, data).status_code == 403
    number = send(reader, place, data).json()["id"]
    assert viewer.delete(f"{ADDRESS}/{number}").status_code == 403
    anybody = httpx.Client(transport=reader._transport, base_url=reader.base_url)
    assert anybody.get(ADDRESS).status_code == 401


def archive(*names: str) -> bytes:
    """Entries of these names, as they are."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name in names:
            made.writestr(zipfile.ZipInfo(name), b"x")
    return out.getvalue()


def bomb() -> bytes:
    return pack({"a/zeros.bin": bytes(40 << 20)})


REFUSED: dict[str, tuple[bytes, str]] = {
    "no archive": (b"none", "is damaged or cut off"),
    "cut off": (pack(class_folders())[:-30], "is damaged or cut off"),
    "empty": (archive(), "has no file that is taken"),
    "only notes": (archive("__MACOSX/a", ".DS_Store"), "has no file that is taken"),
    "leads out": (archive("a/1.png", "../../etc/x"), "entry 2 has a name"),
    "absolute": (archive("/etc/passwd"), "entry 1 has a name"),
    "drive": (archive("C:\\x\\y.png"), "entry 1 has a name"),
    "backslashes": (archive("a\\..\\..\\y.png"), "entry 1 has a name"),
    "control": (archive("a/\x07.png"), "entry 1 has a name"),
    "long": (archive("a/" + "x" * 300), "entry 1 has a name"),
    "deep": (archive("a/" * 40 + "x"), "entry 1 has a name"),
    "many": (archive(*(f"a/{n}" for n in range(300))), "more than 200 entries"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_archive_is_refused_at_once(
    reader: httpx.Client, place: Workplace, name: str
) -> None:
    data, said = REFUSED[name]
    reply = send(reader, place, data)
    assert reply.status_code == 422, reply.text
    assert said in reply.json()["detail"]
    with place.store.read() as connection:
        assert connection.execute(sa.select(jobs)).all() == []
    assert list(place.store.blobs.incoming.iterdir()) == []
    assert list(place.store.blobs.folder.glob("*/*")) == []


def test_a_bomb_ends_its_job_alone(reader: httpx.Client, place: Workplace) -> None:
    number = send(reader, place, bomb()).json()["id"]
    limits = Limits(free_mb=1, upload_mb=4)
    small = replace(place, settings=replace(place.settings, limits=limits))
    work(small)
    told = reader.get(f"{ADDRESS}/{number}").json()
    assert told["state"] == "failed"
    assert "unpacks to more than 16 MiB" in told["problem"]
    assert not (place.store.folder / "evaluating").exists()


def test_a_name_twice_and_a_file_that_is_a_folder(
    reader: httpx.Client, place: Workplace
) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = archive("a/1.png", "a/1.png")
    assert "has a name that came before" in send(reader, place, twice).json()["detail"]
    number = send(reader, place, archive("a", "a/1.png")).json()["id"]
    work(place)
    told = reader.get(f"{ADDRESS}/{number}").json()
    assert "has the name of another file or folder" in told["problem"]


def test_a_link_in_an_archive_is_a_file_here(
    reader: httpx.Client, place: Workplace
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, data in class_folders(wrong=0).items():
            made.writestr(name, data)
        link = zipfile.ZipInfo("blob/link.png")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        made.writestr(link, "/etc/passwd")
    number = send(reader, place, out.getvalue()).json()["id"]
    work(place)
    found = reader.get(f"{ADDRESS}/{number}").json()
    assert (found["state"], found["summary"]["n_cases"]) == ("done", 16)
    assert [each["case"] for each in found["failed"]] == ["blob/link.png"]


def test_what_cannot_be_asked(reader: httpx.Client, place: Workplace) -> None:
    data = pack(class_folders())
    unknown = send(reader, place, data, bundle="0" * 64)
    assert (unknown.status_code, unknown.json()["detail"]) == (
        404, "there is no such bundle; /api/v1/bundles lists all of them"
    )  # fmt: skip
    for wrong in (
        {"bundle": "x"}, {"title": ""}, {"title": "x" * 65}, {"title": "a\x00b"},
        {"labels": "x" * 600}, {"other": "1"},
    ):  # fmt: skip
        assert send(reader, place, data, **wrong).status_code == 422, wrong
    (model,) = place.models.active
    query = {"bundle": model.digest, "title": "x"}
    reply = reader.post(ADDRESS, content=data, params=query)
    assert reply.status_code == 415
    large = send(reader, place, bytes(5 << 20))
    assert large.status_code == 413
    assert reader.get(f"{ADDRESS}/987").status_code == 404
    assert reader.delete(f"{ADDRESS}/987").status_code == 404


def test_only_so_many_wait(reader: httpx.Client, place: Workplace) -> None:
    for at in range(MOST_WAITING):
        assert send(reader, place, pack(class_folders()), title=f"t{at}").is_success
    reply = send(reader, place, pack(class_folders()), title="one more")
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "60")
    assert reader.get(ADDRESS, params={"limit": 15}).json()["next"]


def test_those_that_came_while_a_set_was_sent_count(
    reader: httpx.Client, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "MOST_WAITING", 1)
    assert send(reader, place, pack(class_folders())).status_code == 202
    kept = sorted(place.store.blobs.folder.glob("*/*"))
    monkeypatch.setattr(routes, "_check", lambda *_: None)  # before the set is sent
    reply = send(reader, place, pack({"a/1.png": picture(BRIGHT)}), title="one more")
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "60")
    assert sorted(place.store.blobs.folder.glob("*/*")) == kept
    assert len(reader.get(ADDRESS).json()["items"]) == 1


def test_a_full_disk_is_said_before_the_set_is_sent(
    store: Store, place: Workplace, tmp_path: Path
) -> None:
    limits = Limits(free_mb=1 << 40)
    settings = ServeSettings(data=tmp_path / "service", limits=limits)
    app = create_app(store, settings)
    with client_for(app, headers=token_of(store, "reader")) as client:
        reply = send(client, place, pack(class_folders()))
    assert reply.status_code == 507
    assert "of disk space would be left" in reply.json()["detail"]


def test_removing_and_cancelling_leave_nothing(
    reader: httpx.Client, place: Workplace, store: Store
) -> None:
    first = send(reader, place, pack(class_folders())).json()
    work(place)
    assert reader.delete(f"{ADDRESS}/{first['id']}").status_code == 204
    assert list(store.blobs.folder.glob("*/*")) == []
    second = send(reader, place, pack(class_folders())).json()
    assert reader.post(f"/api/v1/jobs/{second['job_id']}/cancel").is_success
    assert reader.get(f"{ADDRESS}/{second['id']}").json()["state"] == "cancelled"
    assert release_sets(store) == 1
    assert list(store.blobs.folder.glob("*/*")) == []
    third = send(reader, place, pack(class_folders()))
    assert (third.status_code, third.json()["state"]) == (202, "waiting")
    with store.read() as connection:
        assert len(connection.execute(sa.select(evaluations)).all()) == 1


def test_only_who_asked_takes_it_back(
    reader: httpx.Client,
    viewer: httpx.Client,
    administrator: httpx.Client,
    app: FastAPI,
    place: Workplace,
) -> None:
    mine = send(reader, place, pack(class_folders())).json()
    address, job = f"{ADDRESS}/{mine['id']}", f"/api/v1/jobs/{mine['job_id']}"
    with client_for(
        app, headers=token_of(place.store, "reader", name="other")
    ) as other:
        # The same set again is this evaluation, and still the first reader's.
        assert send(other, place, pack(class_folders())).json()["id"] == mine["id"]
        for refused in (
            other.delete(address), other.post(f"{job}/cancel"),
            other.post(f"{job}/retry"),
        ):  # fmt: skip
            assert refused.status_code == 403
            said = refused.json()["detail"]
            assert "this evaluation was asked for by somebody else" in said
        assert not other.get(address).json()["may_remove"]
        assert not other.get(ADDRESS).json()["items"][0]["may_remove"]
    narrow = token_of(place.store, "administrator", "view", "read")
    with client_for(app, headers=narrow) as client:  # the token cannot administer
        assert client.delete(address).status_code == 403
    assert not viewer.get(address).json()["may_remove"]
    assert mine["may_remove"]
    assert reader.get(address).json()["may_remove"]
    assert administrator.get(address).json()["may_remove"]
    assert reader.post(f"{job}/cancel").is_success
    assert administrator.delete(address).status_code == 204
    assert reader.delete(address).status_code == 404
