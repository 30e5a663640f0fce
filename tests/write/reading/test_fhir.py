"""The report as FHIR: right by an independent model of R4, and in its content."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from medlens.write.reading.fhir import to_report_fhir
from medlens.write.reading.text import to_report_text
from tests.write.dicom_sources import radiograph, series
from tests.write.reading.reports import basis_of, report_of
from tests.write.test_fhir import of_kind, walk

PDF = b"%PDF-1.4 odd"


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("is_signed", [True, False])
def test_an_independent_model_of_r4_takes_it(lang: Any, is_signed: bool) -> None:
    models = pytest.importorskip(
        "fhirclient.models.bundle", reason="fhirclient (R4 models) is not installed"
    )
    for sources in (series(), [radiograph()]):
        report = report_of(lang, is_signed=is_signed)
        bundle = to_report_fhir(report, basis_of(sources), pdf=PDF)
        plain = json.loads(json.dumps(bundle, allow_nan=False))
        read = models.Bundle(plain, strict=True)
        assert len(read.as_json()["entry"]) == 4


def test_invariants_of_r4_hold() -> None:
    bundle = to_report_fhir(report_of(), basis_of(series()))
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(urls)) == len(urls)  # bdl-7
    for value in walk(bundle):
        assert value not in ("", [], {}, None)  # ele-1
        if isinstance(value, dict) and "reference" in value:
            assert value["reference"] in urls


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "final"),
        ({"version": 3, "amends": 1}, "amended"),
        ({"is_signed": False}, "preliminary"),
    ],
)
def test_its_status_follows_the_signature(changes: dict[str, Any], status: str) -> None:
    report = report_of(**changes)
    bundle = to_report_fhir(report, basis_of(series()))
    (found,) = of_kind(bundle, "DiagnosticReport")
    assert found["status"] == status
    assert found["identifier"][1]["value"] == str(report.version)
    first = to_report_fhir(report_of(), basis_of(series()))
    (other,) = of_kind(first, "DiagnosticReport")
    assert found["identifier"][0] == other["identifier"][0]


def test_it_holds_what_people_read() -> None:
    report = report_of("zh")
    bundle = to_report_fhir(report, basis_of(series()), pdf=PDF)
    (found,) = of_kind(bundle, "DiagnosticReport")
    pdf, text = found["presentedForm"]
    assert (pdf["contentType"], base64.b64decode(pdf["data"])) == (
        "application/pdf",
        PDF,
    )
    assert base64.b64decode(text["data"]).decode() == to_report_text(report).strip()
    assert found["conclusion"] == "出血。"
    (reader,) = of_kind(bundle, "Practitioner")
    assert reader["name"] == [{"text": "dr.wang"}]
    (study,) = of_kind(bundle, "ImagingStudy")
    assert [each["numberOfInstances"] for each in study["series"]] == [4]
    (patient,) = of_kind(bundle, "Patient")
    assert patient["identifier"][0]["value"] == "P-1"
