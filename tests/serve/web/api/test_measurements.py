"""Measurements over the API: kept for each reader, never written over unseen."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from medlens.serve.store.keep import remove_study
from medlens.serve.store.store import Store
from medlens.serve.store.tables import measurements, trail
from medlens.serve.work.measurements import (
    MeasurementsChangedError,
    read_measurements,
    save_measurements,
)
from tests.serve.web.api.filled import add_study

IMAGE = {"kind": "image", "image": {"sop": "1.2.3", "frame": 1}, "index": 4}
PLANE = {"kind": "plane", "view": "coronal", "at": -12.5, "slab": 0.0}
CALIBRATION = {"spacing": [0.5, 0.25], "unit": "mm", "basis": "patient"}
NOTHING: dict[str, Any] = {
    "calibration": CALIBRATION,
    "length": None,
    "angle": None,
    "area": None,
    "statistics": None,
    "value": None,
    "unit": "HU",
}


def length(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"a-{number}",
        "kind": "length",
        "series": "1.2",
        "where": IMAGE,
        "points": [[1.0, 2.0], [4.0, 6.5]],
        "reading": NOTHING | {"length": 5.0},
    } | changes


def region() -> dict[str, Any]:
    figures = {"n": 40, "mean": -3.5, "sd": 1.25, "min": -9.0, "max": 2.0}
    return length(
        2,
        kind="ellipse",
        where=PLANE,
        points=[[-30.5, 12.0], [-10.0, 31.25]],
        reading=NOTHING | {"area": 310.0, "statistics": figures},
    )


@pytest.fixture
def study(store: Store) -> int:
    return add_study(store)


def save(client: httpx.Client, study: int, revision: int, *shapes: Any) -> Any:
    body = {"revision": revision, "shapes": list(shapes)}
    return client.put(f"/api/v1/studies/{study}/measurements", json=body)


def mine(client: httpx.Client, study: int) -> Any:
    return client.get(f"/api/v1/studies/{study}/measurements").json()


def test_what_was_measured_comes_back_as_it_was(
    reader: httpx.Client, study: int
) -> None:
    assert mine(reader, study) == {"revision": 0, "saved_at": None, "shapes": []}
    first = save(reader, study, 0, length())
    assert first.status_code == 200, first.text
    assert first.json()["revision"] == 1
    second = save(reader, study, 1, length(), region()).json()
    assert second["revision"] == 2
    assert mine(reader, study) == second
    assert second["shapes"] == [length(), region()]


def test_all_may_be_deleted_and_a_revision_never_returns(
    reader: httpx.Client, study: int
) -> None:
    save(reader, study, 0, length())
    emptied = save(reader, study, 1).json()
    assert (emptied["revision"], emptied["shapes"]) == (2, [])
    assert save(reader, study, 0, length()).status_code == 409
    assert save(reader, study, 2, length()).json()["revision"] == 3


def test_of_two_tabs_neither_writes_over_the_other(
    reader: httpx.Client, study: int
) -> None:
    save(reader, study, 0, length())
    save(reader, study, 1, length(), region())
    for seen in (0, 1, 7):
        reply = save(reader, study, seen)
        assert reply.status_code == 409
        assert reply.json()["type"] == "/api/v1/problems/measurements-changed"
        assert f"revision 2, you saw {seen}" in reply.json()["detail"]
    assert len(mine(reader, study)["shapes"]) == 2


def test_each_reader_has_their_own(store: Store, study: int) -> None:
    with store.begin() as connection:
        for reader, count in ((None, 1), (7, 2)):
            shapes = [length(number) for number in range(count)]
            save_measurements(connection, study, reader, shapes, revision=0, now=9.0)
        assert len(read_measurements(connection, study, None).shapes) == 1
        assert len(read_measurements(connection, study, 7).shapes) == 2
        assert read_measurements(connection, study, 8).revision == 0
        with pytest.raises(MeasurementsChangedError, match="are revision 1, you saw 4"):
            save_measurements(connection, study, 7, [], revision=4, now=9.0)


def test_looks_and_saves_are_in_the_trail_without_what_they_say(
    store: Store, reader: httpx.Client, study: int
) -> None:
    save(reader, study, 0, length(), region())
    mine(reader, study)
    with store.read() as connection:
        rows = connection.execute(sa.select(trail).order_by(trail.c.number)).all()
    said = {row.action: (row.study_id, row.detail) for row in rows}
    assert said["save measurements"] == (study, {"revision": 1, "count": 2})
    assert said["view measurements"][0] == study


def test_who_may_only_look_saves_nothing(viewer: httpx.Client, study: int) -> None:
    assert mine(viewer, study)["revision"] == 0
    assert save(viewer, study, 0, length()).status_code == 403


def test_of_a_study_that_is_not_there_is_nothing(reader: httpx.Client) -> None:
    assert reader.get("/api/v1/studies/4711/measurements").status_code == 404
    assert save(reader, 4711, 0, length()).status_code == 404


def test_they_go_with_their_study(store: Store, reader: httpx.Client) -> None:
    study = add_study(store)
    save(reader, study, 0, length())
    remove_study(store, study)
    with store.read() as connection:
        assert connection.execute(sa.select(measurements)).all() == []


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ([length(points=[[1, 2]])], "points: List should have at least 2"),
        ([length(), length()], "two shapes have the same id"),
        ([length(id="<img>")], "String should match pattern"),
        ([length(series="../1")], "String should match pattern"),
        ([length(points=[[1e9, 0], [0, 0]])], "less than or equal to 1000000"),
        ([length(where=PLANE | {"view": "oblique"})], "'axial', 'sagittal'"),
        ([length(where={"kind": "moon"})], "does not match any of the expected"),
        ([length(comment="x")], "Extra inputs are not permitted"),
        ([length(reading=NOTHING | {"unit": "H\x00U"})], "String should match pattern"),
        ([length(n) for n in range(501)], "at most 500 items"),
    ],
    ids=[
        "points",
        "twice",
        "id",
        "series",
        "far",
        "view",
        "where",
        "more",
        "nul",
        "many",
    ],
)
def test_what_no_viewer_draws_is_refused(
    reader: httpx.Client, study: int, shapes: list[Any], said: str
) -> None:
    reply = save(reader, study, 0, *shapes)
    assert reply.status_code == 422
    assert said in reply.text
    assert mine(reader, study)["revision"] == 0
