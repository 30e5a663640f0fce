"""A bundle on any other labelled set: external validation."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from medlens.bundle import Bundle, load_bundle
from medlens.core import ExistsError
from medlens.datasets import Manifest, match_labels, read_manifest
from medlens.evaluate import (
    CaseTable,
    measure_mask_split,
    measure_split,
    write_mask_predictions,
    write_metrics,
    write_predictions,
)
from medlens.experiment.collect import collect_answers
from medlens.experiment.collect_masks import collect_masks
from medlens.experiment.collect_series import collect_series
from medlens.experiment.examples import choose_examples, make_examples
from medlens.experiment.folder import write_json
from medlens.experiment.identity import data_digest
from medlens.experiment.judge_series import measure_series, series_examples
from medlens.experiment.machine import machine_facts, usable_cores, versions
from medlens.experiment.mask_examples import make_mask_examples
from medlens.experiment.narrator import Narrator
from medlens.experiment.shapes import shape_cases, shape_masks
from medlens.predict import Failed, MaskPredictor, Predictor, SequencePredictor
from medlens.report import write_report

SPLIT = "all"
OWN_FILES = (
    "curves.json",
    "metrics.json",
    "predictions.csv",
    "predictions_series.csv",
    "report.html",
    "run.json",
)


def evaluate_bundle(
    bundle_path: Path,
    data: Path,
    *,
    labels: Path | None = None,
    label_column: str | None = None,
    patient_column: str | None = None,
    out: Path,
    force: bool = False,
    narrator: Narrator,
) -> dict[str, Any]:
    """Predict every labelled case from its file and measure.

    Cases that share a patient count as one unit in every interval.

    Returns:
        What metrics.json holds, with one split named "all", what curves.json holds
        as "curves", and "failed".

    Raises:
        ExistsError: `out` holds an evaluation already.
        BundleError: the bundle cannot be loaded.
        DataError: the labels do not match, or nothing could be read.
    """
    there = [name for name in OWN_FILES if (out / name).exists()]
    if there and not force:
        raise ExistsError(
            f"{out.name}: holds {', '.join(there)} already; "
            "choose another --out, or pass --force to replace them"
        )
    began = time.monotonic()
    bundle = load_bundle(bundle_path)
    manifest = _read(
        bundle,
        data,
        labels=labels,
        label_column=label_column,
        patient_column=patient_column,
    )
    for note in manifest.notes:
        narrator.say(note)
    narrator.step("Evaluate")
    found = _MEASURES.get(bundle.form, _measure_cases)(bundle, manifest, narrator)
    out.mkdir(parents=True, exist_ok=True)
    found.write(out / "predictions.csv")
    beside = out / "predictions_series.csv"
    beside.unlink(missing_ok=True)  # of an evaluation that --force replaces
    if found.series is not None:
        write_predictions(beside, found.series)
    task = {
        "form": bundle.form,
        "kind": bundle.kind,
        "labels": list(bundle.labels),
        "positive": bundle.positive,
    }
    write_metrics(out / "metrics.json", {SPLIT: found.entry}, task)
    curves = found.curves()
    write_json(out / "curves.json", curves)
    failed = [{"case": f.case, "reason": f.reason} for f in found.failed]
    write_json(
        out / "run.json",
        {
            "schema": "medlens/run/1",
            "status": "done",
            "versions": versions(),
            "data": {"digest": data_digest(manifest), "name": data.name},
            "machine": machine_facts(),
            "seconds": {"evaluate": round(time.monotonic() - began, 2)},
            "bundle": bundle.name,
            "bundle_digest": bundle.digest,
            "command": f"medlens evaluate {bundle_path.name} {data.name}",
            "failed": failed,
        },
    )
    narrator.step("Report")
    write_report(out, examples=found.examples())
    return {
        "schema": "medlens/metrics/1",
        "task": task,
        "splits": {SPLIT: found.entry},
        "curves": curves,
        "failed": failed,
    }


@dataclass(frozen=True)
class _Found:
    """What an evaluation leaves.

    Attributes:
        entry: the split in metrics.json.
        failed: cases that gave no answer.
        write: writes predictions.csv.
        examples: makes the pictures of the report, when they are asked for.
        curves: makes the document of curves.json.
        series: answers for whole series beside those for their slices, or None.
    """

    entry: dict[str, Any]
    failed: Sequence[Failed]
    write: Callable[[Path], None]
    examples: Callable[[], Sequence[Any]]
    curves: Callable[[], dict[str, Any]]
    series: CaseTable | None = None


def _read(bundle: Bundle, data: Path, **columns: Any) -> Manifest:
    """The data set in the form that the bundle answers."""
    segments = bundle.form == "segment"
    unit: Literal["auto", "image", "series"] = "auto"
    if not segments:
        unit = "image" if bundle.form == "image" else "series"
    manifest = read_manifest(
        data, task="segment" if segments else "classify", unit=unit, **columns
    )
    return match_labels(manifest, bundle.labels, bundle.kind, positive=bundle.positive)


def _measure_cases(bundle: Bundle, manifest: Manifest, narrator: Narrator) -> _Found:
    predictor = Predictor(bundle)
    collected = collect_answers(
        predictor,
        manifest,
        **_everyone(manifest),
        threads=usable_cores(),
        progress=narrator.progress,
    )
    table = collected.table
    shares = bundle.training.get("validation_prevalence") or {}
    entry = measure_split(
        table,
        points=bundle.operating_points,
        validation_prevalence=[shares[label] for label in bundle.labels]
        if shares
        else None,
    )
    return _Found(
        entry,
        collected.failed,
        lambda path: write_predictions(path, table),
        lambda: make_examples(predictor, manifest, table, choose_examples(table)),
        lambda: shape_cases(bundle, entry, table, None, SPLIT),
    )


def _measure_series(bundle: Bundle, manifest: Manifest, narrator: Narrator) -> _Found:
    collected = collect_series(
        SequencePredictor(bundle, threads=usable_cores()),
        manifest,
        **_everyone(manifest),
        progress=narrator.progress,
    )
    entry = measure_series(collected, bundle, SPLIT, seed=0)
    leading, beside = collected.leading, collected.beside
    return _Found(
        entry,
        collected.failed,
        lambda path: write_predictions(path, leading),
        lambda: series_examples(collected, bundle, SPLIT),
        lambda: shape_cases(bundle, entry, leading, beside, SPLIT),
        beside,
    )


def _measure_masks(bundle: Bundle, manifest: Manifest, narrator: Narrator) -> _Found:
    predictor = MaskPredictor(bundle, threads=usable_cores())
    collected = collect_masks(
        predictor, manifest, **_everyone(manifest), progress=narrator.progress
    )
    entry = measure_mask_split(collected.table)
    return _Found(
        entry,
        collected.failed,
        lambda path: write_mask_predictions(path, collected.table),
        lambda: make_mask_examples(predictor, manifest, collected.table),
        lambda: shape_masks(bundle, entry, collected.table, SPLIT),
    )


_MEASURES = {"sequence": _measure_series, "segment": _measure_masks}


def _everyone(manifest: Manifest) -> dict[str, Any]:
    """All cases in one split, those of a patient in one group."""
    return {
        "chosen": range(len(manifest.cases)),
        "splits": [SPLIT] * len(manifest.cases),
        "groups": _patients_as_groups(manifest),
    }


def _patients_as_groups(manifest: Any) -> list[int]:
    numbers: dict[str, int] = {}
    return [
        numbers.setdefault(case.patient or f"\0{i}", len(numbers))
        for i, case in enumerate(manifest.cases)
    ]


def default_out(bundle: Path, data: Path) -> Path:
    """Where an evaluation goes when no --out is given."""
    name = data.resolve().name or "data"
    return bundle.resolve().parent / f"evaluation-{name}"
