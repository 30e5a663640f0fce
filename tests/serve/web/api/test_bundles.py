"""Adding bundles by upload: only what is whole, under names of our own."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from medlens.bundle import write_bundle
from medlens.evaluate import case_shape, curves_document, measure_split
from medlens.metrics import OperatingPoint
from medlens.serve.store.store import Store
from medlens.serve.web.api.curve_models import ConfusionView, RocView
from tests.evaluate.phantoms import table_of
from tests.tiny import CARD, bundle_of, plain_graph

ZIP = {"Content-Type": "application/zip"}
ADDRESS = "/api/v1/bundles"
SUMMARY = ("n_cases", "n_patients", "unit", "metrics")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """File name → bytes of a small bundle."""
    pytest.importorskip("onnx")
    folder = tmp_path_factory.mktemp("made") / "tiny"
    write_bundle(folder, bundle_of(plain_graph()), card=CARD)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def pack(files: dict[str, bytes]) -> bytes:
    """A ZIP archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_a_folder_packed_by_hand_is_taken(
    administrator: httpx.Client, files: dict[str, bytes]
) -> None:
    """As file managers pack it: the folder itself, and notes of their own."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.mkdir("chest run")
        for name, data in files.items():
            archive.writestr(f"chest run/{name}", data)
        archive.writestr("__MACOSX/chest run/._bundle.json", b"note")
        archive.writestr("chest run/.DS_Store", b"note")
    reply = administrator.post(ADDRESS, content=out.getvalue(), headers=ZIP)
    assert reply.status_code == 201, reply.text
    assert reply.json()["problem"] == ""


def test_a_bundle_tells_what_it_was_made_of(
    administrator: httpx.Client, viewer: httpx.Client, tmp_path: Path
) -> None:
    table = table_of("binary", n=80)
    table = replace(table, labels=("normal", "blob"), positive="blob")
    point = OperatingPoint("blob", 0.4, "youden", chosen=True)
    entry = measure_split(table, points=(point,), resamples=100)
    shape = case_shape(table, entry, points=(point,))
    training = {
        "train_cases": 400, "validation_cases": 60, "seed": 3, "modality": "DX",
        "train_prevalence": {"normal": 0.7, "blob": 0.3}, "net": "n", "path": "frozen",
        "something else": [1],
    }  # fmt: skip
    bundle = replace(
        bundle_of(plain_graph(), thresholds=(0.4,)),
        metrics={"test": {key: entry[key] for key in SUMMARY}},
        curves=curves_document("test", "image", [shape]),
        training=training,
    )
    write_bundle(tmp_path / "b", bundle, card=CARD)
    data = pack({p.name: p.read_bytes() for p in (tmp_path / "b").iterdir()})
    digest = administrator.post(ADDRESS, content=data, headers=ZIP).json()["digest"]
    found = viewer.get(f"{ADDRESS}/{digest}").json()
    assert found["positive"] == "blob"
    assert found["input"]["steps"] == ["display", "to_grey", "resize"]
    assert found["training"]["train_prevalence"] == {"normal": 0.7, "blob": 0.3}
    assert found["training"]["modality"] == "DX"
    (shown,) = found["operating_points"]
    assert shown == {
        "label": "blob", "threshold": 0.4, "rule": "youden", "chosen": True, "note": ""
    }  # fmt: skip
    assert found["calibration"] == [
        {"of": "cases", "scale": [1.0, 1.0], "bias": [0.0, 0.0]}
    ]
    assert found["conformal"]["coverage"] == 0.9
    assert found["metrics"]["test"]["n_cases"] == 80
    (part,) = found["evaluation"]["parts"]
    assert part["labels"][0]["thresholds"] == shape["labels"][0]["thresholds"]
    assert part["labels"][0]["roc"] == shape["labels"][0]["roc"]
    assert part["confusion"] == shape["confusion"]


HOSTILE_CURVES: list[Any] = [
    {"schema": "medlens/curves/2", "parts": []},
    {"schema": "medlens/curves/1", "split": "test", "form": "image", "parts": []},
    {"schema": "medlens/curves/1", "split": "test", "form": "image", "parts": [3]},
    {"schema": "medlens/curves/1", "split": 5, "form": "image", "parts": [{}]},
]


@pytest.mark.parametrize("curves", HOSTILE_CURVES)
def test_curves_that_do_not_hold_together_are_not_shown(
    administrator: httpx.Client, tmp_path: Path, curves: Any
) -> None:
    bundle = replace(
        bundle_of(plain_graph()), curves=curves, training={"train_cases": "many"}
    )
    write_bundle(tmp_path / "b", bundle, card=CARD)
    data = pack({p.name: p.read_bytes() for p in (tmp_path / "b").iterdir()})
    found = administrator.post(ADDRESS, content=data, headers=ZIP).json()
    assert (found["evaluation"], found["problem"]) == (None, "")
    assert found["metrics"] == {}  # of the tests' bundle: not by split
    assert found["training"]["train_cases"] is None


def test_columns_of_curves_must_be_even() -> None:
    roc = {"fpr": [0.0, 1.0], "tpr": [0.0, 1.0], "threshold": [None]}
    with pytest.raises(ValidationError, match="columns of different length"):
        RocView.model_validate(roc)
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        RocView.model_validate({"fpr": [2.0], "tpr": [0.0], "threshold": [None]})
    with pytest.raises(ValidationError, match="not square"):
        ConfusionView.model_validate({"labels": ["a", "b"], "counts": [[1, 2]]})


def test_a_bundle_is_added_once_and_shown(
    administrator: httpx.Client,
    files: dict[str, bytes],
    store: Store,
) -> None:
    body = pack({f"tiny/{name}": data for name, data in files.items()})
    first = administrator.post(ADDRESS, content=body, headers=ZIP)
    assert first.status_code == 201, first.text
    found = first.json()
    assert found["role"] == "retired"  # nothing is put to work unasked
    assert found["labels"] == ["normal", "blob"]
    assert found["card"] == CARD
    assert found["problem"] == ""
    second = administrator.post(ADDRESS, content=body, headers=ZIP)
    assert (second.status_code, second.json()["digest"]) == (200, found["digest"])
    listed = administrator.get(ADDRESS).json()
    assert [each["digest"] for each in listed] == [found["digest"]]
    assert administrator.get(first.headers["Location"]).json() == found
    home = store.folder / "bundles"
    assert [path.name for path in home.iterdir()] == [found["digest"]]


def test_roles_are_asked_for(
    administrator: httpx.Client, files: dict[str, bytes]
) -> None:
    body = pack(files)
    lonely = administrator.post(f"{ADDRESS}?role=shadow", content=body, headers=ZIP)
    assert lonely.status_code == 422
    assert "shadow_of" in lonely.json()["detail"]
    made = administrator.post(f"{ADDRESS}?role=active", content=body, headers=ZIP)
    assert made.json()["role"] == "active"
    ready = administrator.get("/readyz")
    assert (ready.status_code, ready.json()["reasons"]) == (200, [])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"../../evil.py": b"x"}, "is no file of a bundle"),
        ({"deep/model.onnx": b"x"}, "is no file of a bundle"),
        ({"model.onnx": b"other"}, "does not match the digest"),
        ({"bundle.json": b"{}"}, "does not match its own digest"),
        ({"card.md": None}, "card.md cannot be read"),
    ],
)
def test_what_is_no_whole_bundle_is_refused(
    administrator: httpx.Client,
    files: dict[str, bytes],
    store: Store,
    change: dict[str, bytes | None],
    said: str,
) -> None:
    changed = {k: v for k, v in {**files, **change}.items() if v is not None}
    reply = administrator.post(ADDRESS, content=pack(changed), headers=ZIP)
    assert reply.status_code == 422, reply.text
    assert said in reply.json()["detail"]
    assert str(store.folder) not in reply.text
    assert administrator.get(ADDRESS).json() == []
    assert list((store.folder / "bundles").iterdir()) == []
    assert not list(Path(store.folder).parent.rglob("evil.py"))


def test_a_bomb_is_refused(administrator: httpx.Client) -> None:
    body = pack({"model.onnx": b"\0" * (64 << 20)})
    reply = administrator.post(ADDRESS, content=body, headers=ZIP)
    assert reply.status_code in (413, 422)
    assert "bomb" in reply.json()["detail"]


@pytest.mark.parametrize("body", [b"", b"PK\x05\x06", b"\x00" * 100])
def test_what_is_no_archive_is_refused(
    administrator: httpx.Client, body: bytes
) -> None:
    reply = administrator.post(ADDRESS, content=body, headers=ZIP)
    assert reply.status_code in (400, 422), reply.text
    other = administrator.post(ADDRESS, content=body, headers={"Content-Type": "x/y"})
    assert other.status_code == 415


def test_only_administrators_add(
    as_role: Callable[[str], httpx.Client], files: dict[str, bytes]
) -> None:
    for role in ("viewer", "reader"):
        reply = as_role(role).post(ADDRESS, content=pack(files), headers=ZIP)
        assert reply.status_code == 403
