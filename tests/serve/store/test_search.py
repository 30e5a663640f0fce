"""Matching and paging, held against a search by hand over the same rows."""

from __future__ import annotations

import re
from typing import Any

import hypothesis.strategies as st
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from medlens.serve.store.matching import QueryError
from medlens.serve.store.names import name_key
from medlens.serve.store.search import (
    ATTRIBUTES,
    is_searchable,
    modalities_of,
    search_instances,
    search_series,
    search_studies,
)
from medlens.serve.store.store import Store
from medlens.serve.store.tables import instances, series, studies

# name, patient id, date, time, accession, modalities
_STUDIES = (
    ("Smith^John", "P1", "20260101", "101500", "A1", "CT"),
    ("Smith^Jane^^^", "P2", "20260102", "235959.5", "A2", "CR"),
    ("SMITHERS^Al", "p1", "20260103", "10", "A_3", "CT"),
    ("Wang^XiaoDong=王^小东=", "P10", "20260103", "", "A%4", "MR"),
    ("Yamada^Tarou=山田^太郎=やまだ^たろう", "P[1]", "", "0000", "A\\5", "CTX"),
    ("O'Hara^100%_x", "", "20251231", "1015", "", "CT"),
)


@pytest.fixture
def filled(store: Store) -> Store:
    """Six studies of two series of two instances each."""
    with store.begin() as connection:
        for index, row in enumerate(_STUDIES, 1):
            name, patient, date, time, accession, modality = row
            connection.execute(
                sa.insert(studies).values(
                    id=index, study_uid=f"1.{index}", patient_name=name,
                    name_key=name_key(name), patient_id=patient, study_date=date,
                    study_time=time, accession_number=accession,
                    modalities=f"\\{modality}\\SR\\", series_count=2,
                    instance_count=4, received_at=1.0, last_at=1.0,
                )
            )  # fmt: skip
            for number in (1, 2):
                _fill_series(connection, index, number, modality)
    return store


def _fill_series(
    connection: sa.Connection, study: int, number: int, modality: str
) -> None:
    key = 10 * study + number
    connection.execute(
        sa.insert(series).values(
            id=key, study_id=study, series_uid=f"1.{study}.{number}",
            modality=modality if number == 1 else "SR", number=3 - number,
            instance_count=2,
        )
    )  # fmt: skip
    for place in (1, 2):
        connection.execute(
            sa.insert(instances).values(
                id=10 * key + place, study_id=study, series_id=key,
                sop_uid=f"1.{study}.{number}.{place}", sop_class="1.2.3",
                transfer_syntax="1.2", number=3 - place, digest=f"{key}{place}",
                bytes=1, received_at=1.0, origin="dicom",
            )
        )  # fmt: skip


def found(store: Store, **query: str) -> list[int]:
    with store.read() as connection:
        return sorted(row["study"] for row in search_studies(connection, query))


@pytest.mark.parametrize(
    ("query", "studies_found"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"PatientName": ""}, [1, 2, 3, 4, 5, 6]),
        ({"PatientName": "**"}, [1, 2, 3, 4, 5, 6]),
        ({"PatientName": "smith*"}, [1, 2, 3]),
        ({"PatientName": "SMITH^JOHN"}, [1]),
        ({"PatientName": "Smith^Jane"}, [2]),
        ({"PatientName": "smith"}, []),
        ({"PatientName": "*^j?n*"}, [2]),
        ({"PatientName": "王*"}, [4]),
        ({"PatientName": "山田^太郎"}, [5]),
        ({"PatientName": "やまだ*"}, [5]),
        ({"PatientName": "*太郎"}, [5]),
        ({"PatientName": "wang^xiaodong"}, [4]),
        ({"PatientName": "Wang^XiaoDong=王^小东"}, [4]),
        ({"PatientName": "*100%_x"}, [6]),
        ({"PatientName": "*100__x"}, []),
        ({"PatientName": "O'Hara*"}, [6]),
        ({"PatientID": "P1"}, [1]),
        ({"PatientID": "P1*"}, [1, 4]),
        ({"PatientID": "P[1]"}, [5]),
        ({"PatientID": "P[1]*"}, [5]),
        ({"PatientID": "P[*"}, [5]),
        ({"PatientID": "?1"}, [1, 3]),
        ({"AccessionNumber": "A_*"}, [3]),
        ({"AccessionNumber": "A%*"}, [4]),
        ({"AccessionNumber": "A\\*"}, [5]),
        ({"AccessionNumber": "' OR 1=1 --"}, []),
        ({"StudyDate": "20260103"}, [3, 4]),
        ({"StudyDate": "20260101-20260102"}, [1, 2]),
        ({"StudyDate": "-20260101"}, [1, 6]),
        ({"StudyDate": "20260103-"}, [3, 4]),
        ({"StudyTime": "1015"}, [1, 6]),
        ({"StudyTime": "1000-1015"}, [1, 6]),
        ({"StudyTime": "10-"}, [1, 2, 3, 6]),
        ({"StudyTime": "-0959"}, [5]),
        ({"StudyInstanceUID": "1.2\\1.5"}, [2, 5]),
        ({"StudyInstanceUID": "1.2,1.5,9.9"}, [2, 5]),
        ({"ModalitiesInStudy": "CT"}, [1, 3, 6]),
        ({"ModalitiesInStudy": "CR\\MR"}, [2, 4]),
        ({"ModalitiesInStudy": "C?"}, [1, 2, 3, 6]),
        ({"StudyDate": "20260101-", "ModalitiesInStudy": "CT"}, [1, 3]),
        ({"PatientName": "smith*", "ModalitiesInStudy": "CT"}, [1, 3]),
    ],
)
def test_matching(
    filled: Store, query: dict[str, str], studies_found: list[int]
) -> None:
    assert found(filled, **query) == studies_found


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"StudyDate": "yesterday"}, "StudyDate: wanted YYYYMMDD"),
        ({"StudyDate": "-"}, "StudyDate: wanted YYYYMMDD"),
        ({"StudyTime": "noon"}, "StudyTime: wanted HHMMSS"),
        ({"StudyInstanceUID": "1.2'; DROP TABLE studies"}, "wanted UIDs"),
        ({"StudyInstanceUID": ",".join(["1.2"] * 1001)}, "more than 1000 UIDs"),
        ({"PatientID": "x" * 1025}, "too long"),
        ({"PatientID": "a\0b"}, "NUL"),
        ({"PatientName": "*a" * 9}, "more than 8 stars"),
        ({"Modality": "CT"}, "cannot be searched by at the study level"),
        ({"NumberOfStudyRelatedSeries": "1"}, "cannot be searched by"),
        ({"state": "answered"}, "cannot be searched by"),
    ],
)
def test_what_has_no_meaning_is_refused(
    store: Store, query: dict[str, str], message: str
) -> None:
    with pytest.raises(QueryError, match=message), store.read() as connection:
        search_studies(connection, query)


def test_rows_carry_their_attributes(filled: Store) -> None:
    with filled.read() as connection:
        (study,) = search_studies(connection, {"PatientID": "P1"})
        (one,) = search_instances(connection, {"SOPInstanceUID": "1.2.1.2"})
    assert study["PatientName"] == "Smith^John"
    assert modalities_of(study["ModalitiesInStudy"]) == ["CT", "SR"]
    assert study["NumberOfStudyRelatedInstances"] == 4
    assert (one["study"], one["series"], one["instance"]) == (2, 21, 212)
    assert (one["StudyInstanceUID"], one["SeriesInstanceUID"]) == ("1.2", "1.2.1")
    assert (one["digest"], one["Modality"], one["PatientID"]) == ("212", "CR", "P2")
    for level in ATTRIBUTES.values():
        assert set(level) <= set(one)


def test_order_and_pages(filled: Store) -> None:
    with filled.read() as connection:
        whole = [row["study"] for row in search_studies(connection, {})]
        pages = [
            row["study"]
            for offset in range(0, 8, 2)
            for row in search_studies(connection, {}, limit=2, offset=offset)
        ]
        assert search_studies(connection, {}, limit=0) == []
    assert whole == pages == [4, 3, 2, 1, 6, 5]  # newest date first, none last


def test_lower_levels(filled: Store) -> None:
    with filled.read() as connection:
        of_study = search_series(connection, {"StudyInstanceUID": "1.3"})
        reports = search_series(connection, {"Modality": "SR", "PatientID": "P?"})
        of_series = search_instances(
            connection, {"StudyInstanceUID": "1.3", "SeriesInstanceUID": "1.3.1"}
        )
        by_name = search_instances(connection, {"PatientName": "smith^j*"}, limit=3)
    assert [row["series"] for row in of_study] == [32, 31]  # by number
    assert [row["series"] for row in reports] == [22, 12]
    assert [row["instance"] for row in of_series] == [312, 311]  # by number
    assert [row["instance"] for row in by_name] == [222, 221, 212]  # newest first


def test_what_is_searchable() -> None:
    assert is_searchable("study", "PatientID")
    assert is_searchable("instance", "Modality")
    assert not is_searchable("study", "Modality")
    assert not is_searchable("study", "NumberOfStudyRelatedSeries")
    assert not is_searchable("study", "Nonsense")


def test_a_page_has_a_limit(store: Store) -> None:
    with pytest.raises(QueryError, match="wanted 0 to 5000"), store.read() as c:
        search_studies(c, {}, limit=5001)
    with pytest.raises(QueryError, match="offset"), store.read() as c:
        search_studies(c, {}, offset=-1)


_VALUES: Any = st.text("aAbB[]%_\\*?'\"-^=é", min_size=1, max_size=6)


@given(value=_VALUES, pattern=_VALUES)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_wildcards_are_those_of_dicom_alone(
    store: Store, value: str, pattern: str
) -> None:
    if pattern.count("*") > 8:
        return
    form = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    wanted = [1] if re.fullmatch(form, value) or not pattern.strip("*") else []
    with store.begin() as connection:
        connection.execute(sa.delete(studies))
        connection.execute(
            sa.insert(studies).values(
                id=1, study_uid="1.2", patient_id=value, received_at=1.0, last_at=1.0
            )
        )
    assert found(store, PatientID=pattern) == wanted
