"""Orthanc's DICOMweb plug-in pushes to the service, searches it and retrieves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.serve.orthanc import run_orthanc
from tests.serve.receive.files import dicom
from tests.serve.web.dicomweb.conftest import Served

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


@pytest.mark.skipif(not PLUGIN.exists(), reason="orthanc-dicomweb is not installed")
def test_orthanc_stores_searches_and_retrieves(quick: Served, tmp_path: Path) -> None:
    servers = {"medlens": {"Url": f"{quick.url}/dicom-web/", "HasDelete": False}}
    settings = {"DicomWeb": {"Enable": True, "Servers": servers}}
    with run_orthanc(
        tmp_path / "orthanc", plugins=(str(PLUGIN),), **settings
    ) as orthanc:
        pushed = [orthanc.upload(dicom(i, text="pushed")) for i in range(3)]
        answer = orthanc.http.post(
            "/dicom-web/servers/medlens/stow", json={"Resources": pushed}
        )
        assert answer.status_code == 200
        found = quick.client.get("/instances").json()
        assert len(found) == 3

        # The bytes that came are those that Orthanc gives.
        own = {orthanc.http.get(f"/instances/{one}/file").content for one in pushed}
        accept = {"Accept": "application/dicom; transfer-syntax=*"}
        path = [each["00081190"]["Value"][0].split("/dicom-web")[1] for each in found]
        assert {quick.client.get(each, headers=accept).content for each in path} == own

        answer = orthanc.http.post(
            "/dicom-web/servers/medlens/qido",
            json={"Uri": "/studies", "Arguments": {"00100020": "P1"}},
        )
        assert answer.status_code == 200
        assert len(answer.json()) == 1

        (receipt,) = quick.put(dicom(7, text="kept here"))
        answer = orthanc.http.post(
            "/dicom-web/servers/medlens/retrieve",
            json={"Resources": [{"Study": receipt.study_uid}]},
        )
        assert answer.status_code == 200
        assert len(orthanc.instances()) == 4
