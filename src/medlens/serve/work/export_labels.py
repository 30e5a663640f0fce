"""What readers said of an answer → a row of a data set, in the manifest's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import sqlalchemy as sa

from medlens.core import MedlensError
from medlens.core.diagnosis import Assessment, Finding
from medlens.serve.monitor.feedback import (
    ADDED,
    Word,
    added_label,
    is_present,
    last_words,
    read_words,
    words_on,
)
from medlens.serve.store.tables import feedback, results, scores
from medlens.write.document import from_document

Words = Mapping[str, Sequence[Word]]


class Task(Protocol):
    """What a bundle says of its labels."""

    @property
    def kind(self) -> str:
        """ "binary", "multiclass" or "multilabel"."""

    @property
    def form(self) -> str:
        """What it looks at."""

    @property
    def labels(self) -> tuple[str, ...]:
        """In their order."""

    @property
    def positive(self) -> str:
        """Of a binary task."""


class UnclearError(MedlensError):
    """The readers' words give no label; says why."""


@dataclass(frozen=True)
class Reviewed:
    """An answer of which readers spoke.

    Attributes:
        result, number: of the result and the assessment in it.
        study_id: our own number of the study.
        site: of the study.
        assessment: what the bundle said.
        words: finding's id → last words on it.
    """

    result: int
    number: int
    study_id: int
    site: str = field(repr=False)
    assessment: Assessment = field(repr=False)
    words: Words = field(repr=False)

    @property
    def case(self) -> str:
        """For messages: our own numbers alone."""
        first = self.assessment.images[0].case if self.assessment.images else "?"
        return f"study {self.study_id}, {first}"


def read_reviewed(
    connection: sa.Connection, bundle: str, *, among: Sequence[int] = ()
) -> list[Reviewed]:
    """All answers of a bundle of which a reader spoke, by study; of several on the same
    images the newest.

    Args:
        connection: to the index.
        bundle: digest.
        among: our own numbers of the studies that are asked for; () for all.
    """
    in_them = [results.c.study_id.in_(among)] if among else []
    spoken = sa.select(feedback.c.result_id)
    rows = connection.execute(
        sa.select(
            results.c.id, results.c.study_id, results.c.diagnosis,
            scores.c.assessment, scores.c.site,
        )
        .join(scores, scores.c.result_id == results.c.id)
        .where(
            scores.c.bundle_digest == bundle,
            results.c.role == "active",
            results.c.id.in_(spoken),
            *in_them,
        )
        .order_by(results.c.study_id, results.c.id, scores.c.assessment)
    ).all()  # fmt: skip
    words = last_words(read_words(connection, {row.id for row in rows}))
    found: dict[Any, Reviewed] = {}
    for row in rows:
        said: dict[str, list[Word]] = {}
        for word in words:
            if (word.result, word.assessment) == (row.id, row.assessment):
                said.setdefault(word.finding, []).append(word)
        if not said:
            continue
        assessment = from_document(row.diagnosis).assessments[row.assessment]
        images = tuple((i.sop_instance_uid, i.frame) for i in assessment.images)
        found[row.study_id, images] = Reviewed(
            row.id, row.assessment, row.study_id, row.site, assessment, said
        )
    return list(found.values())


def label_columns(task: Task) -> tuple[str, ...]:
    """Columns of labels.csv that hold labels; () where masks do."""
    if task.form == "segment":
        return ()
    return task.labels if task.kind == "multilabel" else ("label",)


def label_row(task: Task, assessment: Assessment, words: Words) -> dict[str, str]:
    """Label column → value, by the readers.

    Args:
        task: of the bundle.
        assessment: what it said.
        words: last words by finding; at least one.

    Raises:
        UnclearError: they disagree, or do not say enough.
    """
    views = {
        finding.label: _view(finding, said)
        for finding in assessment.findings
        if (said := words_on(finding, words))
    }
    views |= dict.fromkeys(_added(task, words), True)
    named = _named(task, assessment, words)
    if task.kind == "multilabel":
        return _of_many(task, views, named)
    return {"label": _of_one(task, assessment, views, named)}


def box_text(task: Task, assessment: Assessment, words: Words) -> str:
    """Boxes that readers accepted or drew, "left top right bottom; …" in pixels.

    Of those that were added the ones whose label is the bundle's.
    """
    boxes = [
        word.correction.box
        for finding, said in words.items()
        if finding.startswith(ADDED) and added_label(said) in task.labels
        for word in said[-1:]
        if word.correction.box is not None
    ]
    for finding in assessment.findings:
        for word in words.get(finding.id, ()):
            box = word.correction.box
            if box is None and word.verdict == "accept" and finding.is_present:
                box = finding.place.box
            if box is not None:
                boxes.append(box)
    told = (" ".join(f"{value:g}" for value in box) for box in boxes)
    return "; ".join(dict.fromkeys(told))


def _view(finding: Finding, words: Sequence[Word]) -> bool:
    views = {is_present(finding, word) for word in words}
    if len(views) > 1:
        raise UnclearError("readers disagree")
    return views.pop()


def _added(task: Task, words: Words) -> list[str]:
    """Labels of the bundle under which readers added a finding.

    What it does not look for is no label of its data set.

    Raises:
        UnclearError: readers disagree about one of them.
    """
    found = []
    for finding, said in words.items():
        if not finding.startswith(ADDED):
            continue
        label = added_label(said)
        if label is None:
            raise UnclearError(
                "readers disagree about a finding that one of them added"
            )
        if label in task.labels:
            found.append(label)
    return found


def _named(task: Task, assessment: Assessment, words: Words) -> str:
    """The label that readers put in the place of a finding's, or "".

    Only the bundle's own labels go out: other text may name somebody.
    """
    labels = {f.id: f.label for f in assessment.findings}
    named = {
        word.correction.label
        for finding, said in words.items()
        for word in said
        if not word.is_of_added
        and word.correction.label not in ("", labels.get(finding, ""))
    }
    if len(named) > 1:
        raise UnclearError("readers name different labels")
    label = named.pop() if named else ""
    if label and label not in task.labels:
        raise UnclearError("the label that a reader named is none of the bundle's")
    return label


def _of_many(task: Task, views: Mapping[str, bool], named: str) -> dict[str, str]:
    """0, 1, or nothing where nobody looked, as a manifest has it."""
    row = dict.fromkeys(task.labels, "")
    row |= {label: str(int(is_there)) for label, is_there in views.items()}
    return row | ({named: "1"} if named else {})


def _of_one(
    task: Task, assessment: Assessment, views: Mapping[str, bool], named: str
) -> str:
    if named:
        return named
    there = [label for label, is_there in views.items() if is_there]
    if len(there) > 1:
        raise UnclearError("readers found more than one label")
    if there:
        return there[0]
    left = [label for label in task.labels if label not in views]
    is_whole = len(left) == 1 or {f.label for f in assessment.findings} <= set(views)
    normal = [x for x in left if x not in {f.label for f in assessment.findings}]
    if len(left) == 1:
        return left[0]
    if is_whole and len(normal) == 1:
        return normal[0]
    raise UnclearError("readers say what is not there, and not what is")
