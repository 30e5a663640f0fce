"""A bundle's answers on the cases of a manifest, as one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medlens.bundle import Bundle
from medlens.core import DataError, Prediction
from medlens.datasets import Case, Manifest, open_case
from medlens.evaluate import CaseTable
from medlens.predict import Failed, Predictor

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Collected:
    """Answers and the cases that gave none."""

    table: CaseTable
    failed: tuple[Failed, ...]


def collect_answers(
    predictor: Predictor,
    manifest: Manifest,
    *,
    chosen: Sequence[int],
    splits: Sequence[str],
    groups: Sequence[int],
    threads: int = 2,
    progress: Progress | None = None,
) -> Collected:
    """Run the bundle over some cases, from their files on.

    Args:
        predictor: the bundle at work.
        manifest: with targets in the bundle's label order.
        chosen: indices into `manifest.cases`.
        splits, groups: of every case of the manifest.
        threads: that read and prepare.
        progress: called with (done, total).

    Raises:
        DataError: no case could be read.
    """
    cases = [manifest.cases[i] for i in chosen]
    answers = predictor.predict_many(
        len(cases),
        lambda i: open_case(cases[i]),
        [case.key for case in cases],
        threads=threads,
        progress=progress,
    )
    failed: list[Failed] = []
    rows: list[Answered] = []
    for index, answer in zip(chosen, answers, strict=True):
        if isinstance(answer, Failed):
            failed.append(answer)
            continue
        case = manifest.cases[index]
        rows.append(
            Answered(
                answer, case.key, case, case.target, splits[index], str(groups[index])
            )
        )
    if not rows:
        raise DataError(nothing_read(len(cases), failed))
    return Collected(answers_table(predictor.bundle, rows), tuple(failed))


def nothing_read(cases: int, failed: Sequence[Failed]) -> str:
    """Why there is no table at all."""
    return (
        f"none of {cases} cases could be read; "
        f"the first says: {failed[0].reason if failed else 'there are no cases'}"
    )


@dataclass(frozen=True)
class Answered:
    """One row of a table: an answer and what it is held against.

    Attributes:
        answer: of a case, or of a slice of it.
        key: of the row.
        case: whose patient, site and columns the row has.
        target: (K,) of the row.
        split, group: of the case.
        columns: in place of the case's, where they are another's.
    """

    answer: Prediction
    key: str
    case: Case
    target: Sequence[int]
    split: str
    group: str
    columns: Mapping[str, str] | None = None


def answers_table(bundle: Bundle, rows: Sequence[Answered]) -> CaseTable:
    """The rows as columns."""
    labels = bundle.labels
    answers = [row.answer for row in rows]
    given = [row.case.columns if row.columns is None else row.columns for row in rows]
    names = sorted({name for columns in given for name in columns})
    columns = {
        name: tuple(columns.get(name, "") for columns in given) for name in names
    }
    if any(row.case.site for row in rows):
        columns["site"] = tuple(row.case.site for row in rows)
    return CaseTable(
        cases=tuple(row.key for row in rows),
        labels=labels,
        kind=bundle.kind,
        positive=bundle.positive,
        targets=np.array([row.target for row in rows], dtype=np.int8),
        probabilities=np.stack([a.probabilities for a in answers]),
        decisions=np.stack([np.isin(labels, a.decision) for a in answers]),
        patients=tuple(row.case.patient for row in rows),
        groups=tuple(row.group for row in rows),
        splits=tuple(row.split for row in rows),
        columns=columns,
        logits=np.stack([a.logits for a in answers]),
        sets=np.stack([np.isin(labels, a.prediction_set) for a in answers]),
        ood_scores=np.array([a.out_of_distribution.score for a in answers], float),
        ood_flags=np.array([a.out_of_distribution.flag for a in answers], bool),
    )
