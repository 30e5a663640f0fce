"""One instance into the index: study, series, instance and their counters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from medlens.serve.store.tables import instances, series, studies


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
    taken = find_instance(connection, row.instance["sop_uid"])
    if taken is not None:
        return taken
    study = _find_study(connection, row.study_uid)
    if study is None:
        study_id = _add_study(connection, row)
    elif is_stranger(study, row.study):
        return Placed("stranger", study["id"])
    else:
        study_id = study["id"]
        _touch_study(connection, study, row)
    series_id = _place_series(connection, study_id, row)
    connection.execute(
        sa.insert(instances).values(
            study_id=study_id, series_id=series_id, **row.instance
        )
    )
    return Placed("stored", study_id)


def find_instance(connection: sa.Connection, sop_uid: str) -> Placed | None:
    """The instance that has a UID, as a taken place."""
    found = connection.execute(
        sa.select(
            instances.c.study_id,
            instances.c.id,
            instances.c.digest,
            instances.c.transfer_syntax,
            instances.c.origin,
        ).where(instances.c.sop_uid == sop_uid)
    ).first()
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


_STUDY_TEXT = (
    "patient_id", "issuer", "patient_name", "name_key", "birth_date", "sex",
    "study_date", "study_time", "accession_number", "study_id", "description",
    "referring_physician",
)  # fmt: skip


def _find_study(connection: sa.Connection, uid: str) -> Any:
    columns = [studies.c[name] for name in ("id", "modalities", *_STUDY_TEXT)]
    query = sa.select(*columns).where(studies.c.study_uid == uid)
    return connection.execute(query).mappings().first()


def _add_study(connection: sa.Connection, row: Row) -> int:
    at = row.instance["received_at"]
    values = dict(
        study_uid=row.study_uid,
        modalities=_joined("\\", row.series["modality"]),
        instance_count=1,
        bytes=row.instance["bytes"],
        received_at=at,
        last_at=at,
        state="answered" if row.is_own else "receiving",
        **row.study,
    )
    key = connection.execute(sa.insert(studies).values(values)).inserted_primary_key
    return int(key[0])  # type: ignore[index]


def _touch_study(connection: sa.Connection, study: Any, row: Row) -> None:
    """Count the instance; a foreign one makes the study wait for quiet again."""
    values: dict[str, Any] = {
        "instance_count": studies.c.instance_count + 1,
        "bytes": studies.c.bytes + row.instance["bytes"],
    }
    if not row.is_own:
        values |= {"last_at": row.instance["received_at"], "state": "receiving"}
    modalities = _joined(study["modalities"], row.series["modality"])
    if modalities != study["modalities"]:
        values["modalities"] = modalities
    for name in _STUDY_TEXT:  # a later header fills what the first one lacked
        if not study[name] and row.study[name]:
            values[name] = row.study[name]
    connection.execute(
        sa.update(studies).where(studies.c.id == study["id"]).values(values)
    )


def _joined(modalities: str, modality: str) -> str:
    if not modality or f"\\{modality}\\" in modalities or len(modalities) > 200:
        return modalities
    return f"{modalities}{modality}\\"


def _place_series(connection: sa.Connection, study_id: int, row: Row) -> int:
    table = series
    is_here = (table.c.study_id == study_id) & (table.c.series_uid == row.series_uid)
    found = connection.execute(sa.select(table.c.id, table.c.is_own).where(is_here))
    known = found.first()
    if known is None:
        values = dict(
            study_id=study_id,
            series_uid=row.series_uid,
            instance_count=1,
            is_own=row.is_own,
            **row.series,
        )
        made = connection.execute(sa.insert(table).values(values))
        connection.execute(
            sa.update(studies)
            .where(studies.c.id == study_id)
            .values(series_count=studies.c.series_count + 1)
        )
        return int(made.inserted_primary_key[0])  # type: ignore[index]
    # One foreign image is enough for rules to look at the series.
    connection.execute(
        sa.update(table)
        .where(table.c.id == known.id)
        .values(
            instance_count=table.c.instance_count + 1,
            is_own=bool(known.is_own) and row.is_own,
        )
    )
    return int(known.id)
