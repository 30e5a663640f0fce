"""A bundle in the shadow against the one that it runs beside, study by study."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sqlalchemy as sa

from medlens.core.diagnosis import Finding
from medlens.metrics.estimate import Estimate
from medlens.metrics.intervals import patient_codes, proportion
from medlens.serve.monitor.agreement import findings_in
from medlens.serve.monitor.feedback import (
    Word,
    is_present,
    last_words,
    read_words,
    words_on,
)
from medlens.serve.monitor.samples import patient_of
from medlens.serve.store.tables import results, scores, studies

MOST_PAIRS = 20_000


@dataclass(frozen=True)
class LabelComparison:
    """One label in both answers.

    Attributes:
        label: that both bundles look for.
        pairs: images or series that both answered.
        both, only_active, only_shadow, neither: who says that it is present.
        differ: share of pairs on which they disagree, with its interval.
        p_value: two-sided, of "each is present as often" (McNemar, exact); None where
            they never disagree.
        mean_change: of the probability, shadow minus active; None for masks.
        reviewed: pairs whose truth readers have told, on the active one's answer.
        active_right, shadow_right: of these.
        p_right: two-sided, of "both are right as often" (McNemar, exact), or None.
    """

    label: str
    pairs: int
    both: int
    only_active: int
    only_shadow: int
    neither: int
    differ: Estimate
    p_value: float | None
    mean_change: float | None
    reviewed: int
    active_right: int
    shadow_right: int
    p_right: float | None


@dataclass(frozen=True)
class Comparison:
    """A shadow against its active bundle.

    Attributes:
        active, shadow: digests.
        pairs: images or series that both answered.
        active_outside, shadow_outside: share that each calls unlike its training
            images.
        labels: of both bundles, by name.
        only_in_active, only_in_shadow: labels that the other does not look for.
    """

    active: str
    shadow: str
    pairs: int
    active_outside: Estimate
    shadow_outside: Estimate
    labels: tuple[LabelComparison, ...]
    only_in_active: tuple[str, ...]
    only_in_shadow: tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """One image or series that both answered.

    Attributes:
        patient: tells patients apart; never shown.
        active, shadow: findings by label.
        active_outside, shadow_outside: flags.
        words: last words of readers on the active one's findings, by finding.
    """

    patient: str = field(repr=False)
    active: dict[str, Finding]
    shadow: dict[str, Finding]
    active_outside: bool
    shadow_outside: bool
    words: dict[str, tuple[Word, ...]] = field(default_factory=dict, repr=False)


def compare_shadow(connection: sa.Connection, active: str, shadow: str) -> Comparison:
    """Both bundles on the same images of the same studies.

    Args:
        connection: to the index.
        active, shadow: digests. Which of them is which today does not matter: pairs
            are found by the role that each had when it answered.
    """
    return summarise_pairs(active, shadow, read_pairs(connection, active, shadow))


def read_pairs(connection: sa.Connection, active: str, shadow: str) -> list[Pair]:
    """What both answered, the newest 20,000 of the shadow's answers at most."""
    second = _answers(connection, shadow, "shadow")
    first = _answers(connection, active, "active", {row.study_id for row in second})
    known = {_key(row): row for row in sorted(first, key=lambda row: row.id)}
    pairs = [(known[_key(row)], row) for row in second if _key(row) in known]
    words: dict[tuple[int, int], dict[str, list[Word]]] = defaultdict(dict)
    for word in last_words(read_words(connection, {one.result_id for one, _ in pairs})):
        said = words[word.result, word.assessment]
        said.setdefault(word.finding, []).append(word)
    return [_pair(one, two, words[one.result_id, one.assessment]) for one, two in pairs]


def summarise_pairs(active: str, shadow: str, pairs: Sequence[Pair]) -> Comparison:
    """Figures of some pairs."""
    in_active = {label for pair in pairs for label in pair.active}
    in_shadow = {label for pair in pairs for label in pair.shadow}
    codes = patient_codes([pair.patient for pair in pairs])

    def share(flags: Iterable[bool]) -> Estimate:
        return proportion(np.array(list(flags), dtype=bool), codes, of="pairs")

    return Comparison(
        active=active,
        shadow=shadow,
        pairs=len(pairs),
        active_outside=share(pair.active_outside for pair in pairs),
        shadow_outside=share(pair.shadow_outside for pair in pairs),
        labels=tuple(_compare(label, pairs) for label in sorted(in_active & in_shadow)),
        only_in_active=tuple(sorted(in_active - in_shadow)),
        only_in_shadow=tuple(sorted(in_shadow - in_active)),
    )


def mcnemar(first: int, second: int) -> float | None:
    """Exact two-sided p value of two discordant counts; None where both are 0."""
    total = first + second
    if not total:
        return None
    from scipy.stats import binomtest

    return float(binomtest(first, total, 0.5).pvalue)


def _compare(label: str, pairs: Sequence[Pair]) -> LabelComparison:
    mine = [pair for pair in pairs if label in pair.active and label in pair.shadow]
    seen = [(p.active[label].is_present, p.shadow[label].is_present) for p in mine]
    only_active, only_shadow = seen.count((True, False)), seen.count((False, True))
    truths = [
        (_truth(pair, label), *said) for pair, said in zip(mine, seen, strict=True)
    ]
    told = [
        (one == truth, two == truth) for truth, one, two in truths if truth is not None
    ]
    codes = patient_codes([pair.patient for pair in mine])
    differ = np.array([one != two for one, two in seen], dtype=bool)
    return LabelComparison(
        label=label,
        pairs=len(mine),
        both=seen.count((True, True)),
        only_active=only_active,
        only_shadow=only_shadow,
        neither=seen.count((False, False)),
        differ=proportion(differ, codes, of="pairs"),
        p_value=mcnemar(only_active, only_shadow),
        mean_change=_mean_change(label, mine),
        reviewed=len(told),
        active_right=sum(one for one, _ in told),
        shadow_right=sum(two for _, two in told),
        p_right=mcnemar(told.count((True, False)), told.count((False, True))),
    )


def _truth(pair: Pair, label: str) -> bool | None:
    """Whether a label is there by the readers; None where they did not say, or not
    the same."""
    finding = pair.active[label]
    views = {is_present(finding, word) for word in words_on(finding, pair.words)}
    return views.pop() if len(views) == 1 else None


def _mean_change(label: str, pairs: Sequence[Pair]) -> float | None:
    changes = [
        two - one
        for one, two in (
            (pair.active[label].probability, pair.shadow[label].probability)
            for pair in pairs
        )
        if one is not None and two is not None
    ]
    return float(np.mean(changes)) if changes else None


def _answers(
    connection: sa.Connection, bundle: str, role: str, among: set[int] | None = None
) -> list[Any]:
    query = (
        sa.select(
            scores.c.id, scores.c.result_id, scores.c.assessment, scores.c.is_outside,
            results.c.study_id, results.c.inputs_digest, results.c.diagnosis,
            studies.c.patient_id, studies.c.issuer,
        )
        .join(results, results.c.id == scores.c.result_id)
        .join(studies, studies.c.id == results.c.study_id)
        .where(scores.c.bundle_digest == bundle, scores.c.role == role)
        .order_by(scores.c.id.desc())
    )  # fmt: skip
    if among is None:
        return list(connection.execute(query.limit(MOST_PAIRS)))
    wanted, found = sorted(among), list[Any]()
    for start in range(0, len(wanted), 500):
        part = results.c.study_id.in_(wanted[start : start + 500])
        found += connection.execute(query.where(part)).all()
    return found


def _key(row: Any) -> tuple[Any, ...]:
    """What both answers must share: the study with these images, and which of them."""
    images = row.diagnosis["assessments"][row.assessment]["images"]
    cases = tuple((each["case"], each["frame"]) for each in images)
    return (row.study_id, row.inputs_digest, cases)


def _pair(one: Any, two: Any, words: dict[str, list[Word]]) -> Pair:
    return Pair(
        patient="\n".join(patient_of(one)),
        active={f.label: f for f in findings_in(one.diagnosis, one.assessment)},
        shadow={f.label: f for f in findings_in(two.diagnosis, two.assessment)},
        active_outside=one.is_outside,
        shadow_outside=two.is_outside,
        words={finding: tuple(said) for finding, said in words.items()},
    )
