"""Can the probabilities be trusted: calibration, sets, strangers, prevalence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlens.evaluate import CaseTable
from medlens.metrics import Calibration, ece, squared_errors
from medlens.report.doubt import Floats
from medlens.report.figure import Table
from medlens.report.load import RunFolder
from medlens.report.quantity import (
    Quantity,
    both_text,
    interval_text,
    measure_of,
    stacked_text,
    to_quantity,
    value_text,
)
from medlens.report.subject import Subject, known_metrics, metric
from medlens.report.values import (
    Json,
    as_mapping,
    clean_count,
    clean_number,
    clean_numbers,
    clean_text,
    count_of,
)

_FLOOR = 1e-7
"""Smallest probability that can be turned back into a logit."""


@dataclass(frozen=True)
class Trust:
    """The section on probabilities: sentences and tables."""

    sentences: tuple[str, ...]
    tables: tuple[Table, ...]


def describe_trust(folder: RunFolder, subject: Subject) -> Trust:
    """Calibration before and after, prediction sets, strangers, prevalence."""
    sentences = (
        _scaling_words(folder.bundle),
        _conformal_words(folder.bundle, subject),
        stranger_words(subject),
    )
    tables = (
        _calibration_table(folder, subject),
        _coverage_table(subject),
        _shift_table(subject),
    )
    return Trust(
        tuple(text for text in sentences if text),
        tuple(table for table in tables if table),
    )


def _scaling_words(bundle: Json) -> str:
    scales = clean_numbers(as_mapping(bundle.get("calibration")).get("scale"))
    if not scales or min(scales) <= 0:
        return ""
    if max(scales) - min(scales) > 1e-9:
        return (
            "Logits are scaled and shifted per label before they become probabilities "
            "(vector scaling, fitted on the validation split)."
        )
    if scales[0] == 1.0:
        return "The network's probabilities are used as they are, without scaling."
    way = "softer" if scales[0] < 1 else "sharper"
    return (
        f"Logits are divided by a temperature of {1 / scales[0]:.2f}, fitted on the "
        f"validation split, which makes the probabilities {way}."
    )


def _conformal_words(bundle: Json, subject: Subject) -> str:
    sets = as_mapping(subject.leading.get("conformal"))
    coverage = to_quantity(sets.get("coverage"))
    if coverage.value is None:
        return ""
    promised = clean_number(as_mapping(bundle.get("conformal")).get("coverage"))
    promise = f" (promised: {100 * promised:.0f}%)" if promised is not None else ""
    text = (
        "Prediction sets, which name every label that is still plausible, hold the "
        f"reference label in {both_text(coverage, is_share=True)} of cases{promise}"
    )
    size, empty = to_quantity(sets.get("mean_size")), to_quantity(sets.get("empty"))
    if size.value is not None:
        text += f"; they hold {size.value:.2f} labels on average"
    if empty.value is not None:
        share = f"{100 * empty.value:.1f}%"
        text += f", and {share} are empty, which means “I do not know”"
    return f"{text}."


def stranger_words(subject: Subject) -> str:
    """How many cases the gate flagged; "" without one."""
    unlike = as_mapping(subject.leading.get("out_of_distribution"))
    share = to_quantity({**unlike, "value": unlike.get("share")})
    count = clean_count(unlike.get("flagged"))
    if share.value is None:
        return ""
    many = f"{count_of(count, 'case')} " if count is not None else ""
    verb = "is" if count == 1 else "are"
    return (
        f"{many}({_share_words(share)}) {verb} flagged as unlike the "
        "training images; the threshold lets about 1% of familiar images be flagged "
        "by mistake."
    )


def _share_words(share: Quantity) -> str:
    interval = interval_text(share, is_share=True)
    value = value_text(share, is_share=True)
    return f"{value}; 95% interval {interval}" if interval else value


def _calibration_table(folder: RunFolder, subject: Subject) -> Table | None:
    table = _leading_cases(folder, subject)
    if table is None:
        return None
    after = np.asarray(table.probabilities, dtype=np.float64)
    before = undo_calibration(after, folder.bundle, subject.kind)
    if before is None:
        return None
    rows = []
    for name, function in (("ece", ece), ("brier", _brier)):
        values = (
            float(np.mean([function(*pair) for pair in _events(table, p)]))
            for p in (before, after)
        )
        rows.append((measure_of(name).name, *(f"{value:.3f}" for value in values)))
    return Table(
        "Calibration before and after scaling",
        ("Lower is better", "Before", "After"),
        tuple(rows),
        note="Before: the bundle's probabilities with its scaling undone, on the same "
        f"cases. {_EVENTS[subject.kind]}",
    )


_EVENTS = {
    "binary": "Both are about the positive label.",
    "multiclass": "Both are about the most probable label being right.",
    "multilabel": "Both are means over labels.",
}


def _coverage_table(subject: Subject) -> Table | None:
    sets = as_mapping(subject.leading.get("conformal"))
    per_label = as_mapping(sets.get("per_label"))
    rows = []
    for label in subject.labels[:50]:
        coverage = to_quantity(per_label.get(label))
        if coverage.value is not None:
            name = clean_text(label, limit=60)
            rows.append((name, stacked_text(coverage, is_share=True)))
    if not rows:
        return None
    return Table("How often a set holds its label", ("Reference", "Share"), tuple(rows))


def _events(table: CaseTable, p: Floats) -> list[tuple[NDArray[np.int64], Floats]]:
    """What is promised and what came true: one pair, or one for each label."""
    targets = np.asarray(table.targets).astype(np.int64)
    if table.kind == "binary":
        index = table.positive_index
        return [(targets[:, index], p[:, index])]
    if table.kind == "multiclass":
        rows, best = np.arange(len(p)), p.argmax(axis=1)
        return [(targets[rows, best], p[rows, best])]
    known = [targets[:, k] >= 0 for k in range(p.shape[1])]
    return [(targets[m, k], p[m, k]) for k, m in enumerate(known) if m.any()]


def _brier(truth: NDArray[np.int64], probabilities: Floats) -> float:
    return float(squared_errors(truth, probabilities).mean())


def _leading_cases(folder: RunFolder, subject: Subject) -> CaseTable | None:
    """The labelled cases of the leading split, labels in the bundle's order."""
    table = folder.predictions
    if table is None or table.labels != subject.labels or table.kind != subject.kind:
        return None
    inside = np.isin(np.array(table.splits), (subject.split, "")) & table.is_read
    return table.select(inside) if inside.any() else None


def undo_calibration(probabilities: Floats, bundle: Json, kind: str) -> Floats | None:
    """Probabilities as they were before scaling, or None where that is lost.

    p = softmax(s·z + b) with one s for all labels gives log p = s·z + b + c, and
    softmax does not see c. With a scale per label c would be scaled unevenly, so
    the logits cannot be had back; a sigmoid can always be undone.

    Args:
        probabilities: (n, K) calibrated.
        bundle: bundle.json with its "calibration".
        kind: of the task.
    """
    held = as_mapping(bundle.get("calibration"))
    scale, bias = (np.array(clean_numbers(held.get(k))) for k in ("scale", "bias"))
    count = probabilities.shape[1]
    if scale.shape != (count,) or bias.shape != (count,) or not (scale > 0).all():
        return None
    held_in = np.clip(probabilities, _FLOOR, 1 - _FLOOR)
    if kind == "multilabel":
        logits = np.log(held_in) - np.log1p(-held_in)
        undone = Calibration(1 / scale, -bias / scale, "multilabel")
        return np.asarray(undone.probabilities(logits))
    if np.ptp(scale) > 1e-9 * scale.max():
        return None
    undone = Calibration(1 / scale, -bias / scale, "multiclass")
    return np.asarray(undone.probabilities(np.log(held_in)))


def _shift_table(subject: Subject) -> Table | None:
    shift = as_mapping(subject.leading.get("prior_shift"))
    rows = list(_prevalence_rows(shift, subject))
    if not rows:
        return None
    applied = {"metrics": shift.get("metrics_if_applied")}
    for name in known_metrics(applied):
        measure = measure_of(name)
        rows.append(
            (
                measure.name,
                value_text(subject.quantity(name), is_share=measure.is_share),
                value_text(metric(applied, name), is_share=measure.is_share),
            )
        )
    return Table(
        "If the labels' mix differs here (reported, not applied)",
        ("What", "As shipped", "With the estimated mix"),
        tuple(rows),
        note="The mix is estimated from unlabelled probabilities by expectation "
        "maximisation (Saerens 2002); it holds only if the images of each label look "
        "as before.",
    )


def _prevalence_rows(shift: Json, subject: Subject) -> list[tuple[str, str, str]]:
    """Prevalence before and now: of one label, or a row for each."""
    before, now = shift.get("validation_prevalence"), shift.get("estimated_prevalence")
    pairs: list[tuple[str, object, object]] = [(subject.positive, before, now)]
    if isinstance(before, dict) and isinstance(now, dict):
        pairs = [(label, before.get(label), now.get(label)) for label in subject.focus]
    rows = []
    for label, then, today in pairs[:50]:
        first, second = clean_number(then), clean_number(today)
        if first is not None and second is not None:
            name = clean_text(f"Prevalence of {label}" if label else "Prevalence")
            rows.append((name, f"{100 * first:.1f}%", f"{100 * second:.1f}%"))
    return rows
