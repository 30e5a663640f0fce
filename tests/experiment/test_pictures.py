"""Which cases a report shows."""

from __future__ import annotations

import numpy as np

from medlens.evaluate import CaseTable
from medlens.experiment.examples import choose_examples


def table_of(rows: list[tuple[str, int, float]]) -> CaseTable:
    """Rows of (group, reference, probability of 'yes')."""
    yes = np.array([p for _, _, p in rows])
    reference = np.array([r for _, r, _ in rows])
    probabilities = np.stack([1 - yes, yes], axis=1)
    return CaseTable(
        labels=("no", "yes"),
        kind="binary",
        positive="yes",
        cases=tuple(f"case {i}" for i in range(len(rows))),
        patients=("",) * len(rows),
        splits=("test",) * len(rows),
        targets=np.eye(2, dtype=np.int8)[reference],
        probabilities=probabilities,
        decisions=probabilities >= 0.5,
        groups=tuple(group for group, _, _ in rows),
    )


def test_the_surest_errors_come_first_then_hits_then_a_doubtful_one() -> None:
    table = table_of(
        [("a", 0, 0.7), ("b", 0, 0.9), ("c", 1, 0.99), ("d", 0, 0.02), ("e", 1, 0.52)]
    )
    assert choose_examples(table) == [1, 0, 3, 2, 4]


def test_copies_of_one_image_are_shown_once() -> None:
    table = table_of(
        [("a", 0, 0.95), ("a", 0, 0.96), ("a", 0, 0.94), ("b", 0, 0.8), ("c", 1, 0.9)]
    )
    assert choose_examples(table) == [1, 3, 4]
