"""The client's calls on bundles and evaluations, against a whole service."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from medlens.bundle import write_bundle
from medlens.client import Client, ClientError
from tests.serve.work.sets import class_folders, pack
from tests.tiny import CARD, bundle_of, plain_graph


def test_from_a_set_to_its_page(service: str, tmp_path: Path) -> None:
    archive = tmp_path / "set.zip"
    archive.write_bytes(pack(class_folders()))
    with Client(service) as client:
        (tiny,) = [each for each in client.bundles() if each.name == "tiny"]
        assert client.bundle(tiny.digest)["labels"] == ["normal", "blob"]
        asked = client.evaluate(tiny.digest, archive, title="Second hospital")
        assert (
            client.evaluate(tiny.digest, archive, title="Second hospital") is not None
        )
        done = client.wait_for_evaluation(asked.id, timeout_s=120)
        assert done.summary is not None
        assert done.summary["metrics"]["sensitivity"]["value"] == 0.75
        assert done.curves is not None
        assert done.curves["parts"][0]["n_cases"] == 16
        assert done.failed == ()
        page = client.download_evaluation_report(asked.id, tmp_path / "page.html")
        assert b"<html" in page.read_bytes()
        assert [each.id for each in client.evaluations(bundle=tiny.digest)] == [
            asked.id
        ]
        client.remove_evaluation(asked.id)
        assert list(client.evaluations()) == []


def test_what_fails_is_told(service: str, tmp_path: Path) -> None:
    archive = tmp_path / "set.zip"
    archive.write_bytes(pack({"a.png": b"none"}))
    with Client(service) as client:
        (tiny,) = [each for each in client.bundles() if each.name == "tiny"]
        asked = client.evaluate(tiny.digest, archive, title="No set")
        with pytest.raises(
            ClientError, match=r"is failed: DATA holds 1 image .* pass labels CSV"
        ):
            client.wait_for_evaluation(asked.id, timeout_s=120)
        with pytest.raises(ClientError, match="is damaged or cut off"):
            client.evaluate(tiny.digest, __file__, title="No archive")
        with pytest.raises(ClientError, match="wanted its digest of 64"):
            client.bundle("../studies")
        client.remove_evaluation(asked.id)


def test_a_bundle_is_sent_as_it_is(tmp_path: Path) -> None:
    made = replace(bundle_of(plain_graph(), name="second"), conformal=None)
    write_bundle(tmp_path / "b", made, card=CARD)
    files = {path.name: path.read_bytes() for path in (tmp_path / "b").iterdir()}
    archive = tmp_path / "b.zip"
    archive.write_bytes(pack(files))
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        request.read()
        if len(seen) == 1:  # sent again: the file is read from its start
            return httpx.Response(503, headers={"Retry-After": "0"})
        said = {"digest": "a" * 64, "name": "second", "role": "active"}
        return httpx.Response(201, json=said)

    http = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://x")
    added = Client("http://x", http=http).add_bundle(archive, role="active")
    assert (added.name, added.role, added.shadow_of) == ("second", "active", "")
    for request in seen:
        assert request.url.path == "/api/v1/bundles"
        assert request.url.params["role"] == "active"
        assert request.headers["content-type"] == "application/zip"
        assert request.content == archive.read_bytes()


def test_a_demo_takes_no_bundle_from_anybody(service: str, tmp_path: Path) -> None:
    archive = tmp_path / "b.zip"
    archive.write_bytes(pack({"bundle.json": b"{}"}))
    with (
        Client(service) as client,
        pytest.raises(ClientError, match="needs the right 'administer'"),
    ):
        client.add_bundle(archive)
