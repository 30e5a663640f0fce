"""Masks that readers draw, over HTTP, on studies that were really answered."""

from __future__ import annotations

import base64
import io
import os
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pydicom
import pytest
import sqlalchemy as sa

from medlens.serve.store.doctor import check_store
from medlens.serve.store.keep import remove_study
from medlens.serve.store.store import Store
from medlens.serve.store.tables import instances, reading_objects, studies, trail
from medlens.serve.web.dicomweb.work import heavy
from tests.serve.web.api.test_maps import answered
from tests.serve.work.studies import of_study, put_bundle, take, with_level
from tests.write.dicom_sources import errors_of, radiograph
from tests.write.dicom_sources import series as make_series


def png(plane: Any) -> str:
    packed = cv2.imencode(".png", plane.astype(np.uint8) * 255)[1].tobytes()
    return base64.b64encode(packed).decode()


@pytest.fixture
def answer(store: Store, tmp_path: Path) -> tuple[int, Any]:
    """A result, and the image that it is of."""
    image = of_study(with_level(radiograph(), 0.9), 1)
    take(store, image)
    return answered(store, put_bundle(tmp_path / "b")), image


def plane_of(image: Any) -> Any:
    plane = np.zeros((image.Rows, image.Columns), bool)
    plane[2:5, 3:9] = True
    return plane


def body(image: Any, **more: Any) -> dict[str, Any]:
    slices = [{"slice": 0, "png": png(plane_of(image))}]
    return {"finding": "1", "slices": slices} | more


def file_of(store: Store, uid: str) -> bytes:
    with store.read() as connection:
        digest = connection.execute(
            sa.select(instances.c.digest).where(instances.c.sop_uid == uid)
        ).scalar_one()
    return store.blobs.read(digest)


def test_a_mask_becomes_a_segmentation_that_a_word_names(
    store: Store, reader: httpx.Client, answer: tuple[int, Any], tmp_path: Path
) -> None:
    result, image = answer
    address = f"/api/v1/results/{result}"
    made = reader.post(f"{address}/masks", json=body(image))
    assert made.status_code == 201, made.text
    uid = made.json()["sop_uid"]
    data = file_of(store, uid)
    assert errors_of(data, tmp_path) == []
    found = pydicom.dcmread(io.BytesIO(data))
    assert np.array_equal(found.pixel_array.astype(bool), plane_of(image))
    assert found.SegmentSequence[0].SegmentLabel == "blob"
    assert found.SegmentSequence[0].SegmentAlgorithmType == "MANUAL"
    assert found.StudyInstanceUID == image.StudyInstanceUID
    word = reader.post(
        f"{address}/feedback", json={"finding": "1", "verdict": "correct", "mask": uid}
    )
    assert word.status_code == 201, word.text
    with store.read() as connection:
        lines = connection.execute(
            sa.select(trail.c.action, trail.c.study_id, trail.c.detail)
        ).all()
        row = connection.execute(sa.select(studies)).one()
    assert [line.action for line in lines] == ["draw mask", "judge finding"]
    assert lines[0].detail == {
        "result": result, "assessment": 0, "finding": "1", "slices": 1,
    }  # fmt: skip
    assert row.state == "answered"  # what a reader draws makes no new job
    assert [f.name for f in check_store(store, deep=True) if f.count] == []


def test_the_same_drawing_is_kept_once(
    store: Store, reader: httpx.Client, answer: tuple[int, Any]
) -> None:
    address = f"/api/v1/results/{answer[0]}/masks"
    one, two = (reader.post(address, json=body(answer[1])) for _ in "ab")
    assert (two.status_code, two.json()) == (201, one.json())
    other = body(answer[1], label="spot")
    three = reader.post(address, json=other)
    assert three.json()["sop_uid"] != one.json()["sop_uid"]
    with store.read() as connection:
        assert len(connection.execute(sa.select(reading_objects)).all()) == 2


def test_masks_on_a_result_have_an_end(
    reader: httpx.Client, answer: tuple[int, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medlens.serve.web.api.masks.MOST_MASKS", 1)
    address = f"/api/v1/results/{answer[0]}/masks"
    first = reader.post(address, json=body(answer[1]))
    refused = reader.post(address, json=body(answer[1], label="spot"))
    assert refused.status_code == 422
    assert "have drawn 1 on this result" in refused.json()["detail"]
    assert reader.post(address, json=body(answer[1])).json() == first.json()


def test_no_more_are_made_at_a_time_than_memory_holds(
    reader: httpx.Client, answer: tuple[int, Any]
) -> None:
    address = f"/api/v1/results/{answer[0]}/masks"
    with ThreadPoolExecutor(1) as pool:
        with ExitStack() as places:
            for _ in range(min(2, os.cpu_count() or 1)):
                places.enter_context(heavy())
            drawn = pool.submit(reader.post, address, json=body(answer[1]))
            assert not wait([drawn], 2.0).done  # no place is free
        assert drawn.result(60.0).status_code == 201


def test_what_is_added_is_drawn_first(
    store: Store, reader: httpx.Client, answer: tuple[int, Any]
) -> None:
    result, image = answer
    address = f"/api/v1/results/{result}"
    refused = reader.post(f"{address}/masks", json=body(image, finding=""))
    assert refused.status_code == 422
    assert "says what it is" in refused.json()["detail"]
    made = reader.post(
        f"{address}/masks", json=body(image, finding="", label="nodule")
    ).json()
    word = reader.post(
        f"{address}/feedback",
        json={
            "finding": "", "verdict": "add", "label": "nodule", "mask": made["sop_uid"]
        },
    ).json()  # fmt: skip
    assert word["finding"] == f"+{word['id']}"
    again = reader.post(f"{address}/masks", json=body(image, finding=word["finding"]))
    found = pydicom.dcmread(io.BytesIO(file_of(store, again.json()["sop_uid"])))
    assert found.SegmentSequence[0].SegmentLabel == "nodule"


def test_on_some_slices_of_a_volume(
    store: Store, reader: httpx.Client, tmp_path: Path
) -> None:
    pytest.importorskip("onnx")
    from tests.serve.work.masks import put_mask_bundle

    sources = make_series("CT", slices=4)
    for at, image in enumerate(sources):
        pixels = np.full((image.Rows, image.Columns), 1200, np.int16)
        image.PixelData = pixels.tobytes()
        take(store, of_study(image, 1, instance=at + 1))
    result = answered(store, put_mask_bundle(tmp_path / "b"))
    diagnosis = reader.get(f"/api/v1/results/{result}").json()["diagnosis"]
    (present,) = [f for f in diagnosis["assessments"][0]["findings"] if f["is_present"]]
    plane = plane_of(sources[0])
    slices = [{"slice": d, "png": png(plane)} for d in (3, 1)]
    made = reader.post(
        f"/api/v1/results/{result}/masks",
        json={"finding": present["id"], "slices": slices},
    )
    assert made.status_code == 201, made.text
    data = file_of(store, made.json()["sop_uid"])
    assert errors_of(data, tmp_path) == []
    found = pydicom.dcmread(io.BytesIO(data))
    assert found.SegmentSequence[0].SegmentAlgorithmType == "SEMIAUTOMATIC"
    images = diagnosis["assessments"][0]["images"]
    named = {
        group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        for group in found.PerFrameFunctionalGroupsSequence
    }
    assert named == {images[d]["sop_instance_uid"] for d in (1, 3)}


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"assessment": 1}, 422, "the result has 1, counted from 0"),
        ({"finding": "9"}, 422, "no such finding"),
        ({"finding": "+9"}, 422, "no reader added one of this name"),
        ({"slices": []}, 422, "slices"),
        ({"slices": [{"slice": 1, "png": ""}]}, 422, "looked at 1 images"),
        ({"slices": [{"slice": 0, "png": ""}] * 2}, 422, "a slice is there twice"),
        ({"slices": [{"slice": 0, "png": ""}]}, 422, "slices[0].png: is no PNG"),
        ({"slices": [{"slice": 0, "png": "A"}]}, 422, "slices[0].png: is no base64"),
        ({"slices": [{"slice": 0, "png": "!"}]}, 422, "png"),
        ({"slices": [{"slice": -1, "png": ""}]}, 422, "slice"),
        ({"label": "a\u0000b"}, 422, "label"),
        ({"path": "/etc"}, 422, "path"),
    ],
)
def test_what_is_no_mask(
    reader: httpx.Client,
    answer: tuple[int, Any],
    change: dict[str, Any],
    status: int,
    said: str,
) -> None:
    reply = reader.post(
        f"/api/v1/results/{answer[0]}/masks", json=body(answer[1]) | change
    )
    assert reply.status_code == status, reply.text
    assert said in reply.json()["detail"]


def test_sizes_and_emptiness(reader: httpx.Client, answer: tuple[int, Any]) -> None:
    address = f"/api/v1/results/{answer[0]}/masks"
    for plane, said in (
        (np.zeros((5, 5)), "the picture is 5 x 5"),
        (np.zeros((answer[1].Rows, answer[1].Columns)), "no pixel is inside"),
    ):
        slices = [{"slice": 0, "png": png(plane)}]
        reply = reader.post(address, json={"finding": "1", "slices": slices})
        assert reply.status_code == 422
        assert said in reply.json()["detail"]


def test_more_than_a_request_may_have_and_less_than_a_file(
    reader: httpx.Client, answer: tuple[int, Any]
) -> None:
    address = f"/api/v1/results/{answer[0]}/masks"
    two = body(answer[1], comment="x" * (2 << 20))
    assert reader.post(address, json=two).status_code == 422  # read, and unknown
    large = body(answer[1], comment="x" * (17 << 20))
    assert reader.post(address, json=large).status_code == 413
    feedback = reader.post(address.replace("masks", "feedback"), json=two)
    assert feedback.status_code == 413


def test_who_may_draw_and_what_goes_with_the_study(
    store: Store, viewer: httpx.Client, reader: httpx.Client, answer: tuple[int, Any]
) -> None:
    address = f"/api/v1/results/{answer[0]}/masks"
    assert viewer.post(address, json=body(answer[1])).status_code == 403
    elsewhere = "/api/v1/results/9999/masks"
    assert reader.post(elsewhere, json=body(answer[1])).status_code == 404
    assert reader.post(address, json=body(answer[1])).status_code == 201
    remove_study(store, 1)
    with store.read() as connection:
        assert connection.execute(sa.select(reading_objects)).all() == []
        assert connection.execute(sa.select(studies)).all() == []
    assert reader.post(address, json=body(answer[1])).status_code == 404
