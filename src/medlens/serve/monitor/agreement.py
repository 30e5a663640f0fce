"""How often readers agree with a bundle, by site and month."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sqlalchemy as sa

from medlens.core.diagnosis import Finding
from medlens.metrics.estimate import Estimate
from medlens.metrics.intervals import patient_codes, proportion
from medlens.serve.monitor.feedback import (
    ADDED,
    Word,
    added_label,
    is_present,
    last_words,
    read_words,
    words_on,
)
from medlens.serve.monitor.samples import patient_of
from medlens.serve.store.tables import results, scores, studies


@dataclass(frozen=True)
class Agreement:
    """What readers said of the findings of one bundle, site and month.

    Intervals are Wilson's at 95 %, widened where one patient has several findings.

    Attributes:
        bundle, site, month: of the answers.
        findings: all of them, present or absent.
        reviewed: of which some reader spoke.
        disputed: of which readers disagree; in no figure below.
        accepted, rejected, corrected: of the others, by the readers' words.
        agreement: share that readers accepted.
        ppv: of the findings said to be present, the share that is.
        false_alarms: 1 - `ppv`.
        missed: of those said to be absent, the share that is there, also where a
            reader added a finding under that label.
        added: findings that readers added, whatever their label.
        unreviewed_present, unreviewed_absent: of which nobody spoke. The shares hold
            for these too only where the reviewed ones were not chosen by their looks.
    """

    bundle: str
    site: str
    month: str
    findings: int
    reviewed: int
    disputed: int
    accepted: int
    rejected: int
    corrected: int
    agreement: Estimate
    ppv: Estimate
    false_alarms: Estimate
    missed: Estimate
    added: int
    unreviewed_present: int
    unreviewed_absent: int


@dataclass(frozen=True)
class Judged:
    """A finding with what readers said of it.

    Attributes:
        patient: tells patients apart; never shown.
        finding: as given.
        words: last words.
    """

    patient: str = field(repr=False)
    finding: Finding
    words: tuple[Word, ...]

    @property
    def is_disputed(self) -> bool:
        """True where readers disagree whether it is there, or whether it is right."""
        views = {is_present(self.finding, word) for word in self.words}
        return len(views) > 1 or len({_accepts(word) for word in self.words}) > 1


def measure_agreement(
    connection: sa.Connection,
    *,
    bundle: str = "",
    site: str | None = None,
    months: Sequence[str] = (),
    role: str = "active",
) -> list[Agreement]:
    """Agreement for each bundle, site and month, in that order.

    Args:
        connection: to the index.
        bundle: digest; "" for all.
        site: None for all; "" for studies that name none.
        months: as "2026-11"; () for all.
        role: of the answers.
    """
    wanted = [results.c.role == role]
    wanted += [scores.c.bundle_digest == bundle] if bundle else []
    wanted += [scores.c.site == site] if site is not None else []
    wanted += [scores.c.month.in_(months)] if months else []
    query = (
        sa.select(
            scores.c.bundle_digest, scores.c.site, scores.c.month, scores.c.assessment,
            results.c.id, results.c.study_id, results.c.diagnosis,
            studies.c.patient_id, studies.c.issuer,
        )
        .join(results, results.c.id == scores.c.result_id)
        .join(studies, studies.c.id == results.c.study_id)
        .where(*wanted)
        .order_by(scores.c.bundle_digest, scores.c.site, scores.c.month, scores.c.id)
    )  # fmt: skip
    rows = connection.execute(query).all()
    words = _by_finding(read_words(connection, {row.id for row in rows}))
    groups: dict[tuple[str, str, str], list[Judged]] = defaultdict(list)
    added: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        key = (row.bundle_digest, row.site, row.month)
        said = words[row.id, row.assessment]
        groups[key] += list(_judged(row, said))
        added[key] += sum(_stands(name, those) for name, those in said.items())
    return [summarise(*key, judged, added=added[key]) for key, judged in groups.items()]


def summarise(
    bundle: str, site: str, month: str, judged: Sequence[Judged], *, added: int = 0
) -> Agreement:
    """Figures of some findings, and of how many were added beside them."""
    reviewed = [each for each in judged if each.words]
    plain = [each for each in reviewed if not each.is_disputed]
    present = [each for each in plain if each.finding.is_present]
    absent = [each for each in plain if not each.finding.is_present]
    ppv = _share(present, [_is_there(e) for e in present], "present findings reviewed")
    missed = _share(absent, [_is_there(e) for e in absent], "absent findings reviewed")
    verdicts = [_verdict(each.words[-1]) for each in plain]
    silent = [each.finding.is_present for each in judged if not each.words]
    return Agreement(
        bundle=bundle,
        site=site,
        month=month,
        findings=len(judged),
        reviewed=len(reviewed),
        disputed=len(reviewed) - len(plain),
        accepted=verdicts.count("accept"),
        rejected=verdicts.count("reject"),
        corrected=verdicts.count("correct"),
        agreement=_share(plain, [v == "accept" for v in verdicts], "findings reviewed"),
        ppv=ppv,
        false_alarms=_complement(ppv),
        missed=missed,
        added=added,
        unreviewed_present=sum(silent),
        unreviewed_absent=len(silent) - sum(silent),
    )


def _is_there(judged: Judged) -> bool:
    return is_present(judged.finding, judged.words[-1])


def _share(judged: Sequence[Judged], hits: Sequence[bool], of: str) -> Estimate:
    codes = patient_codes([each.patient for each in judged])
    return proportion(np.array(hits, dtype=bool), codes, of=of)


def _complement(share: Estimate) -> Estimate:
    if share.value is None or share.low is None or share.high is None:
        return share
    return Estimate(1 - share.value, 1 - share.high, 1 - share.low, share.method)


def _accepts(word: Word) -> bool:
    """Whether the bundle's finding is right by a word."""
    return _verdict(word) == "accept"


def _verdict(word: Word) -> str:
    """On the bundle's finding: who adds what it called absent rejects that."""
    return "reject" if word.is_of_added else word.verdict


def _stands(name: str, words: Sequence[Word]) -> bool:
    """Whether a finding was added and not taken back, by one reader at least."""
    return name.startswith(ADDED) and added_label(words) != ""


Said = dict[str, list[Word]]


def _by_finding(words: Iterable[Word]) -> dict[tuple[int, int], Said]:
    """Result and assessment → finding → last words."""
    found: dict[tuple[int, int], Said] = defaultdict(lambda: defaultdict(list))
    for word in last_words(words):
        found[word.result, word.assessment][word.finding].append(word)
    return found


def _judged(row: Any, said: Said) -> Iterator[Judged]:
    patient = "\n".join(patient_of(row))
    for finding in findings_in(row.diagnosis, row.assessment):
        yield Judged(patient, finding, words_on(finding, said))


def findings_in(document: Any, assessment: int) -> list[Finding]:
    """Findings of an assessment with what is counted of them; a whole diagnosis takes
    ten times as long to read."""
    return [
        Finding(
            id=each["id"],
            label=each["label"],
            code=None,
            is_present=each["is_present"],
            probability=each.get("probability"),
        )
        for each in document["assessments"][assessment]["findings"]
    ]
