"""Files in, answers out: what `medlens predict` does."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from medlens.bundle import Bundle, load_bundle
from medlens.core import Image, Prediction, ResourceError, UsageError
from medlens.predict.files import (
    open_folder,
    parse_formats,
    write_documents,
    write_picture,
)
from medlens.predict.find import Input, find_inputs
from medlens.predict.graph import Engine
from medlens.predict.predictor import Failed, Predictor
from medlens.read import open_image

SCHEMA = "medlens/prediction/1"
ENGINES = ("onnxruntime", "openvino", "int8")
NOTICE = "Research software, not a medical device."
KEY_WIDTH = 48  # characters of a case key in a printed line


@dataclass(frozen=True)
class Answers:
    """The JSON document of a prediction and its plain words."""

    document: dict[str, Any]
    notes: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """What a person reads: one line a case, the doubt beside the number."""
        cases = self.document["cases"]
        width = min(max((len(c["case"]) for c in cases), default=4), KEY_WIDTH)
        for case in cases:
            is_strange = case["out_of_distribution"]["flag"]
            warning = "  ! unlike the training images" if is_strange else ""
            probabilities = "  ".join(
                f"{label} {p:.3f}" for label, p in case["probabilities"].items()
            )
            yield (
                f"{case['case']:<{width}}  {case['decision'] or 'none':<16}  "
                f"{probabilities}  set {{{', '.join(case['prediction_set'])}}}{warning}"
            )
        yield from self.notes
        yield NOTICE


def answer_inputs(
    bundle_path: Path,
    inputs: Sequence[Path],
    *,
    out: Path | None,
    formats: str,
    engine: str,
    force: bool,
) -> Answers:
    """Predict for files and folders; write the files asked for.

    Args:
        bundle_path: bundle folder.
        inputs: image files, or folders that are searched for images.
        out: folder for the files of `formats`; None writes nothing.
        formats: some of json, csv, png, joined by commas.
        engine: "onnxruntime", or one that the bundle offers.
        force: replace files in `out`.

    Raises:
        UsageError: an unknown format or engine, no input, files in the way.
        BundleError: the bundle cannot be loaded, or its graph cannot be run.
        ResourceError: `out` cannot be written.
    """
    wanted = parse_formats(formats)
    if engine not in ENGINES:
        raise UsageError(f"--engine {engine}: wanted one of {', '.join(ENGINES)}")
    bundle = load_bundle(bundle_path)
    found = find_inputs(inputs)
    predictor = Predictor(bundle, engine=cast(Engine, engine))
    if out is not None:
        open_folder(out, wanted, force=force)
    pictures = out if "png" in wanted else None
    cases, failed = _answer_all(predictor, found, pictures)
    document = {
        "schema": SCHEMA,
        "bundle": _describe(bundle),
        "engine": engine,
        "notice": NOTICE,
        "cases": cases,
        "failed": failed,
    }
    notes: tuple[str, ...] = ()
    if out is not None:
        written = write_documents(out, wanted, document)
        notes = (f"Written: {', '.join(written)} in {out}",)
    return Answers(document, notes)


def _answer_all(
    predictor: Predictor, found: list[Input], pictures: Path | None
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Cases and failures; a picture that fails leaves its answer standing."""

    def open_one(index: int) -> Image:
        item = found[index]
        return open_image(item.path, member=item.member, case=item.key)

    cases: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    answers = predictor.predict_many(
        len(found),
        open_one,
        [item.key for item in found],
        with_evidence=pictures is not None,
    )
    for item, answer in zip(found, answers, strict=True):
        if isinstance(answer, Failed):
            failed.append({"case": answer.case, "reason": answer.reason})
            continue
        cases.append(_case(answer))
        if pictures is not None:
            try:
                write_picture(pictures, len(cases), item, answer)
            except ResourceError:
                raise  # a full disk is no matter of this case
            except Exception as error:  # the file changed while it was looked at
                reason = Failed.of(item.key, error).reason
                failed.append({"case": item.key, "reason": f"no picture: {reason}"})
    return cases, failed


def _describe(bundle: Bundle) -> dict[str, Any]:
    return {
        "name": bundle.name,
        "digest": bundle.digest,
        "kind": bundle.kind,
        "labels": list(bundle.labels),
        "positive": bundle.positive,
    }


def _case(answer: Prediction) -> dict[str, Any]:
    gate = answer.out_of_distribution
    probabilities = {
        label: round(float(p), 6)
        for label, p in zip(answer.labels, answer.probabilities, strict=True)
    }
    return {
        "case": answer.case,
        "probabilities": probabilities,
        "predicted": answer.predicted,
        "decision": "|".join(answer.decision),
        "prediction_set": list(answer.prediction_set),
        "out_of_distribution": {
            "score": round(gate.score, 4),
            "threshold": round(gate.threshold, 4)
            if math.isfinite(gate.threshold)
            else None,
            "flag": gate.flag,
        },
        "findings": [
            {"label": label, "probability": probabilities[label]}
            for label in answer.decision
        ],
    }
