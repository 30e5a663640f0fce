"""Codes: legal, one for each meaning, and one for each word of a diagnosis."""

from __future__ import annotations

from typing import get_args

import pytest

from medlens.core.diagnosis import Advice, Code, Laterality, Quantity, Status, Trend
from medlens.write import codes
from medlens.write.report_items import from_ranges, to_ranges


def test_each_word_of_a_diagnosis_has_a_code() -> None:
    words = {*get_args(Advice), *get_args(Status), *get_args(Trend)}
    assert set(codes.VALUES) == words
    assert set(codes.SIDES) == {*get_args(Laterality)} - {""}
    kinds = get_args(Quantity.__annotations__["kind"]) or (
        "longest_diameter",
        "volume",
        "area",
    )
    assert set(codes.QUANTITIES) == set(kinds)


@pytest.mark.parametrize("table", [codes.CONCEPTS, codes.VALUES])
def test_private_codes_are_legal_and_apart(table: dict[str, tuple[str, ...]]) -> None:
    values = [row[0] for row in table.values()]
    assert len(set(values)) == len(values)
    for code, english, chinese in table.values():
        assert len(code) <= 16
        assert english.isascii()
        assert len(english) <= 64
        assert not chinese.isascii()


def test_standard_codes_are_those_of_the_dictionary() -> None:
    """pydicom's dictionary is made from the tables of PS3.16."""
    from pydicom.sr._concepts_dict import concepts

    known = {
        (scheme, value): meaning
        for scheme, names in concepts.items()
        for meanings in names.values()
        for value, (meaning, _) in meanings.items()
    }
    used = [*codes.SIDES.values(), *codes.QUANTITIES.values(), codes.ANY_PROCEDURE]
    used += [*codes.BODY_PARTS.values(), *codes.PROCEDURES.values()]
    used += [codes.PRESENT, codes.ABSENT, codes.YES, codes.NO, codes.LATERALITY]
    missing = {code.value for code in used if (code.scheme, code.value) not in known}
    # SNOMED CT: Absent (2667000) and Magnetic resonance imaging (113091000).
    assert missing <= {"2667000", "113091000"}


def test_labels_without_a_code_get_one_of_their_own() -> None:
    first, second = codes.label_code("tumour", None), codes.label_code("Tumour", None)
    assert first.scheme == "99MEDLENS"
    assert first.meaning == "tumour"
    assert first.value != second.value
    assert codes.label_code("tumour", None) == first
    known = Code("50960005", "SCT", "Hemorrhage")
    assert codes.label_code("bleeding", known) == known
    long = codes.label_code("x" * 200, None)
    assert len(long.value) <= 16
    assert len(long.meaning) == 64


@pytest.mark.parametrize(
    ("indices", "text"),
    [((), ""), ((0,), "1"), ((0, 1, 2, 7), "1-3, 8"), ((4, 6, 7), "5, 7-8")],
)
def test_slices_are_told_as_ranges(indices: tuple[int, ...], text: str) -> None:
    assert to_ranges(indices) == text
    assert from_ranges(text) == indices
