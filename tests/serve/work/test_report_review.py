"""What is left of a diagnosis after readers spoke, each case worked out by hand."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from medlens.core.diagnosis import Diagnosis, Finding, ImageRef, Place, Quantity
from medlens.serve.monitor.feedback import Correction, Plane, Word
from medlens.serve.work.report_review import review
from tests.serve.monitor.answers import diagnosis_of

IMAGES = tuple(ImageRef(f"image {n}", "1.2", f"1.2.3.{n}", "1.2.9") for n in (1, 2, 3))
PRESENT = Finding(
    "1",
    "pneumonia",
    None,
    is_present=True,
    probability=0.9,
    threshold=0.5,
    operating_point="youden",
    place=Place(
        image=IMAGES[0],
        slice_index=0,
        box=(1.0, 2.0, 3.0, 4.0),
        centre_mm=(1.0, 2.0, 3.0),
    ),
    quantities=(Quantity("area", 5.0, "mm2"),),
    slices=(0, 1),
    parts=1,
)
ABSENT = Finding("2", "effusion", None, is_present=False, probability=0.1)
_ids = itertools.count(1)


def said(
    verdict: Any, finding: str = "1", *, reader: int | None = 7, **correction: Any
) -> Word:
    number = next(_ids)
    made = Correction(**correction)
    return Word(number, 4, 0, finding, verdict, made, "", reader, float(number))


def diagnosis() -> Diagnosis:
    return diagnosis_of(PRESENT, ABSENT, images=IMAGES)


def left(*words: Word, reader: int | None = 7) -> dict[str, tuple[bool, str]]:
    """Label → present, mark."""
    reviewed = review(diagnosis(), words, reader=reader)
    (item,) = reviewed.diagnosis.assessments
    return {f.label: (f.is_present, reviewed.mark_of(0, f)) for f in item.findings}


AS_IT_WAS = {"pneumonia": (True, "ai"), "effusion": (False, "ai")}


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), AS_IT_WAS),
        (
            (said("accept"),),
            {"pneumonia": (True, "ai_accepted"), "effusion": (False, "ai")},
        ),
        ((said("reject"),), {"effusion": (False, "ai")}),
        (
            (said("reject"), said("accept")),
            {"pneumonia": (True, "ai_accepted"), "effusion": (False, "ai")},
        ),
        ((said("accept", "2"),), AS_IT_WAS),
        (
            (said("reject", "2"),),
            {"pneumonia": (True, "ai"), "effusion": (True, "by_reader")},
        ),
        (
            (said("correct", label="nodule"),),
            {"nodule": (True, "ai_corrected"), "effusion": (False, "ai")},
        ),
        # What is present under a label is not absent under the same.
        ((said("correct", label="Effusion"),), {"Effusion": (True, "ai_corrected")}),
        (
            (said("add", "+9", label="fracture"),),
            {**AS_IT_WAS, "fracture": (True, "by_reader")},
        ),
        ((said("add", "+9", label="fracture"), said("reject", "+9")), AS_IT_WAS),
    ],
)
def test_one_reader(words: tuple[Word, ...], wanted: dict[str, Any]) -> None:
    assert left(*words) == wanted


def test_own_words_go_before_those_of_others() -> None:
    own, other = said("accept", reader=7), said("reject", reader=8)
    assert left(own, other)["pneumonia"] == (True, "ai_accepted")
    assert "pneumonia" not in left(own, other, reader=8)
    assert left(own, other, reader=9)["pneumonia"] == (True, "ai_disputed")
    agreed = said("accept", reader=8)
    assert left(own, agreed, reader=9)["pneumonia"] == (True, "ai_accepted")
    assert left(said("reject", reader=None), reader=None) == {"effusion": (False, "ai")}


def test_another_label_has_no_probability_of_the_first() -> None:
    reviewed = review(diagnosis(), [said("correct", label="left kidney")], reader=7)
    found = reviewed.diagnosis.assessments[0].findings[0]
    assert (found.probability, found.threshold, found.operating_point) == (
        None,
        None,
        "",
    )
    assert found.quantities == PRESENT.quantities  # its size is what it was
    assert found.place == PRESENT.place
    assert found.code is not None
    assert found.code.meaning == "Kidney"


def test_another_mask_has_no_size_of_the_first() -> None:
    reviewed = review(diagnosis(), [said("correct", mask="1.2.3.77")], reader=7)
    found = reviewed.diagnosis.assessments[0].findings[0]
    assert (found.quantities, found.slices, found.parts) == ((), (), None)
    assert found.probability == 0.9


def test_a_box_lies_where_the_reader_drew_it() -> None:
    box = (10.0, 20.0, 30.0, 40.0)
    moved = review(diagnosis(), [said("correct", box=box)], reader=7)
    place = moved.diagnosis.assessments[0].findings[0].place
    assert (place.box, place.image, place.slice_index) == (box, IMAGES[0], 0)
    assert place.centre_mm is None
    plane = Plane("1.2.3.3")
    other = review(diagnosis(), [said("correct", box=box, image=plane)], reader=7)
    place = other.diagnosis.assessments[0].findings[0].place
    assert (place.box, place.image, place.slice_index) == (box, IMAGES[2], 2)
    word = said("add", "+3", label="right rib fracture", box=box, image=plane)
    added = review(diagnosis(), [word], reader=7).diagnosis.assessments[0].findings[2]
    assert (added.id, added.place.image, added.place.box) == ("+3", IMAGES[2], box)
    assert added.place.laterality == "right"
