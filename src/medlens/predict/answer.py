"""Logits of a case → what the bundle says of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medlens.bundle import Bundle
from medlens.core import Array, BundleError, OutOfDistribution, Prediction
from medlens.metrics import Calibration, ConformalSets, OperatingPoint, decide


def say(
    bundle: Bundle,
    logits: Array,
    *,
    cases: Sequence[str],
    calibration: Calibration,
    points: Sequence[OperatingPoint],
    conformal: ConformalSets | None,
    gate: OutOfDistribution,
    embeddings: Array | None = None,
) -> list[Prediction]:
    """Answers for some cases.

    Args:
        bundle: task and labels.
        logits: (n, K).
        cases: n keys.
        calibration, points, conformal: of these cases.
        gate: what is said of all of them.
        embeddings: (n, E), or None.

    Raises:
        BundleError: a logit is not finite.
    """
    for case, row in zip(cases, logits, strict=True):
        if not np.isfinite(row).all():
            raise BundleError(unsound(case, bundle))
    probabilities = calibration.probabilities(logits)
    decisions = decide(probabilities, points, labels=bundle.labels, kind=bundle.kind)
    held = np.zeros(probabilities.shape, dtype=bool)
    if conformal is not None:
        held = conformal.sets(probabilities)
    return [
        Prediction(
            case=case,
            labels=bundle.labels,
            logits=logits[i],
            probabilities=probabilities[i],
            predicted=predicted(probabilities[i], named(bundle, decisions[i]), bundle),
            decision=named(bundle, decisions[i]),
            prediction_set=named(bundle, held[i]),
            out_of_distribution=gate,
            embedding=None if embeddings is None else embeddings[i],
        )
        for i, case in enumerate(cases)
    ]


def named(bundle: Bundle, held: NDArray[np.bool_]) -> tuple[str, ...]:
    """Labels that are marked."""
    pairs = zip(bundle.labels, held, strict=True)
    return tuple(label for label, is_held in pairs if is_held)


def predicted(
    probabilities: NDArray[np.floating], chosen: tuple[str, ...], bundle: Bundle
) -> str:
    """The most probable label; of a multi-label task those decided for."""
    if bundle.kind == "multilabel":
        return "|".join(chosen)
    return bundle.labels[int(np.argmax(probabilities))]


def unsound(case: str, bundle: Bundle) -> str:
    """Message for a logit that is not finite."""
    return (
        f"{case}: bundle {bundle.name!r} answers with a logit that is not finite; "
        "the model does not suit this image or is broken: get another bundle"
    )
