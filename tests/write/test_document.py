"""The JSON document: there and back, its schema, and what is refused."""

from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass
from typing import Any, get_args

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import OutOfDistribution, ReadError
from medlens.core.diagnosis import (
    Advice,
    Algorithm,
    Assessment,
    Change,
    Code,
    Diagnosis,
    Finding,
    ImageRef,
    Laterality,
    Place,
    Quantity,
    Status,
    Trend,
)
from medlens.write.document import (
    NOTICE,
    SCHEMA,
    diagnosis_schema,
    from_document,
    to_document,
)

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)
SHARES = st.floats(0, 1)
COUNTS = st.integers(0, 5000)
TEXTS = st.text(max_size=12)
CODES = st.builds(Code, TEXTS, st.sampled_from(["SCT", "DCM"]), TEXTS)
QUANTITIES = st.builds(
    Quantity,
    st.sampled_from(["longest_diameter", "volume", "area"]),
    st.floats(0, 1e9),
    st.sampled_from(["mm", "ml", "mm2", "{pixels}"]),
)
IMAGES = st.builds(
    ImageRef, TEXTS, TEXTS, TEXTS, TEXTS, st.none() | st.integers(1, 99), TEXTS
)
PLACES = st.builds(
    Place,
    st.sampled_from(get_args(Laterality)),
    st.none() | st.tuples(NUMBERS, NUMBERS, NUMBERS),
    st.none() | IMAGES,
    st.none() | COUNTS,
    st.none() | st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS),
)
CHANGES = st.builds(
    Change,
    st.sampled_from(get_args(Trend)),
    st.none() | QUANTITIES,
    st.none() | SHARES,
    st.none() | st.integers(-9999, 9999),
)
FINDINGS = st.builds(
    Finding,
    TEXTS,
    TEXTS,
    st.none() | CODES,
    st.booleans(),
    st.none() | SHARES,
    st.none() | SHARES,
    TEXTS,
    PLACES,
    st.lists(QUANTITIES, max_size=2).map(tuple),
    st.lists(COUNTS, max_size=3).map(tuple),
    st.none() | COUNTS,
    st.none() | CHANGES,
)
ALGORITHMS = st.builds(Algorithm, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS)
GATES = st.builds(
    OutOfDistribution, NUMBERS, NUMBERS | st.just(math.inf), st.booleans()
)
ASSESSMENTS = st.builds(
    Assessment,
    ALGORITHMS,
    st.sampled_from(get_args(Status)),
    st.sampled_from(get_args(Advice)),
    st.lists(IMAGES, max_size=2).map(tuple),
    TEXTS,
    TEXTS,
    st.lists(FINDINGS, max_size=2).map(tuple),
    st.lists(TEXTS, max_size=2).map(tuple),
    st.none() | SHARES,
    st.none() | GATES,
    TEXTS,
    st.lists(TEXTS, max_size=2).map(tuple),
)
DIAGNOSES = st.builds(
    Diagnosis,
    TEXTS,
    st.lists(ASSESSMENTS, max_size=2).map(tuple),
    st.lists(st.tuples(TEXTS, TEXTS), max_size=2).map(tuple),
    TEXTS,
    st.booleans(),
)
VALIDATOR = jsonschema.Draft202012Validator(diagnosis_schema())

FULL = Diagnosis(
    case="study",
    assessments=(
        Assessment(
            algorithm=Algorithm("b", "d", "1", "segment", "multiclass"),
            status="assessed",
            advice="refer",
            images=(ImageRef("a.dcm"),),
            findings=(
                Finding(
                    "1",
                    "lesion",
                    Code("52988006", "SCT", "Lesion"),
                    True,
                    0.5,
                    place=Place(centre_mm=(1.0, 2.0, 3.0), box=(1.0, 2.0, 3.0, 4.0)),
                    quantities=(Quantity("volume", 1.5, "ml"),),
                    change=Change("larger", Quantity("volume", 1.0, "ml"), 0.25, 9),
                ),
            ),
            out_of_distribution=OutOfDistribution(1.0, math.inf, False),
        ),
    ),
    left_out=(("scout", "is one"),),
)


@given(diagnosis=DIAGNOSES)
@settings(max_examples=150, deadline=None)
def test_there_and_back_is_the_same_and_fits_the_schema(diagnosis: Diagnosis) -> None:
    text = json.dumps(to_document(diagnosis), allow_nan=False)
    document = json.loads(text)
    assert from_document(document) == diagnosis
    VALIDATOR.validate(document)


def test_the_document_says_what_it_is() -> None:
    document = to_document(FULL)
    assert document["schema"] == SCHEMA == "medlens/diagnosis/1"
    assert document["notice"] == NOTICE
    assert document["left_out"] == [{"what": "scout", "reason": "is one"}]
    (item,) = document["assessments"]
    assert item["out_of_distribution"]["threshold"] is None  # there is no gate
    assert item["findings"][0]["place"]["box"] == [1.0, 2.0, 3.0, 4.0]


def test_the_schema_is_one_and_names_every_field() -> None:
    schema = diagnosis_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    homes = {
        "code": Code,
        "quantity": Quantity,
        "image": ImageRef,
        "place": Place,
        "change": Change,
        "finding": Finding,
        "algorithm": Algorithm,
        "out_of_distribution": OutOfDistribution,
        "assessment": Assessment,
    }
    assert set(schema["$defs"]) == set(homes)
    for name, kind in homes.items():
        assert is_dataclass(kind)
        properties = schema["$defs"][name]["properties"]
        assert list(properties) == [f.name for f in fields(kind)], name
        assert all(p.get("description") or "$ref" in p for p in properties.values())
    ours = {f.name for f in fields(Diagnosis)} | {"schema", "notice"}
    assert set(schema["properties"]) == ours


@pytest.mark.parametrize(
    ("name", "kind"),
    [("advice", Advice), ("status", Status)],
)
def test_the_schema_knows_the_words_of_an_assessment(name: str, kind: Any) -> None:
    properties = diagnosis_schema()["$defs"]["assessment"]["properties"]
    assert tuple(properties[name]["enum"]) == get_args(kind)


def change(path: str, value: object) -> dict[str, Any]:
    """The full document with one value exchanged."""
    document: Any = json.loads(json.dumps(to_document(FULL)))
    at = document
    *steps, last = path.split("/")
    for step in steps:
        at = at[int(step)] if step.isdecimal() else at[step]
    at[int(last) if last.isdecimal() else last] = value
    found: dict[str, Any] = document
    return found


FINDING = "assessments/0/findings/0"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("case", 3, "diagnosis: case is 3; wanted a text of at most 20,000"),
        ("case", "x" * 20_001, "diagnosis: case is a text; wanted a text of at most"),
        ("has_prior", 1, "has_prior is 1; wanted true or false"),
        ("assessments", {}, "assessments is an object; wanted a list of at most"),
        (
            "assessments/0/advice",
            "operate",
            r"assessments\[0\].advice is a text; wanted one of 'nothing_found'",
        ),
        (
            f"{FINDING}/probability",
            1.5,
            r"findings\[0\].probability is 1.5; wanted a number of 0 to 1",
        ),
        (f"{FINDING}/probability", True, "probability is true; wanted a number"),
        (f"{FINDING}/probability", "0.5", "probability is a text; wanted a number"),
        (f"{FINDING}/probability", math.nan, "probability is NaN; wanted a number of"),
        (f"{FINDING}/parts", 1.0, "parts is 1.0; wanted a whole number"),
        (f"{FINDING}/parts", -1, "parts is -1; wanted a number of 0 to inf"),
        (f"{FINDING}/parts", 10**400, "parts is a very large number; wanted"),
        (f"{FINDING}/slices", [-1], r"slices\[0\] is -1; wanted a number of 0 to inf"),
        (f"{FINDING}/quantities/0/value", -1.0, "value is -1.0; wanted a number of 0"),
        (f"{FINDING}/quantities/0/kind", "weight", "kind is a text; wanted one of"),
        (f"{FINDING}/place/box", [1, 2, 3], "box is a list of 3; wanted a list of 4"),
        (f"{FINDING}/place/laterality", None, "laterality is null; wanted one of"),
        (f"{FINDING}/code", [], r"code is a list of 0; wanted an object"),
        (f"{FINDING}/place", None, "place is null; wanted an object"),
        (f"{FINDING}/jane", "doe", r"findings\[0\] has a key that medlens/diagnosis/1"),
        ("jane", "doe", "the document has a key that medlens/diagnosis/1 does not"),
        (
            "left_out/0",
            ["a", "b"],
            r"left_out\[0\] is a list of 2; wanted an object of",
        ),
        ("assessments/0/images/0/frame", 0, "frame is 0; wanted a number of 1 to inf"),
    ],
)
def test_what_is_no_diagnosis_is_refused_with_its_place(
    path: str, value: object, message: str
) -> None:
    with pytest.raises(ReadError, match=message) as raised:
        from_document(change(path, value))
    assert "jane" not in str(raised.value)  # somebody's words are not repeated
    if not _is_limit(value):
        assert not VALIDATOR.is_valid(change(path, value))


def _is_limit(value: object) -> bool:
    """Sizes, NaN and 1.0 for a whole number, of which JSON Schema knows nothing."""
    if isinstance(value, float):
        return value != value or value == 1.0
    is_long = isinstance(value, str) and len(value) > 20_000
    return is_long or (type(value) is int and value > 1e300)


@pytest.mark.parametrize("document", [None, [], "text", 3])
def test_something_else_is_no_diagnosis(document: object) -> None:
    with pytest.raises(ReadError, match=r"^diagnosis: wanted a JSON object of schema"):
        from_document(document)


def test_another_version_is_told() -> None:
    with pytest.raises(
        ReadError, match="schema is a text; wanted 'medlens/diagnosis/1'"
    ):
        from_document({"schema": "medlens/diagnosis/2"})


def test_a_missing_field_is_named_and_one_with_a_default_is_not_missed() -> None:
    document = to_document(FULL)
    del document["assessments"][0]["findings"][0]["slices"]
    assert from_document(document) == FULL
    del document["assessments"][0]["algorithm"]
    with pytest.raises(
        ReadError, match=r"diagnosis: assessments\[0\].algorithm is miss"
    ):
        from_document(document)


def test_a_number_that_is_none_is_never_written() -> None:
    finding = Finding("1", "x", None, True, probability=math.nan)
    item = Assessment(
        FULL.assessments[0].algorithm, "assessed", "refer", (), findings=(finding,)
    )
    with pytest.raises(ValueError, match="diagnosis: a number is not finite"):
        to_document(Diagnosis("c", (item,)))
