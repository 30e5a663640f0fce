"""Adding bundles by upload: only what is whole, under names of our own."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from medlens.bundle import write_bundle
from medlens.serve.store.store import Store
from tests.tiny import CARD, bundle_of, plain_graph

ZIP = {"Content-Type": "application/zip"}
ADDRESS = "/api/v1/bundles"


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
