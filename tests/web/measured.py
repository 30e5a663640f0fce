"""A bundle whose figures and curves can be worked out on paper."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np

from medlens.bundle import write_bundle
from medlens.evaluate import (
    CaseTable,
    case_shape,
    curves_document,
    measure_split,
)
from medlens.metrics import OperatingPoint
from tests.serve.running import STARTED_S, Running
from tests.tiny import bundle_of, plain_graph

LABELS = ("normal", "pneumonia")
POINTS = (
    OperatingPoint("pneumonia", 0.9, "youden", chosen=True),
    OperatingPoint("pneumonia", 0.5, "accuracy", chosen=False),
)
PRESENT = (0.95,) * 6 + (0.5,) * 3 + (0.05,)
"""Probabilities of ten cases with pneumonia."""
ABSENT = (0.95,) + (0.5,) * 2 + (0.05,) * 7
"""Of ten cases without. At 0.9 six of ten are found and nine of ten are cleared; at
0.5 nine and seven. Of 100 pairs 57 + 24 + 3.5 are ranked rightly, ties by half: AUROC
0.845."""
HOSTILE_CARD = (
    "# Card of the tests\n\n"
    "| Figure | Value |\n|---|---|\n| AUROC | **0.845** |\n\n"
    "<img src=x onerror=\"document.title='hostile'\">\n\n"
    "[away](javascript:document.title='hostile') "
    "[out](https://example.org/paper)\n"
)


def put_measured(folder: Path, *, name: str = "measured") -> Path:
    """Write the bundle; it answers as `tests.web.studies.put_bundle` does."""
    table = _table()
    entry = measure_split(table, points=POINTS, resamples=50)
    shape = case_shape(table, entry, points=POINTS)
    made = bundle_of(plain_graph(), name=name, labels=LABELS, thresholds=(0.9,))
    head = ("n_cases", "n_patients", "unit", "metrics")
    bundle = replace(
        made,
        conformal=None,
        operating_points=POINTS,
        intended_use="To be looked at by the tests.",
        metrics={"test": {key: entry[key] for key in head}},
        curves=curves_document("test", "image", [shape]),
        training={"train_cases": 40, "validation_cases": 12, "modality": "DX"},
    )
    write_bundle(folder, bundle, card=HOSTILE_CARD)
    return folder


def put_many(folder: Path, *, name: str = "many") -> Path:
    """Write a bundle of two labels, each present or absent: effusion as pneumonia is in
    `put_measured`, nodule the other way round."""
    scores = np.array(PRESENT + ABSENT)
    present = np.arange(len(scores)) < len(PRESENT)
    labels = ("nodule", "effusion")
    points = tuple(OperatingPoint(each, 0.9, "youden", chosen=True) for each in labels)
    table = CaseTable(
        cases=tuple(f"case {at}" for at in range(len(scores))),
        labels=labels,
        kind="multilabel",
        targets=np.stack([~present, present], axis=1).astype(np.int8),
        probabilities=np.stack([1 - scores, scores], axis=1),
        decisions=np.stack([scores <= 0.1, scores >= 0.9], axis=1),
        columns={},
    )
    entry = measure_split(table, points=points, resamples=50)
    shape = case_shape(table, entry, points=points)
    made = bundle_of(
        plain_graph(),
        name=name,
        labels=labels,
        kind="multilabel",
        thresholds=(0.9, 0.9),
    )
    bundle = replace(
        made,
        conformal=None,
        operating_points=points,
        intended_use="To be looked at by the tests, label by label.",
        metrics={},
        curves=curves_document("test", "image", [shape]),
    )
    write_bundle(folder, bundle, card="")
    return folder


def start_service(folder: Path, *arguments: str, demo: bool = True) -> Running:
    """A service that has answered a first request, which takes longest."""
    one = Running(folder, *arguments, demo=demo)
    httpx.get(f"{one.url}/healthz", timeout=STARTED_S).raise_for_status()
    return one


def _table() -> CaseTable:
    scores = np.array(PRESENT + ABSENT)
    present = np.arange(len(scores)) < len(PRESENT)
    return CaseTable(
        cases=tuple(f"case {at}" for at in range(len(scores))),
        labels=LABELS,
        kind="binary",
        targets=np.stack([~present, present], axis=1).astype(np.int8),
        probabilities=np.stack([1 - scores, scores], axis=1),
        decisions=np.stack([scores < 0.9, scores >= 0.9], axis=1),
        columns={"sex": tuple("FM" * (len(scores) // 2))},
    )
