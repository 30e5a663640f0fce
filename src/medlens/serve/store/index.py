"""One instance into the index: study, series, instance and their counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from medlens.serve.store.moments import moment_of_study
from medlens.serve.store.prepared import Prepared
from medlens.serve.store.tables import instances, series, studies

_STUDY_TEXT = (
    "patient_id", "issuer", "patient_name", "name_key", "birth_date", "sex",
    "study_date", "study_time", "accession_number", "study_id", "description",
    "referring_physician",
)  # fmt: skip

# What every image runs; the rest runs once for a study or a series.
_FIND_INSTANCE = Prepared(
    sa.select(
        instances.c.study_id,
        instances.c.id,
        instances.c.digest,
        instances.c.transfer_syntax,
        instances.c.origin,
    ).where(instances.c.sop_uid == sa.bindparam("uid"))
)
_STUDY_KEYS = ("id", "modalities", "received_at", *_STUDY_TEXT)
_FIND_STUDY = Prepared(
    sa.select(*(studies.c[name] for name in _STUDY_KEYS)).where(
        studies.c.study_uid == sa.bindparam("uid")
    )
)
_FIND_SERIES = Prepared(
    sa.select(series.c.id, series.c.is_own).where(
        series.c.study_id == sa.bindparam("study"),
        series.c.series_uid == sa.bindparam("uid"),
    )
)
_ADD_STUDY, _ADD_SERIES = sa.insert(studies), sa.insert(series)
_ADD_INSTANCE = Prepared(
    sa.insert(instances).inline(),
    tuple(column.name for column in instances.c if column.name != "id"),
)
_MORE_IN_STUDY = (
    sa.update(studies)
    .where(studies.c.id == sa.bindparam("study"))
    .values(
        instance_count=studies.c.instance_count + 1,
        bytes=studies.c.bytes + sa.bindparam("size"),
        series_count=studies.c.series_count + sa.bindparam("more_series"),
        # A statement that is compiled once would keep the moment of its making.
        changed_at=sa.bindparam("at"),
    )
)
_COUNT_OWN = Prepared(_MORE_IN_STUDY)
_COUNT_FOREIGN = Prepared(
    _MORE_IN_STUDY.values(
        last_at=sa.bindparam("at"),
        state="receiving",
        # Who signed has not seen this one.
        reading=sa.case(
            (studies.c.reading == "signed", "unread"), else_=studies.c.reading
        ),
    )
)
_COUNT_SERIES = Prepared(
    sa.update(series)
    .where(series.c.id == sa.bindparam("series"))
    .values(instance_count=series.c.instance_count + 1)
)


@dataclass(frozen=True)
class Row:
    """What is known of one instance before it has rows.

    Attributes:
        study_uid, series_uid: of the tree above it.
        study, series: columns of these tables → value, as the header has them.
        instance: columns of `instances`, without the ids.
        is_own: made by this service, so that its study is not answered again.
    """

    study_uid: str
    series_uid: str
    study: dict[str, Any]
    series: dict[str, Any]
    instance: dict[str, Any]
    is_own: bool


@dataclass(frozen=True)
class Placed:
    """Where a row went.

    Attributes:
        outcome: "stored"; "taken": the SOP Instance UID has another row, told by
            `instance_id` and `digest`; "stranger": the study is another patient's.
        study_id: of the study that holds the instance.
        origin: of the instance that is there.
    """

    outcome: Literal["stored", "taken", "stranger"]
    study_id: int
    instance_id: int = 0
    digest: str = ""
    transfer_syntax: str = ""
    origin: str = ""


def foresee(connection: sa.Connection, row: Row) -> Placed | None:
    """Why a row would not be stored as it is, None where it would be."""
    taken = find_instance(connection, row.instance["sop_uid"])
    if taken is not None:
        return taken
    study = _find_study(connection, row.study_uid)
    if study is not None and is_stranger(study, row.study):
        return Placed("stranger", study["id"])
    return None


def add_row(connection: sa.Connection, row: Row) -> Placed:
    """Index one instance inside a transaction of `Store.begin`.

    Two processes that add the same study at once may meet an IntegrityError on
    PostgreSQL: begin again with a new transaction.
    """
    study = _find_study(connection, row.study_uid)
    taken = find_instance(connection, row.instance["sop_uid"])
    if taken is not None:
        return taken
    if study is not None and is_stranger(study, row.study):
        return Placed("stranger", study["id"])
    study_id = _add_study(connection, row) if study is None else int(study["id"])
    known = None
    if study is not None:
        known = _FIND_SERIES.first(
            connection, {"study": study_id, "uid": row.series_uid}
        )
    _count(connection, study_id, row, more_series=int(known is None))
    if study is not None:
        _fill_study(connection, study, row)
    series_id = _place_series(connection, study_id, known, row)
    place = {"study_id": study_id, "series_id": series_id}
    _ADD_INSTANCE.run(connection, row.instance | place)
    return Placed("stored", study_id)


def find_instance(connection: sa.Connection, sop_uid: str) -> Placed | None:
    """The instance that has a UID, as a taken place."""
    found = _FIND_INSTANCE.first(connection, {"uid": sop_uid})
    return None if found is None else Placed("taken", *found)


def is_stranger(known: Any, new: dict[str, Any]) -> bool:
    """Whether two headers of one study speak of different patients.

    Patient IDs decide where both are there (with their issuers, where both are);
    otherwise name and birth date must not contradict each other.
    """
    if known["patient_id"] and new["patient_id"]:
        keys = ("patient_id", "issuer")
    else:
        keys = ("name_key", "birth_date")
    return any(known[key] and new[key] and known[key] != new[key] for key in keys)


def _find_study(connection: sa.Connection, study_uid: str) -> dict[str, Any] | None:
    found = _FIND_STUDY.first(connection, {"uid": study_uid})
    return None if found is None else dict(zip(_STUDY_KEYS, found, strict=True))


def _add_study(connection: sa.Connection, row: Row) -> int:
    at = row.instance["received_at"]
    values = {
        "study_uid": row.study_uid,
        "modalities": _joined("\\", row.series["modality"]),
        "received_at": at,
        "last_at": at,
        "began_at": _began_at(row.study, at),
        "state": "answered" if row.is_own else "receiving",
        **row.study,
    }
    return _key(connection.execute(_ADD_STUDY, values))


def _count(
    connection: sa.Connection, study_id: int, row: Row, *, more_series: int
) -> None:
    """Count the instance; a foreign one makes the study wait for quiet again."""
    size = row.instance["bytes"]
    values = {
        "study": study_id,
        "size": size,
        "more_series": more_series,
        "at": row.instance["received_at"],
    }
    (_COUNT_OWN if row.is_own else _COUNT_FOREIGN).run(connection, values)


def _fill_study(connection: sa.Connection, study: Any, row: Row) -> None:
    """What the first header lacked, and a modality that is new."""
    values: dict[str, Any] = {
        name: row.study[name]
        for name in _STUDY_TEXT
        if not study[name] and row.study[name]
    }
    if "study_date" in values or "study_time" in values:
        values["began_at"] = _began_at(study | values, study["received_at"])
    modalities = _joined(study["modalities"], row.series["modality"])
    if modalities != study["modalities"]:
        values["modalities"] = modalities
    if values:
        this = studies.c.id == study["id"]
        connection.execute(sa.update(studies).where(this).values(values))


def _began_at(study: Mapping[str, Any], received_at: float) -> float:
    day, time = study.get("study_date", ""), study.get("study_time", "")
    return moment_of_study(day, time, otherwise=received_at)


def _joined(modalities: str, modality: str) -> str:
    if not modality or f"\\{modality}\\" in modalities or len(modalities) > 200:
        return modalities
    return f"{modalities}{modality}\\"


def _place_series(
    connection: sa.Connection, study_id: int, known: Any, row: Row
) -> int:
    if known is None:
        values = {
            "study_id": study_id,
            "series_uid": row.series_uid,
            "instance_count": 1,
            "is_own": row.is_own,
            **row.series,
        }
        return _key(connection.execute(_ADD_SERIES, values))
    series_id, is_own = int(known[0]), known[1]
    _COUNT_SERIES.run(connection, {"series": series_id})
    if is_own and not row.is_own:
        # One foreign image is enough for rules to look at the series.
        this = series.c.id == series_id
        connection.execute(sa.update(series).where(this).values(is_own=False))
    return series_id


def _key(made: sa.CursorResult[Any]) -> int:
    key = made.inserted_primary_key
    if key is None:
        raise sa.exc.InvalidRequestError("the database gave no key for a new row")
    return int(key[0])
