"""DICOM objects that are made of what readers said, as instances of their study."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from medlens.core import ReadError
from medlens.read.dicom.header import read_header
from medlens.read.source import open_source
from medlens.serve.store.index import add_row
from medlens.serve.store.tables import reading_objects, studies
from medlens.serve.work.inputs import Study
from medlens.serve.work.objects import DICOM
from medlens.serve.work.results import own_row


@dataclass(frozen=True)
class ReaderObject:
    """One object.

    Attributes:
        kind: "SEG" or "SR".
        key: the same words make the same object once.
        result: that it speaks of.
        data: the whole file.
        digest: its name in the store, where it lies already.
        user_id: who made it, None for the guest of a demo.
    """

    kind: str
    key: str
    result: int
    data: bytes = field(repr=False)
    digest: str
    user_id: int | None


@dataclass(frozen=True)
class Kept:
    """Where an object went.

    Attributes:
        object_id: number of its row.
        sop_uid: SOP Instance UID.
        is_new: False where the same was there already.
    """

    object_id: int
    sop_uid: str = field(repr=False)
    is_new: bool = True


def find_object(connection: sa.Connection, key: str) -> Any:
    """The row of an object, None where it was not made yet."""
    query = sa.select(reading_objects).where(reading_objects.c.key == key)
    return connection.execute(query).first()


def keep_object(
    connection: sa.Connection, study: Study, made: ReaderObject, *, now: float
) -> Kept | None:
    """Index an object, once.

    Args:
        connection: of `Store.begin`.
        study: that it belongs to.
        made: whose file is durable already.
        now: seconds since 1970.

    Returns:
        None where the study was removed meanwhile.
    """
    held = sa.select(studies.c.id).where(studies.c.id == study.id).with_for_update()
    if connection.execute(held).first() is None:
        return None
    before = find_object(connection, made.key)
    if before is not None:
        return Kept(int(before.id), before.sop_uid, is_new=False)
    row = own_row(made.data, made.digest, study, now)
    add_row(connection, row)
    number = connection.execute(
        sa.insert(reading_objects)
        .values(
            study_id=study.id,
            result_id=made.result,
            kind=made.kind,
            key=made.key,
            media_type=DICOM,
            digest=made.digest,
            bytes=len(made.data),
            sop_uid=row.instance["sop_uid"],
            user_id=made.user_id,
            made_at=now,
        )
        .returning(reading_objects.c.id)
    ).scalar_one()
    return Kept(int(number), row.instance["sop_uid"])


def read_headers(study: Study, uids: Iterable[str]) -> list[Any]:
    """Headers of some images of a study, each once.

    Raises:
        ReadError: one is not in the study any more, or cannot be read.
    """
    by_uid = {item.sop_uid: item for item in study.inputs}
    found = []
    for uid in dict.fromkeys(uids):
        item = by_uid.get(uid)
        if item is None:
            raise ReadError(
                f"study {study.id}: an image of the answer is not in it any more; let "
                "it be answered again"
            )
        found.append(read_header(open_source(item.path, item.case)).data)
    return found
