"""Evidence and masks over HTTP, of studies that were really answered."""

from __future__ import annotations

from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
import sqlalchemy as sa

from medlens.serve.settings import ServeSettings
from medlens.serve.store.keep import remove_study
from medlens.serve.store.store import Store
from medlens.serve.store.tables import result_objects, results, trail
from medlens.serve.work.answer import Workplace
from medlens.serve.work.worker import do
from tests.serve.web.api.filled import add_result, add_study
from tests.serve.work.studies import (
    models_of,
    of_study,
    put_bundle,
    take,
    with_level,
)
from tests.serve.work.test_answer import next_job
from tests.write.dicom_sources import radiograph
from tests.write.dicom_sources import series as make_series


def answered(store: Store, folder: Path) -> int:
    """Number of the only result."""
    do_ = Workplace(store, ServeSettings(), None, models_of(store, folder))
    do(do_, next_job(do_))
    with store.read() as connection:
        return int(connection.execute(sa.select(results.c.id)).scalar_one())


def pixels(reply: httpx.Response) -> np.ndarray:
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "image/png"
    return cv2.imdecode(np.frombuffer(reply.content, np.uint8), cv2.IMREAD_UNCHANGED)  # type: ignore[return-value]


def test_evidence_of_a_radiograph(
    store: Store, viewer: httpx.Client, tmp_path: Path
) -> None:
    take(store, of_study(radiograph(), 1))
    result = answered(store, put_bundle(tmp_path / "b"))
    address = f"/api/v1/results/{result}/maps"
    found = viewer.get(address).json()
    assert found["masks"] == []
    (evidence,) = found["evidence"]
    assert (evidence["assessment"], evidence["finding"]) == (0, "1")
    assert evidence["slices"] == [
        {"slice": 0, "image": {"sop_uid": "1.2.840.99.1.1.1", "frame": None}}
    ]
    one = viewer.get(f"{address}/evidence/0/1/0")
    shown = pixels(one)
    assert (shown.ndim, shown.max()) == (2, 255)
    assert one.headers["cache-control"] == "private, no-cache"
    again = viewer.get(
        f"{address}/evidence/0/1/0", headers={"If-None-Match": one.headers["ETag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    with store.read() as connection:
        lines = connection.execute(sa.select(trail.c.action, trail.c.study_id)).all()
    assert lines == [("view result", 1)] * 3


def test_no_address_shows_a_map_of_two_studies(
    store: Store, viewer: httpx.Client, tmp_path: Path
) -> None:
    """The number of a result that was removed is never given again."""
    folder = put_bundle(tmp_path / "b")
    shown: list[httpx.Response] = []
    for number, image in enumerate((radiograph(), with_level(radiograph(), 0.9)), 1):
        take(store, of_study(image, number))
        result = answered(store, folder)
        address = f"/api/v1/results/{result}/maps/evidence/0/1/0"
        sent = {"If-None-Match": shown[-1].headers["ETag"]} if shown else {}
        shown.append(viewer.get(address, headers=sent))
        remove_study(store, number)
    first, second = shown
    assert first.url != second.url
    assert (first.status_code, second.status_code) == (200, 200)  # no 304
    assert first.headers["ETag"] != second.headers["ETag"]
    for reply in shown:  # so that a browser asks before it shows what it kept
        assert reply.headers["cache-control"] == "private, no-cache"


def test_a_mask_of_a_volume(store: Store, viewer: httpx.Client, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from tests.serve.work.masks import put_mask_bundle

    for at, image in enumerate(make_series("CT", slices=4)):
        take(store, of_study(image, 1, instance=at + 1))
    result = answered(store, put_mask_bundle(tmp_path / "b"))
    address = f"/api/v1/results/{result}/maps"
    found = viewer.get(address).json()
    assert found["evidence"] == []
    (mask,) = found["masks"]
    diagnosis = viewer.get(f"/api/v1/results/{result}").json()["diagnosis"]
    said = diagnosis["assessments"][0]
    assert {f["label"] for f in said["findings"]} <= set(mask["labels"][1:])
    held = {d for f in said["findings"] for d in f["slices"]}
    assert {each["slice"] for each in mask["slices"]} == held
    for each in mask["slices"]:
        image = said["images"][each["slice"]]
        assert each["image"]["sop_uid"] == image["sop_instance_uid"]
        shown = pixels(viewer.get(f"{address}/masks/0/{each['slice']}"))
        present = {mask["labels"][value] for value in np.unique(shown) if value}
        assert present == {
            f["label"] for f in said["findings"] if each["slice"] in f["slices"]
        }
    with store.read() as connection:
        row = connection.execute(
            sa.select(result_objects).where(result_objects.c.kind == "MAPS")
        ).one()
    assert (row.media_type, row.sop_uid) == ("application/zip", "")


def test_where_nothing_was_kept(store: Store, viewer: httpx.Client) -> None:
    result = add_result(store, add_study(store))
    address = f"/api/v1/results/{result}/maps"
    assert viewer.get(address).json() == {"evidence": [], "masks": []}
    for path in ("evidence/0/1/0", "masks/0/0", 'evidence/0/é"/0'):
        reply = viewer.get(f"{address}/{path}")
        assert reply.status_code == 404
        assert "no such picture" in reply.json()["detail"]
    assert viewer.get("/api/v1/results/99999/maps").status_code == 404
    shadow = add_result(store, add_study(store), role="shadow")
    assert viewer.get(f"/api/v1/results/{shadow}/maps").status_code == 404


@pytest.mark.parametrize(
    "path", ["masks/-1/0", "masks/x/0", "masks/0/100001", "evidence/0/%00/0",
             "evidence/0/12345678901234567/0"]
)  # fmt: skip
def test_addresses_that_are_none(store: Store, viewer: httpx.Client, path: str) -> None:
    result = add_result(store, add_study(store))
    assert viewer.get(f"/api/v1/results/{result}/maps/{path}").status_code == 422


def test_a_file_that_is_gone(store: Store, viewer: httpx.Client) -> None:
    result = add_result(store, add_study(store))
    with store.begin() as connection:
        connection.execute(
            sa.insert(result_objects).values(
                result_id=result, kind="MAPS", media_type="application/zip",
                digest="0" * 64, bytes=1,
            )
        )  # fmt: skip
    reply = viewer.get(f"/api/v1/results/{result}/maps")
    assert reply.status_code == 500
    assert "medlens doctor" in reply.json()["detail"]
