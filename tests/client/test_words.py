"""The client's calls on words, masks and exports, against a whole service."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest

from medlens.client import Client, ClientError, StudyChange
from medlens.client.stream import read_events


def test_from_a_finding_to_a_corrected_data_set(
    service: str, radiograph_file: Path, tmp_path: Path
) -> None:
    header = pydicom.dcmread(radiograph_file)
    plane = np.zeros((header.Rows, header.Columns), np.uint8)
    plane[2:6, 3:9] = 255
    png = cv2.imencode(".png", plane)[1].tobytes()
    with Client(service) as client:
        study = client.upload(radiograph_file).studies[0]
        client.ask_for_answer(study)
        result = client.wait_for_result(study)
        (evidence,) = client.maps(result.id)["evidence"]
        assert evidence["finding"] == "1"
        assert client.evidence(result.id, "1").startswith(b"\x89PNG")
        with pytest.raises(ClientError, match="no such picture"):
            client.mask(result.id)
        drawn = client.draw_mask(result.id, {0: png}, finding="1")
        word = client.judge(result.id, "1", "correct", mask=drawn.sop_uid)
        added = client.judge(
            result.id, "", "add", label="nodule", box=(1, 2, 5, 8),
            image=(str(header.SOPInstanceUID), None),
        )  # fmt: skip
        assert added.finding == f"+{added.id}"
        assert [each.id for each in client.feedback(result.id)] == [word.id, added.id]
        kept = client.keep_corrections(result.id)
        path = client.download_corrections(result.id, tmp_path / "said.dcm")
        assert pydicom.dcmread(path).SOPInstanceUID == kept.sop_uid
        found = client.study(study)
        assert found.headline is not None
        assert found.headline["why"][0]["label"] == "blob"

        bundle = result.diagnosis["assessments"][0]["algorithm"]["digest"]
        asked = client.ask_for_export(bundle=bundle, studies=[study])
        done = client.wait_for_export(asked.id, timeout_s=120)
        assert (done.images, done.cases, done.left_out) == (1, 1, ())
        archive = client.download_export(asked.id, tmp_path / "set.zip")
        with zipfile.ZipFile(archive) as packed:
            table = io.StringIO(packed.read("labels.csv").decode())
        (row,) = list(csv.DictReader(table))
        assert row["label"] == "blob"
        assert asked.id in {each.id for each in client.exports()}
        client.remove_export(asked.id)
        with pytest.raises(ClientError, match="has no archive"):
            client.download_export(asked.id, tmp_path / "gone.zip")


def test_lines_of_the_worklist_are_told_between_jobs() -> None:
    lines = [
        "retry: 2000", "", "id: a-1", "event: study",
        'data: {"id":7,"state":"answered","reading":"begun","urgency":32.5,'
        '"changed_at":"2026-11-28T09:30:00Z"}', "",
        "id: a-2", "event: reset", 'data: {"reason":"x"}', "",
    ]  # fmt: skip
    first, second = read_events(lines)
    assert (first.id, first.kind, first.job) == ("a-1", "study", None)
    assert first.study == StudyChange(
        7, "answered", "begun", 32.5, "2026-11-28T09:30:00Z"
    )
    assert (second.kind, second.study) == ("reset", None)
