"""What to mind before relying on outlines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medlens.evaluate import MaskTable
from medlens.evaluate.mask_split import mean_dice
from medlens.report.mask_answer import leading_masks
from medlens.report.mask_quantity import (
    agreement_of,
    mask_both,
    size_text,
    size_unit,
    size_word,
)
from medlens.report.notice import Notice
from medlens.report.subject import Subject, metric
from medlens.report.values import as_mapping, clean_count, clean_text, count_of

FEW = 10
"""Cases with a label below which its figures say little."""
POOR = 0.5
"""Dice below which more is wrong than right."""


def find_mask_notices(table: MaskTable | None, subject: Subject) -> Iterator[Notice]:
    """Poor cases, labels left out or too rare, sizes that lean, missing spacing."""
    yield from _poor(table, subject)
    for label in subject.labels[:20]:
        yield from _label_notices(subject, label)
    if subject.leading.get("length_unit") == "px":
        yield Notice(
            "note",
            "The images carry no spacing, so distances and sizes are in pixels and "
            "cannot be held against those of other images.",
            "Use files that state their spacing (DICOM, NIfTI) where mm matter.",
        )


def _poor(table: MaskTable | None, subject: Subject) -> Iterator[Notice]:
    part = leading_masks(subject, table)
    if part is None:
        return
    scores = mean_dice(part)
    poor = np.flatnonzero(np.isfinite(scores) & (scores < POOR))
    if not len(poor):
        return
    worst = part.cases[int(poor[np.argmin(scores[poor])])]
    verb = "has" if len(poor) == 1 else "have"
    yield Notice(
        "mind",
        f"{count_of(len(poor), 'case')} of {len(part):,} {verb} a Dice below {POOR}; "
        f"the worst is {clean_text(worst, limit=80)}.",
        "Look at these first: a failed case may lie in the image, the reference or "
        "the model, and a mean hides it.",
    )


def _label_notices(subject: Subject, label: str) -> Iterator[Notice]:
    held = as_mapping(as_mapping(subject.leading.get("per_label")).get(label))
    name = clean_text(label, limit=40)
    present = clean_count(held.get("n_present"))
    if present is not None and present < FEW:
        yield Notice(
            "mind",
            f"Only {count_of(present, 'case')} tested with “{name}”: its figures say "
            "little.",
            "Add labelled cases that have it.",
        )
    found = metric(held, "presence_sensitivity")
    if present and found.value is not None and found.value < 1:
        missed = round((1 - found.value) * present)
        yield Notice(
            "mind",
            f"“{name}” was left out altogether in {missed} of the {present} cases that "
            "have it.",
            "An empty answer does not mean that nothing is there.",
        )
    yield from _leaning(subject, label)


def _leaning(subject: Subject, label: str) -> Iterator[Notice]:
    """A bias of sizes whose interval leaves out 0."""
    bias = agreement_of(subject, label)["bias"]
    if bias.low is None or bias.high is None or bias.value is None:
        return
    if bias.low <= 0 <= bias.high:
        return
    held = as_mapping(as_mapping(subject.leading.get("per_label")).get(label))
    share = metric(held, "volume_bias")
    relative = f" ({mask_both(subject, 'volume_bias', share)})" if share.value else ""
    how = "large" if bias.value > 0 else "small"
    yield Notice(
        "note",
        f"The {size_word(subject)} of “{clean_text(label, limit=40)}” comes out too "
        f"{how} by {size_text(abs(bias.value), size_unit(subject))} on average"
        f"{relative}.",
        "Mind it where sizes are followed over time or held against norms.",
    )
