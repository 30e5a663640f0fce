"""A reader's report as FHIR R4: a Bundle of one DiagnosticReport and whom it names.

`final` when it is signed, `amended` when it takes the place of one that was, and
`preliminary` before. The form that people read, PDF and text, is within it.
"""

from __future__ import annotations

import base64
import html
from collections import Counter

from pydicom.dataset import Dataset

from medlens.core.diagnosis import Code
from medlens.write.fhir import (
    IMAGING_STUDY,
    RADIOLOGY,
    URI,
    accession,
    patient_of,
    to_date,
)
from medlens.write.fhir_values import (
    LANGUAGES,
    Json,
    coded,
    coding,
    string,
    uid_identifier,
)
from medlens.write.reading.basis import Basis, stamp_of
from medlens.write.reading.content import Report
from medlens.write.reading.text import title_of, to_report_text
from medlens.write.source import clean_source
from medlens.write.stamp import derive_uuid, writing

_VERSION = "urn:medlens:report:version"


def to_report_fhir(report: Report, basis: Basis, *, pdf: bytes = b"") -> Json:
    """A JSON-ready Bundle of type collection.

    It holds DiagnosticReport, Practitioner, Patient and ImagingStudy.

    Args:
        report: of a study.
        basis: what it is about.
        pdf: of `to_report_pdf`, or nothing.

    Raises:
        ReadError: the header has no usable UIDs.
    """
    with writing("FHIR"):
        source = clean_source(basis.header)
        key = stamp_of("fhir", report, source).key
        resources = {
            "report": _report(report, source, pdf, key),
            "reader": _reader(report),
            "patient": patient_of(source),
            "study": _study(source, basis, key),
        }
        return {
            "resourceType": "Bundle",
            "id": _id(key, "bundle"),
            "identifier": {"system": URI, "value": _url(key, "bundle")},
            "type": "collection",
            "timestamp": report.made_at.isoformat(timespec="seconds"),
            "entry": [
                {
                    "fullUrl": _url(key, name),
                    "resource": {
                        "resourceType": resource["resourceType"],
                        "id": _id(key, name),
                        "language": LANGUAGES[report.content.lang],
                    }
                    | resource,
                }
                for name, resource in resources.items()
            ],
        }


def _id(key: str, name: str) -> str:
    return str(derive_uuid(key, "reading", name))


def _url(key: str, name: str) -> str:
    return f"urn:uuid:{_id(key, name)}"


def _report(report: Report, source: Dataset, pdf: bytes, key: str) -> Json:
    text = to_report_text(report)
    said = report.content.impression.strip() or report.content.findings.strip()
    made: Json = {
        "resourceType": "DiagnosticReport",
        "text": {"status": "generated", "div": _div(text)},
        # The same for every version of a study's report.
        "identifier": [
            {"system": URI, "value": _url(str(source.StudyInstanceUID), "report")},
            {"system": _VERSION, "value": str(report.version)},
        ],
        "status": _status(report),
        "category": [RADIOLOGY],
        "code": coded(IMAGING_STUDY),
        "subject": {"reference": _url(key, "patient")},
        "issued": report.made_at.isoformat(timespec="seconds"),
        "resultsInterpreter": [{"reference": _url(key, "reader")}],
        "imagingStudy": [{"reference": _url(key, "study")}],
        "conclusion": string(said),
        "presentedForm": _forms(report, text, pdf),
    }
    day = to_date(source.StudyDate)
    return made | ({"effectiveDateTime": day} if day else {})


def _status(report: Report) -> str:
    if not report.is_signed:
        return "preliminary"
    return "final" if report.amends is None else "amended"


def _forms(report: Report, text: str, pdf: bytes) -> list[Json]:
    language, title = LANGUAGES[report.content.lang], title_of(report)
    forms = [("application/pdf", pdf)] if pdf else []
    forms.append(("text/plain; charset=utf-8", string(text).encode()))
    return [
        {
            "contentType": kind,
            "language": language,
            "data": base64.b64encode(data).decode(),
            "title": title,
        }
        for kind, data in forms
    ]


def _div(text: str) -> str:
    return (
        '<div xmlns="http://www.w3.org/1999/xhtml"><pre>'
        f"{html.escape(string(text))}</pre></div>"
    )


def _reader(report: Report) -> Json:
    return {
        "resourceType": "Practitioner",
        "identifier": [
            {"system": "urn:medlens:account", "value": string(report.author)}
        ],
        "name": [{"text": string(report.author)}],
    }


def _study(source: Dataset, basis: Basis, key: str) -> Json:
    """The study as its UIDs name it, with its series."""
    identifiers = [uid_identifier(source.StudyInstanceUID)]
    if source.AccessionNumber:
        identifiers.append(accession(source.AccessionNumber))
    counts = Counter(image.series_uid for image in basis.images)
    series = [
        {
            "uid": uid,
            "modality": coding(_modality(basis.series.get(uid, ""))),
            "numberOfInstances": count,
        }
        for uid, count in counts.items()
    ]
    started = to_date(source.StudyDate)
    return {
        "resourceType": "ImagingStudy",
        "identifier": identifiers,
        "status": "available",
        "subject": {"reference": _url(key, "patient")},
        **({"started": started} if started else {}),
        **({"series": series} if series else {}),
    }


def _modality(name: str) -> Code:
    return Code(name or "OT", "DCM", name or "OT")
