"""A first draft of a report, from what the models found and what readers said of it.

Sentences come from the same tables as the diagnosis' own text. Each that a model stands
behind carries a mark, so that it is known as such until a reader signs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from medlens.core.diagnosis import Assessment, Diagnosis, Finding, Place
from medlens.core.terms import Lang, is_normal, is_structure
from medlens.write.reading.content import Content
from medlens.write.reading.words import say as say_mark
from medlens.write.text import (
    caution_lines,
    comparison_lines,
    named,
    tell_absent,
    tell_images,
    tell_nothing,
)
from medlens.write.text_finding import label_name, tell_finding
from medlens.write.words import say, say_reason

MARK = Literal["ai", "ai_accepted", "ai_corrected", "ai_disputed", "by_reader"]
SETTLED: tuple[MARK, ...] = ("ai_accepted", "ai_corrected", "by_reader")
"""A reader stands behind these: the model's probability has no more to say."""


@dataclass(frozen=True)
class Reviewed:
    """A diagnosis after readers spoke.

    Attributes:
        diagnosis: without what they rejected, with what they corrected or added.
        marks: (index of the assessment, id of the finding) → how it came to be;
            "ai" where it is not named.
    """

    diagnosis: Diagnosis
    marks: Mapping[tuple[int, str], MARK] = field(default_factory=dict)

    def mark_of(self, at: int, finding: Finding) -> MARK:
        """How a finding came to be."""
        return self.marks.get((at, finding.id), "ai")


@dataclass(frozen=True)
class Images:
    """Images of one kind that a study holds.

    Attributes:
        modality, body_part: of their headers.
        count: how many.
    """

    modality: str
    body_part: str
    count: int


def suggest(
    reviewed: Reviewed | None,
    images: Sequence[Images],
    *,
    lang: Lang,
    result_id: int | None = None,
) -> Content:
    """The draft of a report.

    Args:
        reviewed: of the newest result, None where there is none.
        images: of the study, for what no model looked at.
        lang: of the draft.
        result_id: number of the result.
    """
    if reviewed is None:
        return Content(lang, examined=_joined(_told(images, lang)))
    diagnosis = reviewed.diagnosis
    compared = comparison_lines(diagnosis, lang) if diagnosis.has_prior else ()
    return Content(
        lang,
        examined=_joined(_examined(diagnosis, images, lang)),
        findings=_joined(_findings(reviewed, lang)),
        comparison=_joined(_marked(line, "ai", lang) for line in compared),
        impression=_joined(_impressions(reviewed, lang)),
        result_id=result_id,
    )


def _joined(lines: Iterator[str]) -> str:
    return "\n".join(dict.fromkeys(line for line in lines if line))


def _marked(said: str, mark: MARK, lang: Lang) -> str:
    gap = " " if lang == "en" else ""
    return f"{said}{gap}{say_mark(mark, lang)}"


def _examined(
    diagnosis: Diagnosis, images: Sequence[Images], lang: Lang
) -> Iterator[str]:
    """Several models may have looked at the same images, which are told once."""
    looked = [
        Images(item.modality, item.body_part, len(item.images))
        for item in diagnosis.assessments
    ]
    yield from _told(looked or images, lang)
    for item in diagnosis.assessments:
        for note in item.notes:
            yield say("note", lang, note=say_reason(note, lang))


def _told(images: Sequence[Images], lang: Lang) -> Iterator[str]:
    for kind in images:
        said = tell_images(kind.modality, kind.body_part, kind.count, lang)
        yield said[:1].upper() + said[1:]


def _findings(reviewed: Reviewed, lang: Lang) -> Iterator[str]:
    """Doubt first, as in the diagnosis' own text.

    Of images outside what a model knows only what readers stand behind is told: no
    figure of it should be trusted.
    """
    diagnosis = reviewed.diagnosis
    for line in caution_lines(diagnosis, lang):
        yield _marked(line, "ai", lang)
    for at, item in enumerate(diagnosis.assessments):
        is_outside = item.advice == "outside"
        for finding in item.findings:
            mark = reviewed.mark_of(at, finding)
            if finding.is_present and not (is_outside and mark not in SETTLED):
                count = len(item.images)
                told = _for_readers(finding, mark, count)
                said = tell_finding(told, lang, images=count)
                said = named(diagnosis, item, said, lang)
                yield _marked(said, mark, lang)
        absent = [one for one in item.findings if not one.is_present]
        if absent and not is_outside:
            said = named(diagnosis, item, tell_absent(absent, lang), lang)
            yield _marked(said, "ai", lang)


def _for_readers(finding: Finding, mark: MARK, images: int) -> Finding:
    """Without pixels, coordinates and operating point: they say nothing in a report."""
    at = finding.place.slice_index if images > 1 else None
    place = Place(laterality=finding.place.laterality, slice_index=at)
    told = replace(finding, place=place, threshold=None, operating_point="")
    return replace(told, probability=None) if mark in SETTLED else told


def _impressions(reviewed: Reviewed, lang: Lang) -> Iterator[str]:
    """What is present; where a model is in doubt, only what readers stand behind.

    A reader has to write the rest: "unsure" is no impression.
    """
    diagnosis = reviewed.diagnosis
    for at, item in enumerate(diagnosis.assessments):
        is_doubtful = item.advice in ("unsure", "outside", "not_assessable")
        shown = [
            (finding, reviewed.mark_of(at, finding))
            for finding in item.findings
            if _is_news(finding)
        ]
        for finding, mark in shown:
            if mark in SETTLED or not is_doubtful:
                said = _name(finding, lang) + say("end", lang)
                yield _marked(said, mark, lang)
        if not shown and not is_doubtful:
            yield from _nothing(reviewed, item, lang)


def _is_news(finding: Finding) -> bool:
    is_anatomy = is_structure(finding.label) or is_normal(finding.label)
    return finding.is_present and not is_anatomy


def _name(finding: Finding, lang: Lang) -> str:
    name = label_name(finding.label, lang)
    return name[:1].upper() + name[1:]


def _nothing(reviewed: Reviewed, item: Assessment, lang: Lang) -> Iterator[str]:
    """That nothing was found, as a model said it.

    Where readers rejected all that it had found, what remains is theirs to say.
    """
    if item.advice == "measured":
        said = say("advice_measured", lang)
    elif item.advice == "nothing_found":
        said = tell_nothing(item, lang)
    else:
        return
    said = named(reviewed.diagnosis, item, said + say("end", lang), lang)
    yield _marked(said, "ai", lang)
