"""Answers of a bundle as the index keeps them → samples that can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sqlalchemy as sa

from medlens.core import Array
from medlens.metrics.appearance import STATISTICS
from medlens.serve.store.tables import results, scores, studies

STRANGENESS = "out-of-distribution score"
POSITIVE = "anything present"


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        patient: who; for telling patients apart, never to be shown.
        at: seconds since 1970.
        month: "2026-11".
        is_positive, is_outside: as given.
        ood_score: None where the bundle has no gate.
        probabilities: label → 0..1.
        statistics: of the prepared input.
    """

    patient: tuple[str, ...] = field(repr=False)
    at: float
    month: str
    is_positive: bool
    is_outside: bool
    ood_score: float | None
    probabilities: dict[str, float]
    statistics: tuple[float, ...]


def read_answers(
    connection: sa.Connection,
    bundle: str,
    site: str,
    *,
    since: float = 0.0,
    before: float | None = None,
    role: str = "active",
    limit: int | None = None,
) -> list[Answer]:
    """Answers of a bundle at a site, the oldest first.

    Args:
        connection: to the index.
        bundle: its digest.
        site: as the studies name it, "" for those that name none.
        since, before: moments; the first is part of it, the second is not.
        role: "active" or "shadow".
        limit: how many at most.
    """
    wanted = [
        scores.c.bundle_digest == bundle,
        scores.c.site == site,
        scores.c.role == role,
        scores.c.at >= since,
    ]
    if before is not None:
        wanted.append(scores.c.at < before)
    query = (
        sa.select(scores, studies.c.patient_id, studies.c.issuer, results.c.study_id)
        .join(results, results.c.id == scores.c.result_id)
        .join(studies, studies.c.id == results.c.study_id)
        .where(*wanted)
        .order_by(scores.c.at, scores.c.id)
    )
    if limit is not None:
        query = query.limit(limit)
    return [_answer(row) for row in connection.execute(query)]


def one_per_patient(answers: Iterable[Answer]) -> list[Answer]:
    """The first answer of each patient: images of one patient resemble each other,
    and would count as if many patients had changed."""
    seen: dict[tuple[str, ...], Answer] = {}
    for answer in answers:
        seen.setdefault(answer.patient, answer)
    return list(seen.values())


def families(
    before: Sequence[Answer], now: Sequence[Answer]
) -> dict[str, tuple[dict[str, Array], dict[str, Array]]]:
    """ "answers" and "images" → the features of both samples.

    A feature that some answer lacks is left out.
    """
    makers = {"answers": _of_answer, "images": _of_image}
    found = {}
    for family, features in makers.items():
        rows = [features(each) for each in (*before, *now)]
        names = [name for name in rows[0] if all(name in row for row in rows)]
        table = {
            name: np.array([row[name] for row in rows], dtype=np.float64)
            for name in names
        }
        first = {name: values[: len(before)] for name, values in table.items()}
        second = {name: values[len(before) :] for name, values in table.items()}
        found[family] = (first, second)
    return found


def patient_of(row: Any) -> tuple[str, ...]:
    """What tells the patient of a row from others; a study without a Patient ID is
    one of its own."""
    if row.patient_id:
        return (row.issuer, row.patient_id)
    return (f"study {row.study_id}",)


def _of_answer(answer: Answer) -> dict[str, float]:
    named = {f"probability of {k}": v for k, v in sorted(answer.probabilities.items())}
    return {**named, POSITIVE: float(answer.is_positive)}


def _of_image(answer: Answer) -> dict[str, float]:
    found = {} if answer.ood_score is None else {STRANGENESS: answer.ood_score}
    is_known = len(answer.statistics) == len(STATISTICS)
    for at, value in enumerate(answer.statistics):
        if np.isfinite(value):
            found[STATISTICS[at] if is_known else f"statistic {at + 1}"] = value
    return found


def _answer(row: Any) -> Answer:
    return Answer(
        patient=patient_of(row),
        at=row.at,
        month=row.month,
        is_positive=row.is_positive,
        is_outside=row.is_outside,
        ood_score=row.ood_score,
        probabilities=dict(row.probabilities),
        statistics=tuple(row.statistics),
    )
