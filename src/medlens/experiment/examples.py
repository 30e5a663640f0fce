"""Which test cases a reader should see, with their evidence maps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from medlens.core import Array, Image
from medlens.datasets import Manifest, open_case
from medlens.evaluate import CaseTable
from medlens.experiment.slices import one_slice
from medlens.predict import Predictor
from medlens.prep import build_pipeline
from medlens.recipe import Step
from medlens.report import Example

WRONG, RIGHT, DOUBTFUL = 4, 3, 1
SIDE = 384


def choose_examples(table: CaseTable) -> list[int]:
    """Rows to show: the surest errors, the surest hits of each label, a doubtful one.

    Chosen by rule, never by hand, so that the page flatters nobody.
    """
    targets, decisions = np.asarray(table.targets), np.asarray(table.decisions)
    known = np.all(targets >= 0, axis=1)
    is_right = np.all(decisions == (targets == 1), axis=1)
    sureness = np.abs(np.asarray(table.probabilities) - 0.5).mean(axis=1)
    order = np.argsort(-sureness, kind="stable")
    groups = table.groups or table.cases
    shown: set[str] = set()  # copies of an image already shown tell nothing new

    def first(candidates: Iterable[np.intp], most: int) -> list[int]:
        chosen: list[int] = []
        for i in candidates:
            if len(chosen) < most and groups[i] not in shown:
                shown.add(groups[i])
                chosen.append(int(i))
        return chosen

    wrong = first((i for i in order if known[i] and not is_right[i]), WRONG)
    right: list[int] = []
    for k in range(len(table.labels)):
        hits = (i for i in order if known[i] and is_right[i] and targets[i, k] == 1)
        right += first(hits, min(RIGHT, 2 * RIGHT - len(right)))
    return wrong + right + first((i for i in order[::-1] if known[i]), DOUBTFUL)


def make_examples(
    predictor: Predictor,
    manifest: Manifest,
    table: CaseTable,
    rows: Sequence[int],
) -> list[Example]:
    """Images and evidence of the chosen rows; one that fails is left out."""
    places = {case.key: i for i, case in enumerate(manifest.cases)}
    examples = []
    for row in rows:
        case = manifest.cases[places[table.cases[row]]]
        try:
            examples.append(_example(predictor, open_case(case), table, row))
        except Exception:  # whatever the file has become
            continue  # it was readable before; a vanished file must not stop a report
    return examples


def _example(predictor: Predictor, image: Image, table: CaseTable, row: int) -> Example:
    prediction = predictor.predict(image, with_evidence=True)
    targets = np.asarray(table.targets)[row]
    decision = np.asarray(table.decisions)[row]
    probabilities = np.asarray(table.probabilities)[row]
    shown = int(np.argmax(np.where(decision, probabilities, -1.0)))
    evidence = prediction.evidence[shown] if prediction.evidence is not None else None
    plane = 0
    if evidence is not None and evidence.ndim == 3:  # a volume: the telling slice
        plane = int(evidence.max(axis=(1, 2)).argmax())
        evidence = evidence[plane]
    labels = np.array(table.labels)
    gate = prediction.out_of_distribution
    return Example(
        case=table.cases[row],
        image=_picture(one_slice(image, plane)),
        evidence=None if evidence is None else _unit(_fit(evidence)),
        reference=", ".join(labels[targets == 1]) or "none",
        predicted=", ".join(labels[decision]) or "none",
        probability=float(probabilities[shown]),
        is_right=bool(np.all(decision == (targets == 1))),
        note="unlike the training images" if gate.flag else "",
    )


def _picture(image: Image) -> Array:
    """The whole source image as a reader would see it, uint8."""
    shown = build_pipeline((Step("display"),))(image).array[:, 0]
    values = np.rint(shown * 255).astype(np.uint8)
    if values.shape[0] == 1:
        return _fit(values[0])
    return np.stack([_fit(channel) for channel in values[:3]], axis=-1)


def _fit(values: Array) -> Array:
    height, width = values.shape
    scale = min(1.0, SIDE / max(height, width))
    if scale == 1.0:
        return values
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized: Array = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    return resized


def _unit(values: Array) -> Array:
    """Evidence for the label, 0 (none or against) to 1 (the strongest here)."""
    positive = np.maximum(values, 0.0)
    top = positive.max()
    return positive / top if top > 0 else positive
