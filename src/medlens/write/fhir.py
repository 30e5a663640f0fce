"""A diagnosis as FHIR R4: a Bundle of one DiagnosticReport and what it rests on.

Everything is preliminary: no reader has seen it. Patient and study are named by their
identifiers, so that the receiver joins them to its own.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from datetime import datetime

from pydicom.dataset import Dataset

from medlens.core.diagnosis import Algorithm, Code, Diagnosis
from medlens.core.terms import Lang
from medlens.write import codes
from medlens.write.fhir_observations import CATEGORY, Frame, observations
from medlens.write.fhir_values import (
    LANGUAGES,
    Json,
    coded,
    coding,
    string,
    uid_identifier,
)
from medlens.write.source import clean_sources
from medlens.write.stamp import Stamp, derive_uuid, make_stamp, writing
from medlens.write.text import to_conclusion, to_text

IMAGING_STUDY = Code("18748-4", "LN", "Diagnostic imaging study")
RADIOLOGY = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/v2-0074",
            "code": "RAD",
            "display": "Radiology",
        }
    ]
}
URI = "urn:ietf:rfc:3986"
GENDERS = {"M": "male", "F": "female", "O": "other"}


def to_fhir(
    diagnosis: Diagnosis,
    sources: Sequence[Dataset] = (),
    *,
    lang: Lang = "en",
    key: str = "",
    when: datetime | None = None,
) -> Json:
    """A JSON-ready Bundle of type collection.

    It holds the DiagnosticReport, an Observation for each assessment and each finding,
    a Device for each bundle, and, of DICOM sources, Patient and ImagingStudy.

    Args:
        diagnosis: of one study.
        sources: headers of its DICOM images; () where they are none.
        lang: of the texts.
        key: ids are derived from it; by default from diagnosis, sources and lang.
        when: it was made; now by default.

    Raises:
        ReadError: a source has no usable UIDs.
    """
    cleaned = clean_sources(sources) if sources else []
    with writing("FHIR"):
        stamp = make_stamp("fhir", diagnosis, cleaned, key=key, lang=lang, when=when)
        resources = dict(_resources(diagnosis, cleaned, stamp, lang))
        return {
            "resourceType": "Bundle",
            "id": str(_uuid(stamp, "bundle")),
            "identifier": {"system": URI, "value": _full_url(stamp, "bundle")},
            "type": "collection",
            "timestamp": _instant(stamp),
            "entry": [
                {
                    "fullUrl": _full_url(stamp, name),
                    "resource": {
                        "resourceType": resource["resourceType"],
                        "id": str(_uuid(stamp, name)),
                        "language": LANGUAGES[lang],
                    }
                    | resource,
                }
                for name, resource in resources.items()
            ],
        }


def _uuid(stamp: Stamp, name: str) -> object:
    return derive_uuid(stamp.key, stamp.kind, name)


def _full_url(stamp: Stamp, name: str) -> str:
    return f"urn:uuid:{_uuid(stamp, name)}"


def _instant(stamp: Stamp) -> str:
    return stamp.when.isoformat(timespec="seconds")


def _resources(
    diagnosis: Diagnosis, sources: Sequence[Dataset], stamp: Stamp, lang: Lang
) -> list[tuple[str, Json]]:
    common = {"status": "preliminary", **_context(sources, stamp)}
    frame = Frame(
        common={**common, "category": [CATEGORY], "issued": _instant(stamp)},
        full_url=lambda name: _full_url(stamp, name),
        lang=lang,
    )
    results = list(observations(diagnosis, frame))
    if sources:
        for _, observation in results:
            observation["derivedFrom"] = [{"reference": _full_url(stamp, "study")}]
    report = _report(diagnosis, common, stamp, lang)
    report["result"] = [{"reference": _full_url(stamp, name)} for name, _ in results]
    if sources:
        report["imagingStudy"] = [{"reference": _full_url(stamp, "study")}]
    devices = [
        (f"device {number}", _device(assessment.algorithm, lang))
        for number, assessment in enumerate(diagnosis.assessments, start=1)
    ]
    about = (
        [
            ("patient", patient_of(sources[0])),
            ("study", _study(sources, stamp)),
        ]
        if sources
        else []
    )
    return [("report", report), *results, *devices, *about]


def _context(sources: Sequence[Dataset], stamp: Stamp) -> Json:
    """Subject and time, as far as the source tells them."""
    if not sources:
        return {}
    made: Json = {"subject": {"reference": _full_url(stamp, "patient")}}
    day = to_date(sources[0].get("StudyDate", ""))
    return made | ({"effectiveDateTime": day} if day else {})


def _report(diagnosis: Diagnosis, common: Json, stamp: Stamp, lang: Lang) -> Json:
    text = to_text(diagnosis, lang=lang)
    found = [
        coded(codes.label_code(finding.label, finding.code))
        for assessment in diagnosis.assessments
        for finding in assessment.findings
        if finding.is_present
    ]
    report: Json = {
        "resourceType": "DiagnosticReport",
        "text": {"status": "generated", "div": _div(text)},
        **common,
        "identifier": [{"system": URI, "value": _full_url(stamp, "report")}],
        "category": [RADIOLOGY],
        "code": coded(IMAGING_STUDY),
        "issued": _instant(stamp),
        "conclusion": string(
            f"{to_conclusion(diagnosis, lang=lang)}\n{codes.NOTICES[lang]}"
        ),
        "presentedForm": [
            {
                "contentType": "text/plain; charset=utf-8",
                "language": LANGUAGES[lang],
                "data": base64.b64encode(string(text).encode()).decode(),
                "title": codes.CORNER[lang],
            }
        ],
    }
    return report | ({"conclusionCode": found} if found else {})


def _div(text: str) -> str:
    return (
        '<div xmlns="http://www.w3.org/1999/xhtml"><pre>'
        f"{html.escape(string(text))}</pre></div>"
    )


def _device(algorithm: Algorithm, lang: Lang) -> Json:
    """The bundle: its digest says exactly which weights, its version what ran them."""
    device: Json = {
        "resourceType": "Device",
        "identifier": [
            {"system": "urn:medlens:bundle:sha256", "value": string(algorithm.digest)}
        ],
        "status": "active",
        "manufacturer": "medlens",
        "deviceName": [{"name": string(algorithm.name), "type": "model-name"}],
        "version": [{"value": string(algorithm.version)}],
        "property": [
            {"type": {"text": name}, "valueCode": [{"text": string(value)}]}
            for name, value in (("form", algorithm.form), ("kind", algorithm.kind))
            if value
        ],
        "note": [{"text": codes.NOTICES[lang]}],
    }
    if algorithm.intended_use:
        device["note"].append({"text": string(algorithm.intended_use)})
    return {name: value for name, value in device.items() if value}


def patient_of(source: Dataset) -> Json:
    """Patient, as the header of a clean source tells it."""
    identifier: Json = {"value": string(str(source.PatientID))}
    if source.get("IssuerOfPatientID"):
        identifier["assigner"] = {"display": string(source.IssuerOfPatientID)}
    patient: Json = {"resourceType": "Patient"}
    if source.PatientID:
        patient["identifier"] = [identifier]
    names = [_name(group) for group in str(source.PatientName).split("=")]
    if any(names):
        patient["name"] = [name for name in names if name]
    if source.PatientSex in GENDERS:
        patient["gender"] = GENDERS[source.PatientSex]
    birth = to_date(source.PatientBirthDate)
    return patient | ({"birthDate": birth} if birth else {})


def _name(group: str) -> Json:
    """One group of a PN: family, given, middle, prefix, suffix (PS3.5 6.2.1.2)."""
    parts = [string(part) if part.strip() else "" for part in group.split("^")]
    family, given, middle, prefix, suffix = [*parts, "", "", "", "", ""][:5]
    name: Json = {}
    if family:
        name["family"] = family
    if given or middle:
        name["given"] = [part for part in (given, middle) if part]
    if prefix:
        name["prefix"] = [prefix]
    if suffix:
        name["suffix"] = [suffix]
    return name


def _study(sources: Sequence[Dataset], stamp: Stamp) -> Json:
    """The study as its UIDs name it, with the images that were handed in."""
    first = sources[0]
    identifiers = [uid_identifier(first.StudyInstanceUID)]
    if first.AccessionNumber:
        identifiers.append(accession(first.AccessionNumber))
    series: dict[str, list[Dataset]] = {}
    for source in sources:
        series.setdefault(str(source.SeriesInstanceUID), []).append(source)
    study: Json = {
        "resourceType": "ImagingStudy",
        "identifier": identifiers,
        "status": "available",
        "subject": {"reference": _full_url(stamp, "patient")},
        "series": [_series(uid, images) for uid, images in series.items()],
    }
    started = to_date(first.StudyDate)
    return study | ({"started": started} if started else {})


def accession(number: str) -> Json:
    """The Identifier of an accession number."""
    return {
        "type": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/v2-0203",
                    "code": "ACSN",
                }
            ]
        },
        "value": string(number),
    }


def _series(uid: str, images: Sequence[Dataset]) -> Json:
    modality = str(images[0].get("Modality", "")) or "OT"
    return {
        "uid": uid,
        "modality": coding(Code(modality, "DCM", modality)),
        "instance": [
            {
                "uid": str(image.SOPInstanceUID),
                "sopClass": {"system": URI, "code": f"urn:oid:{image.SOPClassUID}"},
            }
            for image in images
        ],
    }


def to_date(text: str) -> str:
    """DA → FHIR date; "" where there is none."""
    text = str(text or "")
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 else ""
