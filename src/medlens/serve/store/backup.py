"""The whole store in one place, while the service runs; and back again.

`index.jsonl.gz` is the index as `dump` writes it, for either database; `blobs/` are the
files by digest; `more/` is what else the folder of the service holds (bundles, keys);
`backup.json` comes last and says that the backup is whole.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

import medlens
from medlens.core import DataError, ExistsError, UsageError
from medlens.serve.store.blobs import DIGEST
from medlens.serve.store.dump import dump_index, load_index
from medlens.serve.store.files import file_columns, hold_files
from medlens.serve.store.pack import FolderPack, Pack, TarPack, open_one, read_pack
from medlens.serve.store.store import Store
from medlens.serve.store.tables import bundles
from medlens.serve.store.trigrams import add_trigrams

SCHEMA = "medlens/backup/1"
_INDEX, _NOTE, _BLOBS, _MORE = "index.jsonl.gz", "backup.json", "blobs/", "more/"
_NOT_MORE = ("blobs", "incoming", "evaluating")  # the last: sets being looked at
_PIECE = 1 << 20
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Backup:
    """What a backup holds, or what was restored.

    Attributes:
        made_at: seconds since 1970.
        version: of medlens.
        revision: of the schema.
        rows: of all tables.
        files, bytes: named by the index.
        copied: of these files that were not there already.
        index_sha256: of the index file.
    """

    made_at: float
    version: str
    revision: str
    rows: int
    files: int
    bytes: int
    copied: int
    index_sha256: str


def back_up(
    store: Store,
    out: Path,
    *,
    force: bool = False,
    on_progress: Progress = lambda *_: None,
) -> Backup:
    """Write a backup of one moment of a store.

    Args:
        store: files and index; the service may run.
        out: a name that ends in ".tar", or a folder: one of an earlier backup is
            brought up to date, and only new files are copied.
        force: replace a tar file that is there.
        on_progress: told files done and files in all.

    Raises:
        ExistsError: something else is there.
        UsageError: it lies inside the store.
        DataError: a file that the index names is missing: run the doctor.
    """
    if out.resolve().is_relative_to(store.folder.resolve()):
        raise UsageError("--out: lies inside the service's own folder; name another")
    is_tar = out.suffix == ".tar"
    pack: Any = TarPack(out, force=force) if is_tar else FolderPack(out)
    try:
        with hold_files(store), tempfile.TemporaryDirectory() as folder:
            backup = _fill(store, pack, Path(folder), on_progress)
        if is_tar:
            pack.close()
    except BaseException:
        if is_tar:
            pack.abandon()
        raise
    return backup


def _fill(store: Store, pack: Pack, folder: Path, on_progress: Progress) -> Backup:
    index = folder / _INDEX
    revision, rows, digests = _write_index(store, index)
    copied = size = 0
    for number, digest in enumerate(sorted(digests)):
        path, name = store.blobs.path_of(digest), f"{_BLOBS}{digest[:2]}/{digest}"
        if not path.is_file():
            raise DataError(
                f"store: file {digest[:12]}… is missing; `medlens doctor --data` says "
                "what else, nothing was backed up"
            )
        length = path.stat().st_size
        size += length
        if not pack.has(name, length):
            pack.add(path, name)
            copied += 1
        on_progress(number + 1, len(digests))
    more = {f"{_MORE}{name}": path for name, path in _more_files(store)}
    for name, path in more.items():
        pack.add(path, name)
    pack.add(index, _INDEX)
    backup = Backup(
        made_at=time.time(),
        version=medlens.__version__,
        revision=revision,
        rows=rows,
        files=len(digests),
        bytes=size,
        copied=copied,
        index_sha256=_sha256(index),
    )
    note = folder / _NOTE
    note.write_text(json.dumps({"schema": SCHEMA, **asdict(backup)}, indent=1) + "\n")
    pack.add(note, _NOTE)
    if isinstance(pack, FolderPack):
        names = {f"{_BLOBS}{digest[:2]}/{digest}" for digest in digests}
        pack.drop_others(names | set(more) | {_INDEX, _NOTE})
    return backup


def _write_index(store: Store, path: Path) -> tuple[str, int, set[str]]:
    """Revision, number of rows, digests of the files that they name."""
    columns = {(column.table.name, column.name) for column in file_columns()}
    digests: set[str] = set()
    rows, revision = 0, ""
    with (
        path.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=3, mtime=0) as file,
    ):
        for line in dump_index(store):
            file.write(line.encode())
            value = json.loads(line)
            if isinstance(value, dict):
                revision = value.get("revision", revision)
                continue
            rows += 1
            table, fields = value
            named = (fields[name] for known, name in columns if known == table)
            digests.update(digest for digest in named if digest)  # "": no file
    return revision, rows, digests


def _more_files(store: Store) -> Iterator[tuple[str, Path]]:
    """Whatever else lies in the service's folder: uploaded bundles, keys."""
    index = Path(sa.make_url(store.url).database or "").name if store.is_sqlite else ""
    for path in sorted(store.folder.rglob("*")):
        name = path.relative_to(store.folder)
        is_other = name.parts[0] in _NOT_MORE or path.suffix == ".lock"
        is_index = index and len(name.parts) == 1 and name.name.startswith(index)
        if path.is_file() and not path.is_symlink() and not is_other and not is_index:
            yield name.as_posix(), path


def restore(
    source: Path,
    store: Store,
    *,
    force: bool = False,
    on_progress: Progress = lambda *_: None,
) -> Backup:
    """Fill an empty store from a backup, every file checked by its digest.

    The index changes in one transaction, at the end: after any error the store is
    what it was, with some files more that no row names.

    Args:
        source: folder or tar file of a backup.
        store: opened without migrating; no service may run on it.
        force: replace the index that is there.
        on_progress: told files done and files in all.

    Raises:
        ExistsError: the store has an index.
        DataError: the backup is damaged or not whole.
    """
    backup = _read_note(source)
    with store.read() as connection:
        if sa.inspect(connection).get_table_names() and not force:
            raise ExistsError(
                "restore: the database has tables already; name an empty folder and "
                "database, or --force to replace what is there"
            )
    found = _restore_files(source, store, backup, on_progress)
    with open_one(source, _INDEX) as packed, tempfile.TemporaryFile() as index:
        _copy_checked(packed, index, backup.index_sha256)
        os.sync()  # the files are on disk before a row names them
        with gzip.open(index, "rt", encoding="utf-8") as lines:
            _restore_index(store, lines, found)
    return backup


def _read_note(source: Path) -> Backup:
    with open_one(source, _NOTE) as file:
        try:
            values = json.loads(file.read(1 << 20))
            schema = values.pop("schema")
            backup = Backup(**values)
        except (ValueError, TypeError, KeyError, AttributeError):
            schema = ""
        if schema != SCHEMA:
            raise DataError(f"{source.name}: is no backup of the form {SCHEMA}")
    return backup


def _restore_files(
    source: Path, store: Store, backup: Backup, on_progress: Progress
) -> set[str]:
    """Digests of all files that came."""
    found: set[str] = set()
    for name, file in read_pack(source):
        digest = name.rpartition("/")[2]
        if name.startswith(_BLOBS) and DIGEST.fullmatch(digest):
            with store.blobs.draft() as draft:
                while data := file.read(_PIECE):
                    draft.write(data)
                if draft.digest != digest:
                    raise DataError(
                        f"{source.name}: file {digest[:12]}… is damaged; take an "
                        "earlier backup"
                    )
                draft.keep()
            found.add(digest)
            on_progress(len(found), backup.files)
        elif name.startswith(_MORE):
            _restore_more(store.folder / name.removeprefix(_MORE), file)
    return found


def _restore_more(goal: Path, file: IO[bytes]) -> None:
    goal.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(goal, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as out:
        while data := file.read(_PIECE):
            out.write(data)


def _copy_checked(source: IO[bytes], goal: IO[bytes], sha256: str) -> None:
    digest = hashlib.sha256()
    while data := source.read(_PIECE):
        digest.update(data)
        goal.write(data)
    if digest.hexdigest() != sha256:
        raise DataError("index: the backup's index is damaged; take an earlier one")
    goal.seek(0)


def _restore_index(store: Store, lines: IO[str], found: set[str]) -> None:
    columns = {(column.table.name, column.name) for column in file_columns()}
    found = {*found, ""}  # of a row that names no file

    def check(table: str, values: dict[str, Any]) -> None:
        for known, name in columns:
            if known == table and values.get(name) not in found:
                raise DataError(
                    "backup: the index names a file that is not in it; it is not whole"
                )

    with store.begin() as connection:
        there = sa.MetaData()
        there.reflect(connection)
        there.drop_all(connection)
        load_index(connection, lines, on_row=check)
        if not store.is_sqlite:
            add_trigrams(connection)
        _move_bundles(connection, store.folder)


def _move_bundles(connection: sa.Connection, folder: Path) -> None:
    """Bundles that came by upload lie in the service's folder, wherever that is now."""
    for digest in connection.execute(sa.select(bundles.c.digest)).scalars().all():
        home = folder.absolute() / "bundles" / digest
        if home.is_dir():
            this = bundles.c.digest == digest
            values = {"folder": str(home)}
            connection.execute(sa.update(bundles).where(this).values(values))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
