"""A private Orthanc: Debian's, with a folder and ports of its own."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

PROGRAM = shutil.which("Orthanc") or "/usr/sbin/Orthanc"
START_S = 30.0


@dataclass(frozen=True)
class Orthanc:
    """One that runs.

    Attributes:
        url: of its REST API.
        dicom_port: of its listener; its AE title is ORTHANC.
        http: a client for its REST API.
        pid: of its process.
    """

    url: str
    dicom_port: int
    http: httpx.Client
    pid: int

    def instances(self) -> list[str]:
        """Its own identifiers of all instances."""
        found: list[str] = self.http.get("/instances").json()
        return found

    def upload(self, data: bytes) -> str:
        """Put a DICOM file in; its identifier of the instance."""
        answer = self.http.post("/instances", content=data)
        answer.raise_for_status()
        return str(answer.json()["ID"])


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def run_orthanc(
    folder: Path,
    *,
    modalities: Mapping[str, tuple[str, str, int]] | None = None,
    plugins: tuple[str, ...] = (),
    **settings: Any,
) -> Iterator[Orthanc]:
    """Start Orthanc with its default durability, and stop it at the end.

    Args:
        folder: empty; takes its configuration and its files.
        modalities: name → (AE title, host, port) that it may send to.
        plugins: paths of plug-ins.
        settings: more keys of its configuration.
    """
    if not Path(PROGRAM).exists():
        pytest.skip("Orthanc is not installed (Debian: orthanc)")
    folder.mkdir(parents=True, exist_ok=True)
    http_port, dicom_port = free_port(), free_port()
    configuration = {
        "Name": "private",
        "StorageDirectory": str(folder / "files"),
        "IndexDirectory": str(folder / "files"),
        "Plugins": list(plugins),
        "HttpPort": http_port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomAet": "ORTHANC",
        "DicomPort": dicom_port,
        "DicomCheckCalledAet": False,
        "DicomModalities": {k: list(v) for k, v in (modalities or {}).items()},
        **settings,
    }
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [PROGRAM, str(folder / "orthanc.json")], stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{http_port}"
    try:
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            _wait(client, process)
            yield Orthanc(url, dicom_port, client, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def _wait(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            client.get("/system").raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError("Orthanc did not start; see its log")
