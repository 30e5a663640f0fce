"""Where studies may be sent to."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from medlens.serve.run.supervise import Supervisor
from medlens.serve.settings import Limits, Peer, ServeSettings
from medlens.serve.web.api.intake import intake_of
from tests.serve.http import client_for


def test_a_viewer_is_told_every_way_in(viewer: httpx.Client) -> None:
    found = viewer.get("/api/v1/intake").json()
    assert found["dicom"] == {
        "ae_title": "MEDLENS",
        "host": "127.0.0.1",
        "port": 11112,
        "is_local": True,
        "is_tls": False,
        "is_closed": True,  # the settings of the tests name a destination
    }
    assert found["dicomweb"] == "/dicom-web/studies"
    assert found["uploads"] == "/api/v1/uploads"


def test_who_is_unknown_is_told_nothing(app: FastAPI) -> None:
    with client_for(app) as stranger:
        reply = stranger.get("/api/v1/intake")
    assert reply.status_code == 401
    assert "MEDLENS" not in reply.text


def test_both_paths_are_ways_in(viewer: httpx.Client) -> None:
    """A viewer lacks the right to send; that is told before the body is looked at."""
    found = viewer.get("/api/v1/intake").json()
    for path in (found["dicomweb"], found["uploads"]):
        assert viewer.post(path).status_code == 403


def test_without_a_listener_there_is_none() -> None:
    assert intake_of(ServeSettings(dicom_port=-1)).dicom is None


@pytest.mark.parametrize(
    ("bound", "told", "is_local"),
    [
        ("0.0.0.0", "", False),
        ("::", "", False),
        ("10.0.3.7", "10.0.3.7", False),
        ("::1", "::1", True),
        ("localhost", "localhost", True),
    ],
)
def test_the_address_is_one_that_a_sender_can_use(
    bound: str, told: str, is_local: bool
) -> None:
    node = intake_of(ServeSettings(dicom_host=bound)).dicom
    assert node is not None
    assert (node.host, node.is_local) == (told, is_local)


def test_what_a_sender_must_know_beside_the_address() -> None:
    settings = ServeSettings(
        ae_title="READ1",
        tls_certificate=Path("node.pem"),
        peers=(Peer(name="ct", ae_title="CT1"),),
        limits=Limits(upload_mb=7),
    )
    found = intake_of(settings)
    assert found.dicom is not None
    assert (found.dicom.ae_title, found.dicom.is_tls) == ("READ1", True)
    assert found.dicom.is_closed
    assert found.upload_mb == 7


def test_a_free_port_is_known_by_its_number() -> None:
    supervisor = Supervisor(ServeSettings(port=0, dicom_port=0))
    try:
        assert supervisor.settings.dicom_port == supervisor.dicom_port != 0
    finally:
        supervisor.web.close()
        assert supervisor.dicom is not None
        supervisor.dicom.close()
