"""A diagnosis as readers left it: rejected, corrected, added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from medlens.core.diagnosis import Assessment, Diagnosis, Finding, ImageRef, Place
from medlens.core.terms import code_of, fold, side_of
from medlens.serve.monitor.feedback import Correction, Word, last_words
from medlens.write.reading.suggestion import MARK, Reviewed

Judged = tuple[Finding, MARK]


def review(
    diagnosis: Diagnosis, words: Sequence[Word], *, reader: int | None
) -> Reviewed:
    """What is left of a diagnosis after readers spoke.

    The reader's own last word on a finding counts before those of others; where others
    disagree and the reader did not speak, the finding stands and is marked so.
    Comments are not looked at.

    Args:
        diagnosis: of one result.
        words: on that result, of all readers.
        reader: number of who asks, None for the guest of a demo.
    """
    said: dict[tuple[int, str], list[Word]] = {}
    for word in last_words(words):
        said.setdefault((word.assessment, word.finding), []).append(word)
    marks: dict[tuple[int, str], MARK] = {}
    assessments = []
    for at, item in enumerate(diagnosis.assessments):
        judged = [
            kept
            for finding in item.findings
            if (kept := _judge(finding, said.get((at, finding.id), []), reader, item))
        ]
        for (where, name), spoken in said.items():
            if where == at and spoken[0].is_of_added:
                judged += _added(name, spoken, reader, item)
        judged = _without_doubles(judged)
        marks |= {(at, finding.id): mark for finding, mark in judged if mark != "ai"}
        findings = tuple(finding for finding, _ in judged)
        assessments.append(replace(item, findings=findings))
    return Reviewed(replace(diagnosis, assessments=tuple(assessments)), marks)


def _counting(words: Sequence[Word], reader: int | None) -> Word | None:
    """The word that counts: the reader's own, else that of all; None for a dispute."""
    own = [word for word in words if word.reader == reader]
    if own:
        return own[-1]
    views = {(word.verdict == "reject", word.correction) for word in words}
    return words[-1] if len(views) == 1 else None


def _judge(
    finding: Finding, words: Sequence[Word], reader: int | None, item: Assessment
) -> Judged | None:
    """A finding of the bundle by what was said of it; None where it goes."""
    if not words:
        return finding, "ai"
    word = _counting(words, reader)
    if word is None:
        return finding, "ai_disputed"
    if word.verdict == "reject":
        return None if finding.is_present else (_bare(finding), "by_reader")
    if word.verdict == "correct":
        return _corrected(finding, word.correction, item), "ai_corrected"
    return finding, "ai_accepted" if finding.is_present else "ai"


def _bare(finding: Finding) -> Finding:
    """Present by a reader's word alone: nothing of it was measured."""
    return Finding(finding.id, finding.label, finding.code, is_present=True)


def _corrected(finding: Finding, said: Correction, item: Assessment) -> Finding:
    made = replace(finding, is_present=True)
    is_other = bool(said.label) and fold(said.label) != fold(finding.label)
    if is_other:
        made = replace(
            made,
            label=said.label,
            code=code_of(said.label),
            probability=None,
            threshold=None,
            operating_point="",
            change=None,
        )
    if said.mask:  # what was measured is of the old one
        made = replace(made, quantities=(), slices=(), parts=None, change=None)
    if said.box is not None or said.image is not None:
        made = replace(made, place=_placed(made.place, said, item))
    return made


def _added(
    name: str, words: Sequence[Word], reader: int | None, item: Assessment
) -> list[Judged]:
    word = _counting(words, reader)
    disputed = word is None
    word = word or words[0]
    if word.verdict == "reject" or not word.correction.label:
        return []
    label = word.correction.label
    place = _placed(Place(laterality=side_of(label)), word.correction, item)
    found = Finding(name, label, code_of(label), is_present=True, place=place)
    return [(found, "ai_disputed" if disputed else "by_reader")]


def _placed(place: Place, said: Correction, item: Assessment) -> Place:
    """Where a reader drew it: on their image, else on the one that it was on."""
    image, at = place.image, place.slice_index
    if said.image is not None:
        image = next((one for one in item.images if said.image.is_of(one)), None)
        at = _index(item.images, image)
    return replace(place, image=image, slice_index=at, box=said.box, centre_mm=None)


def _index(images: Sequence[ImageRef], image: ImageRef | None) -> int | None:
    return images.index(image) if image is not None and len(images) > 1 else None


def _without_doubles(judged: list[Judged]) -> list[Judged]:
    """What a reader calls present under a label is not absent under it too."""
    present = {fold(finding.label) for finding, _ in judged if finding.is_present}
    return [
        (finding, mark)
        for finding, mark in judged
        if finding.is_present or fold(finding.label) not in present
    ]
