"""Faster engines must show on validation cases that their answers are as good."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from medlens.bundle import Bundle, Proof
from medlens.core import MedlensError
from medlens.experiment.narrator import Narrator
from medlens.predict.session import Engine, Session, open_session
from medlens.recipe import Recipe
from medlens.train import Lesson, quantise_onnx
from medlens.train.judge import macro_auroc, spread

CASES = 2000  # validation cases looked at
EXAMPLES = 96  # training images that set the ranges of the 8-bit copy
BATCH = 32


def prove_engines(
    bundle: Bundle, recipe: Recipe, lesson: Lesson, narrator: Narrator
) -> Bundle:
    """The bundle with a proof for each engine of the recipe that could be tried.

    An engine is offered when its validation AUROC differs from that of ONNX
    Runtime in fp32 by less than 0.002. An engine that is not installed here
    goes without a proof and is not offered.
    """
    rows = lesson.validation_rows[:CASES]
    targets = lesson.validation_targets[:CASES]
    threads = recipe.train.threads
    plain = open_session(bundle, threads=threads)
    wanted = macro_auroc(targets, _logits(plain, lesson, rows), kind=lesson.kind)
    proofs: dict[str, Proof] = {}
    for name in recipe.export.engines:
        candidate = bundle
        if name == "int8":
            chosen = lesson.train_rows[spread(len(lesson.train_rows), EXAMPLES)]
            small = quantise_onnx(bundle.model, examples=lesson.cache.read(chosen))
            candidate = replace(bundle, int8=small)
        engine: Engine = "int8" if name == "int8" else "openvino"
        try:
            session = open_session(candidate, engine=engine, threads=threads)
        except MedlensError as error:
            narrator.say(f"Engine {name}: not tried ({error}).")
            continue
        found = macro_auroc(targets, _logits(session, lesson, rows), kind=lesson.kind)
        proof = Proof(round(found - wanted, 6), session.precision)
        proofs[name] = proof
        verdict = "offered" if proof.is_offered else "not offered"
        narrator.say(
            f"Engine {name} ({proof.precision}): validation AUROC changes by "
            f"{proof.auroc_change:+.4f}: {verdict}."
        )
        if proof.is_offered:
            bundle = candidate
    return replace(bundle, engines=proofs)


def _logits(
    session: Session, lesson: Lesson, rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    parts = [
        session.run(lesson.cache.read(rows[start : start + BATCH]))[0]
        for start in range(0, len(rows), BATCH)
    ]
    return np.concatenate(parts)
