"""Findings of a bundle that gives labels: images, volumes, series.

What is looked for, and may be absent: of a binary task its positive label; of a
multi-class or multi-label one every label that does not say that nothing is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medlens.bundle import Bundle
from medlens.core import Array, Prediction, SequencePrediction
from medlens.core.diagnosis import Evidence, Finding, Laterality, Place
from medlens.core.terms import code_of, is_normal, side_of
from medlens.metrics import OperatingPoint
from medlens.predict.diagnose_place import Slices, box_of_evidence

DIGITS = 6  # of a probability, as in the other documents of a prediction


@dataclass(frozen=True)
class Answer:
    """A case's answer with what its bundle promised for it.

    Attributes:
        bundle: that answered.
        prediction: for the whole image, volume or series.
        slices: of a series whose slices are answered, too; else ().
        points: operating points of the whole.
        coverage: of the prediction set; None where there are no sets.
        evidence: (K, D, H, W), of fewer rows and columns where it is coarser than the
            source; or None.
        first_slice: that D = 0 of the evidence is.
        key_slice: of a series, else None.
    """

    bundle: Bundle
    prediction: Prediction
    slices: tuple[Prediction, ...]
    points: tuple[OperatingPoint, ...]
    coverage: float | None
    evidence: Array | None
    first_slice: int
    key_slice: int | None

    @classmethod
    def of(cls, bundle: Bundle, answer: Prediction | SequencePrediction) -> Answer:
        """The same for an image, a volume and a series."""
        coverage = None if bundle.conformal is None else bundle.conformal.coverage
        if isinstance(answer, Prediction):
            evidence = answer.evidence
            if evidence is not None and evidence.ndim == 3:  # (K, H, W) of an image
                evidence = evidence[:, None]
            points = bundle.operating_points
            return cls(bundle, answer, (), points, coverage, evidence, 0, None)
        key = answer.key_slice
        evidence, first = answer.slice_evidence, 0
        if evidence is None and answer.evidence is not None:
            evidence, first = answer.evidence[:, None], key
        return cls(
            bundle,
            answer.series,
            answer.slices,
            bundle.series_points or bundle.operating_points,
            # Where slices are answered, sets are theirs and not the series'.
            None if bundle.slice_labels else coverage,
            evidence,
            first,
            key,
        )


def looked_for(bundle: Bundle) -> tuple[str, ...]:
    """Labels that are findings, in the bundle's order; all where none is normal."""
    if bundle.kind == "binary":
        positive = bundle.positive or bundle.labels[-1]
        # A bundle may call "normal" its positive label: what it finds is the other.
        if is_normal(positive):
            others = [x for x in bundle.labels if x != positive and not is_normal(x)]
            return tuple(others) or (positive,)
        return (positive,)
    return tuple(x for x in bundle.labels if not is_normal(x)) or bundle.labels


def find_labels(
    answer: Answer, slices: Slices, side: Laterality
) -> tuple[Finding, ...]:
    """One finding for each label that is looked for, the present ones first.

    Args:
        answer: of the case.
        slices: of its source.
        side: that the header tells; a label that names a side goes before it.
    """
    found = []
    for number, label in enumerate(looked_for(answer.bundle), start=1):
        probability = _probability(answer.prediction, label)
        threshold, name = _operating_point(answer, label)
        is_present = label in answer.prediction.decision
        on = _slices_with(answer, label) if is_present else ()
        place = _place(answer, label, slices) if is_present else Place()
        found.append(
            Finding(
                id=str(number),
                label=label,
                code=code_of(label),
                is_present=is_present,
                probability=probability,
                threshold=threshold,
                operating_point=name,
                place=_with_side(place, side_of(label) or side),
                slices=slices.numbered(on),
            )
        )
    return tuple(sorted(found, key=_rank))


def map_evidence(
    answer: Answer, findings: tuple[Finding, ...], slices: Slices
) -> Evidence:
    """Evidence maps by the findings' ids, from edge to edge of the source."""
    if answer.evidence is None:
        return Evidence()
    labels = answer.prediction.labels
    maps = {
        item.id: np.asarray(answer.evidence[labels.index(item.label)], np.float32)
        for item in findings
    }
    rows, columns = answer.evidence.shape[2:]
    return Evidence(
        maps=maps,
        first_slice=answer.first_slice,
        key_slice=answer.key_slice,
        grid=None if (rows, columns) == slices.plane else (rows, columns),
    )


def _rank(finding: Finding) -> tuple[bool, float]:
    return not finding.is_present, -(finding.probability or 0.0)


def _probability(prediction: Prediction, label: str) -> float:
    value = float(prediction.probabilities[prediction.labels.index(label)])
    return round(value, DIGITS)


def _operating_point(answer: Answer, label: str) -> tuple[float | None, str]:
    """Threshold on the label's own probability, and its rule.

    The most probable of several labels has none. A multi-label task without a point
    for the label decides at 0.5, as `metrics.decide` does.
    """
    bundle = answer.bundle
    chosen = {point.label: point for point in answer.points if point.chosen}
    if label in chosen and bundle.kind != "multiclass":
        point = chosen[label]
        return round(float(point.threshold), DIGITS), point.name
    if bundle.kind == "multilabel":
        return 0.5, ""
    if bundle.kind == "binary" and chosen:  # the point is the other label's
        (point,) = list(chosen.values())[:1]
        return round(1 - float(point.threshold), DIGITS), point.name
    return None, ""


def _slices_with(answer: Answer, label: str) -> tuple[int, ...]:
    """Slices that were decided for on their own."""
    pairs = enumerate(answer.slices)
    return tuple(d for d, one in pairs if label in one.decision)


def _place(answer: Answer, label: str, slices: Slices) -> Place:
    d = _key_slice(answer, label)
    if d is None:
        return Place()
    box = None
    if answer.evidence is not None:
        k = answer.prediction.labels.index(label)
        at = d - answer.first_slice
        if 0 <= at < answer.evidence.shape[1]:
            box = slices.stretched(
                box_of_evidence(answer.evidence[k, at]), answer.evidence.shape[2:]
            )
    return Place(
        image=slices.image_of(d),
        slice_index=slices.index_of(d),
        box=slices.box(box),
    )


def _key_slice(answer: Answer, label: str) -> int | None:
    """The slice that shows a label best.

    Of a series its key slice, which is that of the first label decided for; of its
    other labels the slice with the highest answer. Of a volume the slice with the
    strongest evidence. None where nothing tells.
    """
    k = answer.prediction.labels.index(label)
    if answer.key_slice is not None:
        if answer.prediction.decision[:1] == (label,):
            return answer.key_slice
        if not answer.slices:
            return None
        return int(np.argmax([one.probabilities[k] for one in answer.slices]))
    if answer.evidence is None:
        return 0 if answer.bundle.form == "image" else None
    return int(answer.evidence[k].max(axis=(1, 2)).argmax())


def _with_side(place: Place, side: Laterality) -> Place:
    return Place(side, place.centre_mm, place.image, place.slice_index, place.box)
