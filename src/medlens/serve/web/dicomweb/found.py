"""Rows of the index for the UIDs of a URL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from medlens.serve.store.store import Store
from medlens.serve.store.tables import instances, series, studies
from medlens.serve.web.errors import Problem

_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*")


@dataclass(frozen=True)
class StoredInstance:
    """One instance of the index.

    Attributes:
        study_id, series_id, instance_id: our own numbers.
        study_uid, series_uid, sop_uid, sop_class: its UIDs.
        transfer_syntax: as stored.
        digest, bytes: of its file.
        path: of its file.
    """

    study_id: int
    series_id: int
    instance_id: int
    study_uid: str = field(repr=False)
    series_uid: str = field(repr=False)
    sop_uid: str = field(repr=False)
    sop_class: str
    transfer_syntax: str
    digest: str
    bytes: int
    path: Path = field(repr=False)

    @property
    def case(self) -> str:
        """How messages name it."""
        return "the instance"


def check_uid(text: str) -> str:
    """A UID of a URL.

    Raises:
        Problem: 400, it is none (PS3.5 9.1); its text is not repeated.
    """
    if len(text) > 64 or not _UID.fullmatch(text):
        raise Problem(
            400, "the address has a UID that is none; wanted up to 64 digits and dots"
        )
    return text


def find_instances(
    store: Store, study: str, series_uid: str | None = None, sop: str | None = None
) -> list[StoredInstance]:
    """Instances of a study, a series, or the one named, in a stable order.

    Raises:
        Problem: 400 for a UID that is none, 404 where nothing is there.
    """
    query = (
        sa.select(
            instances.c.study_id,
            instances.c.series_id,
            instances.c.id,
            studies.c.study_uid,
            series.c.series_uid,
            instances.c.sop_uid,
            instances.c.sop_class,
            instances.c.transfer_syntax,
            instances.c.digest,
            instances.c.bytes,
        )
        .join(series, series.c.id == instances.c.series_id)
        .join(studies, studies.c.id == instances.c.study_id)
        .where(studies.c.study_uid == check_uid(study))
        .order_by(series.c.number, series.c.id, instances.c.number, instances.c.id)
    )
    if series_uid is not None:
        query = query.where(series.c.series_uid == check_uid(series_uid))
    if sop is not None:
        query = query.where(instances.c.sop_uid == check_uid(sop))
    with store.read() as connection:
        rows: Sequence[Any] = connection.execute(query).all()
    if not rows:
        what = "instance" if sop else "series" if series_uid else "study"
        raise Problem(404, f"there is no such {what} here")
    path_of = store.blobs.path_of
    return [StoredInstance(*(*row, path_of(row.digest))) for row in rows]


def place_of(found: Sequence[StoredInstance], *uids: str) -> dict[str, int]:
    """What an address named below the study, in our own numbers, for the trail.

    Args:
        found: what `find_instances` gave.
        uids: that it was given.
    """
    if len(uids) == 3:
        return {"instance": found[0].instance_id}
    return {"series": found[0].series_id} if len(uids) == 2 else {}


def find_instance(
    store: Store, study: str, series_uid: str, sop: str
) -> StoredInstance:
    """The instance of a URL.

    Raises:
        Problem: as `find_instances`.
    """
    return find_instances(store, study, series_uid, sop)[0]
