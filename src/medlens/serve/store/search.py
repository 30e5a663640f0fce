"""Studies, series and instances by their attributes (PS3.4 C.2, PS3.18 10.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from medlens.serve.store.matching import (
    Condition,
    Kind,
    QueryError,
    as_one_group,
    match,
    match_text,
)
from medlens.serve.store.names import name_key
from medlens.serve.store.tables import instances, series, studies

MAX_LIMIT = 5000
"""Rows of one answer."""

_FEW = 1000  # studies that are quicker sorted than found on a walk by date

Level = Literal["study", "series", "instance"]
_LEVELS: tuple[Level, ...] = ("study", "series", "instance")


@dataclass(frozen=True)
class Attribute:
    """One attribute that can be searched by and is given back.

    Attributes:
        column: that holds it.
        kind: how it is matched, "" where it is only given back.
        compared: the column that is matched, where it is another one.
    """

    column: sa.Column[Any]
    kind: Kind | Literal[""] = "text"
    compared: sa.Column[Any] | None = None


ATTRIBUTES: dict[Level, dict[str, Attribute]] = {
    "study": {
        "StudyInstanceUID": Attribute(studies.c.study_uid, "uid"),
        "PatientID": Attribute(studies.c.patient_id),
        "IssuerOfPatientID": Attribute(studies.c.issuer),
        "PatientName": Attribute(
            studies.c.patient_name, "name", compared=studies.c.name_key
        ),
        "PatientBirthDate": Attribute(studies.c.birth_date, "date"),
        "PatientSex": Attribute(studies.c.sex),
        "StudyDate": Attribute(studies.c.study_date, "date"),
        "StudyTime": Attribute(studies.c.study_time, "time"),
        "AccessionNumber": Attribute(studies.c.accession_number),
        "StudyID": Attribute(studies.c.study_id),
        "StudyDescription": Attribute(studies.c.description),
        "ReferringPhysicianName": Attribute(studies.c.referring_physician),
        "ModalitiesInStudy": Attribute(studies.c.modalities, "modalities"),
        "NumberOfStudyRelatedSeries": Attribute(studies.c.series_count, ""),
        "NumberOfStudyRelatedInstances": Attribute(studies.c.instance_count, ""),
    },
    "series": {
        "SeriesInstanceUID": Attribute(series.c.series_uid, "uid"),
        "Modality": Attribute(series.c.modality),
        "SeriesNumber": Attribute(series.c.number, "number"),
        "SeriesDescription": Attribute(series.c.description),
        "BodyPartExamined": Attribute(series.c.body_part),
        "Laterality": Attribute(series.c.laterality),
        "ProtocolName": Attribute(series.c.protocol_name),
        "Manufacturer": Attribute(series.c.manufacturer),
        "StationName": Attribute(series.c.station_name),
        "SeriesDate": Attribute(series.c.series_date, "date"),
        "SeriesTime": Attribute(series.c.series_time, "time"),
        "NumberOfSeriesRelatedInstances": Attribute(series.c.instance_count, ""),
    },
    "instance": {
        "SOPInstanceUID": Attribute(instances.c.sop_uid, "uid"),
        "SOPClassUID": Attribute(instances.c.sop_class, "uid"),
        "AvailableTransferSyntaxUID": Attribute(instances.c.transfer_syntax, "uid"),
        "InstanceNumber": Attribute(instances.c.number, "number"),
        "Rows": Attribute(instances.c.rows, "number"),
        "Columns": Attribute(instances.c.columns, "number"),
        "NumberOfFrames": Attribute(instances.c.frames, "number"),
    },
}
"""Level → DICOM keyword → attribute; a level answers for those above it too."""

_TABLES = {"study": studies, "series": series, "instance": instances}
# Ours, beside the attributes: numbers of rows, and where the bytes are.
_OWN: dict[Level, dict[str, sa.Column[Any]]] = {
    "study": {"study": studies.c.id, "state": studies.c.state},
    "series": {"series": series.c.id, "is_own": series.c.is_own},
    "instance": {
        "instance": instances.c.id,
        "digest": instances.c.digest,
        "bytes": instances.c.bytes,
        "received_at": instances.c.received_at,
    },
}
# A row of `studies` whose name has several groups; the text is that of a partial index.
_HAS_GROUPS = sa.text("replace(name_key, '=', '') <> name_key")


def search_studies(
    connection: sa.Connection,
    query: Mapping[str, str],
    *,
    limit: int = 100,
    offset: int = 0,
) -> Sequence[sa.RowMapping]:
    """Studies that match, the newest first.

    Args:
        connection: of `Store.read`.
        query: DICOM keyword (a key of `ATTRIBUTES`) → value; see `match`.
        limit: rows at most, up to `MAX_LIMIT`.
        offset: rows to pass over; the order is the same for every page.

    Returns:
        Rows with every attribute of the level and those above by its keyword, and
        of our own "study" (number), "state"; for series "series", "is_own"; for
        instances "instance", "digest", "bytes", "received_at".

    Raises:
        QueryError: an attribute is unknown at this level, or a value has no meaning.
    """
    order = (studies.c.study_date.desc(), studies.c.id.desc())
    return _search(connection, "study", query, order, limit, offset)


def search_series(
    connection: sa.Connection,
    query: Mapping[str, str],
    *,
    limit: int = 100,
    offset: int = 0,
) -> Sequence[sa.RowMapping]:
    """Series that match; see `search_studies`.

    Those of one study come by number, those of many the newest first.
    """
    order: tuple[Any, ...] = (series.c.id.desc(),)
    if "StudyInstanceUID" in query:
        order = (sa.func.coalesce(series.c.number, 0), series.c.id)
    return _search(connection, "series", query, order, limit, offset)


def search_instances(
    connection: sa.Connection,
    query: Mapping[str, str],
    *,
    limit: int = 100,
    offset: int = 0,
) -> Sequence[sa.RowMapping]:
    """Instances that match; see `search_studies`.

    Those of one study come by series and number, those of many the newest first.
    """
    order: tuple[Any, ...] = (instances.c.id.desc(),)
    if "StudyInstanceUID" in query or "SeriesInstanceUID" in query:
        number = sa.func.coalesce(instances.c.number, 0)
        order = (instances.c.series_id, number, instances.c.id)
    return _search(connection, "instance", query, order, limit, offset)


def is_searchable(level: Level, keyword: str) -> bool:
    """Whether an attribute can be searched by at a level."""
    return any(
        bool(ATTRIBUTES[each][keyword].kind)
        for each in _up_to(level)
        if keyword in ATTRIBUTES[each]
    )


def modalities_of(text: str) -> list[str]:
    """The modalities in a study's column ("\\CT\\SR\\")."""
    return [name for name in text.split("\\") if name]


def _search(
    connection: sa.Connection,
    level: Level,
    query: Mapping[str, str],
    order: tuple[Any, ...],
    limit: int,
    offset: int,
) -> Sequence[sa.RowMapping]:
    if not 0 <= limit <= MAX_LIMIT or not 0 <= offset < 2**31:
        raise QueryError(f"limit: wanted 0 to {MAX_LIMIT}, with an offset from 0 on")
    table, levels = _TABLES[level], _up_to(level)
    # Ids first, from the indexes alone; whole rows only for the page.
    conditions, used = _conditions(connection, level, query)
    page = (
        sa.select(table.c.id)
        .select_from(_joined(level, used))
        .where(*conditions)
        .order_by(*order)
        .limit(limit)
        .offset(offset)
        .subquery("page")
    )
    whole = (
        sa.select(*_columns(levels))
        .select_from(_joined(level, levels))
        .join(page, page.c.id == table.c.id)
        .order_by(*order)
    )
    return connection.execute(whole).mappings().all()


def _up_to(level: Level) -> tuple[Level, ...]:
    return _LEVELS[: _LEVELS.index(level) + 1]


def _columns(levels: tuple[Level, ...]) -> list[sa.ColumnElement[Any]]:
    columns: list[sa.ColumnElement[Any]] = []
    for level in levels:
        named = ATTRIBUTES[level].items()
        columns += [attribute.column.label(keyword) for keyword, attribute in named]
        columns += [column.label(name) for name, column in _OWN[level].items()]
    return columns


def _joined(level: Level, used: Sequence[Level]) -> sa.FromClause:
    """The table of a level, joined to those above whose columns are used."""
    joined: sa.FromClause = _TABLES[level]
    for above in ("series", "study"):
        if above != level and above in used:
            table = _TABLES[above]
            key = _TABLES[level].c[f"{above}_id"]
            joined = joined.join(table, key == table.c.id)
    return joined


def _conditions(
    connection: sa.Connection, level: Level, query: Mapping[str, str]
) -> tuple[list[Condition], list[Level]]:
    conditions, used = [], []
    for keyword, value in query.items():
        holder = next((x for x in _up_to(level) if keyword in ATTRIBUTES[x]), None)
        attribute = ATTRIBUTES[holder][keyword] if holder else None
        if holder is None or attribute is None or not attribute.kind:
            raise QueryError(f"{keyword}: cannot be searched by at the {level} level")
        column = attribute.column if attribute.compared is None else attribute.compared
        condition = match(keyword, attribute.kind, column, value)
        if condition is None:
            continue
        if attribute.kind == "name":
            condition = _by_name(connection, condition, value)
        conditions.append(condition)
        used.append(holder)
    return conditions, used


def _by_name(connection: sa.Connection, first: Condition, value: str) -> Condition:
    """A name as a whole, or as one of its groups.

    PostgreSQL weighs its indexes itself, that of letter triples among them. SQLite
    walks the studies by date, names beside it in the same index, and stops when the
    page is full: right where many names match. Where few do, they are looked up in
    the index of names before, each half by itself.
    """
    key = name_key(value)
    forms = [] if "=" in key else as_one_group(key)
    grouped = [match_text(studies.c.name_key, form) for form in forms]
    either = sa.or_(first, *grouped)
    if connection.dialect.name != "sqlite" or key[:1] in "*?":
        return either
    halves = [sa.select(studies.c.id).where(first)]
    if grouped:
        halves.append(sa.select(studies.c.id).where(_HAS_GROUPS, sa.or_(*grouped)))
    some = sa.union_all(*halves).limit(_FEW + 1)
    numbers = connection.execute(some).scalars().all()
    return studies.c.id.in_(numbers) if len(numbers) <= _FEW else either
