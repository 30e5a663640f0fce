"""Removal, retention, and the files that are let go with them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from medlens.serve.receive.intake import Intake
from medlens.serve.settings import Limits
from medlens.serve.store.files import file_columns, free_files, hold_files
from medlens.serve.store.keep import (
    Removed,
    clear_drafts,
    free_orphans,
    measure_usage,
    remove_expired,
    remove_study,
)
from medlens.serve.store.store import Store
from medlens.serve.store.tables import (
    conflicts,
    instances,
    jobs,
    metadata,
    result_objects,
    results,
    scores,
    series,
    studies,
)
from medlens.serve.store.tables.base import NAMES_FILE
from tests.serve.dicom_files import part10

NOW = 1.8e9


def take(store: Store, data: bytes) -> None:
    with store.blobs.draft() as draft:
        draft.write(data)
        receipt = Intake(store, Limits(free_mb=1)).take(draft, origin="dicom")
    assert receipt.outcome in ("stored", "conflict")


def age_files(store: Store, seconds: float = 7200.0) -> None:
    then = time.time() - seconds
    for path in files(store):
        os.utime(path, (then, then))


def files(store: Store) -> list[Path]:
    return [each for each in store.blobs.folder.rglob("*") if each.is_file()]


def count(store: Store, table: sa.Table) -> int:
    with store.read() as connection:
        query = sa.select(sa.func.count()).select_from(table)
        return int(connection.execute(query).scalar_one())


def answer(store: Store, study_id: int) -> str:
    """Rows of a finished answer; the digest of its one object."""
    digest = store.blobs.put(f"object of {study_id}".encode())
    with store.begin() as connection:
        add: Any = connection.execute
        job = add(
            sa.insert(jobs).values(
                kind="answer", key=f"answer:{study_id}", study_id=study_id, payload={},
                run_after=0.0, created_at=0.0, state="done",
            )
        ).inserted_primary_key[0]  # fmt: skip
        result = add(
            sa.insert(results).values(
                key=f"r{study_id}", study_id=study_id, job_id=job,
                inputs_digest="0" * 64, diagnosis={}, created_at=0.0,
            )
        ).inserted_primary_key[0]  # fmt: skip
        add(
            sa.insert(result_objects).values(
                result_id=result, kind="FHIR", media_type="x", digest=digest, bytes=11
            )
        )
        add(
            sa.insert(scores).values(
                result_id=result, assessment=0, bundle_digest="1" * 64, role="active",
                site="", month="2026-11", probabilities={}, is_positive=False,
                is_outside=False, statistics={}, at=0.0,
            )
        )  # fmt: skip
    return digest


def test_a_study_goes_with_everything_made_of_it(store: Store) -> None:
    for study in (1, 2):
        take(store, part10(1, study=study))
        take(store, part10(1, study=study, pixels=bytes(32)))  # a conflict
        answer(store, study)
    age_files(store)
    before = {table.name: count(store, table) for table in metadata.sorted_tables}
    removed = remove_study(store, 1)
    assert (removed.instances, removed.files) == (1, 3)
    for table in (studies, series, instances, conflicts, jobs, results, scores):
        assert (before[table.name], count(store, table)) == (2, 1), table.name
    assert len(files(store)) == 3
    assert remove_study(store, 1) == Removed()
    with store.read() as connection:
        assert connection.execute(sa.select(studies.c.id)).scalars().all() == [2]


def test_the_number_of_a_removed_study_is_not_given_again(store: Store) -> None:
    take(store, part10(study=1))
    remove_study(store, 1)
    take(store, part10(study=2))
    with store.read() as connection:
        assert connection.execute(sa.select(studies.c.id)).scalars().all() == [2]


def test_a_file_that_another_row_needs_stays(store: Store) -> None:
    take(store, part10(study=1))
    take(store, part10(study=2))
    with store.begin() as connection:  # the second study's conflict is this file
        query = sa.select(instances.c.digest).where(instances.c.study_id == 1)
        digest = connection.execute(query).scalar_one()
        connection.execute(
            sa.insert(conflicts).values(
                instance_id=2, digest=digest, bytes=1, received_at=0.0,
                origin="dicom", reason="",
            )
        )  # fmt: skip
    age_files(store)
    assert remove_study(store, 1).files == 0
    assert remove_study(store, 2).files == 2


def test_fresh_files_stay_for_whoever_is_bringing_them(store: Store) -> None:
    digest = store.blobs.put(b"on its way")
    assert free_files(store, [digest]) == (0, 0)
    age_files(store)
    assert free_files(store, [digest]) == (1, 10)
    assert files(store) == list(store.blobs.incoming.iterdir()) == []
    assert free_files(store, [digest]) == (0, 0)


def test_orphans_are_freed_folder_by_folder(store: Store) -> None:
    take(store, part10())
    orphan = store.blobs.put(b"left by a crash")
    assert sum(free_orphans(store, byte) for byte in range(256)) == 0
    age_files(store)
    assert free_orphans(store, int(orphan[:2], 16) + 1) == 0
    assert free_orphans(store, int(orphan[:2], 16)) == 1
    assert sum(free_orphans(store, byte) for byte in range(256)) == 0
    assert len(files(store)) == 1


def test_nothing_is_deleted_while_a_backup_runs(store: Store) -> None:
    digest = store.blobs.put(b"x")
    age_files(store)
    with hold_files(store):
        assert free_files(store, [digest]) == (0, 0)
    assert free_files(store, [digest]) == (1, 1)


def test_a_file_that_comes_again_meanwhile_is_not_lost(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = store.blobs.put(b"twice")
    age_files(store)
    move = Path.rename

    def rename(self: Path, target: Path) -> Path:
        moved = move(self, target)
        if self.name == digest:
            store.blobs.put(b"twice")  # another process brings the same bytes
        return moved

    monkeypatch.setattr(Path, "rename", rename)
    free_files(store, [digest])
    assert store.blobs.read(digest) == b"twice"


def test_retention_takes_the_old_and_tells(store: Store) -> None:
    for study, days in ((1, 40), (2, 31), (3, 29)):
        take(store, part10(study=study))
        with store.begin() as connection:
            this = studies.c.id == study
            at = NOW - days * 86_400
            connection.execute(sa.update(studies).where(this).values(last_at=at))
    told: list[int] = []
    assert remove_expired(store, 0, now=NOW) == 0
    removed = remove_expired(
        store, 30, now=NOW, on_removed=lambda number, _: told.append(number)
    )
    assert (removed, told) == (2, [1, 2])
    assert remove_expired(store, 30, now=NOW) == 0
    assert count(store, studies) == 1


def test_old_drafts_are_cleared(store: Store) -> None:
    old, young = store.blobs.incoming / "a", store.blobs.incoming / "b"
    old.write_bytes(b"1")
    young.write_bytes(b"2")
    os.utime(old, (0, 0))
    assert clear_drafts(store) == 1
    assert [each.name for each in store.blobs.incoming.iterdir()] == ["b"]


def test_usage_adds_up(store: Store) -> None:
    take(store, part10(1))
    take(store, part10(2))
    take(store, part10(2, pixels=bytes(32)))
    answer(store, 1)
    usage = measure_usage(store)
    size = len(part10())
    assert (usage.studies, usage.series, usage.instances) == (1, 1, 2)
    assert (usage.instance_bytes, usage.conflict_bytes) == (2 * size, size)
    assert usage.result_bytes == 11
    assert usage.free_bytes > 0


def test_every_digest_is_known_to_name_a_file_or_not() -> None:
    names_file = {f"{column.table.name}.{column.name}" for column in file_columns()}
    digests = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if column.name == "digest"
    }
    # Digests of secrets, of bundles, and of the rows of the trail.
    others = {"sessions", "tokens", "invitations", "devices", "trail"}
    others |= {"bundles", "promotions"}
    received = {"instances.digest", "conflicts.digest", "result_objects.digest"}
    assert received <= names_file
    assert digests - names_file <= {f"{table}.digest" for table in others}
    assert NAMES_FILE == {"names_file": True}
