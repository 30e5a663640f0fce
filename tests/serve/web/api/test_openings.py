"""The first image of a study, header and pixels, by the study's number alone."""

from __future__ import annotations

from pathlib import Path

import httpx
import numpy as np
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from pydicom.dataset import Dataset

from medlens.serve.store.store import Store
from medlens.serve.store.tables import series as series_table
from medlens.serve.store.tables import trail
from medlens.serve.web.app_pages import asked_first
from tests.serve.http import client_for
from tests.serve.web.api.filled import add_study
from tests.serve.work.studies import of_study, take
from tests.write.dicom_sources import file_bytes, radiograph
from tests.write.dicom_sources import series as make_series

ROOT = "/api/v1/studies"


def put(store: Store, images: list[Dataset]) -> int:
    """Number of the study that images become."""
    studies = {take(store, image).study_id for image in images}
    (study,) = studies
    assert study is not None
    return study


def volume(count: int, *, against: bool = False, number: int = 1) -> list[Dataset]:
    """A series of study 7; its slices lie against their numbers, if asked for."""
    return [
        of_study(image, 7, series=number, instance=at)
        for at, image in enumerate(make_series(slices=count, descending=against), 1)
    ]


@pytest.mark.parametrize("against", [False, True])
def test_the_first_along_the_patient_is_opened(
    store: Store, viewer: httpx.Client, against: bool
) -> None:
    images = volume(5, against=against)
    study = put(store, images[::-1])
    depths = [float(each.ImagePositionPatient[2]) for each in images]
    first = images[int(np.argmin(depths))]
    found = viewer.get(f"{ROOT}/{study}/opening")
    assert found.headers["content-type"] == "application/json"
    header = found.json()["image"]
    assert header["00080018"]["Value"] == [first.SOPInstanceUID]
    assert found.json()["series_uid"] == first.SeriesInstanceUID
    # As DICOMweb gives it, letter for letter.
    uids = f"{first.StudyInstanceUID}/series/{first.SeriesInstanceUID}"
    address = f"/dicom-web/studies/{uids}/instances/{first.SOPInstanceUID}"
    assert [header] == viewer.get(f"{address}/metadata").json()
    frame = viewer.get(f"{ROOT}/{study}/opening/frame")
    assert frame.content == first.PixelData
    assert frame.headers["content-location"] == f"{address}/frames/1"
    again = {"If-None-Match": frame.headers["etag"]}
    assert viewer.get(f"{ROOT}/{study}/opening/frame", headers=again).status_code == 304


def opened(viewer: httpx.Client, study: int) -> str:
    """SOP Instance UID of the image that is opened."""
    reply = viewer.get(f"{ROOT}/{study}/opening")
    assert reply.status_code == 200, reply.text
    return str(reply.json()["image"]["00080018"]["Value"][0])


def test_images_of_one_number_are_told_apart_by_where_they_lie(
    store: Store, viewer: httpx.Client
) -> None:
    images = volume(2, against=True)
    for each in images:
        each.InstanceNumber = 1
    assert opened(viewer, put(store, images)) == images[1].SOPInstanceUID


def test_an_image_without_a_number_comes_first(
    store: Store, viewer: httpx.Client
) -> None:
    """As the viewer has it: by a number of 0, where no place tells."""
    images = volume(2)
    for each in images:
        del each.ImagePositionPatient
    images[1].InstanceNumber = None
    assert opened(viewer, put(store, images)) == images[1].SOPInstanceUID


def test_a_localiser_opens_by_number(store: Store, viewer: httpx.Client) -> None:
    """Planes that cross have no order along a normal; the viewer counts them."""
    images = volume(2)
    images[1].ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    images[1].ImagePositionPatient = [0, 0, -500]  # far before the first one's plane
    study = put(store, images)
    assert opened(viewer, study) == images[0].SOPInstanceUID


def test_a_place_that_cannot_be_read_is_none(
    store: Store, viewer: httpx.Client
) -> None:
    images = volume(2, against=True)
    position = b"\x20\x00\x32\x00"
    spoilt = [
        file_bytes(each).replace(position + b"DS", position + b"ZZ") for each in images
    ]
    (study,) = {take(store, each).study_id for each in spoilt}
    assert study is not None
    assert opened(viewer, study) == images[0].SOPInstanceUID


def test_a_series_by_its_number(store: Store, viewer: httpx.Client) -> None:
    first, second = volume(2, number=3), volume(2, number=4)
    study = put(store, [*second, *first])
    lines = viewer.get(f"{ROOT}/{study}").json()["series"]
    assert [each["number"] for each in lines] == [3, 4]
    for line in lines:
        opening = viewer.get(f"{ROOT}/{study}/opening", params={"series": line["id"]})
        assert opening.json()["series_id"] == line["id"]
        assert opening.json()["series_uid"] == line["series_uid"]
    whole = viewer.get(f"{ROOT}/{study}/opening").json()
    assert whole["series_id"] == lines[0]["id"]
    other = put(store, [of_study(radiograph(), 9)])
    reply = viewer.get(f"{ROOT}/{other}/opening", params={"series": lines[0]["id"]})
    assert reply.status_code == 204  # a series of another study opens nothing


def test_where_there_is_nothing_to_open(store: Store, viewer: httpx.Client) -> None:
    study = add_study(store)
    with store.begin() as connection:
        connection.execute(
            sa.update(series_table)
            .where(series_table.c.study_id == study)
            .values(modality="SR")
        )
    for address in (f"{ROOT}/{study}", f"{ROOT}/999999"):
        for part in ("opening", "opening/frame"):
            reply = viewer.get(f"{address}/{part}")
            assert (reply.status_code, reply.content) == (204, b"")


def test_a_look_leaves_a_line(store: Store, viewer: httpx.Client) -> None:
    study = put(store, [of_study(radiograph(), 1)])
    for part, what in (("opening", "metadata"), ("opening/frame", "frames")):
        assert viewer.get(f"{ROOT}/{study}/{part}").status_code == 200
        with store.read() as connection:
            line = connection.execute(
                sa.select(trail).order_by(trail.c.number.desc()).limit(1)
            ).one()
        assert (line.action, line.study_id) == ("view", study)
        assert line.detail["as"] == what


def test_nobody_sees_it_without_a_right(store: Store, app: FastAPI) -> None:
    study = put(store, [of_study(radiograph(), 1)])
    for part in ("opening", "opening/frame"):
        assert client_for(app).get(f"{ROOT}/{study}/{part}").status_code == 401


def test_the_page_names_what_its_viewer_asks_first(
    viewer: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("index.html", "study.html"):
        (tmp_path / name).write_text(f"<p>{name}", encoding="utf-8")
    monkeypatch.setenv("MEDLENS_WEB_FILES", str(tmp_path))
    assert viewer.get("/studies/17").text == "<p>study.html"
    link = viewer.get("/studies/17").headers["link"]
    assert [each.split(">")[0].strip(" <") for each in link.split(",")] == list(
        asked_first(17)
    )
    # The browser takes such an answer only where the page asks in the same words.
    source = Path(__file__).parents[4] / "web/src/viewer/load/opening.ts"
    assert "/api/v1/studies/${study}/opening" in source.read_text(encoding="utf-8")
    assert "link" not in viewer.get("/").headers
