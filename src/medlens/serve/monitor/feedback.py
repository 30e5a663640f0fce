"""What readers say of findings: accepted, rejected, corrected, added.

Every word is kept. What counts is the last word of each reader on each finding. A
finding that a reader adds has a name of its own, "+17" by the number of the word, so
that others can speak of it; each word on it holds all that it says of it (label, box,
mask, image), so that the last words alone tell what there is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from medlens.core import UsageError
from medlens.core.diagnosis import Assessment, Diagnosis, Finding
from medlens.serve.monitor.words import (
    ADDED,
    VERDICTS,
    Correction,
    Plane,
    Verdict,
    Word,
    added_label,
    is_present,
    last_words,
    words_on,
)
from medlens.serve.store.tables import feedback, instances

__all__ = [
    "ADDED",
    "VERDICTS",
    "Correction",
    "Plane",
    "Verdict",
    "Word",
    "added_label",
    "finding_of",
    "is_present",
    "last_words",
    "read_words",
    "say",
    "words_on",
]

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LONGEST_COMMENT = 2000
MOST_WORDS = 2000
"""On one result: all of them are read at a time."""
LARGEST_BOX = 65_535.0
NO_SUCH = (
    "feedback: the result has no such finding; `assessment` counts from 0, and "
    "`finding` is the finding's `id`"
)


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
        finding: `id` of the finding; "" for one to be added.
        verdict, correction, comment: see `Word`.
        reader: who says it.
        now: seconds since 1970.

    Raises:
        UsageError: the result has no such finding, the correction does not fit, or
            there are `MOST_WORDS` already.
    """
    correction = correction or Correction()
    _check_count(connection, result)
    place = _Place(connection, result, study_id, diagnosis, assessment)
    if verdict == "add":
        _check_added(place, finding, correction)
    elif finding.startswith(ADDED):
        correction = _on_added(place, finding, verdict, correction)
    else:
        _check(place, finding_of(diagnosis, assessment, finding), verdict, correction)
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
    if verdict != "add":
        return _word(row)
    named = sa.update(feedback).where(feedback.c.id == row.id)
    row = connection.execute(
        named.values(finding=f"{ADDED}{row.id}").returning(feedback)
    ).one()
    return _word(row)


def _check_count(connection: sa.Connection, result: int) -> None:
    this = sa.select(sa.func.count()).where(feedback.c.result_id == result)
    if connection.execute(this).scalar_one() >= MOST_WORDS:
        raise UsageError(
            f"feedback: readers have said {MOST_WORDS:,} words on this result; no more "
            "are kept: have the study answered anew"
        )


def finding_of(diagnosis: Diagnosis, assessment: int, finding: str) -> Finding:
    """A finding by its place.

    Raises:
        UsageError: there is none.
    """
    if 0 <= assessment < len(diagnosis.assessments):
        for each in diagnosis.assessments[assessment].findings:
            if each.id == finding:
                return each
    raise UsageError(NO_SUCH)


def read_words(connection: sa.Connection, results: Iterable[int]) -> list[Word]:
    """All words on some results, the oldest first."""
    wanted, found = sorted(set(results)), []
    for start in range(0, len(wanted), 500):
        query = sa.select(feedback).where(
            feedback.c.result_id.in_(wanted[start : start + 500])
        )
        found += [_word(row) for row in connection.execute(query)]
    return sorted(found, key=lambda word: word.id)


@dataclass(frozen=True)
class _Place:
    """Where a word is said."""

    connection: sa.Connection
    result: int
    study_id: int
    diagnosis: Diagnosis
    number: int

    @property
    def assessment(self) -> Assessment:
        if not 0 <= self.number < len(self.diagnosis.assessments):
            raise UsageError(NO_SUCH)
        return self.diagnosis.assessments[self.number]


def _check_added(place: _Place, finding: str, correction: Correction) -> None:
    if finding:
        raise UsageError("feedback: 'add' wants an empty `finding`; it is given a name")
    if not correction.label:
        raise UsageError("feedback: 'add' wants a label: what was missed")
    if correction.box is None and not correction.mask:
        raise UsageError("feedback: 'add' wants a box or a mask: where it is")
    if correction.box is not None and correction.image is None:
        raise UsageError("feedback: 'add' with a box wants the image that it lies in")
    _check_parts(place, correction, None)


def _on_added(
    place: _Place, finding: str, verdict: Verdict, correction: Correction
) -> Correction:
    """All that a word says of a finding that somebody added."""
    before = [
        word
        for word in read_words(place.connection, [place.result])
        if (word.assessment, word.finding) == (place.number, finding)
    ]
    if not before:
        raise UsageError(NO_SUCH)
    _check_kind(verdict, correction)
    _check_parts(place, correction, None)
    return correction.over(before[-1].correction)


def _check(
    place: _Place, finding: Finding, verdict: Verdict, correction: Correction
) -> None:
    _check_kind(verdict, correction)
    _check_parts(place, correction, finding)


def _check_kind(verdict: Verdict, correction: Correction) -> None:
    if verdict != "correct" and not correction.is_empty:
        raise UsageError(
            f"feedback: a correction with {verdict!r}; wanted it with 'correct' or "
            "'add' alone"
        )
    if verdict == "correct" and not (
        correction.label or correction.box or correction.mask
    ):
        raise UsageError("feedback: 'correct' wants a label, a box or a mask")


def _check_parts(
    place: _Place, correction: Correction, finding: Finding | None
) -> None:
    image = correction.image
    if image is not None and not any(image.is_of(i) for i in place.assessment.images):
        raise UsageError(
            "feedback: image: is none of those that the assessment looked at; name one "
            "of its `images`, with its frame where it has one"
        )
    if correction.box is not None:
        _check_box(correction.box)
        if image is None and finding is not None and finding.place.image is None:
            raise UsageError(
                "feedback: the finding names no image that a box could lie in; name "
                "one as `image`, or give a mask"
            )
    if correction.mask:
        _check_mask(place.connection, correction.mask, place.study_id)


def _check_box(box: tuple[float, float, float, float]) -> None:
    left, top, right, bottom = box
    is_right = all(math.isfinite(v) and 0 <= v <= LARGEST_BOX for v in box)
    if not (is_right and left < right and top < bottom):
        raise UsageError(
            "feedback: box: wanted left < right and top < bottom, in pixels from 0"
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
    box, image = said.get("box"), said.get("image")
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
            image=Plane(image["sop_uid"], image["frame"]) if image else None,
        ),
        comment=row.comment,
        reader=row.user_id,
        at=row.at,
    )
