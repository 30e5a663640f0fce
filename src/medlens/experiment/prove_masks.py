"""Faster engines must show on validation masks that their answers are as good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from medlens.bundle import Bundle, Proof
from medlens.core import Array, Image, MaskPrediction, MedlensError
from medlens.datasets import Manifest, open_case, open_mask
from medlens.experiment.kept_masks import KeptMasks
from medlens.experiment.narrator import Narrator
from medlens.predict import MaskPredictor
from medlens.recipe import Recipe

CASES = 24  # validation cases looked at


def prove_mask_engines(
    bundle: Bundle,
    recipe: Recipe,
    manifest: Manifest,
    chosen: Sequence[int],
    *,
    kept: KeptMasks,
    narrator: Narrator,
) -> Bundle:
    """The bundle with a proof for each engine of the recipe that could be tried.

    An engine is offered when the mean Dice of the validation cases differs from that
    of ONNX Runtime in fp32 by less than 0.002. There is no 8-bit copy of networks
    that label voxels, so "int8" is passed over.
    """
    wanted = [name for name in recipe.export.engines if name == "openvino"]
    if not wanted:
        return bundle
    some = chosen[:: max(1, len(chosen) // CASES)][:CASES]
    threads = recipe.train.threads
    reference = MaskPredictor(bundle, threads=threads)
    plain = _mean_dice(
        lambda image: kept.answer(reference, image).prediction, manifest, some
    )
    try:
        candidate = replace(bundle, engines={"openvino": Proof(0.0, "bf16")})
        quick = MaskPredictor(candidate, engine="openvino", threads=threads)
        precision = quick.precision
        proof = Proof(
            round(_mean_dice(quick.predict, manifest, some) - plain, 6), precision
        )
    except MedlensError as error:
        narrator.say(f"Engine openvino: not tried ({error}).")
        return bundle
    verdict = "offered" if proof.is_offered else "not offered"
    narrator.say(
        f"Engine openvino ({proof.precision}): validation Dice changes by "
        f"{proof.auroc_change:+.4f}: {verdict}."
    )
    return replace(bundle, engines={"openvino": proof})


def _mean_dice(
    predict: Callable[[Image], MaskPrediction],
    manifest: Manifest,
    chosen: Sequence[int],
) -> float:
    """Over cases and the labels but the background that occur in either mask."""
    scores: list[float] = []
    for index in chosen:
        case = manifest.cases[index]
        try:
            image = open_case(case)
            reference = open_mask(case, manifest.mask_values, image=image)
            mask = predict(image).mask
        except MedlensError:  # told already, when validation was answered
            continue
        for k in range(1, len(manifest.labels)):
            score = overlap(reference, mask, label=k)
            scores += [] if score is None else [score]
    return float(np.mean(scores)) if scores else 0.0


def overlap(
    wanted: Array, found: Array, *, label: int, as_label: int | None = None
) -> float | None:
    """Dice of a label in two masks, None where neither has it.

    Args:
        wanted, found: (D, H, W) uint8; looked at a slice at a time.
        label: in `wanted`.
        as_label: in `found`, where it is another.
    """
    sizes, both = 0, 0
    for one, other in zip(wanted, found, strict=True):
        ours, theirs = one == label, other == (label if as_label is None else as_label)
        sizes += int(ours.sum()) + int(theirs.sum())
        both += int((ours & theirs).sum())
    return 2.0 * both / sizes if sizes else None
