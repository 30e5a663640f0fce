"""Answers that were made by hand, and the bundles that could have given them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from medlens.bundle import Bundle
from medlens.core import Array, Image, OutOfDistribution, Prediction
from medlens.core.diagnosis import ImageRef
from medlens.metrics import ConformalSets, OperatingPoint
from medlens.recipe.settings import Kind
from tests.tiny import bundle_of

QUIET = OutOfDistribution(score=1.0, threshold=3.0, flag=False)
LOUD = OutOfDistribution(score=4.0, threshold=3.0, flag=True)


def label_bundle(
    labels: tuple[str, ...],
    kind: Kind = "binary",
    *,
    thresholds: Sequence[float] = (),
    **changes: Any,
) -> Bundle:
    """A bundle without a graph that runs."""
    bundle = bundle_of(
        b"", labels=labels, kind=kind, thresholds=tuple(thresholds) or None
    )
    return replace(bundle, digest="d" * 64, **changes)


def prediction(
    labels: Sequence[str],
    probabilities: Sequence[float],
    decision: Sequence[str],
    *,
    held: Sequence[str] = (),
    gate: OutOfDistribution = QUIET,
    evidence: Array | None = None,
    case: str = "case 1",
) -> Prediction:
    """An answer with these numbers."""
    values = np.array(probabilities)
    return Prediction(
        case=case,
        labels=tuple(labels),
        logits=np.zeros(len(values)),
        probabilities=values,
        predicted=labels[int(values.argmax())],
        decision=tuple(decision),
        prediction_set=tuple(held),
        out_of_distribution=gate,
        evidence=evidence,
    )


def refs(count: int) -> tuple[ImageRef, ...]:
    """One image for each slice."""
    return tuple(
        ImageRef(f"{i:03}.dcm", "1.2", f"1.2.3.{i}", "1.2.3") for i in range(count)
    )


def with_facts(image: Image, modality: str = "", **facts: str) -> Image:
    """The image as if its header said so."""
    made = replace(image.provenance, facts=facts)
    return replace(image, modality=modality, provenance=made)


def point(label: str, threshold: float, rule: str = "youden") -> OperatingPoint:
    """A chosen operating point."""
    return OperatingPoint(label, threshold, rule, chosen=True)


def sets(count: int) -> ConformalSets:
    """Conformal sets that promise 90 %."""
    return ConformalSets(np.full(count, 0.1), coverage=0.9)
