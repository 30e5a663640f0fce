"""What is tried again, how often, and what is not."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from medlens.client import Client, ClientError, transport
from medlens.client.models import Job, ResultObject, build
from medlens.client.stream import read_events

JOB = {"id": 3, "kind": "answer", "state": "waiting", "news": "unknown to this client"}
Reply = httpx.Response | Exception


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the client would have waited."""
    found: list[float] = []
    monkeypatch.setattr(transport.time, "sleep", found.append)
    return found


def client_of(
    *replies: Reply, sent: list[httpx.Request] | None = None, retries: int = 4
) -> Client:
    """A client whose service gives these replies, one after another."""
    left = list(replies)

    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        if sent is not None:
            sent.append(request)
        reply = left.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    http = httpx.Client(
        transport=httpx.MockTransport(answer), base_url="http://127.0.0.1"
    )
    return Client("", http=http, retries=retries, token="medlens_x")


def busy(status: int = 503, **headers: str) -> httpx.Response:
    """A reply that passes."""
    return httpx.Response(status, headers=headers, json={"detail": "busy"})


def test_failures_that_pass_are_tried_again(pauses: list[float]) -> None:
    client = client_of(
        busy(), httpx.ConnectError("x"), busy(429, **{"Retry-After": "3"}),
        httpx.Response(200, json=JOB),
    )  # fmt: skip
    assert client.job(3).id == 3
    assert len(pauses) == 3
    assert 0.125 <= pauses[0] <= 0.375
    assert 0.25 <= pauses[1] <= 0.75
    assert pauses[2] == 3.0


def test_tries_end(pauses: list[float]) -> None:
    client = client_of(*[busy()] * 3, retries=2)
    with pytest.raises(ClientError, match=r"busy \(HTTP 503\)"):
        client.job(3)
    assert len(pauses) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 413, 422, 500, 507])
def test_refusals_are_not_tried_again(pauses: list[float], status: int) -> None:
    with pytest.raises(ClientError, match=r"busy"):
        client_of(busy(status)).job(3)
    assert pauses == []


def test_one_key_for_all_tries_of_one_change(pauses: list[float]) -> None:
    sent: list[httpx.Request] = []
    made = [httpx.ReadTimeout("x"), httpx.Response(200, json=JOB)]
    client = client_of(*made, *made, sent=sent)
    client.cancel(3)
    client.cancel(3)
    keys = [request.headers["Idempotency-Key"] for request in sent]
    assert keys[0] == keys[1]
    assert keys[2] == keys[3] != keys[0]
    assert {request.headers["Authorization"] for request in sent} == {
        "Bearer medlens_x"
    }
    assert len(pauses) == 2


def test_an_upload_is_read_anew_for_each_try(
    pauses: list[float], tmp_path: Path
) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(b"DICM")
    sent: list[httpx.Request] = []
    reply = httpx.Response(200, json={"studies": [1], "entries": [], "stored": 1})
    client = client_of(busy(), reply, sent=sent)
    assert client.upload(path, details={"patient_id": "7"}).studies == (1,)
    assert all(request.content.count(b"DICM") == 1 for request in sent)
    first = sent[0].content
    assert first.index(b'name="patient_id"') < first.index(b'name="file"')
    assert len(pauses) == 1


def test_a_file_that_is_not_what_was_announced_is_not_kept(tmp_path: Path) -> None:
    client = client_of(httpx.Response(200, content=b"other"))
    wanted = ResultObject(1, "SR", "application/dicom", 4, "0" * 64)
    with pytest.raises(ClientError, match=r"the SR file is not what was announced"):
        client.download(1, wanted, tmp_path / "x.dcm")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (httpx.Response(502, text="<html>"), "did not answer as expected"),
        (httpx.Response(404, json=["x"]), "did not answer as expected"),
        (httpx.Response(200, json={"id": 1}), "left kind out"),
        (httpx.Response(200, json=[]), "did not answer as expected"),
    ],
)
def test_strange_replies_are_errors(reply: httpx.Response, said: str) -> None:
    with pytest.raises(ClientError, match=said):
        client_of(reply, retries=0).job(1)


def test_events_are_parsed_as_the_standard_says() -> None:
    lines = [
        "retry: 2000", "", ": still here", "", "id: a-1", "event: job",
        'data: {"id": 3, "kind": "answer",', 'data: "state": "done"}', "",
        "event: other", "data: {}", "", "event: reset", "data: {}", "", "data: cut off",
    ]  # fmt: skip
    found = list(read_events(lines))
    assert [(each.id, each.kind) for each in found] == [
        ("a-1", "job"),
        ("a-1", "reset"),
    ]
    assert found[0].job == Job(3, "answer", "done")
    assert found[0].job.has_ended


def test_what_is_unknown_is_left_out() -> None:
    assert build(Job, JOB) == Job(3, "answer", "waiting")


def test_the_client_needs_nothing_of_the_service() -> None:
    import subprocess
    import sys

    code = (
        "import sys, medlens.client\n"
        "heavy = {'fastapi', 'sqlalchemy', 'pydicom', 'numpy', 'onnxruntime'}\n"
        "sys.exit(sorted(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
