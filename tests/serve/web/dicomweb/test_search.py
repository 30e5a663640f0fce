"""QIDO-RS against a small index whose answers are known by hand."""

from __future__ import annotations

from typing import Any

import pytest

from medlens.serve.receive.wrap import derive_uid
from tests.serve.receive.files import dicom
from tests.serve.web.dicomweb.conftest import Served

NAME = "<script>alert(1)</script>^Ann=山田^太郎"


def fill(served: Served) -> None:
    """Two studies of Ann (MR and CT, MR), one of Bob (MR)."""
    served.put(
        dicom(0, text="a", StudyDate="20260105", PatientName=NAME, Rows=4),
        dicom(1, text="a", StudyDate="20260105", PatientName=NAME),
        dicom(2, text="a", StudyDate="20260105", PatientName=NAME, Modality="CT",
              SeriesInstanceUID="1.2.3", SeriesNumber=2),
        dicom(0, text="b", StudyDate="20260210", PatientName=NAME, StudyID="x_y"),
        dicom(0, text="c", StudyDate="20260310", PatientName="Bob", PatientID="P2",
              StudyID="xzy", AccessionNumber="A*1"),
    )  # fmt: skip


def study(text: str) -> str:
    return derive_uid("study", "P1", text)


def ids(found: list[dict[str, Any]], tag: str = "0020000D") -> list[str]:
    return [each[tag]["Value"][0] for each in found]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", ["c", "b", "a"]),
        ("PatientID=P1", ["b", "a"]),
        ("00100020=P1", ["b", "a"]),
        ("PatientName=*Ann*", ["b", "a"]),
        ("PatientName=bob", ["c"]),
        ("PatientName=B?b", ["c"]),
        ("StudyDate=20260105", ["a"]),
        ("StudyDate=20260101-20260228", ["b", "a"]),
        ("StudyDate=20260201-", ["c", "b"]),
        ("StudyDate=-20260105", ["a"]),
        ("ModalitiesInStudy=CT", ["a"]),
        ("ModalitiesInStudy=MR", ["c", "b", "a"]),
        (f"StudyInstanceUID={study('a')},{study('b')}", ["b", "a"]),
        (f"StudyInstanceUID={study('a')}&StudyInstanceUID={study('b')}", ["b", "a"]),
        (f"StudyInstanceUID={study('a')}%5C{study('b')}", ["b", "a"]),
        ("StudyID=x_y", ["b"]),
        ("StudyID=x?y", ["c", "b"]),
        ("PatientID=' OR 1=1 --", []),
        ("PatientID=%25", []),
        ("PatientID=P1&StudyDate=20260210", ["b"]),
        ("limit=1", ["c"]),
        ("limit=1&offset=1", ["b"]),
        ("offset=3", []),
    ],
)
def test_studies_are_found(served: Served, query: str, wanted: list[str]) -> None:
    fill(served)
    reply = served.client.get(f"/studies?{query}")
    assert reply.status_code == (200 if wanted else 204)
    found = ids(reply.json()) if wanted else []
    uids = {study("a"): "a", study("b"): "b"}
    assert [uids.get(uid, "c") for uid in found] == wanted


def test_a_study_tells_what_the_standard_wants(quick: Served) -> None:
    fill(quick)
    reply = quick.client.get(f"/studies?StudyInstanceUID={study('a')}")
    (found,) = reply.json()
    values = {tag: entry.get("Value") for tag, entry in found.items()}
    assert values["00080020"] == ["20260105"]
    assert sorted(values["00080061"]) == ["CT", "MR"]
    assert values["00201206"] == [2]
    assert values["00201208"] == [3]
    assert values["00080056"] == ["ONLINE"]
    assert values["00081190"] == [f"{quick.url}/dicom-web/studies/{study('a')}"]
    assert values["00100010"] == [
        {"Alphabetic": "<script>alert(1)</script>^Ann", "Ideographic": "山田^太郎"}
    ]
    assert found["00080050"] == {"vr": "SH"}
    assert "00081030" not in found
    # Even read as a page, nothing of it runs.
    assert "<" not in reply.text
    assert reply.headers["content-type"] == "application/dicom+json"
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_fields_are_included_when_asked_for(quick: Served) -> None:
    fill(quick)
    base = f"/studies?StudyInstanceUID={study('a')}&includefield="
    for asked in ("StudyDescription", "00081030", "StudyDate,00081030", "all"):
        assert "00081030" in quick.client.get(base + asked).json()[0]
    rows = quick.client.get(f"/studies/{study('a')}/instances?includefield=00280100")
    assert [each["00280100"]["Value"] for each in rows.json()] == [[16]] * 3
    whole = quick.client.get(f"/studies/{study('a')}/instances?includefield=all")
    assert "BulkDataURI" in whole.json()[0]["7FE00010"]


def test_levels_below_and_relational_searches(served: Served) -> None:
    fill(served)
    client, root = served.client, f"/studies/{study('a')}"
    series = client.get(f"{root}/series").json()
    assert [each["00080060"]["Value"] for each in series] == [["MR"], ["CT"]]
    assert [each["00201209"]["Value"] for each in series] == [[2], [1]]
    assert "00100020" not in series[0]  # the address names the study
    assert len(client.get("/series").json()) == 4
    assert ids(client.get("/series?Modality=CT").json(), "00100020") == ["P1"]
    (ct,) = client.get(f"{root}/series/1.2.3/instances").json()
    assert ct["00081190"]["Value"][0].endswith(ct["00080018"]["Value"][0])
    assert ct["00280010"]["Value"] == [4]
    assert len(client.get(f"{root}/instances").json()) == 3
    assert len(client.get("/instances?PatientID=P2").json()) == 1
    assert len(client.get("/instances?PatientID=P1&Modality=MR").json()) == 3
    assert client.get("/studies/1.2.99/series").status_code == 204


def test_what_is_left_out_is_told(quick: Served) -> None:
    fill(quick)
    warning = quick.client.get("/studies?limit=2").headers["warning"]
    assert warning.startswith("299 ")
    assert "additional results" in warning
    assert "warning" not in quick.client.get("/studies?limit=3").headers
    fuzzy = quick.client.get("/studies?fuzzymatching=true&limit=3")
    assert "Only literal matching" in fuzzy.headers["warning"]
    assert len(fuzzy.json()) == 3


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("Foo=1", "no DICOM keyword"),
        ("<script>=1", "no DICOM keyword"),
        ("00100020;drop=1", "no DICOM keyword"),
        ("SeriesDescription=x", "SeriesDescription: cannot be searched by"),
        ("RetrieveURL=x", "RetrieveURL: cannot be searched by"),
        ("StudyDate=yesterday", "wanted YYYYMMDD"),
        ("StudyInstanceUID=../../x", "wanted UIDs"),
        ("limit=-1", "limit: wanted a whole number"),
        ("limit=%D9%A1", "limit: wanted a whole number"),
        ("offset=99999999999", "offset: wanted at most"),
        ("includefield=<x>", "includefield: wanted"),
        ("PatientID=a&PatientID=b", "PatientID: is there twice"),
        ("PatientID=%00", "NUL"),
        ("&".join(f"limit={i}" for i in range(70)), "more than 64 parameters"),
    ],
)
def test_searches_that_are_not_understood_are_refused(
    quick: Served, query: str, words: str
) -> None:
    fill(quick)
    reply = quick.client.get(f"/studies?{query}")
    assert reply.status_code == 400
    assert words in reply.json()["detail"]
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("accept", "status", "kind"),
    [
        ("application/dicom+json", 200, "application/dicom+json"),
        ("application/json", 200, "application/json"),
        ("*/*", 200, "application/dicom+json"),
        ("text/html, application/xhtml+xml, */*;q=0.8", 200, "application/dicom+json"),
        ('multipart/related; type="application/dicom+xml"', 200, "multipart/related"),
        ("application/dicom+json;q=0, application/json", 200, "application/json"),
        ("text/html", 406, "application/problem+json"),
        ("application/dicom+json;q=0", 406, "application/problem+json"),
    ],
)
def test_the_form_is_negotiated(
    quick: Served, accept: str, status: int, kind: str
) -> None:
    fill(quick)
    reply = quick.client.get("/studies", headers={"Accept": accept})
    assert reply.status_code == status
    assert reply.headers["content-type"].startswith(kind)


def test_xml_holds_the_same(quick: Served) -> None:
    from xml.etree import ElementTree

    fill(quick)
    accept = {"Accept": 'multipart/related; type="application/dicom+xml"'}
    reply = quick.client.get("/studies?PatientID=P2", headers=accept)
    start, end = reply.content.index(b"<?xml"), reply.content.rindex(b">") + 1
    root = ElementTree.fromstring(reply.content[start:end])
    found = {each.get("keyword"): each for each in root}
    assert found["PatientID"].findtext("Value") == "P2"
    assert found["AccessionNumber"].get("vr") == "SH"
    name = found["PatientName"].find("PersonName/Alphabetic/FamilyName")
    assert name is not None
    assert name.text == "Bob"


def test_a_search_leaves_a_line_in_the_trail(quick: Served) -> None:
    import sqlalchemy as sa

    from medlens.serve.store.tables import trail

    fill(quick)
    quick.client.get("/studies?PatientID=P1")
    quick.client.get("/studies?PatientID=nobody")
    with quick.store.read() as connection:
        rows = connection.execute(sa.select(trail)).all()
    assert [row.action for row in rows] == ["search", "search"]
    assert rows[1].detail["studies"] == []
    assert rows[0].detail == {"level": "study", "found": 2, "studies": [1, 2]}
    assert "P1" not in str(rows[0])
