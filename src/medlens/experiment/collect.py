"""A bundle's answers on the cases of a manifest, as one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from medlens.core import DataError
from medlens.datasets import Manifest, open_case
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
    rows: list[tuple[int, tuple[np.ndarray, ...]]] = []
    for index, answer in zip(chosen, answers, strict=True):
        if isinstance(answer, Failed):
            failed.append(answer)
            continue
        labels = answer.labels
        gate = answer.out_of_distribution
        rows.append(
            (
                index,
                (
                    answer.logits,
                    answer.probabilities,
                    np.isin(labels, answer.decision),
                    np.isin(labels, answer.prediction_set),
                    np.array([gate.score, gate.flag]),
                ),
            )
        )
    if not rows:
        raise DataError(
            f"none of {len(cases)} cases could be read; "
            f"the first says: {failed[0].reason if failed else 'there are no cases'}"
        )
    return Collected(_table(predictor, manifest, rows, splits, groups), tuple(failed))


def _table(
    predictor: Predictor,
    manifest: Manifest,
    rows: list[tuple[int, tuple[np.ndarray, ...]]],
    splits: Sequence[str],
    groups: Sequence[int],
) -> CaseTable:
    kept = [index for index, _ in rows]
    cases = [manifest.cases[i] for i in kept]
    logits, probabilities, decisions, sets, gate = (
        np.stack(column) for column in zip(*(row for _, row in rows), strict=True)
    )
    names = sorted({name for case in cases for name in case.columns})
    columns = {
        name: tuple(case.columns.get(name, "") for case in cases) for name in names
    }
    if any(case.site for case in cases):
        columns["site"] = tuple(case.site for case in cases)
    bundle = predictor.bundle
    return CaseTable(
        cases=tuple(case.key for case in cases),
        labels=bundle.labels,
        kind=bundle.kind,
        positive=bundle.positive,
        targets=manifest.targets()[kept],
        probabilities=probabilities,
        decisions=decisions,
        patients=tuple(case.patient for case in cases),
        groups=tuple(str(groups[i]) for i in kept),
        splits=tuple(splits[i] for i in kept),
        columns=columns,
        logits=logits,
        sets=sets,
        ood_scores=gate[:, 0],
        ood_flags=gate[:, 1].astype(bool),
    )
