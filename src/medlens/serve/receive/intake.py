"""The one door: a whole file is checked, made durable, then indexed."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from medlens.core import ResourceError
from medlens.serve.receive.committer import Committer, UnavailableError
from medlens.serve.receive.elements import Window
from medlens.serve.receive.instance import Instance, UnfitError, read_instance
from medlens.serve.receive.receipt import Origin, Receipt
from medlens.serve.settings import Limits
from medlens.serve.store.blobs import Draft
from medlens.serve.store.index import Placed, Row, foresee
from medlens.serve.store.store import Store
from medlens.serve.store.tables import conflicts, refusals, studies

KEPT_REFUSALS = 10_000
"""Rows of `refusals`; a flood pushes out the oldest."""

SYNCING = 8  # files that wait for the disk at a time; more wait for these
_QUOTA_S = 10.0  # how old the sum of all files may be
_COMPARED = 1 << 20


@dataclass(frozen=True)
class _Sender:
    origin: Origin
    peer: str
    case: str


@dataclass
class _Quota:
    used: int = 0
    at: float = field(default=-_QUOTA_S)


class Intake:
    """Takes files into a store; one object serves all threads of a process.

    Args:
        store: files and index.
        limits: of size and space.

    Attributes:
        store: as given; its `blobs.draft()` is where files begin.
    """

    def __init__(self, store: Store, limits: Limits) -> None:
        self.store, self._limits = store, limits
        self._committer = Committer(store)
        self._quota = _Quota()
        self._syncing = ThreadPoolExecutor(SYNCING, thread_name_prefix="sync")

    def take(
        self,
        draft: Draft,
        *,
        origin: Origin,
        peer: str = "",
        case: str = "",
        sop_class: str = "",
        sop_uid: str = "",
    ) -> Receipt:
        """Take one Part-10 file; durable when this returns anything but "refused".

        Never raises for what a sender can do.

        Args:
            draft: the whole file, not yet committed.
            origin: the way it came.
            peer: who sent it, by the name in the settings or address.
            case: local key of a file of an upload, for messages.
            sop_class, sop_uid: what the sender announced; it must be what came.
        """
        sender = _Sender(origin, peer[:64], case[:128])
        instance: Instance | None = None
        try:
            self._check_space(draft.size)
            # The disk works while the header is read and the index is asked.
            synced = self._syncing.submit(draft.sync)
            try:
                instance = read_instance(Window(draft.read_at, draft.size))
                _check_announced(instance, sop_class, sop_uid)
                return self._keep(draft, instance, sender, synced)
            finally:
                wait([synced])  # before the draft is closed by whoever opened it
        except UnfitError as error:
            return self._refuse(str(error), instance, sender)
        except (ResourceError, UnavailableError) as error:
            return self._refuse(str(error), instance, sender, is_full=True)

    def refuse(
        self, reason: str, *, origin: Origin, peer: str = "", case: str = ""
    ) -> Receipt:
        """Record something that never became a file, and the receipt for it.

        Args:
            reason: for a person; no patient, no UID.
            origin, peer, case: see `take`.
        """
        return self._refuse(reason, None, _Sender(origin, peer[:64], case[:128]))

    def _check_space(self, size: int) -> None:
        if size > self._limits.instance_mb << 20:
            raise UnfitError(
                f"is larger than {self._limits.instance_mb} MB; "
                "raise limits.instance_mb if it should be taken"
            )
        free = shutil.disk_usage(self.store.folder).free
        if free < self._limits.free_mb << 20:
            raise ResourceError(
                f"store: less than {self._limits.free_mb} MB of disk space is left; "
                "free some, then send again"
            )
        if self._limits.store_gb and self._used() + size > self._limits.store_gb * 1e9:
            raise ResourceError(
                f"store: the quota of {self._limits.store_gb:g} GB is used up; "
                "remove studies or raise limits.store_gb"
            )

    def _used(self) -> int:
        """Bytes of all studies, counted anew now and then."""
        now = time.monotonic()
        if now - self._quota.at > _QUOTA_S:
            query = sa.select(sa.func.coalesce(sa.func.sum(studies.c.bytes), 0))
            with self.store.read() as connection:
                self._quota.used = int(connection.execute(query).scalar_one())
            self._quota.at = now
        return self._quota.used

    def _keep(
        self,
        draft: Draft,
        instance: Instance,
        sender: _Sender,
        synced: Future[None],
    ) -> Receipt:
        row = _to_row(instance, draft.digest, draft.size, sender)
        placed = self._committer.read(lambda connection: foresee(connection, row))
        if placed is None:
            wait([synced])  # where it failed, commit tries again and says why
            draft.commit()
            placed = self._committer.add(row)
        if placed.outcome == "stored":
            self._quota.used += draft.size
            return _receipt("stored", instance, placed.study_id)
        if placed.outcome == "stranger":
            raise UnfitError(
                "its study is here under another patient (Patient ID, or name and "
                "birth date); nothing was mixed: correct it at the sender"
            )
        return self._meet(draft, instance, placed, sender)

    def _meet(
        self,
        draft: Draft,
        instance: Instance,
        known: Placed,
        sender: _Sender,
    ) -> Receipt:
        """What to do with a file whose UID is taken."""
        blobs, digest = self.store.blobs, draft.digest
        if digest == known.digest:
            if not blobs.path_of(digest).exists():
                draft.commit()  # the file was lost: here it is again
            return _receipt("duplicate", instance, known.study_id)
        if self._is_same(draft, instance, known):
            return _receipt("duplicate", instance, known.study_id)
        if not draft.is_committed:
            draft.commit()
        reason = "another instance has its SOP Instance UID; both are kept"
        if known.transfer_syntax != instance.transfer_syntax:
            reason += ", this one in another transfer syntax"
        self._set_aside(known, digest, draft.size, sender, reason)
        # A PACS may change the patient's data in our own results and send them back.
        outcome: Any = "duplicate" if known.origin == "own" else "conflict"
        return _receipt(outcome, instance, known.study_id, reason)

    def _is_same(self, draft: Draft, instance: Instance, known: Placed) -> bool:
        """Whether the data sets are the same, byte by byte after the file meta."""
        if known.transfer_syntax != instance.transfer_syntax:
            return False
        try:
            with self.store.blobs.path_of(known.digest).open("rb") as file:
                size = file.seek(0, 2)
                window = Window(lambda count, at: _read_at(file, count, at), size)
                start = read_instance(window).data_start
                if size - start != draft.size - instance.data_start:
                    return False
                file.seek(start)
                place = instance.data_start
                while data := file.read(_COMPARED):
                    if data != draft.read_at(len(data), place):
                        return False
                    place += len(data)
        except (OSError, UnfitError):
            return False
        return True

    def _set_aside(
        self, known: Placed, digest: str, size: int, sender: _Sender, reason: str
    ) -> None:
        same = (conflicts.c.instance_id == known.instance_id) & (
            conflicts.c.digest == digest
        )

        def write(connection: sa.Connection) -> None:
            if connection.execute(sa.select(conflicts.c.id).where(same)).first():
                return
            connection.execute(
                sa.insert(conflicts).values(
                    instance_id=known.instance_id,
                    digest=digest,
                    bytes=size,
                    received_at=time.time(),
                    origin=sender.origin,
                    peer=sender.peer,
                    reason=reason,
                )
            )

        self._committer.write(write)

    def _refuse(
        self,
        reason: str,
        instance: Instance | None,
        sender: _Sender,
        *,
        is_full: bool = False,
    ) -> Receipt:
        def write(connection: sa.Connection) -> None:
            made = connection.execute(
                sa.insert(refusals).values(
                    received_at=time.time(),
                    origin=sender.origin,
                    peer=sender.peer,
                    case=sender.case,
                    reason=reason,
                )
            )
            newest = int(made.inserted_primary_key[0])  # type: ignore[index]
            old = refusals.c.id <= newest - KEPT_REFUSALS
            connection.execute(sa.delete(refusals).where(old))

        try:
            self._committer.write(write)
        except UnavailableError:
            is_full = True  # not even the reason can be written
        return _receipt("refused", instance, None, reason, is_full=is_full)


def _check_announced(instance: Instance, sop_class: str, sop_uid: str) -> None:
    announced = ((sop_class, instance.sop_class), (sop_uid, instance.sop_uid))
    if any(said and said != found for said, found in announced):
        raise UnfitError(
            "its SOP Class or Instance UID is not the one announced; "
            "send it again unchanged"
        )


def _to_row(instance: Instance, digest: str, size: int, sender: _Sender) -> Row:
    return Row(
        study_uid=instance.study_uid,
        series_uid=instance.series_uid,
        study=instance.study,
        series=instance.series,
        instance={
            "sop_uid": instance.sop_uid,
            "sop_class": instance.sop_class,
            "transfer_syntax": instance.transfer_syntax,
            "number": instance.number,
            "rows": instance.rows,
            "columns": instance.columns,
            "frames": instance.frames,
            "digest": digest,
            "bytes": size,
            "received_at": time.time(),
            "origin": sender.origin,
            "peer": sender.peer,
        },
        is_own=sender.origin == "own" or instance.is_result,
    )


def _read_at(file: Any, count: int, offset: int) -> bytes:
    file.seek(offset)
    data: bytes = file.read(count)
    return data


def _receipt(
    outcome: Any,
    instance: Instance | None,
    study_id: int | None,
    reason: str = "",
    *,
    is_full: bool = False,
) -> Receipt:
    uids = {}
    if instance is not None:
        uids = {
            "sop_class": instance.sop_class,
            "sop_uid": instance.sop_uid,
            "series_uid": instance.series_uid,
            "study_uid": instance.study_uid,
        }
    return Receipt(outcome, reason, is_full, study_id, **uids)
