"""The figures that stand first: of the positive label, or over all labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medlens.core import Array
from medlens.evaluate.label_figures import (
    ECE_METHOD,
    LABEL_METRICS,
    NOISE,
    LabelFigures,
    is_collapsed,
    measure_label,
)
from medlens.evaluate.table import CaseTable
from medlens.metrics import (
    Estimate,
    PatientBootstrap,
    log_losses,
    macro_auroc_interval,
    proportion,
    squared_errors,
)
from medlens.metrics.binning import (
    bin_cases,
    bin_edges,
    calibration_error,
    calibration_noise,
)
from medlens.metrics.bootstrap import (
    RESAMPLES,
    affordable_resamples,
    percentile_estimate,
    reflected_estimate,
)
from medlens.metrics.classification import matthews_multiclass, ratio
from medlens.metrics.estimate import undefined
from medlens.metrics.intervals import mean_of_shares

MAX_MCC_LABELS = 50
"""The correlation of K labels resamples K² sums."""
_NOT_MACRO = ("accuracy", "mcc")
_BOUNDED = ("sensitivity", "specificity", "ppv", "npv", "f1", "balanced_accuracy")


@dataclass(frozen=True)
class TableFigures:
    """What was measured on a table whose cases all have a reference standard.

    Attributes:
        bootstrap: the resamples behind every interval.
        labels: figures of each label against the rest.
        macro: name → mean over the labels that have it; empty for binary.
        headline: name → the figure that stands first. Binary: of the positive
            label. Multi-label: means over labels, and `exact_match`.
            Multi-class: means over labels of what is defined by label, and
            accuracy, log loss, Brier score, calibration error and Matthews
            correlation of the cases as a whole.
        replicates: name → (resamples,) bootstrap values of the headline; none
            for AUROC and exact match, which need no resampling.
    """

    bootstrap: PatientBootstrap
    labels: dict[str, LabelFigures]
    macro: dict[str, Estimate]
    headline: dict[str, Estimate]
    replicates: dict[str, Array]


def measure_table(
    table: CaseTable, *, seed: int = 0, resamples: int = RESAMPLES
) -> TableFigures:
    """Every figure of the table; the same seed gives the same resamples.

    Args:
        table: at least one case, each with a reference standard.
        seed, resamples: of the patient bootstrap.
    """
    codes = table.codes
    drawn = affordable_resamples(int(codes.max()) + 1, wanted=resamples)
    bootstrap = PatientBootstrap(codes, resamples=drawn, seed=seed)
    labels = {
        label: measure_label(
            np.asarray(table.targets)[:, index],
            table.probabilities[:, index],
            table.decisions[:, index],
            bootstrap,
        )
        for index, label in enumerate(table.labels)
    }
    if table.kind == "binary":
        own = labels[table.positive]
        return TableFigures(bootstrap, labels, {}, own.estimates, own.replicates)
    macro, replicates = _macros(table, list(labels.values()), bootstrap)
    if table.kind == "multilabel":
        headline = macro | {"exact_match": _exact_match(table, bootstrap)}
        return TableFigures(bootstrap, labels, macro, headline, replicates)
    whole, whole_replicates = _multiclass_whole(table, bootstrap)
    merged = macro | whole | {"balanced_accuracy": macro["sensitivity"]}
    headline = {name: merged[name] for name in LABEL_METRICS if name in merged}
    replicates |= whole_replicates
    replicates["balanced_accuracy"] = replicates["sensitivity"]
    return TableFigures(bootstrap, labels, macro, headline, replicates)


def top_label(table: CaseTable) -> tuple[Array, Array]:
    """(n,) whether the most probable label is right, and its probability."""
    best = np.asarray(table.probabilities).argmax(axis=1)
    rows = np.arange(len(table))
    return np.asarray(table.targets)[rows, best], table.probabilities[rows, best]


def _macros(
    table: CaseTable, figures: list[LabelFigures], bootstrap: PatientBootstrap
) -> tuple[dict[str, Estimate], dict[str, Array]]:
    """Mean of each figure over the labels that have it, and its replicates."""
    left_out = _NOT_MACRO if table.kind == "multiclass" else ("mcc",)
    estimates, replicates = {}, {}
    for name in LABEL_METRICS:
        if name == "auroc":
            estimates[name] = macro_auroc_interval(
                table.targets, table.probabilities, bootstrap.codes
            )
        elif name not in left_out:
            replicates[name] = _mean_replicates(name, figures)
            if name == "ece":
                replicates[NOISE] = _mean_replicates(NOISE, figures)
            estimates[name] = _macro(name, figures, replicates, bootstrap)
    return estimates, replicates


def _mean_replicates(name: str, figures: list[LabelFigures]) -> Array:
    """(resamples,) mean over the labels that have the figure in that resample."""
    key = "ece" if name == NOISE else name
    used = [label for label in figures if label.estimates[key].value is not None]
    stacked = np.stack([label.replicates[name] for label in used or figures])
    present = np.isfinite(stacked)
    return ratio(np.where(present, stacked, 0.0).sum(axis=0), present.sum(axis=0))


def _macro(
    name: str,
    figures: list[LabelFigures],
    replicates: dict[str, Array],
    bootstrap: PatientBootstrap,
) -> Estimate:
    """Mean of one figure over the labels that have it."""
    parts = [label.estimates[name] for label in figures]
    used = [part for part in parts if part.value is not None]
    if not used:
        return undefined(parts[0].reason)
    words = f"mean of {len(used)} labels"
    if len(used) < len(parts):
        words += f" (of {len(parts)}: undefined for the others)"
    value = float(np.mean([part.value for part in used if part.value is not None]))
    if name == "ece":
        words = f"{words}; {ECE_METHOD}"
        return reflected_estimate(
            value, replicates[name], replicates[NOISE], bootstrap, method=words
        )
    estimate = percentile_estimate(value, replicates[name], bootstrap, method=words)
    if is_collapsed(estimate) and name in _BOUNDED:
        return mean_of_shares(used, method=f"{words}; MOVER")
    return estimate


def _exact_match(table: CaseTable, bootstrap: PatientBootstrap) -> Estimate:
    """Share of fully read cases in which every label is decided rightly."""
    targets = np.asarray(table.targets)
    read = (targets >= 0).all(axis=1)
    right = ((targets == 1) == table.decisions).all(axis=1)
    return proportion(
        right[read], bootstrap.codes[read], of="cases with every label read"
    )


def _multiclass_whole(
    table: CaseTable, bootstrap: PatientBootstrap
) -> tuple[dict[str, Estimate], dict[str, Array]]:
    """Figures of the whole multi-class decision; every case here is read."""
    targets = np.asarray(table.targets)
    right = (table.decisions & (targets == 1)).any(axis=1)
    hit, confidence = top_label(table)
    means = np.stack(
        [
            right,
            squared_errors(targets, table.probabilities),
            log_losses(targets, table.probabilities),
            np.ones(len(table)),
        ],
        axis=1,
    )
    binned = bin_cases(hit, confidence, bin_edges(confidence))
    values, replicates = (
        {
            "accuracy": ratio(sums[:, 0], sums[:, 3]),
            "brier": ratio(sums[:, 1], sums[:, 3]),
            "log_loss": ratio(sums[:, 2], sums[:, 3]),
            "ece": calibration_error(sums[:, 4:]),
        }
        for sums in _sum_and_resample(np.concatenate([means, binned], 1), bootstrap)
    )
    words = {"brier": "half the squared error summed over labels", "log_loss": ""}
    estimates = {
        name: percentile_estimate(
            float(values[name][0]), replicates[name], bootstrap, method=method
        )
        for name, method in words.items()
    }
    estimates["accuracy"] = proportion(right, bootstrap.codes)
    estimates["ece"] = reflected_estimate(
        float(values["ece"][0]),
        replicates["ece"],
        calibration_noise(binned, bootstrap, n=len(table)),
        bootstrap,
        method=f"most probable label, {ECE_METHOD}",
    )
    if len(table.labels) > MAX_MCC_LABELS:
        reason = f"not computed beyond {MAX_MCC_LABELS} labels"
        return estimates | {"mcc": undefined(reason)}, replicates
    estimates["mcc"], replicates["mcc"] = _multiclass_mcc(table, bootstrap)
    return estimates, replicates


def _multiclass_mcc(
    table: CaseTable, bootstrap: PatientBootstrap
) -> tuple[Estimate, Array]:
    """Correlation R_K and its replicates."""
    n, labels = len(table), len(table.labels)
    cells = np.zeros((n, labels, labels))
    rows = np.asarray(table.targets).argmax(axis=1)
    cells[np.arange(n), rows, np.asarray(table.decisions).argmax(axis=1)] = 1
    value, replicates = (
        matthews_multiclass(sums.reshape(-1, labels, labels))
        for sums in _sum_and_resample(cells.reshape(n, -1), bootstrap)
    )
    return percentile_estimate(
        float(value[0]), replicates, bootstrap, method="R_K"
    ), replicates


def _sum_and_resample(
    values: Array, bootstrap: PatientBootstrap
) -> tuple[Array, Array]:
    """Sums over the cases, (1, q), and over those of each resample, (b, q)."""
    return values.sum(axis=0)[None], bootstrap.sums(values)
