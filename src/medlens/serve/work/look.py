"""One bundle looks at one candidate."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from medlens.core import Image, reason_of
from medlens.core.diagnosis import Assessment, Evidence
from medlens.predict.diagnose import describe, not_assessable
from medlens.predict.key_picture import Picture, paint_key
from medlens.predict.mapped import allocate
from medlens.read import open_image, open_series
from medlens.serve.work.candidates import Candidate
from medlens.serve.work.choose import Task
from medlens.serve.work.rule import Rule

if TYPE_CHECKING:
    from medlens.predict.forms import AnyPredictor

log = logging.getLogger("medlens.work")


@dataclass(frozen=True)
class Looked:
    """What came of a task.

    Attributes:
        task: bundle and candidate.
        assessment: an answer, or why there is none.
        evidence: pixels of the answer.
        statistics: (14,) of the prepared input, see `predict.case_statistics`; ()
            where there is no answer.
        picture: of the key image, for the result; None as above.
    """

    task: Task
    assessment: Assessment
    evidence: Evidence = field(default_factory=Evidence, repr=False)
    statistics: tuple[float, ...] = ()
    picture: Picture | None = field(default=None, repr=False)


def look(task: Task) -> Looked:
    """Run a bundle. What cannot be read or answered is an assessment that says why."""
    candidate, model = task.candidate, task.model
    try:
        image = open_candidate(candidate, task.rule)
        answer, statistics = _answer(model.predictor, image)
        assessment, evidence = describe(
            model.bundle, answer, image, candidate.images, notes=candidate.notes
        )
        picture = paint_key(image, assessment, evidence)
    except Exception as error:  # one hostile series must not end the others
        log.info("not assessable", extra={"error": type(error).__name__})
        reason = reason_of(error).removeprefix(f"{candidate.case}: ")
        return Looked(task, _without_answer(task, reason))
    found = tuple(float(value) for value in np.asarray(statistics).ravel())
    return Looked(task, assessment, evidence, found, picture)


def open_candidate(candidate: Candidate, rule: Rule) -> Image:
    """The pixels of a candidate.

    Raises:
        ReadError: they cannot be read, or the slices are uneven and the rule does not
            consent to it.
        ResourceError: there is no room for them.
    """
    if candidate.series is not None:
        return open_series(candidate.series, uneven=rule.uneven, allocate=allocate)
    return open_image(candidate.inputs[0].path, case=candidate.case)


def _answer(predictor: AnyPredictor, image: Image) -> tuple[Any, Any]:
    """The answer of a predictor of any form, with its statistics."""
    found = predictor.answer(image)
    if isinstance(found, tuple):
        return found
    return found.prediction, found.statistics


def _without_answer(task: Task, reason: str) -> Assessment:
    return not_assessable(
        task.model.bundle,
        task.candidate.images,
        reason,
        modality=task.candidate.facts.modality,
        body_part=task.candidate.facts.body_part,
        notes=task.candidate.notes,
    )
