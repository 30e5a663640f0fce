"""Answers of a bundle → an `Assessment`, assessments of a study → a `Diagnosis`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from medlens import __version__
from medlens.bundle import Bundle
from medlens.core import Image, MaskPrediction, Prediction, SequencePrediction
from medlens.core.diagnosis import (
    Advice,
    Algorithm,
    Assessment,
    Diagnosis,
    Evidence,
    Finding,
    ImageRef,
)
from medlens.core.terms import (
    is_normal,
    is_structure,
    known_body_part,
    known_modality,
)
from medlens.predict.diagnose_change import compare
from medlens.predict.diagnose_labels import Answer, find_labels, map_evidence
from medlens.predict.diagnose_place import Slices, side_of_image

if TYPE_CHECKING:
    from medlens.predict.forms import AnyPredictor

RESAMPLED = (
    "the slices were interpolated onto an even grid; sizes are those of that grid, and "
    "no slice of the source is named"
)
AnyAnswer = Prediction | SequencePrediction | MaskPrediction


def assess(
    predictor: AnyPredictor,
    image: Image,
    images: Sequence[ImageRef],
    *,
    notes: Sequence[str] = (),
) -> tuple[Assessment, Evidence]:
    """What a bundle says of an image, series or volume.

    Args:
        predictor: of any form.
        image: (C, D, H, W) as read.
        images: the source images: one for each slice in the order of the volume, or
            one for the whole.
        notes: what a reader should know of the source (`Series.findings`).

    Raises:
        MedlensError: as the predictor raises; see its `predict`.
    """
    answer = predictor.predict(image)
    return describe(predictor.bundle, answer, image, images, notes=notes)


def describe(
    bundle: Bundle,
    answer: AnyAnswer,
    image: Image,
    images: Sequence[ImageRef],
    *,
    notes: Sequence[str] = (),
) -> tuple[Assessment, Evidence]:
    """As `assess`, of an answer that is there already.

    Args:
        bundle: that answered.
        answer: of `image`.
        image: of which only the grid, the modality and the facts are looked at.
        images, notes: as for `assess`.
    """
    slices = Slices.of(image, images)
    if isinstance(answer, MaskPrediction):
        from medlens.predict.diagnose_masks import find_regions

        findings = find_regions(answer, image.geometry, slices)
        evidence = Evidence(mask=answer.mask, labels=answer.labels)
        held: tuple[str, ...] = ()
        coverage = None
    else:
        whole = Answer.of(bundle, answer)
        findings = find_labels(whole, slices, side_of_image(image))
        evidence = map_evidence(whole, findings, slices)
        held, coverage = whole.prediction.prediction_set, whole.coverage
    gate = (
        answer.series.out_of_distribution
        if isinstance(answer, SequencePrediction)
        else answer.out_of_distribution
    )
    assessment = Assessment(
        algorithm=algorithm_of(bundle),
        status="assessed",
        advice=advise(
            findings,
            kind=bundle.kind,
            is_outside=gate.flag,
            prediction_set=None if coverage is None else held,
        ),
        images=tuple(images),
        modality=known_modality(image.modality),
        body_part=known_body_part(image.provenance.facts.get("BodyPartExamined", "")),
        findings=findings,
        prediction_set=held,
        coverage=coverage,
        out_of_distribution=gate,
        notes=(*notes, *_own_notes(image)),
    )
    return assessment, evidence


def _own_notes(image: Image) -> tuple[str, ...]:
    return (RESAMPLED,) if "Resampled" in image.provenance.facts else ()


def not_assessable(
    bundle: Bundle,
    images: Sequence[ImageRef],
    reason: str,
    *,
    modality: str = "",
    body_part: str = "",
    notes: Sequence[str] = (),
) -> Assessment:
    """What stands in the place of an answer that could not be given.

    Args:
        bundle: that was asked.
        images: the source images.
        reason: why, in plain words.
        modality, body_part: of the source as its header says.
        notes: as for `assess`.
    """
    return Assessment(
        algorithm=algorithm_of(bundle),
        status="not_assessable",
        advice="not_assessable",
        images=tuple(images),
        modality=known_modality(modality),
        body_part=known_body_part(body_part),
        reason=reason,
        notes=tuple(notes),
    )


def algorithm_of(bundle: Bundle) -> Algorithm:
    """Who answers: the bundle, and the medlens that runs it."""
    return Algorithm(
        name=bundle.name,
        digest=bundle.digest,
        version=__version__,
        form=bundle.form,
        kind=bundle.kind,
        intended_use=bundle.intended_use,
    )


def advise(
    findings: Sequence[Finding],
    *,
    kind: str,
    is_outside: bool,
    prediction_set: Sequence[str] | None,
) -> Advice:
    """What to do: the first that holds of outside, unsure, refer, nothing found.

    Binary and multi-class: unsure when the set does not hold exactly one label, or
    holds as its only label a finding that was not decided for. A multi-label set is
    no choice between its labels: it leaves something open only where nothing was
    decided for and a finding is in it all the same.

    Args:
        findings: all of them.
        kind: of the task.
        is_outside: the gate's flag.
        prediction_set: None where the bundle has no conformal sets, or for masks.
    """
    present = {item.label for item in findings if item.is_present}
    if is_outside:
        return "outside"
    if prediction_set is not None and _is_open(prediction_set, present, kind):
        return "unsure"
    if findings and all(is_structure(item.label) for item in findings):
        return "measured"
    return "refer" if any(not is_structure(x) for x in present) else "nothing_found"


def _is_open(held: Sequence[str], present: set[str], kind: str) -> bool:
    suspects = {label for label in held if not is_normal(label)}
    if kind == "multilabel":
        return bool(suspects) and not present
    return len(held) != 1 or bool(suspects - present)


def gather(
    case: str,
    assessments: Sequence[Assessment],
    *,
    left_out: Sequence[tuple[str, str]] = (),
    study_uid: str = "",
    prior: Diagnosis | None = None,
    days: int | None = None,
) -> Diagnosis:
    """The diagnosis of a study, compared with a prior one where it is given.

    Args:
        case: local key of the study.
        assessments: of all bundles, in the order in which they ran.
        left_out: (what, reason) of what no bundle looked at.
        study_uid: of DICOM, or "".
        prior: of an earlier study of the same patient; the caller knows that it is.
        days: between the two studies, or None where a date is missing.
    """
    if prior is not None:
        assessments = compare(assessments, prior, days=days)
    return Diagnosis(
        case=case,
        assessments=tuple(assessments),
        left_out=tuple(left_out),
        study_uid=study_uid,
        has_prior=prior is not None,
    )
