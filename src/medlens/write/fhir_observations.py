"""Observations of a diagnosis: one for each finding, one for each assessment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from medlens.core.diagnosis import (
    Assessment,
    Change,
    Code,
    Diagnosis,
    Finding,
    ImageRef,
    Place,
)
from medlens.core.terms import Lang, is_structure, name_of
from medlens.write import codes
from medlens.write.codes import concept
from medlens.write.fhir_values import (
    Json,
    coded,
    coding,
    number_parts,
    part,
    quantity,
    string,
    text_parts,
    value_part,
)
from medlens.write.report_items import to_ranges

INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
ABSENT_REASON = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
CATEGORY = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
            "code": "imaging",
            "display": "Imaging",
        }
    ]
}
KEY_IMAGE = Code("121080", "DCM", "Best illustration of finding")
SERIES = Code("112002", "DCM", "Series Instance UID")
PRESENCE = {
    True: {"en": "Present", "zh": "存在"},
    False: {"en": "Absent", "zh": "不存在"},
}
CENTRES = ("centre_x", "centre_y", "centre_z")


@dataclass(frozen=True)
class Frame:
    """What every observation of a bundle carries.

    Attributes:
        common: status, category, subject and times.
        full_url: name of a resource → its fullUrl.
        lang: of private concepts.
    """

    common: Json
    full_url: Callable[[str], str]
    lang: Lang


def observations(diagnosis: Diagnosis, frame: Frame) -> Iterator[tuple[str, Json]]:
    """(name, Observation) of the study, of each assessment and of each finding."""
    for number, assessment in enumerate(diagnosis.assessments, start=1):
        yield f"assessment {number}", _assessment(number, assessment, frame)
        for finding in assessment.findings:
            name = f"finding {number}.{finding.id}"
            yield name, _finding(number, assessment, finding, frame)
    yield (
        "prior",
        _observation(
            frame,
            code=coded(concept("has_prior", frame.lang)),
            valueBoolean=diagnosis.has_prior,
        ),
    )
    for number, (what, reason) in enumerate(diagnosis.left_out, start=1):
        yield (
            f"left out {number}",
            _observation(
                frame,
                code=coded(concept("left_out", frame.lang)),
                valueString=string(what),
                component=text_parts("left_out_reason", reason, frame.lang),
            ),
        )


def _observation(frame: Frame, **more: object) -> Json:
    return {"resourceType": "Observation", **frame.common} | {
        key: value for key, value in more.items() if value != []
    }


def _assessment(number: int, assessment: Assessment, frame: Frame) -> Json:
    lang, outside = frame.lang, assessment.out_of_distribution
    parts = [
        value_part("status", assessment.status, lang),
        value_part("advice", assessment.advice, lang),
        *text_parts("modality", assessment.modality, lang),
        *text_parts("body_part", assessment.body_part, lang),
        *(
            part(concept("prediction_set", lang), valueString=string(label))
            for label in assessment.prediction_set
        ),
        *number_parts("coverage", assessment.coverage, lang),
        *text_parts("reason", assessment.reason, lang),
        part(concept("images", lang), valueInteger=len(assessment.images)),
        *(
            part(SERIES, valueString=string(uid))
            for uid in dict.fromkeys(image.series_uid for image in assessment.images)
            if uid
        ),
    ]
    if outside is not None:
        parts.append(part(concept("outside", lang), valueBoolean=outside.flag))
        parts += number_parts("outside_score", outside.score, lang)
        parts += number_parts("outside_threshold", outside.threshold, lang)
    members = [
        {"reference": frame.full_url(f"finding {number}.{finding.id}")}
        for finding in assessment.findings
    ]
    return _observation(
        frame,
        code=coded(concept("assessment", lang)),
        **_answer(assessment, lang),
        device={"reference": frame.full_url(f"device {number}")},
        hasMember=members,
        note=[{"text": string(note)} for note in assessment.notes],
        component=parts,
    )


def _answer(assessment: Assessment, lang: Lang) -> Json:
    """What to do, or why there is no answer; never both (R4, obs-6)."""
    if assessment.status == "assessed":
        return {"valueCodeableConcept": coded(codes.value(assessment.advice, lang))}
    reason = {"system": ABSENT_REASON, "code": "not-performed"}
    return {
        "dataAbsentReason": {
            "coding": [reason | {"display": "Not Performed"}],
            "text": string(assessment.reason),
        }
    }


def _finding(
    number: int, assessment: Assessment, finding: Finding, frame: Frame
) -> Json:
    lang = frame.lang
    parts = [
        *text_parts("label", finding.label, lang),
        *number_parts("probability", finding.probability, lang),
        *number_parts("threshold", finding.threshold, lang),
        *text_parts("operating_point", finding.operating_point, lang),
        *(
            part(codes.QUANTITIES[q.kind], valueQuantity=quantity(q.value, q.unit))
            for q in finding.quantities
        ),
        *text_parts("slices", to_ranges(finding.slices), lang),
        *_whole("parts", finding.parts, lang),
        *_placed(finding.place, lang),
        *(_changed(finding.change, lang) if finding.change is not None else []),
    ]
    code = codes.label_code(finding.label, finding.code)
    region = codes.BODY_PARTS.get(assessment.body_part.upper())
    site = {"bodySite": coded(region)} if region else {}
    return _observation(
        frame,
        code=coded(code, name_of(finding.label, lang)),
        valueCodeableConcept=coded(
            codes.PRESENT if finding.is_present else codes.ABSENT,
            PRESENCE[finding.is_present][lang],
        ),
        **_interpretation(finding),
        **site,
        device={"reference": frame.full_url(f"device {number}")},
        component=parts,
    )


def _interpretation(finding: Finding) -> Json:
    """Positive or negative; a structure of normal anatomy is neither."""
    if is_structure(finding.label):
        return {}
    letter, word = ("POS", "Positive") if finding.is_present else ("NEG", "Negative")
    said = {"system": INTERPRETATION, "code": letter, "display": word}
    return {"interpretation": [{"coding": [said]}]}


def _whole(name: str, value: int | None, lang: Lang) -> list[Json]:
    return [] if value is None else [part(concept(name, lang), valueInteger=value)]


def _placed(place: Place, lang: Lang) -> Iterator[Json]:
    if place.laterality:
        side = codes.SIDES[place.laterality]
        yield part(codes.LATERALITY, valueCodeableConcept={"coding": [coding(side)]})
    if place.slice_index is not None:
        yield from _whole("slice_number", place.slice_index + 1, lang)
    if place.image is not None:
        yield from _shown(place.image, lang)
    if place.centre_mm is not None:
        for name, value in zip(CENTRES, place.centre_mm, strict=True):
            yield from number_parts(name, value, lang, "mm")
    if place.box is not None:
        sides = ", ".join(f"{value:.10g}" for value in place.box)
        yield from text_parts("box", sides, lang)


def _shown(image: ImageRef, lang: Lang) -> Iterator[Json]:
    if image.sop_instance_uid:
        yield part(KEY_IMAGE, valueString=f"urn:oid:{string(image.sop_instance_uid)}")
    yield from _whole("frame", image.frame, lang)


def _changed(change: Change, lang: Lang) -> Iterator[Json]:
    yield value_part("trend", change.trend, lang)
    if change.before is not None:
        before = change.before
        yield from number_parts(f"prior_{before.kind}", before.value, lang, before.unit)
    yield from number_parts("prior_probability", change.prior_probability, lang)
    yield from number_parts("days", change.days, lang, "d")
