"""The service as a whole, by its command: studies in, results out, come what may."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pydicom
import pytest
from benchmarks.odd_cases import bytes_of, radiograph
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from medlens.client import Client
from tests.serve.running import Running, below, is_alive
from tests.tiny import CARD, bundle_of, plain_graph, write_bundle

RESULT_S = 60.0
get = partial(httpx.get, timeout=60)  # a busy machine starts its processes slowly
post = partial(httpx.post, timeout=60)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "tiny"
    write_bundle(folder, bundle_of(plain_graph(), name="tiny"), card=CARD)
    return folder


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, bundle: Path
) -> Iterator[Running]:
    one = Running(tmp_path_factory.mktemp("service"), str(bundle))
    yield one
    assert one.stop() == 0


def chest(seed: int = 0, **changes: Any) -> pydicom.Dataset:
    data = radiograph(np.random.default_rng(seed), side=128, **changes)
    return pydicom.dcmread(io.BytesIO(bytes_of(data)))


def store(port: int, *images: pydicom.Dataset) -> list[int]:
    """Statuses of C-STORE over one association."""
    entity = AE("SENDER")
    for image in images:
        entity.add_requested_context(image.SOPClassUID, ExplicitVRLittleEndian)
    link = entity.associate("127.0.0.1", port, ae_title="MEDLENS")
    assert link.is_established
    try:
        return [link.send_c_store(image).Status for image in images]
    finally:
        link.release()


def answer_of(client: Client, image: pydicom.Dataset) -> Any:
    """The newest result of an image's study."""
    until = time.monotonic() + RESULT_S
    while time.monotonic() < until:
        found = list(client.studies(study_uid=image.StudyInstanceUID))
        if found:
            return client.wait_for_result(found[0].id, timeout_s=RESULT_S)
        time.sleep(0.2)
    raise AssertionError("the study did not appear")


def test_a_study_by_dicom_has_a_report_in_the_archive(running: Running) -> None:
    image = chest(1)
    assert store(running.dicom_port, image) == [0]
    with Client(running.url) as client:
        result = answer_of(client, image)
        assert "blob" in client.text(result.id).lower()
        assert "Research software, not a medical device." in client.text(result.id)
        kinds = {one.kind for one in result.objects}
    assert {"SR", "SC", "FHIR"} <= kinds
    found = get(
        f"{running.url}/dicom-web/studies/{image.StudyInstanceUID}/series",
        params={"Modality": "SR"},
        headers={"Accept": "application/dicom+json"},
    ).json()
    assert len(found) == 1
    assert "not verified" in found[0]["0008103E"]["Value"][0]


def test_echo_answers(running: Running) -> None:
    entity = AE()
    entity.add_requested_context(Verification)
    link = entity.associate("127.0.0.1", running.dicom_port, ae_title="MEDLENS")
    assert link.send_c_echo().Status == 0
    link.release()


@pytest.mark.parametrize("role", ["web", "listen", "work-1"])
def test_a_killed_process_is_not_noticed_from_outside(
    running: Running, role: str
) -> None:
    os.kill(running.process_id(role), signal.SIGKILL)
    image = chest(hash(role) % 1000)
    assert store(running.dicom_port, image) == [0]
    with Client(running.url) as client:
        answer_of(client, image)
        (study,) = client.studies(study_uid=image.StudyInstanceUID)
        assert study.state == "answered"


def test_results_go_to_the_destination_of_the_rule(
    tmp_path: Path, bundle: Path
) -> None:
    received: list[str] = []
    has_report = threading.Event()

    def take(event: evt.Event) -> int:
        received.append(str(event.request.AffectedSOPClassUID))
        if "88." in received[-1]:
            has_report.set()
        return 0

    pacs = AE("PACS")
    pacs.supported_contexts = _storage()
    server = pacs.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, take)]
    )
    port = server.socket.getsockname()[1]
    rules = tmp_path / "rules.toml"
    rules.write_text(
        '[[rule]]\nname = "all"\nbundle = "tiny"\nmodality = "DX"\n'
        'destinations = ["pacs"]\n'
    )
    config = (
        f'[[peers]]\nname = "pacs"\nae_title = "PACS"\nhost = "127.0.0.1"\n'
        f"port = {port}\n"
    )
    one = Running(tmp_path / "s", str(bundle), "--rules", str(rules), config=config)
    try:
        # The list of peers is also the list of those who may send.
        entity = AE("PACS")
        image = chest(5)
        entity.add_requested_context(image.SOPClassUID, ExplicitVRLittleEndian)
        link = entity.associate("127.0.0.1", one.dicom_port, ae_title="MEDLENS")
        assert link.send_c_store(image).Status == 0
        link.release()
        assert has_report.wait(RESULT_S), one.log()[-1000:]
    finally:
        assert one.stop() == 0
        server.shutdown()


def _cookies(reply: httpx.Response) -> str:
    return "; ".join(f"{key}={value}" for key, value in reply.cookies.items())


def _storage() -> list[Any]:
    from pynetdicom import AllStoragePresentationContexts

    return AllStoragePresentationContexts


def test_no_process_and_no_identity_is_left_behind(
    tmp_path: Path, bundle: Path
) -> None:
    one = Running(tmp_path, str(bundle))
    try:
        pids = below(one.process.pid)
        name = "Planted^Name"
        store(one.dicom_port, chest(7, PatientName=name, PatientID="PLANTED-1"))
        get(f"{one.url}/dicom-web/studies", params={"PatientName": "Planted*"})
        time.sleep(2)
    finally:
        assert one.stop() == 0
    until = time.monotonic() + 5  # Python's own resource tracker ends a little later
    while any(map(is_alive, pids)):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert "lanted" not in one.log().replace("PLANTED", "planted")


def test_the_first_start_invites_an_administrator_once(
    tmp_path: Path, bundle: Path
) -> None:
    one = Running(tmp_path, str(bundle), demo=False)
    try:
        secret = re.search(r"/welcome#(\S+)", one.said)[1]  # type: ignore[index]
        assert get(f"{one.url}/api/v1/studies").status_code == 401
        body = {"invitation": secret, "name": "anna", "password": "four plain words"}
        made = post(f"{one.url}/api/v1/welcome", json=body)
        assert made.status_code == 201, made.text
        again = post(f"{one.url}/api/v1/welcome", json={**body, "name": "eve"})
        assert again.status_code == 422
        assert "unknown, used or older" in again.json()["detail"]
        inside = get(f"{one.url}/api/v1/studies", headers={"Cookie": _cookies(made)})
        assert inside.status_code == 200
        assert secret not in one.log()
    finally:
        assert one.stop() == 0
    second = Running(tmp_path, str(bundle), demo=False)
    assert second.stop() == 0
    assert "/welcome" not in second.said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--demo", "--host", "0.0.0.0"], "offered on this machine alone"),
        (["--ae-title", "A" * 17], "--ae-title: has 17 characters"),
        (["nowhere"], "bundle.json cannot be read"),
        (["--database", "mysql://x/y"], "names a database of kind 'mysql'"),
        (["--config", "none.toml"], "none.toml: cannot be read"),
        (["--rules", "none.toml"], "none.toml"),
        (["--port", "99999"], "is no port"),
    ],
)
def test_what_cannot_work_is_said_at_once(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    command = [sys.executable, "-m", "medlens", "serve", "--data", str(tmp_path / "d")]
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_two_services_do_not_share_a_folder(running: Running) -> None:
    command = [sys.executable, "-m", "medlens", "serve", "--data", str(running.data)]
    done = subprocess.run(
        [*command, "--port", "0", "--dicom-port", "-1"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "another medlens serve works in this folder" in done.stderr
