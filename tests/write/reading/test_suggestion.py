"""First drafts: they say what the diagnosis says, marked, as far as readers left it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from medlens.core.diagnosis import Assessment, Diagnosis
from medlens.write import to_text
from medlens.write.reading.suggestion import MARK, Images, Reviewed, suggest
from tests.write.answers import rich_diagnosis
from tests.write.dicom_sources import series

IMAGES = (Images("CT", "HEAD", 4),)


def diagnosis_of(advice: Any = "refer", *, keep: int = 2) -> Diagnosis:
    """The first assessment of the rich one, with some of its findings."""
    whole = rich_diagnosis(series())
    first = whole.assessments[0]
    findings = first.findings[:keep] if keep else first.findings[1:]
    one: Assessment = replace(first, advice=advice, findings=findings, notes=())
    return replace(whole, assessments=(one,), left_out=())


def test_every_sentence_of_a_model_is_marked() -> None:
    content = suggest(Reviewed(diagnosis_of()), IMAGES, lang="en", result_id=4)
    assert (content.lang, content.result_id, content.indication) == ("en", 4, "")
    assert content.examined == "CT, head, 4 images."
    present, absent = content.findings.splitlines()
    assert present.startswith("Haemorrhage: present, probability 91.2 %; longest")
    assert "left" in present
    assert "slices 1–2, 4" in present
    assert "pixels" not in present
    assert "mm (patient" not in present
    assert absent == "Not found: midline shift 偏移 (probability 6.2 %). [AI]"
    assert content.impression == "Haemorrhage. [AI]"
    for text in (content.findings, content.comparison, content.impression):
        assert all(line.endswith("[AI]") for line in text.splitlines())


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_agrees_with_the_text_of_the_diagnosis(lang: Any) -> None:
    diagnosis = rich_diagnosis(series())
    content = suggest(Reviewed(diagnosis), IMAGES, lang=lang)
    told = to_text(diagnosis, lang=lang)
    for line in content.comparison.splitlines():
        assert line.removesuffix("[AI]").strip() in told
    (absent,) = [x for x in content.findings.splitlines() if "偏移" in x]
    assert absent.removesuffix("[AI]").strip() in told


@pytest.mark.parametrize(
    ("mark", "shown"),
    [
        ("ai_accepted", "[AI, accepted]"),
        ("ai_corrected", "[AI, corrected]"),
        ("by_reader", "[reader]"),
    ],
)
def test_what_a_reader_stands_behind_needs_no_probability(
    mark: MARK, shown: str
) -> None:
    reviewed = Reviewed(diagnosis_of("outside"), {(0, "1"): mark})
    content = suggest(reviewed, IMAGES, lang="en")
    lines = content.findings.splitlines()
    assert lines[0].startswith("Unlike the images")  # doubt is told first
    assert "%" not in lines[1]
    assert lines[1].endswith(shown)
    assert content.impression == f"Haemorrhage. {shown}"


def test_readers_who_disagree_leave_it_open() -> None:
    reviewed = Reviewed(diagnosis_of(), {(0, "1"): "ai_disputed"})
    content = suggest(reviewed, IMAGES, lang="zh")
    assert content.impression == "出血。[AI，意见不一]"


@pytest.mark.parametrize("advice", ["unsure", "outside", "not_assessable"])
def test_doubt_makes_no_impression(advice: str) -> None:
    content = suggest(Reviewed(diagnosis_of(advice)), IMAGES, lang="en")
    assert content.impression == ""


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_figure_is_told_of_images_that_a_model_does_not_know(lang: Any) -> None:
    content = suggest(Reviewed(diagnosis_of("outside")), IMAGES, lang=lang)
    (caution,) = content.findings.splitlines()
    assert "%" not in caution
    assert caution.endswith("[AI]")


def test_nothing_found_says_what_was_looked_for() -> None:
    found = suggest(Reviewed(diagnosis_of("nothing_found", keep=0)), IMAGES, lang="en")
    assert found.impression == (
        "Nothing found above the operating point; looked for: midline shift 偏移. [AI]"
    )
    # Rejected was all that there was: the rest is the reader's to say.
    rejected = suggest(Reviewed(diagnosis_of("refer", keep=0)), IMAGES, lang="en")
    assert rejected.impression == ""


def test_without_a_result_only_the_images_are_told() -> None:
    images = (*IMAGES, Images("DX", "CHEST", 1))
    content = suggest(None, images, lang="en")
    assert content.examined.splitlines() == [
        "CT, head, 4 images.",
        "Digital radiograph, chest, 1 image.",
    ]
    assert content.is_empty
    assert content.result_id is None
