"""Labels → codes and names: checked against pydicom's copy of the standard."""

from __future__ import annotations

import pytest

from medlens.core import terms
from medlens.core.diagnosis import Code
from medlens.core.term_table import ROWS
from medlens.core.terms import (
    code_of,
    fold,
    is_normal,
    is_structure,
    known_body_part,
    known_modality,
    modality_name,
    name_of,
    part_side,
    side_name,
    side_of,
    term_of,
)

# The check digit of SNOMED CT identifiers (Verhoeff 1969): how a digit is exchanged at
# each place from the right.
PERMUTE = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def multiply(a: int, b: int) -> int:
    """In the group of the pentagon: rotations 0–4, reflections 5–9."""
    if a < 5:
        return (a + b) % 5 if b < 5 else 5 + (a + b) % 5
    return 5 + (a - b) % 5 if b < 5 else (a - b) % 5


def verhoeff(number: str) -> int:
    """0 for an identifier whose check digit is right."""
    check = 0
    for i, digit in enumerate(reversed(number)):
        check = multiply(check, int(PERMUTE[i % 8][int(digit)]))
    return check


def test_the_check_itself_catches_a_wrong_digit() -> None:
    assert verhoeff("36118008") == 0
    assert verhoeff("36118007") != 0
    assert verhoeff("36181008") != 0  # neighbours exchanged


@pytest.mark.parametrize("row", [r for r in ROWS if r.code.startswith("SCT:")])
def test_every_snomed_code_has_a_right_check_digit(row: object) -> None:
    assert verhoeff(row.code.removeprefix("SCT:")) == 0  # type: ignore[attr-defined]


def words_of(meaning: str) -> set[str]:
    plain = fold(meaning.partition(" (")[0].replace(",", ""))
    return set(plain.split()) - {"structure", "of", "the", "region", "or", "and"}


def test_codes_that_pydicom_knows_mean_what_we_say() -> None:
    concepts = pytest.importorskip("pydicom.sr._concepts_dict").concepts
    known: dict[tuple[str, str], list[str]] = {}
    for scheme in ("SCT", "DCM"):
        for entries in concepts[scheme].values():
            for value, (meaning, _) in entries.items():
                known.setdefault((scheme, value), []).append(meaning)
    checked = 0
    same = {"chest": "thoracic", "wrist": "carpus", "pelvis": "pelvic"}
    for row in ROWS:
        scheme, _, value = row.code.partition(":")
        meanings = known.get((scheme, value))
        if meanings is None:
            continue
        ours = words_of(row.meaning)
        ours |= {same[word] for word in ours if word in same}
        assert any(ours & words_of(one) for one in meanings), (row.meaning, meanings)
        checked += 1
    assert checked > 60


def test_no_spelling_stands_for_two_things() -> None:
    spellings = [s for row in ROWS for s in row.spellings.split(" | ")]
    assert len(spellings) == len(set(spellings))
    assert all(s == fold(s) and part_side(s)[0] == s for s in spellings)


def test_every_row_has_both_names_and_a_whole_code() -> None:
    for row in ROWS:
        assert row.english, row
        assert row.chinese, row
        assert bool(row.code) == bool(row.meaning), row
        letters = [c for c in row.chinese if c.isascii() and c.isalpha()]
        assert not letters, row


@pytest.mark.parametrize(
    "label",
    [
        "intracranial_haemorrhage",
        "Intracranial Hemorrhage",
        "INTRACRANIAL-HEMORRHAGE",
        "ich",
    ],
)
def test_spellings_of_one_finding_have_one_code(label: str) -> None:
    assert code_of(label) == Code("1386000", "SCT", "Intracranial hemorrhage")
    assert name_of(label) == "intracranial haemorrhage"
    assert name_of(label, "zh") == "颅内出血"


def test_free_text_stays_what_it_is() -> None:
    assert term_of("blob_7") is None
    assert code_of("blob_7") is None
    assert name_of("blob_7") == name_of("blob_7", "zh") == "blob_7"
    assert not is_normal("blob_7")
    assert not is_structure("blob_7")


def test_words_of_unclear_meaning_have_no_code() -> None:
    # A pituitary may be a gland or a tumour of it, "anterior" anything.
    for label in ("pituitary", "anterior", "subdural", "lung tumour", "yes"):
        assert code_of(label) is None


@pytest.mark.parametrize(
    ("label", "rest", "side"),
    [
        ("left kidney", "kidney", "left"),
        ("Kidney_Right", "kidney", "right"),
        ("both lungs", "lungs", "bilateral"),
        ("kidney", "kidney", ""),
        ("left", "left", ""),  # a side of nothing
        ("left or right lung", "left or right lung", ""),
        ("leftover", "leftover", ""),
    ],
)
def test_sides_are_whole_words(label: str, rest: str, side: str) -> None:
    assert part_side(label) == (rest, side)
    assert side_of(label) == side


def test_a_side_is_named_and_is_no_part_of_the_code() -> None:
    assert code_of("left_lung") == code_of("right lung") == code_of("lung")
    assert name_of("left_lung") == "left lung"
    assert name_of("left_lung", "zh") == "左侧肺"
    assert name_of("left_blob") == "left_blob"
    assert side_name("", "zh") == ""
    assert side_name("midline") == "midline"


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("normal", True),
        ("No_Finding", True),
        ("no tumour", True),
        ("notumor", True),
        ("healthy", True),
        ("background", True),
        ("no", True),
        ("0", True),
        ("without fracture", True),
        ("nodule", False),
        ("non-enhancing tumour", False),  # a part of a tumour
        ("normandy", False),
        ("benign", False),
        ("liver", False),
    ],
)
def test_what_says_that_nothing_is_wrong(label: str, expected: bool) -> None:
    assert is_normal(label) is expected


def test_anatomy_is_told_from_disease() -> None:
    assert is_structure("hippocampus_anterior")
    assert is_structure("left kidney")
    assert not is_structure("kidney tumour")


def test_modalities_have_names_and_unknown_ones_their_letters() -> None:
    assert modality_name("MR") == "MRI"
    assert modality_name("MR", "zh") == "磁共振成像"
    assert modality_name("XYZ", "zh") == "XYZ"
    assert modality_name("") == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [("CHEST", "CHEST"), (" lspine ", "LSPINE"), ("Lung", "LUNG"), ("SMITH", "")],
)
def test_only_known_body_parts_are_repeated(value: str, expected: str) -> None:
    assert known_body_part(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("CT", "CT"), ("mr", "MR"), ("IVUS", "IVUS"), ("JANE", "")]
)
def test_only_known_modalities_are_repeated(value: str, expected: str) -> None:
    assert known_modality(value) == expected


def test_the_table_is_made_once() -> None:
    assert terms._table() is terms._table()
