"""FHIR: right by an independent model of R4, by its invariants, and in its content."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from medlens.core.diagnosis import Diagnosis
from medlens.core.prediction import OutOfDistribution
from medlens.write import to_conclusion, to_fhir, to_text
from tests.write.answers import BLEEDING, rich_diagnosis
from tests.write.dicom_sources import (
    OBLIQUE,
    radiograph,
    series,
    ultrasound,
)

SOURCES = {
    "ct": lambda: series(),
    "mr": lambda: series("MR", orientation=OBLIQUE),
    "dx": lambda: [radiograph()],
    "us clip": lambda: [ultrasound(frames=3)],
    "none": list,
}
WHEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def of_kind(bundle: Any, kind: str) -> list[Any]:
    found = [entry["resource"] for entry in bundle["entry"]]
    return [resource for resource in found if resource["resourceType"] == kind]


def observation(bundle: Any, code: str) -> Any:
    """The only Observation of a code."""
    (found,) = (
        one
        for one in of_kind(bundle, "Observation")
        if one["code"]["coding"][0]["code"] == code
    )
    return found


def parts(one: Any) -> dict[str, Any]:
    """Code of each component → its value."""
    return {
        part["code"]["coding"][0]["code"]: next(
            value for name, value in part.items() if name.startswith("value")
        )
        for part in one["component"]
    }


def walk(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, dict):
        for each in value.values():
            yield from walk(each)
    elif isinstance(value, list):
        for each in value:
            yield from walk(each)


def made(kind: str, lang: Any = "en") -> tuple[Any, Diagnosis]:
    sources = SOURCES[kind]()
    diagnosis = rich_diagnosis(sources or series())
    return to_fhir(diagnosis, sources, lang=lang, when=WHEN), diagnosis


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("kind", SOURCES)
def test_an_independent_model_of_r4_takes_it(kind: str, lang: Any) -> None:
    models = pytest.importorskip(
        "fhirclient.models.bundle", reason="fhirclient (R4 models) is not installed"
    )
    bundle, _ = made(kind, lang)
    plain = json.loads(json.dumps(bundle, allow_nan=False))
    read = models.Bundle(plain, strict=True)
    assert len(read.as_json()["entry"]) == len(bundle["entry"])


@pytest.mark.parametrize("kind", SOURCES)
def test_invariants_of_r4_hold(kind: str) -> None:
    bundle, _ = made(kind)
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(urls)) == len(urls)  # bdl-7
    for value in walk(bundle):
        assert value not in ("", [], {}, None)  # ele-1
        if isinstance(value, dict) and "reference" in value:
            assert value["reference"] in urls
    for one in of_kind(bundle, "Observation"):
        has_value = any(name.startswith("value") for name in one)
        assert has_value != ("dataAbsentReason" in one)  # obs-6
        codes = [part["code"] for part in one.get("component", [])]
        assert one["code"] not in codes  # obs-7
    assert all(one["status"] == "preliminary" for one in of_kind(bundle, "Observation"))


def test_the_report_says_what_the_text_says() -> None:
    for lang, notice in (("en", "not verified"), ("zh", "未经核实")):
        bundle, diagnosis = made("ct", lang)
        (report,) = of_kind(bundle, "DiagnosticReport")
        assert report["status"] == "preliminary"
        assert report["category"][0]["coding"][0]["code"] == "RAD"
        assert report["conclusion"].startswith(to_conclusion(diagnosis, lang=lang))
        assert notice in report["conclusion"]
        text = base64.b64decode(report["presentedForm"][0]["data"]).decode()
        assert text.strip() == to_text(diagnosis, lang=lang).strip()
        (code,) = report["conclusionCode"]
        assert code["coding"][0]["code"] == BLEEDING.value
        assert report["effectiveDateTime"] == "2026-01-02"
        assert report["issued"] == "2026-03-04T05:06:07+00:00"


def test_a_finding_is_told_in_full() -> None:
    bundle, _ = made("ct")
    one = observation(bundle, BLEEDING.value)
    assert one["valueCodeableConcept"]["coding"][0]["display"] == "Present"
    assert one["interpretation"][0]["coding"][0]["code"] == "POS"
    assert one["bodySite"]["coding"][0] == {
        "code": "69536005",
        "system": "http://snomed.info/sct",
        "display": "Head",
    }
    found = parts(one)
    assert found["PROBABILITY"]["value"] == 0.91234567890123
    assert found["103339001"] == {
        "value": 12.34567,
        "unit": "mm",
        "system": "http://unitsofmeasure.org",
        "code": "mm",
    }
    assert found["THRESHOLD"]["value"] == 0.4
    assert found["OPERATING_POINT"] == "sensitivity 95 %"
    assert found["LABEL"] == "haemorrhage"
    assert found["SLICE_NUMBER"] == 3
    assert found["SLICES"] == "1-2, 4"
    assert found["BOX"] == "4, 5.5, 12.25, 15"
    centre = [found[f"CENTRE_{axis}"]["value"] for axis in "XYZ"]
    assert centre == [1.25, -2.5, 33.75]
    assert found["272741003"]["coding"][0]["display"] == "Left"
    assert found["TREND"]["coding"][0]["code"] == "LARGER"
    assert found["PRIOR_VOLUME"]["value"] == 0.75
    assert (found["PRIOR_PROB"]["value"], found["PRIOR_DAYS"]["value"]) == (0.6, 91)
    absent = next(
        one
        for one in of_kind(bundle, "Observation")
        if one["code"]["text"].startswith("midline shift")
    )
    assert absent["interpretation"][0]["coding"][0]["code"] == "NEG"
    assert absent["code"]["coding"][0]["system"].startswith("urn:oid:2.25.")


def test_assessments_say_what_to_do_or_why_not() -> None:
    bundle, diagnosis = made("ct")
    first, second = (
        one
        for one in of_kind(bundle, "Observation")
        if one["code"]["coding"][0]["code"] == "ASSESSMENT"
    )
    assert first["valueCodeableConcept"]["coding"][0]["code"] == "REFER"
    assert [note["text"] for note in first["note"]] == list(
        diagnosis.assessments[0].notes
    )
    labels = [
        part["valueString"]
        for part in first["component"]
        if part["code"]["coding"][0]["code"] == "PREDICTION_SET"
    ]
    assert labels == ["haemorrhage", "normal"]
    found = parts(first)
    assert (found["COVERAGE"]["value"], found["OUTSIDE"]) == (0.9, False)
    assert found["OUTSIDE_SCORE"]["value"] == 1.5
    assert len(first["hasMember"]) == 2
    assert second["dataAbsentReason"]["text"] == "the slices lie unevenly"
    left = [
        (one["valueString"], parts(one)["LEFT_OUT_REASON"])
        for one in of_kind(bundle, "Observation")
        if one["code"]["coding"][0]["code"] == "LEFT_OUT"
    ]
    assert left == list(diagnosis.left_out)
    assert observation(bundle, "HAS_PRIOR")["valueBoolean"] is True


def test_patient_study_and_device_are_named() -> None:
    bundle, diagnosis = made("ct")
    (patient,) = of_kind(bundle, "Patient")
    assert patient["identifier"] == [{"value": "P-1"}]
    assert patient["name"][0] == {"family": "Phantom", "given": ["Petra"]}
    assert patient["name"][1] == {"family": "范", "given": ["彼"]}
    assert (patient["gender"], patient["birthDate"]) == ("female", "1970-02-03")
    (study,) = of_kind(bundle, "ImagingStudy")
    assert study["identifier"][0] == {
        "system": "urn:dicom:uid",
        "value": f"urn:oid:{diagnosis.study_uid}",
    }
    assert len(study["series"][0]["instance"]) == 4
    first, second = of_kind(bundle, "Device")
    assert first["identifier"][0]["value"] == "ab" * 32
    assert second["deviceName"][0]["name"] == "head-4"
    assert first["version"] == [{"value": "0.9.1"}]


def test_images_that_are_no_dicom_name_no_patient() -> None:
    bundle, _ = made("none")
    assert not of_kind(bundle, "Patient")
    assert not of_kind(bundle, "ImagingStudy")
    assert "subject" not in of_kind(bundle, "DiagnosticReport")[0]


def test_the_same_answer_is_the_same_bundle() -> None:
    assert made("ct")[0] == made("ct")[0]
    diagnosis = rich_diagnosis(series())
    other = to_fhir(replace(diagnosis, has_prior=False), series(), when=WHEN)
    assert other["id"] != made("ct")[0]["id"]


def test_hostile_words_stay_words() -> None:
    diagnosis = rich_diagnosis(series())
    finding = replace(
        diagnosis.assessments[0].findings[0],
        label="<script>\x00\x1b[2J\ud800",
        code=None,
    )
    assessment = replace(
        diagnosis.assessments[0],
        findings=(finding,),
        out_of_distribution=OutOfDistribution(1.0, float("inf"), False),
    )
    bundle = to_fhir(replace(diagnosis, assessments=(assessment,)), series())
    text = json.dumps(bundle, allow_nan=False)
    assert "\\u001b" not in text
    assert "\\u0000" not in text
    assert "\\ud800" not in text
    (report,) = of_kind(bundle, "DiagnosticReport")
    assert "<script>" not in report["text"]["div"]


def test_a_structure_is_neither_positive_nor_negative() -> None:
    sources = series()
    whole = rich_diagnosis(sources)
    item = whole.assessments[0]
    brain = replace(item.findings[0], label="brain", code=None, is_present=True)
    made = replace(whole, assessments=(replace(item, findings=(brain,)),))
    for lang, word in (("en", "Present"), ("zh", "存在")):
        found = to_fhir(made, sources, lang=lang)
        texts = [one["code"]["text"] for one in of_kind(found, "Observation")]
        name = "brain" if lang == "en" else "脑"
        one = of_kind(found, "Observation")[texts.index(name)]
        assert "interpretation" not in one
        assert one["valueCodeableConcept"]["text"] == word
