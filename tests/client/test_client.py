"""The client against a whole service."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from medlens.client import Client, ClientError


def test_from_a_file_to_its_diagnosis(
    service: str, radiograph_file: Path, tmp_path: Path
) -> None:
    with Client(service) as client:
        upload = client.upload(radiograph_file)
        assert (upload.stored, len(upload.studies)) == (1, 1)
        assert [entry.outcome for entry in upload.entries] == ["stored"]
        study = upload.studies[0]
        assert client.upload(radiograph_file).duplicate == 1
        job = client.ask_for_answer(study)
        told = [event.job for event in client.events(job=job.id)]
        assert told[-1] is not None
        assert told[-1].state == "done"
        result = client.wait_for_result(study, timeout_s=60)
        (assessment,) = result.diagnosis["assessments"]
        assert [f["label"] for f in assessment["findings"] if f["is_present"]] == [
            "blob"
        ]
        assert "Blob: present" in client.text(result.id)
        assert "未" in client.text(result.id, lang="zh")
        assert client.fhir(result.id)["resourceType"] == "Bundle"
        report = next(each for each in result.objects if each.kind == "SR")
        path = client.download(result.id, report, tmp_path / "report.dcm")
        assert pydicom.dcmread(path).SOPInstanceUID == report.sop_uid
        assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
        found = client.study(study)
        assert (found.state, found.result_id) == ("answered", result.id)
        assert study in [
            each.id for each in client.studies(state=["answered"], limit=1)
        ]
        sending = client.send(result.id, "pacs")
        assert client.cancel(sending.id).state == "cancelled"
        assert client.retry(sending.id).state in ("waiting", "leased")
        client.cancel(sending.id)
        assert client.status()["is_demo"]


def test_what_was_asked_twice_is_the_same_job(
    service: str, radiograph_file: Path
) -> None:
    with Client(service) as client:
        study = client.upload(radiograph_file).studies[0]
        assert client.ask_for_answer(study).id == client.ask_for_answer(study).id
        chosen = client.ask_for_answer(study, bundle="tiny")
        assert chosen.id != client.ask_for_answer(study).id
        with pytest.raises(ClientError, match="bundle 'none' is not at work"):
            client.ask_for_answer(study, bundle="none")


def test_problems_are_errors_with_their_details(service: str, tmp_path: Path) -> None:
    with Client(service) as client:
        with pytest.raises(ClientError, match=r"there is no study 987654") as caught:
            client.study(987654)
        assert (caught.value.status, caught.value.kind) == (404, "not-found")
        assert caught.value.instance.startswith("urn:uuid:")
        bad = tmp_path / "bad.dcm"
        bad.write_bytes(b"no image at all")
        with pytest.raises(ClientError, match=r"nothing was taken") as caught:
            client.upload(bad)
        assert caught.value.errors[0]["where"] == "bad.dcm"
        with pytest.raises(ClientError, match=r"no such destination"):
            client.send(1, "nobody")


def test_waiting_ends(service: str, radiograph_file: Path) -> None:
    with Client(service) as client:
        study = client.upload(radiograph_file).studies[0]
        with pytest.raises(ClientError, match=r"is receiving after 0\.1 s"):
            client.wait_for_result(study, timeout_s=0.1)


def test_nobody_there_is_said() -> None:
    with (
        Client("http://127.0.0.1:1", retries=1) as client,
        pytest.raises(ClientError, match=r"cannot be reached \(ConnectError\)"),
    ):
        client.status()


def test_a_report_is_suggested_signed_and_fetched(
    service: str, radiograph_file: Path, tmp_path: Path
) -> None:
    pytest.importorskip("reportlab")
    with Client(service) as client:
        study = client.upload(radiograph_file).studies[0]
        client.ask_for_answer(study)
        result = client.wait_for_result(study, timeout_s=60)
        assert client.report(study).versions == ()
        content = client.suggestion(study)
        assert content["result_id"] == result.id
        assert content["sections"]["impression"] == "Blob. [AI]"
        assert client.suggestion(study, lang="zh")["lang"] == "zh"
        signed = client.sign(study, content)
        assert (signed.version, signed.is_signed) == (1, True)
        assert signed.content == content
        with pytest.raises(ClientError, match=r"has version 1 by now") as caught:
            client.sign(study, content)
        assert caught.value.kind == "report-changed"
        with pytest.raises(ClientError, match=r"say in `reason`"):
            client.sign(study, content, expected_version=1)
        client.sign(study, content, expected_version=1, reason="Once more")
        assert [v.version for v in client.report(study).versions] == [2, 1]
        pdf = client.download_report(study, 1, tmp_path / "report.pdf")
        assert pdf.read_bytes().startswith(b"%PDF-")
        sr = client.download_report(study, 1, tmp_path / "report.dcm", form="sr")
        assert pydicom.dcmread(sr).VerificationFlag == "VERIFIED"
        assert client.report_version(study, 1) == signed
