"""A bundle on any other labelled set: external validation."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from medlens.bundle import load_bundle
from medlens.core import ExistsError
from medlens.datasets import match_labels, read_manifest
from medlens.evaluate import measure_split, write_metrics, write_predictions
from medlens.experiment.collect import collect_answers
from medlens.experiment.examples import choose_examples, make_examples
from medlens.experiment.folder import write_json
from medlens.experiment.identity import data_digest
from medlens.experiment.machine import machine_facts, usable_cores, versions
from medlens.experiment.narrator import Narrator
from medlens.predict import Predictor
from medlens.report import write_report

SPLIT = "all"
OWN_FILES = ("metrics.json", "predictions.csv", "report.html", "run.json")


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
        What metrics.json holds, with one split named "all", and "failed".

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
    manifest = match_labels(
        read_manifest(
            data,
            labels=labels,
            label_column=label_column,
            patient_column=patient_column,
        ),
        bundle.labels,
        bundle.kind,
        positive=bundle.positive,
    )
    for note in manifest.notes:
        narrator.say(note)
    narrator.step("Evaluate")
    cases = range(len(manifest.cases))
    predictor = Predictor(bundle)
    collected = collect_answers(
        predictor,
        manifest,
        chosen=cases,
        splits=[SPLIT] * len(cases),
        groups=_patients_as_groups(manifest),
        threads=usable_cores(),
        progress=narrator.progress,
    )
    shares = bundle.training.get("validation_prevalence") or {}
    measured = measure_split(
        collected.table,
        points=bundle.operating_points,
        validation_prevalence=[shares[label] for label in bundle.labels]
        if shares
        else None,
    )
    out.mkdir(parents=True, exist_ok=True)
    write_predictions(out / "predictions.csv", collected.table)
    task = {
        "kind": bundle.kind,
        "labels": list(bundle.labels),
        "positive": bundle.positive,
    }
    write_metrics(out / "metrics.json", {SPLIT: measured}, task)
    failed = [{"case": f.case, "reason": f.reason} for f in collected.failed]
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
    examples = make_examples(
        predictor, manifest, collected.table, choose_examples(collected.table)
    )
    write_report(out, examples=examples)
    return {
        "schema": "medlens/metrics/1",
        "task": task,
        "splits": {SPLIT: measured},
        "failed": failed,
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
