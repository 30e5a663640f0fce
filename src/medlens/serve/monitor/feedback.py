"""What readers say of findings: accepted, rejected, corrected.

Every word is kept. What counts is the last word of each reader on each finding.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

import sqlalchemy as sa

from medlens.core import UsageError
from medlens.core.diagnosis import Assessment, Diagnosis, Finding
from medlens.serve.store.tables import feedback, instances

Verdict = Literal["accept", "reject", "correct"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LONGEST_COMMENT = 2000
LARGEST_BOX = 65_535.0


@dataclass(frozen=True)
class Correction:
    """What a finding should have been; all that is None or "" stands as it was.

    Attributes:
        label: what it is instead, in the words of the bundle where it has them.
        box: (left, top, right, bottom) in pixels of the finding's image, edges of
            pixels counted from 0.
        mask: SOP Instance UID of a segmentation in the same study.
    """

    label: str = ""
    box: tuple[float, float, float, float] | None = None
    mask: str = field(default="", repr=False)

    @property
    def is_empty(self) -> bool:
        """True when it says nothing."""
        return not (self.label or self.box or self.mask)


@dataclass(frozen=True)
class Word:
    """One word of one reader.

    Attributes:
        id: grows with time.
        result, assessment, finding: what it is about.
        verdict: "accept": the finding is right as it stands; "reject": it is there
            where none was found, or is not where one was; "correct": see `correction`.
        correction: empty for the other two.
        comment: free text; it may say anything and leaves this service in no export.
        reader: number of the user, None for the guest of a demo.
        at: seconds since 1970.
    """

    id: int
    result: int
    assessment: int
    finding: str
    verdict: Verdict
    correction: Correction
    comment: str = field(repr=False)
    reader: int | None
    at: float


def say(
    connection: sa.Connection,
    *,
    result: int,
    study_id: int,
    diagnosis: Diagnosis,
    assessment: int,
    finding: str,
    verdict: Verdict,
    correction: Correction | None = None,
    comment: str = "",
    reader: int | None,
    now: float,
) -> Word:
    """Keep a word.

    Args:
        connection: of `Store.begin`.
        result, study_id, diagnosis: the result and what it says.
        assessment: index of the assessment.
        finding: `id` of the finding.
        verdict, correction, comment: see `Word`.
        reader: who says it.
        now: seconds since 1970.

    Raises:
        UsageError: the result has no such finding, or the correction does not fit.
    """
    correction = correction or Correction()
    found = finding_of(diagnosis, assessment, finding)
    _check(connection, found, verdict, correction, study_id)
    row = connection.execute(
        sa.insert(feedback)
        .values(
            result_id=result,
            assessment=assessment,
            finding=finding,
            verdict=verdict,
            correction=asdict(correction),
            comment=comment[:LONGEST_COMMENT],
            user_id=reader,
            at=now,
        )
        .returning(feedback)
    ).one()
    return _word(row)


def finding_of(diagnosis: Diagnosis, assessment: int, finding: str) -> Finding:
    """A finding by its place.

    Raises:
        UsageError: there is none.
    """
    if 0 <= assessment < len(diagnosis.assessments):
        for each in diagnosis.assessments[assessment].findings:
            if each.id == finding:
                return each
    raise UsageError(
        "feedback: the result has no such finding; `assessment` counts from 0, and "
        "`finding` is the finding's `id`"
    )


def read_words(connection: sa.Connection, results: Iterable[int]) -> list[Word]:
    """All words on some results, the oldest first."""
    wanted, found = sorted(set(results)), []
    for start in range(0, len(wanted), 500):
        query = sa.select(feedback).where(
            feedback.c.result_id.in_(wanted[start : start + 500])
        )
        found += [_word(row) for row in connection.execute(query)]
    return sorted(found, key=lambda word: word.id)


def last_words(words: Iterable[Word]) -> list[Word]:
    """Of each reader on each finding the last one, in order."""
    last = {
        (word.result, word.assessment, word.finding, word.reader): word
        for word in sorted(words, key=lambda word: word.id)
    }
    return sorted(last.values(), key=lambda word: word.id)


def is_present(finding: Finding, word: Word) -> bool:
    """Whether, by a reader's word, what the finding's label says is there."""
    if word.verdict == "reject":
        return not finding.is_present
    if word.verdict == "correct" and word.correction.label not in ("", finding.label):
        return False
    return finding.is_present or word.verdict == "correct"


def present_labels(assessment: Assessment, words: Sequence[Word]) -> set[str] | None:
    """Labels that are there by the readers; None where they disagree or did not look.

    A finding of which nobody spoke stands where another of the same assessment was
    judged: whoever judges one finding has the whole image before them.

    Args:
        assessment: what the bundle said.
        words: last words on its findings, of all readers.
    """
    if not words:
        return None
    found = set()
    by_finding: dict[str, list[Word]] = {}
    for word in words:
        by_finding.setdefault(word.finding, []).append(word)
    for finding in assessment.findings:
        said = by_finding.get(finding.id, [])
        views = {is_present(finding, word) for word in said} or {finding.is_present}
        others = {word.correction.label or finding.label for word in said}
        if len(views) > 1 or len(others) > 1:
            return None
        if views == {True}:
            found.add(finding.label)
        found |= others - {finding.label}
    return found


def _check(
    connection: sa.Connection,
    finding: Finding,
    verdict: Verdict,
    correction: Correction,
    study_id: int,
) -> None:
    if verdict != "correct":
        if not correction.is_empty:
            raise UsageError(
                f"feedback: a correction with {verdict!r}; wanted it with 'correct' "
                "alone"
            )
        return
    if correction.is_empty:
        raise UsageError("feedback: 'correct' wants a label, a box or a mask")
    if correction.box is not None:
        _check_box(correction.box, finding)
    if correction.mask:
        _check_mask(connection, correction.mask, study_id)


def _check_box(box: tuple[float, float, float, float], finding: Finding) -> None:
    left, top, right, bottom = box
    is_right = all(math.isfinite(v) and 0 <= v <= LARGEST_BOX for v in box)
    if not (is_right and left < right and top < bottom):
        raise UsageError(
            "feedback: box: wanted left < right and top < bottom, in pixels from 0"
        )
    if finding.place.image is None:
        raise UsageError(
            "feedback: the finding names no image that a box could lie in; give a mask"
        )


def _check_mask(connection: sa.Connection, mask: str, study_id: int) -> None:
    query = sa.select(instances.c.id).where(
        instances.c.sop_uid == mask,
        instances.c.study_id == study_id,
        instances.c.sop_class == SEGMENTATION,
    )
    if connection.execute(query).first() is None:
        raise UsageError(
            "feedback: mask: is no segmentation (SEG) of this study; store one first, "
            "then name its SOP Instance UID"
        )


def _word(row: Any) -> Word:
    said = dict(row.correction)
    box = said.get("box")
    return Word(
        id=row.id,
        result=row.result_id,
        assessment=row.assessment,
        finding=row.finding,
        verdict=row.verdict,
        correction=Correction(
            label=said.get("label", ""),
            box=(box[0], box[1], box[2], box[3]) if box else None,
            mask=said.get("mask", ""),
        ),
        comment=row.comment,
        reader=row.user_id,
        at=row.at,
    )
