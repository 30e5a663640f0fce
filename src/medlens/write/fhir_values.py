"""FHIR R4 data types from values of a diagnosis, as JSON-ready dicts."""

from __future__ import annotations

import math
import re
from typing import Any

from medlens.core.diagnosis import Code
from medlens.core.terms import Lang
from medlens.write import codes
from medlens.write.codes import concept
from medlens.write.stamp import derive_uid

Json = dict[str, Any]

UCUM = "http://unitsofmeasure.org"
DICOM_UID = "urn:dicom:uid"
SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "RADLEX": "http://www.radlex.org",
    "LN": "http://loinc.org",
    codes.SCHEME: f"urn:oid:{derive_uid(codes.SCHEME)}",
}
LANGUAGES = {"en": "en", "zh": "zh-CN"}

# What a FHIR string may not hold (R4, 2.24.0.1).
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]+")
_LONGEST = 100_000


def string(text: str) -> str:
    """Never empty, without control characters."""
    return _UNSEEN.sub(" ", text).strip()[:_LONGEST] or "-"


def coding(code: Code) -> Json:
    """Coding; without a system where FHIR has no name for the scheme."""
    made = {"code": re.sub(r"\s+", " ", string(code.value))}
    if code.scheme in SYSTEMS:
        made["system"] = SYSTEMS[code.scheme]
    return made | {"display": string(code.meaning)}


def coded(code: Code, text: str = "") -> Json:
    """CodeableConcept."""
    return {"coding": [coding(code)], "text": string(text or code.meaning)}


def quantity(value: float, unit: str) -> Json:
    """Quantity in UCUM, with the exact number."""
    return {
        "value": value,
        "unit": "pixels" if unit == "{pixels}" else unit,
        "system": UCUM,
        "code": unit,
    }


def part(code: Code, **value: Any) -> Json:
    """Observation.component: a name and one value[x]."""
    return {"code": coded(code), **value}


def number_parts(
    name: str, value: float | None, lang: Lang, unit: str = "1"
) -> list[Json]:
    """One component with a Quantity, or none where there is no finite number."""
    if value is None or not math.isfinite(value):
        return []
    return [part(concept(name, lang), valueQuantity=quantity(value, unit))]


def text_parts(name: str, text: str, lang: Lang) -> list[Json]:
    """One component with a string, or none for an empty one."""
    return [part(concept(name, lang), valueString=string(text))] if text else []


def value_part(name: str, value: str, lang: Lang) -> Json:
    """A component with one of the words of `core.diagnosis`."""
    code = codes.value(value, lang)
    return part(concept(name, lang), valueCodeableConcept=coded(code))


def uid_identifier(uid: str) -> Json:
    """A DICOM UID as Identifier (R4, ImagingStudy 8.9.5)."""
    return {"system": DICOM_UID, "value": f"urn:oid:{uid}"}
