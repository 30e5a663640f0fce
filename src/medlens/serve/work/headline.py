"""What a line of the worklist says of a study's newest result, and how urgent it is.

Urgency of a finding is its probability times its clinical weight. A study is as urgent
as its most urgent finding, after a coarse order by what the bundles advise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from medlens.core.diagnosis import Advice, Assessment, Diagnosis, Finding
from medlens.core.terms import fold, is_structure, name_of, part_side, term_of
from medlens.serve.settings import LARGEST_WEIGHT

DEFAULT_WEIGHT = 1.0
STEP = LARGEST_WEIGHT
"""Between two tiers: no finding's urgency is above it, so that tiers never mix."""
MOST_NAMED = 3
TIERS: dict[Advice, int] = {"refer": 3, "outside": 2, "unsure": 2, "not_assessable": 1}
"""What a reader should see first; all other advice is 0."""
ORDER: tuple[Advice, ...] = (
    "refer",
    "outside",
    "unsure",
    "not_assessable",
    "measured",
    "nothing_found",
)
TRUSTED = ("refer", "unsure")
"""Advice beside which a finding's number may be shown: what is unlike the training
images has none that should be trusted."""


@dataclass(frozen=True)
class Why:
    """A finding that makes a study urgent.

    Attributes:
        label: the bundle's own word.
        name_en, name_zh: how a text calls it.
        probability: calibrated, 0..1; None for masks, which count as 1.
        weight: clinical weight, 0..10.
        urgency: their product.
    """

    label: str
    name_en: str
    name_zh: str
    probability: float | None
    weight: float
    urgency: float


@dataclass(frozen=True)
class Headline:
    """A result in one line.

    Attributes:
        urgency: 0..40: ten times the tier of the most urgent advice, plus the urgency
            of the most urgent finding.
        advice: the most urgent of all assessments; "not_assessable" without any.
        why: findings that are present, the most urgent first, at most three.
        assessments: how many.
    """

    urgency: float
    advice: Advice
    why: tuple[Why, ...]
    assessments: int

    def as_column(self) -> dict[str, Any]:
        """As `studies.headline` holds it."""
        return {
            "advice": self.advice,
            "why": [asdict(each) for each in self.why],
            "assessments": self.assessments,
        }


def headline_of(diagnosis: Diagnosis, weights: Mapping[str, float]) -> Headline:
    """The line of a diagnosis.

    Args:
        diagnosis: of the study.
        weights: label or name of a term → 0..10; 1 for all others. A finding of weight
            0 is never urgent: an assessment that found nothing else counts as one that
            found nothing.
    """
    all_why = []
    tier = 0 if diagnosis.assessments else TIERS["not_assessable"]
    for assessment in diagnosis.assessments:
        found = _whys(assessment, weights)
        all_why += found
        if assessment.advice != "refer" or any(why.weight > 0 for why in found):
            tier = max(tier, TIERS.get(assessment.advice, 0))
    ranked = sorted(all_why, key=lambda why: -why.urgency)
    given = {assessment.advice for assessment in diagnosis.assessments}
    return Headline(
        urgency=STEP * tier + max((why.urgency for why in ranked), default=0.0),
        advice=next((each for each in ORDER if each in given), "not_assessable"),
        why=tuple(ranked[:MOST_NAMED]),
        assessments=len(diagnosis.assessments),
    )


def weight_of(label: str, weights: Mapping[str, float]) -> float:
    """Clinical weight of a label.

    A key stands for the label that it spells, on either side of the patient, and for
    every other spelling of the same term.

    >>> weight_of("Pneumothorax_left", {"pneumothorax": 5.0})
    5.0
    """
    folded = {fold(key): weight for key, weight in weights.items()}
    for spelling in (fold(label), part_side(label)[0]):
        if spelling in folded:
            return folded[spelling]
    term = term_of(label)
    if term is not None:
        for key, weight in folded.items():
            if term_of(key) == term:
                return weight
    return DEFAULT_WEIGHT


def _whys(assessment: Assessment, weights: Mapping[str, float]) -> list[Why]:
    """Findings that are present; normal anatomy is measured, not found."""
    if assessment.advice not in TRUSTED:
        return []
    return [
        _why(finding, weight_of(finding.label, weights))
        for finding in assessment.findings
        if finding.is_present and not is_structure(finding.label)
    ]


def _why(finding: Finding, weight: float) -> Why:
    share = 1.0 if finding.probability is None else finding.probability
    return Why(
        label=finding.label,
        name_en=name_of(finding.label),
        name_zh=name_of(finding.label, "zh"),
        probability=finding.probability,
        weight=weight,
        urgency=round(share * weight, 6),
    )
