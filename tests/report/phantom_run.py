"""Run folders made in code, as `medlens run` and `evaluate` would write them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .phantom_figures import Floats, measure


@dataclass(frozen=True)
class Sizes:
    """How many cases a phantom has, and how well its model separates them."""

    train: int = 2100
    validation: int = 420
    test: int = 612
    images_per_patient: int = 3
    separation: float = 1.9


LABELS = {
    "binary": ("no tumour", "tumour"),
    "multiclass": ("glioma", "meningioma", "pituitary adenoma", "none"),
    "multilabel": (
        "Atelectasis",
        "Cardiomegaly",
        "Consolidation",
        "Effusion",
        "Nodule",
        "Pneumothorax",
        "Pleural thickening",
        "Fracture",
    ),
}
TINY = Sizes(train=34, validation=9, test=12, images_per_patient=1, separation=1.0)


def write_phantom(
    folder: Path, *, kind: str = "binary", sizes: Sizes | None = None, seed: int = 0
) -> Path:
    """A whole run folder of the kind; returns it."""
    sizes = sizes or Sizes()
    labels = LABELS[kind]
    generator = np.random.default_rng(seed)
    (folder / "bundle").mkdir(parents=True, exist_ok=True)
    cases = _deal(sizes, labels, kind, generator)
    positive = labels[1] if kind == "binary" else ""
    task = {"kind": kind, "labels": list(labels), "positive": positive}
    splits = {
        name: measure(cases, name, labels, kind) for name in ("test", "validation")
    }
    metrics = {"schema": "medlens/metrics/1", "task": task, "splits": splits}
    _write_json(folder / "metrics.json", metrics)
    _write_json(folder / "audit.json", _audit(cases, labels))
    _write_json(folder / "run.json", _run(labels))
    _write_json(folder / "bundle/bundle.json", _bundle(task, labels, metrics))
    (folder / "recipe.toml").write_text(_recipe(task), encoding="utf-8")
    _write_rows(
        folder / "splits.csv",
        ("case", "patient", "group", "split"),
        [(c["case"], c["patient"], c["patient"], c["split"]) for c in cases],
    )
    _write_history(folder / "history.csv", generator)
    _write_predictions(folder / "predictions.csv", cases, labels)
    return folder


def write_evaluation(folder: Path, *, kind: str = "binary") -> Path:
    """The smaller folder of `medlens evaluate`: one split named "all"."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = LABELS[kind]
    generator = np.random.default_rng(3)
    cases = _deal(Sizes(train=0, validation=0, test=240), labels, kind, generator)
    cases = [{**case, "split": "all"} for case in cases]
    positive = labels[1] if kind == "binary" else ""
    task = {"kind": kind, "labels": list(labels), "positive": positive}
    split = measure(cases, "all", labels, kind)
    split.pop("baselines")
    metrics = {"schema": "medlens/metrics/1", "task": task, "splits": {"all": split}}
    _write_json(folder / "metrics.json", metrics)
    _write_predictions(folder / "predictions.csv", cases, labels)
    return folder


def _deal(
    sizes: Sizes, labels: Sequence[str], kind: str, generator: np.random.Generator
) -> list[dict[str, Any]]:
    """Cases with patient, split, truth (K,) and calibrated probabilities (K,)."""
    cases: list[dict[str, Any]] = []
    sites = ("North", "South")
    for split in ("train", "validation", "test"):
        for index in range(getattr(sizes, split)):
            patient = f"{split[0]}{index // sizes.images_per_patient:04d}"
            # The first cases go round the labels so that none is absent.
            one = index if index < 2 * len(labels) else generator.integers(len(labels))
            truth = np.eye(len(labels))[int(one) % len(labels)]
            if kind == "multilabel":
                truth = (generator.random(len(labels)) < 0.22).astype(float)
                truth[index % len(labels)] = float(index % 2)
            probabilities = _answer(truth, sizes.separation, kind, generator)
            site = sites[index % 2]
            key = f"{split}/{patient}_{index % sizes.images_per_patient}.png"
            cases.append(
                {
                    "case": key,
                    "patient": patient,
                    "split": split,
                    "truth": truth,
                    "p": probabilities,
                    "site": site,
                    "sex": "F" if (index // 3) % 2 else "M",
                    "ood": float(generator.gamma(2.0)),
                }
            )
    return cases


def _answer(
    truth: Floats, separation: float, kind: str, generator: np.random.Generator
) -> Floats:
    """Calibrated probabilities: the exact posterior of Gaussian scores."""
    noise = generator.normal(size=len(truth))
    if kind == "multilabel":
        score = separation / 2 * (2 * truth - 1) + noise
        logits = separation * score + np.log(0.22 / 0.78)
        return np.asarray(1 / (1 + np.exp(-logits)))
    logits = separation * (separation * truth + noise)
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())


def _audit(cases: list[dict[str, Any]], labels: Sequence[str]) -> dict[str, Any]:
    truth = np.array([case["truth"] for case in cases])
    keys = [case["case"] for case in cases]
    return {
        "schema": "medlens/audit/1",
        "cases": len(cases),
        "patients": len({case["patient"] for case in cases}),
        "classes": {label: int(truth[:, k].sum()) for k, label in enumerate(labels)},
        "near_duplicates": [keys[i : i + 3] for i in range(0, len(keys) // 2, 9)],
        "label_conflicts": [{"cases": keys[:2], "labels": list(labels[:2])}],
        "unreadable": [
            {"case": "extra/scan_0091.png", "reason": "PNG ends after 2,311 bytes"},
            {"case": "extra/notes.png", "reason": "holds text, wanted an image"},
        ],
        "shortcuts": [
            {
                "what": "image height",
                "auroc": 0.71,
                "low": 0.66,
                "high": 0.76,
                "meaning": "Images of the two labels come in different sizes.",
                "advice": "Resize without keeping the aspect, or crop to the body.",
            }
        ],
        "warnings": ["14 images are constant over more than half of their area."],
    }


def _run(labels: Sequence[str]) -> dict[str, Any]:
    plan = [
        ("network", "efficientnet_lite0", "images are 224 px or larger; 4.7 M weights"),
        ("path", "fine_tune", f"{len(labels)} labels and 2,100 training cases suffice"),
        ("steps", "528", "8 epochs of 66 steps fit into 70% of the 10 min budget"),
        (
            "augment",
            "rotate, shift, contrast",
            "left and right carry meaning: no flips",
        ),
        ("operating point", "youden", "no rule was asked for"),
    ]
    return {
        "schema": "medlens/run/1",
        "versions": {"medlens": "0.1.0", "python": "3.11.2", "numpy": "2.4.0"},
        "seed": 0,
        "data": {"digest": "sha256:" + "3f" * 32, "name": "/home/someone/brain-mri"},
        "machine": {"cpu": "AMD EPYC", "cores": 2, "memory_mb": 7944, "gpu": ""},
        "seconds": {
            "audit": 31.2,
            "plan": 0.2,
            "split": 0.1,
            "train": 402.7,
            "calibrate": 6.1,
            "bundle": 2.2,
            "evaluate": 21.9,
            "report": 3.4,
        },
        "plan": [{"rule": a, "choice": b, "reason": c} for a, b, c in plan],
        "command": "medlens run /home/someone/brain-mri --budget 10m",
        "budget_seconds": 600,
    }


def _bundle(
    task: dict[str, Any], labels: Sequence[str], metrics: dict[str, Any]
) -> dict[str, Any]:
    count = len(labels)
    return {
        "schema": "medlens/bundle/1",
        "medlens": "0.1.0",
        "name": "brain-mri",
        "task": task,
        "input": {"channels": 1, "height": 224, "width": 224},
        "prep": [{"name": "resize", "height": 224, "width": 224}],
        "calibration": {
            "kind": task["kind"],
            "scale": [0.58] * count,
            "bias": [0.0] * count,
        },
        "operating_points": [
            {"label": labels[1], "threshold": 0.46, "rule": "youden", "chosen": True}
        ],
        "conformal": {"coverage": 0.9, "thresholds": [0.2] * count},
        "outlier": {"threshold": 3.2},
        "intended_use": "Research on brain MRI. Not a medical device; ask a reader.",
        "metrics": metrics,
        "training": {"data": "sha256:" + "3f" * 32, "cases": 2100, "seed": 0},
        "files": {"model.onnx": "ab" * 32, "card.md": "cd" * 32},
        "digest": "ef" * 32,
    }


def _recipe(task: dict[str, Any]) -> str:
    labels = ", ".join(json.dumps(label) for label in task["labels"])
    return f"""schema = "medlens/recipe/1"

[task]
kind = "{task["kind"]}"
labels = [{labels}]
positive = {json.dumps(task["positive"])}

[[prep.steps]]
name = "resize"
params = {{ height = 224, width = 224 }}

[train]
path = "fine_tune"
epochs = 8
learning_rate = 0.001
"""


def _write_history(path: Path, generator: np.random.Generator) -> None:
    rows = []
    for epoch in range(1, 9):
        train = 0.62 * np.exp(-epoch / 3) + 0.05 + 0.01 * generator.random()
        validation = 0.55 * np.exp(-epoch / 3) + 0.12 + 0.02 * generator.random()
        auroc = 0.985 - 0.2 * np.exp(-epoch / 1.7) + 0.004 * generator.random()
        rate = 1e-3 * (1 - epoch / 9)
        row = (epoch, 66 * epoch, rate, train, validation, auroc, 48.0)
        rows.append([f"{value:.6g}" for value in row])
    columns = (
        "epoch",
        "step",
        "learning_rate",
        "train_loss",
        "validation_loss",
        "validation_auroc",
        "seconds",
    )
    _write_rows(path, columns, rows)


def _write_predictions(
    path: Path, cases: list[dict[str, Any]], labels: Sequence[str]
) -> None:
    columns = ("case", "patient", "split", "reference", "predicted", "decision")
    rows = []
    for case in cases:
        if case["split"] == "train":
            continue
        truth = [lb for lb, t in zip(labels, case["truth"], strict=True) if t]
        best = labels[int(case["p"].argmax())]
        rows.append(
            [
                *(case[name] for name in ("case", "patient", "split")),
                "|".join(truth),
                best,
                best,
                *(f"{value:.6f}" for value in case["p"]),
                f"{case['ood']:.4f}",
            ]
        )
    heads = (*columns, *(f"p_{label}" for label in labels), "ood_score")
    _write_rows(path, heads, rows)


def _write_rows(
    path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(rows)


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
