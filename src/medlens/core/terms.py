"""A bundle's label → a coded concept, its names, and the side of the patient.

Labels are words that somebody gave to folders and columns. Those that mean something
certain get a code (SNOMED CT where it has the concept, else DICOM's own); the others
stay the free text that they are, so that no code says more than its label did.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from medlens.core.diagnosis import Code, Laterality
from medlens.core.term_table import (
    BODY_PART_NAMES,
    BODY_PARTS,
    MODALITIES,
    OTHER_MODALITIES,
    ROWS,
    Sort,
)

Lang = Literal["en", "zh"]
LANGUAGES: tuple[Lang, ...] = ("en", "zh")

_APART = re.compile(r"[\s_\-./]+")
_SIDES: dict[str, Laterality] = {
    "left": "left",
    "right": "right",
    "bilateral": "bilateral",
    "both": "bilateral",
    "midline": "midline",
}
_SIDE_NAMES: dict[Laterality, tuple[str, str]] = {
    "left": ("left", "左侧"),
    "right": ("right", "右侧"),
    "bilateral": ("bilateral", "双侧"),
    "midline": ("midline", "中线"),
}
# British → American, so that one spelling of the table serves both.
_SPELLINGS = (
    ("haem", "hem"),
    ("oedema", "edema"),
    ("tumour", "tumor"),
    ("oesoph", "esoph"),
    ("ischaem", "ischem"),
)
_NO = ("no ", "non ", "not ", "without ", "absence of ")
# fmt: off
PAIRED = frozenset((
    "ANKLE", "ARM", "BREAST", "CLAVICLE", "ELBOW", "EYE", "FEMUR", "FOOT", "FOREARM",
    "HAND", "HIP", "HUMERUS", "KIDNEY", "KNEE", "LEG", "SHOULDER", "THIGH", "WRIST",
))
# fmt: on
"""Body Part Examined (PS3.16 Annex L) whose Laterality is that of what it shows."""


@dataclass(frozen=True)
class Term:
    """What a label means.

    Attributes:
        sort: "finding", "structure" (normal anatomy) or "normal" (nothing is wrong).
        code: None where no concept is certain.
        english, chinese: names, without the side.
    """

    sort: Sort
    code: Code | None
    english: str
    chinese: str


def fold(label: str) -> str:
    """Lower case, words parted by one space, American spelling.

    >>> fold("Intracranial_Haemorrhage")
    'intracranial hemorrhage'
    """
    folded = _APART.sub(" ", label.casefold()).strip()
    for british, american in _SPELLINGS:
        folded = folded.replace(british, american)
    return folded


def part_side(label: str) -> tuple[str, Laterality]:
    """A folded label without its side, and that side; "" where it names none or two.

    >>> part_side("Left kidney")
    ('kidney', 'left')
    >>> part_side("kidney_right")
    ('kidney', 'right')
    """
    words = fold(label).split()
    named = {_SIDES[word] for word in words if word in _SIDES}
    rest = " ".join(word for word in words if word not in _SIDES)
    if len(named) != 1 or not rest:
        return " ".join(words), ""
    return rest, named.pop()


def term_of(label: str) -> Term | None:
    """What a label means, its side aside; None for free text."""
    found = _table().get(fold(label))
    return found if found is not None else _table().get(part_side(label)[0])


def code_of(label: str) -> Code | None:
    """The label's concept, or None. The side is no part of it: `Place` has it."""
    term = term_of(label)
    return None if term is None else term.code


def side_of(label: str) -> Laterality:
    """Side of the patient that a label names, or ""."""
    return part_side(label)[1]


def is_normal(label: str) -> bool:
    """Whether a label says that nothing is wrong: "normal", "no tumour", "healthy".

    A label of normal anatomy is not one: an organ is there to be measured.
    """
    folded = fold(label)
    # A table may know "non enhancing tumor", which is not the lack of one.
    term = _table().get(folded)
    if term is not None:
        return term.sort == "normal"
    return folded.startswith(_NO) or folded in ("0", "false", "n")


def is_structure(label: str) -> bool:
    """Whether a label is normal anatomy, which nobody looks for as a disease."""
    term = term_of(label)
    return term is not None and term.sort == "structure"


def name_of(label: str, lang: Lang = "en") -> str:
    """How a text calls a finding, with its side; free text as it stands.

    >>> name_of("kidney_left"), name_of("kidney_left", "zh")
    ('left kidney', '左侧肾')
    """
    term = term_of(label)
    if term is None:
        return label
    name = term.english if lang == "en" else term.chinese
    side = side_of(label) if fold(label) not in _table() else ""
    if not side:
        return name
    gap = " " if lang == "en" else ""
    return f"{side_name(side, lang)}{gap}{name}"


def side_name(side: Laterality, lang: Lang = "en") -> str:
    """A side in words; "" where it is not known."""
    if not side:
        return ""
    english, chinese = _SIDE_NAMES[side]
    return english if lang == "en" else chinese


def modality_name(modality: str, lang: Lang = "en") -> str:
    """DICOM Modality in words; its own letters where the table lacks it."""
    english, chinese = MODALITIES.get(modality, (modality, modality))
    return english if lang == "en" else chinese


def known_modality(value: str) -> str:
    """A header's Modality where it is a defined term, else "".

    Anything may stand in a header, a name too; only what is known is ever repeated.
    """
    plain = value.strip().upper()
    return plain if plain in MODALITIES or plain in OTHER_MODALITIES else ""


def known_body_part(value: str) -> str:
    """A header's Body Part Examined where it is known anatomy, else "" (see above)."""
    plain = value.strip().upper()
    return plain if plain in BODY_PARTS or is_structure(plain) else ""


def body_part_name(part: str, lang: Lang = "en") -> str:
    """Body Part Examined in words; "" in Chinese where there are none."""
    known = BODY_PART_NAMES.get(part.strip().upper())
    if known is not None:
        return known[0] if lang == "en" else known[1]
    if lang == "en":
        return part.strip().lower()
    term = term_of(part)
    return "" if term is None else term.chinese


@cache
def _table() -> dict[str, Term]:
    """Folded spelling → term."""
    table: dict[str, Term] = {}
    for row in ROWS:
        scheme, _, value = row.code.partition(":")
        code = Code(value, scheme, row.meaning) if value else None
        term = Term(row.sort, code, row.english, row.chinese)
        for spelling in row.spellings.split(" | "):
            table[spelling] = term
    return table
