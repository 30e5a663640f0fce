"""Files in, answers out: what `medlens predict` does."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np

from medlens.bundle import Bundle, load_bundle
from medlens.core import (
    DataError,
    ExistsError,
    MedlensError,
    Prediction,
    ResourceError,
    UsageError,
)
from medlens.predict.overlay import paint_evidence
from medlens.predict.predictor import Failed, Predictor
from medlens.predict.session import Engine
from medlens.read import list_members, open_image

SCHEMA = "medlens/prediction/1"
FORMATS = ("json", "csv", "png")
ENGINES = ("onnxruntime", "openvino")
MAX_INPUTS = 1_000_000
NOTICE = "Research software, not a medical device."


@dataclass(frozen=True)
class Input:
    """One image to answer for."""

    path: Path
    member: str
    key: str


@dataclass(frozen=True)
class Answers:
    """The JSON document of a prediction and its plain words."""

    document: dict[str, Any]
    notes: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """What a person reads: one line a case, the doubt before the number."""
        width = max((len(c["case"]) for c in self.document["cases"]), default=4)
        width = min(width, 48)
        for case in self.document["cases"]:
            gate = case["out_of_distribution"]
            warning = "  ! unlike the training images" if gate["flag"] else ""
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
        engine: "onnxruntime" or "openvino".
        force: replace files in `out`.

    Raises:
        UsageError: an unknown format or engine, no input, files in the way.
        BundleError: the bundle cannot be loaded.
    """
    wanted = _formats(formats)
    if engine not in ENGINES:
        raise UsageError(f"--engine {engine}: wanted one of {', '.join(ENGINES)}")
    bundle = load_bundle(bundle_path)
    found = _find(inputs)
    if out is not None:
        _refuse_existing(out, wanted, force)
    predictor = Predictor(bundle, engine=cast(Engine, engine))
    with_evidence = out is not None and "png" in wanted
    cases: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    answers = predictor.predict_many(
        len(found),
        lambda i: open_image(found[i].path, member=found[i].member, case=found[i].key),
        [item.key for item in found],
        with_evidence=with_evidence,
    )
    for item, answer in zip(found, answers, strict=True):
        if isinstance(answer, Failed):
            failed.append({"case": answer.case, "reason": answer.reason})
            continue
        cases.append(_case(answer))
        if with_evidence and out is not None:
            _write_picture(out, len(cases), item, answer, bundle)
    document = {
        "schema": SCHEMA,
        "bundle": {
            "name": bundle.name,
            "digest": bundle.digest,
            "kind": bundle.kind,
            "labels": list(bundle.labels),
            "positive": bundle.positive,
        },
        "engine": engine,
        "notice": NOTICE,
        "cases": cases,
        "failed": failed,
    }
    notes: tuple[str, ...] = ()
    if out is not None:
        notes = (f"Written: {', '.join(_write_files(out, wanted, document))} in {out}",)
    return Answers(document, notes)


def _formats(text: str) -> tuple[str, ...]:
    wanted = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    for name in wanted:
        if name not in FORMATS:
            raise UsageError(f"--format {name}: wanted some of {', '.join(FORMATS)}")
    return wanted


def _find(inputs: Sequence[Path]) -> list[Input]:
    """Every image named or lying in a named folder, each under a key of its own.

    A file that was named is tried whatever it is; in folders, hidden files and
    tables are passed over.
    """
    found: list[Input] = []
    for given in inputs:
        if not given.exists():
            raise UsageError(f"{given}: there is no such file or folder")
        if given.is_dir():
            paths = [(p, p.relative_to(given).as_posix()) for p in _walk_folder(given)]
        else:
            paths = [(given, given.name)]
        for path, key in paths:
            for member in _members(path):
                name = f"{key}#{member}" if member else key
                found.append(Input(path, member, name))
                if len(found) > MAX_INPUTS:
                    raise UsageError(
                        f"more than {MAX_INPUTS} images; give fewer folders at a time"
                    )
    if not found:
        raise DataError("INPUT: no file found; give images or a folder that holds some")
    return _unique(found)


def _walk_folder(folder: Path) -> list[Path]:
    passed_over = {".csv", ".json", ".txt", ".md", ".toml", ".xml", ".html"}
    paths = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths += [
            Path(root) / name
            for name in sorted(names)
            if not name.startswith(".")
            and name.upper() != "DICOMDIR"
            and Path(name).suffix.lower() not in passed_over
        ]
    return paths


def _members(path: Path) -> list[str]:
    try:
        return list_members(path)
    except MedlensError:
        return [""]  # reading it will say why


def _unique(found: list[Input]) -> list[Input]:
    seen: dict[str, int] = {}
    result = []
    for item in found:
        times = seen.get(item.key, 0)
        seen[item.key] = times + 1
        key = f"{item.key} ({times + 1})" if times else item.key
        result.append(Input(item.path, item.member, key))
    return result


def _case(answer: Prediction) -> dict[str, Any]:
    gate = answer.out_of_distribution
    findings = [
        {"label": label, "probability": _round(answer, label)}
        for label in answer.decision
    ]
    return {
        "case": answer.case,
        "probabilities": {label: _round(answer, label) for label in answer.labels},
        "predicted": answer.predicted,
        "decision": "|".join(answer.decision),
        "prediction_set": list(answer.prediction_set),
        "out_of_distribution": {
            "score": round(gate.score, 4),
            "threshold": round(gate.threshold, 4) if np.isfinite(gate.threshold) else None,
            "flag": gate.flag,
        },
        "findings": findings,
    }


def _round(answer: Prediction, label: str) -> float:
    return round(float(answer.probabilities[answer.labels.index(label)]), 6)


def _refuse_existing(out: Path, wanted: Sequence[str], force: bool) -> None:
    names = [f"predictions.{name}" for name in wanted if name != "png"]
    names += ["evidence"] if "png" in wanted else []
    there = [name for name in names if (out / name).exists()]
    if there and not force:
        raise ExistsError(
            f"{out.name}: holds {', '.join(there)} already; "
            "choose another --out, or pass --force to replace them"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        if "png" in wanted:
            (out / "evidence").mkdir(exist_ok=True)
    except OSError as error:
        raise ResourceError(
            f"{out.name}: cannot be written ({error.strerror}); choose another --out"
        ) from error


def _write_files(
    out: Path, wanted: Sequence[str], document: dict[str, Any]
) -> list[str]:
    written = []
    if "json" in wanted:
        text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
        (out / "predictions.json").write_text(text + "\n", encoding="utf-8")
        written.append("predictions.json")
    if "csv" in wanted:
        _write_csv(out / "predictions.csv", document)
        written.append("predictions.csv")
    if "png" in wanted:
        written.append("evidence/*.png")
    return written


def _write_csv(path: Path, document: dict[str, Any]) -> None:
    labels = document["bundle"]["labels"]
    header = ["case", "predicted", "decision", *(f"p_{name}" for name in labels)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*header, "prediction_set", "ood_score", "ood_flag"])
        for case in document["cases"]:
            gate = case["out_of_distribution"]
            row = [case["case"], case["predicted"], case["decision"]]
            row += [case["probabilities"][name] for name in labels]
            row += ["|".join(case["prediction_set"]), gate["score"], int(gate["flag"])]
            writer.writerow([_disarm(value) for value in row])


def _disarm(value: object) -> object:
    """Text that a spreadsheet would run as a formula stays text."""
    if isinstance(value, str) and value[:1] in "=+-@\t\r" and value:
        return "'" + value
    return value


def _write_picture(
    out: Path, number: int, item: Input, answer: Prediction, bundle: Bundle
) -> None:
    source = open_image(item.path, member=item.member, case=item.key)
    label = answer.decision[0] if answer.decision else answer.labels[-1]
    assert answer.evidence is not None
    picture = paint_evidence(source, answer.evidence[answer.labels.index(label)])
    safe = "".join(c if c.isalnum() or c in "._-" else "_" for c in Path(item.key).name)
    name = f"{number:05d}_{safe[:80]}_{label[:24]}.png"
    safe_name = "".join(c if c.isalnum() or c in "._-" else "_" for c in name)
    done, data = cv2.imencode(".png", picture)
    if not done:
        raise ResourceError(f"{item.key}: the evidence picture cannot be encoded")
    (out / "evidence" / safe_name).write_bytes(data.tobytes())
