"""The card's section on performance where voxels are labelled."""

from __future__ import annotations

from medlens.report.card_text import plain, table_lines
from medlens.report.mask_quantity import (
    MASK_MEASURES,
    agreement_of,
    known_mask_metrics,
    mask_interval,
    mask_text,
    name_of,
    size_text,
    size_unit,
    size_word,
)
from medlens.report.mask_results import told_figures
from medlens.report.subject import Subject, metric
from medlens.report.values import as_mapping

_OF_LABEL = ("dice", "surface_dice", "hd95", "hd95_px", "volume_error")


def mask_performance(subject: Subject) -> str:
    """Figures with intervals: means, then label by label, then sizes."""
    names = told_figures(known_mask_metrics(subject.leading), subject.leading)
    if not names:
        return "## Performance\n\nNothing was measured; do not use it for anything yet."
    rows = [
        (
            name_of(subject, name),
            _cell(subject, name, subject.leading),
            MASK_MEASURES[name].meaning,
        )
        for name in names
    ]
    where = "these cases" if subject.split == "all" else f"the {subject.split} split"
    mean = " Means over labels." if len(subject.labels) > 1 else ""
    columns = ("Figure", "Value (95% interval)", "What it says")
    lines = [
        "## Performance",
        "",
        f"Measured on {plain(where)}.{mean}",
        "",
        *table_lines(columns, rows),
    ]
    return "\n".join(lines + _label_lines(subject) + _size_lines(subject))


def _label_lines(subject: Subject) -> list[str]:
    per_label = as_mapping(subject.leading.get("per_label"))
    labels = [label for label in subject.labels if as_mapping(per_label.get(label))]
    holders = [as_mapping(per_label[label]) for label in labels]
    names = [name for name in _OF_LABEL if name in known_mask_metrics(*holders)]
    if len(labels) < 2 or not names:
        return []
    rows = [
        (plain(label, limit=60), *(_cell(subject, name, holder) for name in names))
        for label, holder in zip(labels, holders, strict=True)
    ]
    heads = ("Label", *(name_of(subject, name) for name in names))
    return ["", *table_lines(heads, rows)]


def _size_lines(subject: Subject) -> list[str]:
    """What one new case has to reckon with."""
    unit, rows = size_unit(subject), []
    for label in subject.labels:
        found = agreement_of(subject, label)
        if found["lower"].value is not None:
            sizes = (
                size_text(found[name].value, unit, sign=True)
                for name in ("bias", "lower", "upper")
            )
            rows.append((plain(label, limit=60), *sizes))
    if not rows:
        return []
    said = (
        f"Error of the {size_word(subject)} (answer minus reference). Nineteen of "
        "twenty new cases are expected between the limits:"
    )
    heads = ("Label", "Bias", "Lower limit", "Upper limit")
    return ["", said, "", *table_lines(heads, rows)]


def _cell(subject: Subject, name: str, holder: object) -> str:
    quantity = metric(holder, name)
    interval = mask_interval(subject, name, quantity)
    value = mask_text(subject, name, quantity)
    return f"{value} ({interval})" if interval else value
