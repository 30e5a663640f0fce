"""Figures of a phantom split, in the form that `medlens evaluate` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def measure(
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
                "auroc": {"value": 0.5, "low": None, "high": None, "method": "exact"},
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
