"""A backup is one moment of the store, and the store again on either database."""

from __future__ import annotations

import gzip
import json
import re
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from medlens.core import DataError, ExistsError, UsageError
from medlens.serve.receive.intake import Intake
from medlens.serve.settings import Limits
from medlens.serve.store.backup import back_up, restore
from medlens.serve.store.doctor import check_store
from medlens.serve.store.store import Store, open_store
from medlens.serve.store.tables import bundles, metadata, studies, trail
from tests.serve import postgres
from tests.serve.dicom_files import part10
from tests.serve.store.test_keep import age_files, answer, files, take

AWKWARD = "tab\tline\nback\\slash \\N 'quote' \"double\" é 王"


@pytest.fixture
def filled(store: Store) -> Store:
    """Two studies with a conflict, an answer, awkward text, another file."""
    for study in (1, 2):
        for number in (1, 2):
            take(store, part10(number, study=study))
    take(store, part10(1, study=1, pixels=bytes(32)))
    answer(store, 1)
    folder = store.folder / "bundles" / ("5" * 64)
    folder.mkdir(parents=True)
    (folder / "card.md").write_text("# Card")
    with store.begin() as connection:
        connection.execute(sa.update(studies).values(reason=AWKWARD, urgency=1 / 3))
        connection.execute(
            sa.insert(trail).values(
                number=1, at=1.5, who="x", address="", action="view", study_id=1,
                detail={"text": AWKWARD, "none": None, "n": [1, 2.5]},
                previous="0" * 64, digest="1" * 64,
            )
        )  # fmt: skip
        connection.execute(
            sa.insert(bundles).values(
                digest="5" * 64, name="b", role="active", folder="/somewhere/else",
                added_at=0.0, changed_at=0.0,
            )
        )  # fmt: skip
    return store


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store without tables, to restore into."""
    if request.param == "sqlite":
        store = Store(tmp_path / "restored")
        yield store
        store.close()
        return
    cluster: postgres.Cluster = request.getfixturevalue("cluster")
    url = cluster.create()
    store = Store(tmp_path / "restored", url)
    yield store
    store.close()
    cluster.drop(url)


@pytest.fixture
def twin(
    filled: Store, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Store]:
    """As `empty`, on the kind of database that `filled` is on."""
    if filled.is_sqlite:
        store = Store(tmp_path / "twin")
        yield store
        store.close()
        return
    cluster: postgres.Cluster = request.getfixturevalue("cluster")
    url = cluster.create()
    store = Store(tmp_path / "twin", url)
    yield store
    store.close()
    cluster.drop(url)


def rows(store: Store) -> dict[str, list[Any]]:
    with store.read() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(sa.select(table))))
            for table in metadata.sorted_tables
            if table is not bundles
        }


def healthy(store: Store) -> bool:
    return not any(each.count for each in check_store(store, deep=True))


@pytest.mark.parametrize("name", ["copy", "copy.tar"])
def test_the_store_comes_back_on_either_database(
    filled: Store, empty: Store, tmp_path: Path, name: str
) -> None:
    made = back_up(filled, tmp_path / name)
    assert (made.files, made.copied) == (6, 6)
    back = restore(tmp_path / name, empty)
    assert back == made
    assert rows(empty) == rows(filled)
    assert {each.name for each in files(empty)} == {each.name for each in files(filled)}
    assert healthy(empty)
    moved = empty.folder / "bundles" / ("5" * 64)
    assert (moved / "card.md").read_text() == "# Card"
    with empty.read() as connection:
        assert connection.execute(sa.select(bundles.c.folder)).scalar() == str(moved)


def test_numbers_go_on_where_they_were(
    filled: Store, twin: Store, tmp_path: Path
) -> None:
    from medlens.serve.store.keep import remove_study

    remove_study(filled, 2)
    back_up(filled, tmp_path / "copy")
    restore(tmp_path / "copy", twin)
    take(twin, part10(1, study=7))
    with twin.read() as connection:
        query = sa.select(studies.c.id).order_by(studies.c.id)
        assert connection.execute(query).scalars().all() == [1, 3]


def test_a_folder_is_brought_up_to_date(filled: Store, tmp_path: Path) -> None:
    from medlens.serve.store.keep import remove_study

    out = tmp_path / "copy"
    back_up(filled, out)
    take(filled, part10(9, study=1))
    assert back_up(filled, out).copied == 1
    age_files(filled)
    remove_study(filled, 1)
    assert back_up(filled, out).copied == 0
    kept = {each.name for each in (out / "blobs").rglob("*") if each.is_file()}
    assert kept == {each.name for each in files(filled)}
    assert len(kept) == 2


def test_a_backup_under_load_is_one_moment(
    filled: Store, twin: Store, tmp_path: Path
) -> None:
    intake, stop = Intake(filled, Limits(free_mb=1)), threading.Event()

    def arrive() -> None:
        number = 10
        while not stop.is_set():
            with filled.blobs.draft() as draft:
                draft.write(part10(number, study=number // 3))
                intake.take(draft, origin="dicom")
            number += 1

    thread = threading.Thread(target=arrive)
    thread.start()
    try:
        for _ in range(3):
            back_up(filled, tmp_path / "copy")
    finally:
        stop.set()
        thread.join(30)
    restore(tmp_path / "copy", twin)
    assert healthy(twin)


def test_nothing_is_overwritten_unless_forced(
    filled: Store, twin: Store, tmp_path: Path
) -> None:
    out = tmp_path / "copy.tar"
    back_up(filled, out)
    with pytest.raises(ExistsError, match="is there already"):
        back_up(filled, out)
    back_up(filled, out, force=True)
    restore(out, twin)
    take(twin, part10(1, study=8))
    with pytest.raises(ExistsError, match="has tables already"):
        restore(out, twin)
    restore(out, twin, force=True)
    assert rows(twin) == rows(filled)
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").write_text("mine")
    with pytest.raises(ExistsError, match="holds no backup"):
        back_up(filled, other)
    with pytest.raises(UsageError, match="inside the service's own folder"):
        back_up(filled, filled.folder / "copy")


def _spoil_file(out: Path) -> None:
    path = next(path for path in (out / "blobs").rglob("*") if path.is_file())
    path.write_bytes(path.read_bytes()[:-1] + b"!")


def _lose_file(out: Path) -> None:
    next(path for path in (out / "blobs").rglob("*") if path.is_file()).unlink()


def _spoil_index(out: Path) -> None:
    path = out / "index.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-1] + b"!")


def _cut_index(out: Path) -> None:
    path = out / "index.jsonl.gz"
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(lines[:-2])))
    _resign(out)


def _newer_index(out: Path) -> None:
    path = out / "index.jsonl.gz"
    data = gzip.decompress(path.read_bytes())
    newer = re.sub(rb'"\d{4}"', b'"9999"', data, count=1)
    path.write_bytes(gzip.compress(newer))
    _resign(out)


def _resign(out: Path) -> None:
    import hashlib

    note = json.loads((out / "backup.json").read_text())
    data = (out / "index.jsonl.gz").read_bytes()
    note["index_sha256"] = hashlib.sha256(data).hexdigest()
    (out / "backup.json").write_text(json.dumps(note))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_spoil_file, "is damaged; take an earlier backup"),
        (_lose_file, "names a file that is not in it"),
        (_spoil_index, "the backup's index is damaged"),
        (_cut_index, "cut off or damaged"),
        (_newer_index, "'9999' is newer"),
        (lambda out: (out / "backup.json").unlink(), "holds no backup.json"),
        (lambda out: (out / "backup.json").write_text("{}"), "is no backup of the"),
    ],
)
def test_a_spoilt_backup_changes_nothing(
    filled: Store, twin: Store, tmp_path: Path, spoil: Any, message: str
) -> None:
    out = tmp_path / "copy"
    back_up(filled, out)
    restore(out, twin)
    take(twin, part10(1, study=8))
    before = rows(twin)
    spoil(out)
    with pytest.raises((DataError, UsageError), match=message):
        restore(out, twin, force=True)
    assert rows(twin) == before
    assert healthy(twin)


def test_a_store_with_a_lost_file_is_not_backed_up(
    filled: Store, tmp_path: Path
) -> None:
    files(filled)[0].unlink()
    with pytest.raises(DataError, match="is missing; `medlens doctor --data`"):
        back_up(filled, tmp_path / "copy.tar")
    assert list(tmp_path.glob("*.tar")) == list(tmp_path.glob(".*.new")) == []


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "more/../../evil"])
def test_names_in_a_tar_never_leave_the_folder(
    filled: Store, twin: Store, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "copy.tar"
    back_up(filled, out)
    with tarfile.open(out, "a") as tar:
        tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(DataError, match="a name that no backup gives"):
        restore(out, twin)
    assert not list(tmp_path.rglob("evil"))


def test_a_link_in_a_tar_is_refused(filled: Store, twin: Store, tmp_path: Path) -> None:
    out = tmp_path / "copy.tar"
    back_up(filled, out)
    entry = tarfile.TarInfo("more/link")
    entry.type, entry.linkname = tarfile.SYMTYPE, "/etc"
    with tarfile.open(out, "a") as tar:
        tar.addfile(entry)
    with pytest.raises(DataError, match="more than plain files"):
        restore(out, twin)


def test_what_is_no_backup_is_told(empty: Store, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_text("nothing")
    with pytest.raises(DataError, match="is no backup that can be read"):
        restore(tmp_path / "x.tar", empty)
    with pytest.raises(DataError, match="is no backup that can be read"):
        restore(tmp_path / "absent.tar", empty)


def test_only_the_owner_may_read_it(filled: Store, tmp_path: Path) -> None:
    back_up(filled, tmp_path / "copy")
    back_up(filled, tmp_path / "copy.tar")
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0
    assert (tmp_path / "copy.tar").stat().st_mode & 0o077 == 0
    open_store(filled.folder, filled.url).close()
