"""One diagnosis in four formats: no field may be lost or changed in any of them.

Every leaf of the tree is changed in turn; text, JSON and FHIR must all change with it,
or the field stands in a table below with the reason why it has no place there. The
structured report is read back and held against the whole document, and the numbers of
the others are read back one by one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from medlens.core.diagnosis import Assessment, Diagnosis, Finding
from medlens.core.terms import LANGUAGES, Lang
from medlens.write import (
    read_structured_report,
    to_bytes,
    to_document,
    to_fhir,
    to_structured_report,
    to_text,
)
from medlens.write.text_finding import label_name, number, percent, ranges
from medlens.write.words import say
from tests.write.answers import rich_diagnosis
from tests.write.dicom_sources import reread, series

SOURCES = series("CT", slices=5)
RICH = rich_diagnosis(SOURCES)
WHEN = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
Path = tuple[str | int, ...]
Json = dict[str, Any]

KEY = "a local key: outside this machine it means nothing"
IDENTIFIER = "an identifier, which nobody reads"
NAMED = "the name of the finding stands in its place"
BY_UID = "the UID names the image"
EXEMPT: dict[str, dict[str, str]] = {
    "text": {
        "findings.id": IDENTIFIER,
        "image.digest": IDENTIFIER,
        "images.digest": IDENTIFIER,
        "images.case": "images are counted; the one that shows a finding is named",
        "code.value": NAMED,
        "code.scheme": NAMED,
        "code.meaning": NAMED,
        "assessments.status": "the advice and its reason say it",
        "out_of_distribution.flag": "the advice says it",
    },
    "json": {},
    "fhir": {
        "case": KEY,
        "image.case": KEY,
        "images.case": KEY,
        "image.digest": BY_UID,
        "images.digest": BY_UID,
        "findings.id": "ids and references are derived from it",
    },
}
"""Field → why a format does without it."""
BOUND = ("sop_class_uid", "sop_instance_uid", "series_uid", "study_uid")
"""Copied from the sources, which must have them: compared, not changed."""


def as_text(diagnosis: Diagnosis, lang: Lang = "en") -> str:
    return to_text(diagnosis, lang=lang)


def as_report(diagnosis: Diagnosis, lang: Lang = "en") -> Json:
    report = to_structured_report(
        diagnosis, SOURCES, lang=lang, key="agreement", when=WHEN
    )
    found: Json = read_structured_report(reread(to_bytes(report)))
    return found


def as_fhir(diagnosis: Diagnosis, lang: Lang = "en") -> Json:
    """The structured part: the texts within are compared on their own."""
    bundle = to_fhir(diagnosis, SOURCES, lang=lang, key="agreement", when=WHEN)
    plain: Json = json.loads(json.dumps(bundle))
    for entry in plain["entry"]:
        for name in ("text", "conclusion", "presentedForm"):
            entry["resource"].pop(name, None)
    return plain


FORMATS: dict[str, Callable[[Diagnosis], Any]] = {
    "text": as_text,
    "json": to_document,
    "fhir": as_fhir,
}
"""The report is compared field by field, which says more and is quicker."""


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that is there, with the way to it."""
    if is_dataclass(value):
        for spec in fields(value):
            yield from leaves(getattr(value, spec.name), (*path, spec.name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    elif value not in (None, ""):
        yield path, value


def changed(value: Any, path: Path, leaf: Any) -> Any:
    """The same tree with another leaf."""
    if not path:
        return leaf
    step, *rest = path
    if isinstance(step, int):
        items = list(value)
        items[step] = changed(items[step], tuple(rest), leaf)
        return tuple(items)
    return replace(value, **{step: changed(getattr(value, step), tuple(rest), leaf)})


OTHER = {
    "laterality": "right",
    "advice": "outside",
    "status": "not_assessable",
    "trend": "smaller",
    "unit": "cm",
    "form": "volume",
}
OTHER_KIND = {"area": "volume", "volume": "area", "longest_diameter": "area"}


def another(path: Path, value: Any) -> Any:
    """A different value that the same field may have."""
    name = next(step for step in reversed(path) if isinstance(step, str))
    if name == "kind":
        return "binary" if "algorithm" in path else OTHER_KIND[value]
    if name == "status" and value == "not_assessable":
        return "assessed"
    if name in OTHER and OTHER[name] != value:
        return OTHER[name]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1 if name != "slice_index" else value - 1
    if isinstance(value, float):
        return value * 0.75
    return f"another {value}"


def name_of(path: Path) -> str:
    """The field with the one that holds it: "place.box", "code.value"."""
    names = [step for step in path if isinstance(step, str)]
    return ".".join(names[-2:])


LEAVES = list(leaves(RICH))


@pytest.mark.parametrize("kind", FORMATS)
def test_every_field_changes_every_format(kind: str) -> None:
    make = FORMATS[kind]
    before = make(RICH)
    unmoved, checked = [], 0
    for path, value in LEAVES:
        is_bound = path[-1] in BOUND and kind != "json"
        if is_bound or name_of(path) in EXEMPT[kind]:
            continue
        checked += 1
        if make(changed(RICH, path, another(path, value))) == before:
            unmoved.append(path)
    assert not unmoved
    assert checked > 60


def test_exemptions_are_of_fields_that_exist() -> None:
    names = {name_of(path) for path, _ in LEAVES}
    for kind, table in EXEMPT.items():
        assert set(table) <= names, kind


def plain(value: Any) -> Any:
    """Tuples as lists, as JSON has them."""
    return json.loads(json.dumps(value))


def without(document: Any, names: set[str]) -> Any:
    if isinstance(document, dict):
        return {k: without(v, names) for k, v in document.items() if k not in names}
    if isinstance(document, list):
        return [without(item, names) for item in document]
    return document


def test_the_report_says_what_the_document_says() -> None:
    said = without(
        plain(as_report(RICH)), {"language", "is_verified", "is_preliminary"}
    )
    document = to_document(RICH)
    document["left_out"] = [list(pair) for pair in RICH.left_out]
    for item in document["assessments"]:
        for image in (
            *item["images"],
            *(f["place"]["image"] for f in item["findings"]),
        ):
            if image is not None:
                del image["digest"]
    told = without(document, {"schema", "notice", "case"})
    assert said == told


def components(observation: Json) -> dict[str, list[Any]]:
    """Code → values of an Observation's components."""
    found: dict[str, list[Any]] = {}
    for component in observation.get("component", []):
        code = component["code"]["coding"][0]["code"]
        (value,) = (v for k, v in component.items() if k.startswith("value"))
        if isinstance(value, dict):
            value = value.get("value", value.get("coding", [{}])[0].get("code"))
        found.setdefault(code, []).append(value)
    return found


def observations(bundle: Json, code: str) -> list[Json]:
    resources = [entry["resource"] for entry in bundle["entry"]]
    return [
        one
        for one in resources
        if one["resourceType"] == "Observation"
        and any(c["code"] == code for c in one["code"]["coding"])
    ]


def test_fhir_has_every_number_of_a_finding() -> None:
    finding = RICH.assessments[0].findings[0]
    assert finding.code is not None
    assert finding.change is not None
    assert finding.change.before is not None
    (observation,) = observations(as_fhir(RICH), finding.code.value)
    found = components(observation)
    assert found["PROBABILITY"] == [finding.probability]
    assert found["THRESHOLD"] == [finding.threshold]
    assert found["OPERATING_POINT"] == [finding.operating_point]
    assert found["LABEL"] == [finding.label]
    assert found["PARTS"] == [finding.parts]
    assert found["SLICE_NUMBER"] == [(finding.place.slice_index or 0) + 1]
    assert [found[f"CENTRE_{axis}"][0] for axis in "XYZ"] == list(
        finding.place.centre_mm or ()
    )
    box = [float(side) for side in found["BOX"][0].split(", ")]
    assert box == list(finding.place.box or ())
    sizes = [c["valueQuantity"] for c in observation["component"] if _is_size(c)]
    assert [(s["value"], s["code"]) for s in sizes] == [
        (q.value, q.unit) for q in finding.quantities
    ]
    assert found["PRIOR_VOLUME"] == [finding.change.before.value]
    assert found["PRIOR_PROB"] == [finding.change.prior_probability]
    assert found["PRIOR_DAYS"] == [finding.change.days]


def _is_size(component: Json) -> bool:
    names = {"longest_diameter", "volume", "area"}
    from medlens.write import codes

    wanted = {codes.QUANTITIES[name].value for name in names}  # type: ignore[index]
    return component["code"]["coding"][0]["code"] in wanted


def test_fhir_has_what_is_said_of_the_whole() -> None:
    item = RICH.assessments[0]
    gate = item.out_of_distribution
    assert gate is not None
    first, second = observations(as_fhir(RICH), "ASSESSMENT")
    found = components(first)
    assert found["PREDICTION_SET"] == list(item.prediction_set)
    assert found["COVERAGE"] == [item.coverage]
    assert found["OUTSIDE_SCORE"] == [gate.score]
    assert found["OUTSIDE_LIMIT"] == [gate.threshold]
    assert [note["text"] for note in first["note"]] == list(item.notes)
    assert second["dataAbsentReason"]["text"] == RICH.assessments[1].reason


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_text_has_every_number(lang: Lang) -> None:
    text = as_text(RICH, lang)
    for shown in _shown(RICH.assessments[0], lang):
        assert shown.casefold() in text.casefold(), shown
    for what, _ in RICH.left_out:
        assert what in text


def _shown(item: Assessment, lang: Lang) -> Iterator[str]:
    finding = item.findings[0]
    yield from _of_finding(finding, lang)
    gate = item.out_of_distribution
    assert gate is not None
    assert item.coverage is not None
    yield say("gate", lang, score=number(gate.score), threshold=number(gate.threshold))
    yield say("coverage", lang, value=number(100 * item.coverage))
    for label in (*item.prediction_set, *(f.label for f in item.findings)):
        yield label_name(label, lang)
    yield item.algorithm.name
    yield item.algorithm.digest[:12]
    yield item.algorithm.version


def _of_finding(finding: Finding, lang: Lang) -> Iterator[str]:
    assert finding.probability is not None
    assert finding.threshold is not None
    assert finding.change is not None
    assert finding.change.before is not None
    assert finding.change.prior_probability is not None
    yield percent(finding.probability, finding.threshold)
    yield percent(finding.threshold, finding.probability)
    for size in (*finding.quantities, finding.change.before):
        yield number(size.value)
    for value in (*(finding.place.box or ()), *(finding.place.centre_mm or ())):
        yield number(value)
    yield say("trend", lang, name="", trend=say(finding.change.trend, lang)).lstrip(
        ":："
    )
    yield percent(finding.change.prior_probability)
    shown = ranges(finding.slices)
    yield shown if lang == "en" else shown.replace(", ", "、")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_fhir_carries_the_very_text(lang: Lang) -> None:
    bundle = to_fhir(RICH, SOURCES, lang=lang, key="agreement", when=WHEN)
    (report,) = (
        entry["resource"]
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "DiagnosticReport"
    )
    data = base64.b64decode(report["presentedForm"][0]["data"]).decode("utf-8")
    assert data.strip() == as_text(RICH, lang).strip()


def test_the_walk_reaches_every_field_of_the_tree() -> None:
    """A field that the rich diagnosis leaves empty would be checked by nobody."""
    reached = {str(step) for path, _ in LEAVES for step in path}
    known: set[str] = set()
    for kind in (Diagnosis, Assessment, Finding):
        known |= {spec.name for spec in fields(kind)}
    assert known <= reached
