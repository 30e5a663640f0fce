"""Run folders made in code, as `medlens run` and `evaluate` would write them."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medlens.report import Example

Floats = NDArray[np.float64]


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
        name: _measure(cases, name, labels, kind) for name in ("test", "validation")
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
    split = _measure(cases, "all", labels, kind)
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


def _measure(
    cases: list[dict[str, Any]], split: str, labels: Sequence[str], kind: str
) -> dict[str, Any]:
    """One split of metrics.json."""
    own = [case for case in cases if case["split"] == split]
    truth = np.array([case["truth"] for case in own])
    p = np.array([case["p"] for case in own])
    per_label = {
        label: {
            "n_cases": int(truth[:, k].sum()),
            "confusion_matrix": _two_by_two(truth[:, k], p[:, k]),
            "metrics": _binary_metrics(truth[:, k], p[:, k], 0.5),
        }
        for k, label in enumerate(labels)
    }
    lead = 1 if kind == "binary" else None
    metrics = (
        per_label[labels[1]]["metrics"]
        if lead is not None
        else _means([held["metrics"] for held in per_label.values()])
    )
    ks = range(len(labels)) if lead is None else [lead]
    curves = {labels[k]: _curves(truth[:, k], p[:, k]) for k in ks}
    shown = truth[:, 1] if lead else truth.ravel()
    return {
        "n_cases": len(own),
        "n_patients": len({case["patient"] for case in own}),
        "labels": list(labels),
        "metrics": metrics,
        "confusion_matrix": _confusion(truth, p, kind),
        "per_label": per_label,
        "operating_points": _points(truth, p, labels, kind),
        "prior_shift": {
            "applied": False,
            "validation_prevalence": dict.fromkeys(labels, 0.5),
            "estimated_prevalence": dict.fromkeys(labels, 0.46),
            "metrics_if_applied": {
                name: metrics[name] for name in ("accuracy", "brier", "log_loss")
            },
        },
        "subgroups": _subgroups(own, kind),
        "reliability": _bins(shown, p[:, 1] if lead else p.ravel()),
        "curves": curves,
        "conformal": {
            "coverage": _quantity(0.912, len(own), "Wilson"),
            "mean_size": 1.12,
            "per_label": {label: _quantity(0.9, 150, "Wilson") for label in labels},
            "empty": 0.004,
        },
        "out_of_distribution": {"flagged": 9, "share": 9 / len(own)},
        "baselines": _baselines(metrics),
    }


def _quantity(value: float, count: int, method: str) -> dict[str, Any]:
    half = 1.96 * float(np.sqrt(max(value * (1 - value), 0.002) / max(count, 2)))
    low, high = max(0.0, value - half), min(1.0, value + half)
    return {"value": value, "low": low, "high": high, "method": method}


def _binary_metrics(truth: Floats, p: Floats, threshold: float) -> dict[str, Any]:
    called = p >= threshold
    tp, fp = float((called * truth).sum()), float((called * (1 - truth)).sum())
    fn, tn = float((~called * truth).sum()), float((~called * (1 - truth)).sum())
    n, yes, no = len(truth), int(truth.sum()), int((1 - truth).sum())
    if yes == 0 or no == 0:
        return {"auroc": {"value": None, "reason": "only one label among the cases"}}
    wins = (p[truth == 1][:, None] > p[truth == 0][None]).mean()
    order = np.argsort(-p)
    hits = truth[order]
    precision = (np.cumsum(hits) / np.arange(1, n + 1))[hits == 1].mean()
    clipped = np.clip(p, 1e-9, 1 - 1e-9)
    loss = -(truth * np.log(clipped) + (1 - truth) * np.log(1 - clipped)).mean()
    sensitivity, specificity = tp / yes, tn / no
    values = {
        "auroc": (wins, min(yes, no), "DeLong, patients as clusters"),
        "accuracy": ((tp + tn) / n, n, "Wilson on the effective number of cases"),
        "balanced_accuracy": ((sensitivity + specificity) / 2, n, "MOVER"),
        "sensitivity": (sensitivity, yes, "Wilson on the effective number of cases"),
        "specificity": (specificity, no, "Wilson on the effective number of cases"),
        "ppv": (tp / max(tp + fp, 1), int(tp + fp), "bootstrap of patients"),
        "npv": (tn / max(tn + fn, 1), int(tn + fn), "bootstrap of patients"),
        "f1": (2 * tp / max(2 * tp + fp + fn, 1), n, "bootstrap of patients"),
        "average_precision": (precision, min(yes, no), "bootstrap of patients"),
        "brier": (((p - truth) ** 2).mean(), n, "bootstrap of patients"),
        "log_loss": (loss, n, "bootstrap of patients"),
        "ece": (_ece(truth, p), n, "bootstrap of patients"),
    }
    return {name: _quantity(float(v), k, m) for name, (v, k, m) in values.items()}


def _ece(truth: Floats, p: Floats) -> float:
    return float(
        sum(
            abs(b["mean_probability"] - b["observed"]) * b["n"] for b in _bins(truth, p)
        )
        / len(truth)
    )


def _means(parts: list[dict[str, Any]]) -> dict[str, Any]:
    names = [name for name in parts[0] if all(name in part for part in parts)]
    mean = {}
    for name in names:
        known = [part[name] for part in parts if part[name]["value"] is not None]
        mean[name] = {
            end: float(np.mean([quantity[end] for quantity in known]))
            for end in ("value", "low", "high")
        } | {"method": "mean over labels, bootstrap of patients"}
    return mean


def _curves(truth: Floats, p: Floats) -> dict[str, Any]:
    order = np.argsort(-p)
    hits, misses = np.cumsum(truth[order]), np.cumsum(1 - truth[order])
    recall, fpr = hits / max(hits[-1], 1), misses / max(misses[-1], 1)
    precision = hits / (hits + misses)
    return {
        "roc": {
            "fpr": [0.0, *fpr.tolist()],
            "tpr": [0.0, *recall.tolist()],
            "threshold": [1.0, *p[order].tolist()],
        },
        "pr": {"recall": recall.tolist(), "precision": precision.tolist()},
    }


def _bins(truth: Floats, p: Floats) -> list[dict[str, Any]]:
    rows = []
    for low in np.arange(10) / 10:
        inside = (p >= low) & (p < low + 0.1)
        if inside.any():
            rows.append(
                {
                    "low": float(low),
                    "high": float(low + 0.1),
                    "mean_probability": float(p[inside].mean()),
                    "observed": float(truth[inside].mean()),
                    "n": int(inside.sum()),
                }
            )
    return rows


def _confusion(truth: Floats, p: Floats, kind: str) -> list[list[int]] | None:
    count = truth.shape[1]
    if kind == "multilabel":
        return None
    rows, columns = truth.argmax(axis=1), p.argmax(axis=1)
    flat = np.bincount(rows * count + columns, minlength=count * count)
    return [[int(n) for n in row] for row in flat.reshape(count, count)]


def _two_by_two(truth: Floats, p: Floats) -> list[list[int]]:
    called = p >= 0.5
    return [[int(((truth == a) & (called == b)).sum()) for b in (0, 1)] for a in (0, 1)]


def _points(truth: Floats, p: Floats, labels: Sequence[str], kind: str) -> list[Any]:
    ks = [1] if kind == "binary" else range(len(labels))
    rules = {"youden": 0.46, "sensitivity>=0.95": 0.21, "specificity>=0.95": 0.72}
    if kind != "binary":
        rules = {"youden": 0.46}
    if kind == "multiclass":
        return []
    return [
        {
            "name": rule,
            "label": labels[k],
            "threshold": threshold,
            "chosen": rule == "youden",
            "metrics": _binary_metrics(truth[:, k], p[:, k], threshold),
            "prevalence": float(truth[:, k].mean()),
            "predictive_values": [
                {
                    "prevalence": share,
                    "ppv": _quantity(0.5 + share / 2, 200, "Wilson"),
                    "npv": _quantity(1 - share / 4, 200, "Wilson"),
                }
                for share in (0.01, 0.1, 0.5)
            ],
        }
        for k in ks
        for rule, threshold in rules.items()
    ]


def _subgroups(own: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    groups = []
    for column in ("site", "sex"):
        for value in sorted({case[column] for case in own}):
            part = [case for case in own if case[column] == value]
            truth = np.array([case["truth"] for case in part])
            p = np.array([case["p"] for case in part])
            metrics = (
                _binary_metrics(truth[:, 1], p[:, 1], 0.46)
                if kind == "binary"
                else _means(
                    [
                        _binary_metrics(truth[:, k], p[:, k], 0.5)
                        for k in range(truth.shape[1])
                    ]
                )
            )
            groups.append(
                {
                    "column": column,
                    "value": value,
                    "n_cases": len(part),
                    "n_patients": len({case["patient"] for case in part}),
                    "metrics": metrics,
                }
            )
    return groups


def _baselines(metrics: Mapping[str, Any]) -> dict[str, Any]:
    ours = metrics.get("auroc", {}).get("value") or 0.5
    theirs = 0.5 + 0.85 * (ours - 0.5)
    return {
        "majority": {
            "metrics": {
                "auroc": {"value": 0.5, "low": 0.5, "high": 0.5, "method": "exact"},
                "accuracy": _quantity(0.51, 600, "Wilson"),
            }
        },
        "classical": {
            "metrics": {
                "auroc": _quantity(theirs, 300, "DeLong"),
                "accuracy": _quantity(0.84, 600, "Wilson"),
                "brier": _quantity(0.12, 600, "bootstrap of patients"),
            },
            "auroc_difference": {
                "value": ours - theirs,
                "low": ours - theirs - 0.02,
                "high": ours - theirs + 0.02,
                "p_value": 0.0004,
                "method": "paired DeLong",
            },
        },
    }


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
        "intended_use": "Research on telling brain MRI slices apart.",
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


def make_examples(count: int = 8, *, side: int = 320, seed: int = 0) -> list[Example]:
    """Head phantoms with a bright disc and a map that finds it, or does not."""
    generator = np.random.default_rng(seed)
    examples = []
    for index in range(count):
        is_right = index % 3 != 0
        canvas = np.zeros((side, side), np.float32)
        centre = (side // 2, side // 2)
        axes = (int(0.34 * side), int(0.42 * side))
        cv2.ellipse(canvas, centre, axes, 0.0, 0.0, 360.0, 0.75, -1)
        inner = (int(0.31 * side), int(0.39 * side))
        cv2.ellipse(canvas, centre, inner, 0.0, 0.0, 360.0, 0.4, -1)
        spot = tuple(int(v) for v in side * generator.uniform(0.35, 0.65, 2))
        cv2.circle(canvas, spot, side // 14, 0.8, -1)
        canvas = cv2.GaussianBlur(canvas, (0, 0), 1 + side / 160)
        canvas += 0.03 * generator.normal(size=canvas.shape).astype(np.float32)
        seen = spot if is_right else (side // 3, side // 4)
        grid = np.hypot(
            *(np.indices((14, 14)) * side / 14 - np.array(seen[::-1])[:, None, None])
        )
        evidence = np.exp(-((grid / (side / 7)) ** 2))
        examples.append(
            Example(
                case=f"test/t{index:04d}_0.png",
                image=(np.clip(canvas, 0, 1) * 255).astype(np.uint8),
                evidence=evidence,
                reference="tumour" if is_right or index % 2 else "no tumour",
                predicted="tumour" if is_right or not index % 2 else "no tumour",
                probability=float(generator.uniform(0.55, 0.99)),
                is_right=is_right,
                note="" if index % 4 else "unlike the training images",
            )
        )
    return examples
