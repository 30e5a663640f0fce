"""A finding against the same finding of a prior study.

Two measurements of the same thing differ. A change is named only beyond what published
rules hold for measurement error:

- volume in ml: larger from +25 %, smaller from -25 % (the growth threshold of NELSON,
  van Klaveren et al., NEJM 2009;361:2221, and of the BTS guideline 2015; two scans of
  one nodule differ by up to about 25 %, Gietema et al., Radiology 2006;241:251). Below
  0.05 ml on both sides nothing is said, as in NELSON, which did not follow up 50 mm³.
- longest diameter in mm: larger from +20 % and 5 mm, smaller from -30 % (RECIST 1.1,
  Eisenhauer et al., Eur J Cancer 2009;45:228).
- area in mm²: larger from +25 %, smaller from -50 % (WHO, Miller et al., Cancer
  1981;47:207).
- anything in pixels: uncertain, since a pixel is no size.

Volume goes before diameter, since masks give all of a label's parts their volume and
only the largest its diameter. Without a size the decisions alone are compared; where
either study was unlike the training images, or left its decision open, a changed
decision is uncertain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from medlens.core.diagnosis import (
    Assessment,
    Change,
    Diagnosis,
    Finding,
    Quantity,
    Trend,
)

SMALLEST_ML = 0.05
LEAST_MM = 5.0
ROUNDING = 1e-9


@dataclass(frozen=True)
class Tolerance:
    """Share by which a size must change.

    Attributes:
        up, down: of the earlier size.
        least: change in the unit of the size that growth must reach as well.
        smallest: sizes below it on both sides are not compared.
    """

    up: float
    down: float
    least: float = 0.0
    smallest: float = 0.0


TOLERANCES = {
    ("volume", "ml"): Tolerance(0.25, 0.25, smallest=SMALLEST_ML),
    ("longest_diameter", "mm"): Tolerance(0.20, 0.30, least=LEAST_MM),
    ("area", "mm2"): Tolerance(0.25, 0.50),
}
"""Kind and unit → rule, in the order in which they are preferred."""
AMBIGUOUS = (
    "not compared with the prior study: it holds several answers of this bundle for "
    "this kind of image"
)
OTHER_VERSION = "compared with an answer of another version of this bundle"


def compare(
    assessments: Sequence[Assessment], prior: Diagnosis, *, days: int | None
) -> tuple[Assessment, ...]:
    """The same assessments with the change of each finding.

    An assessment is compared with that of the same bundle, by name and form, of the
    same kind of image: modality (CR and DX are one) and body part, unless a header
    leaves it out. Where several fit, nothing is guessed.

    Args:
        assessments: of the study.
        prior: of the same patient.
        days: between the studies.
    """
    result = []
    for item in assessments:
        earlier = [other for other in prior.assessments if _is_like(item, other)]
        if item.status != "assessed" or not earlier:
            result.append(item)
        elif len(earlier) > 1 or sum(_is_like(item, x) for x in assessments) > 1:
            result.append(replace(item, notes=(*item.notes, AMBIGUOUS)))
        elif earlier[0].status == "assessed":
            result.append(_compared(item, earlier[0], days))
        else:
            result.append(item)
    return tuple(result)


def _is_like(item: Assessment, other: Assessment) -> bool:
    one, two = item.algorithm, other.algorithm
    if (one.name, one.form) != (two.name, two.form):
        return False
    if _technique(item) != _technique(other):
        return False
    parts = {item.body_part.upper(), other.body_part.upper()} - {""}
    return len(parts) <= 1


def _technique(item: Assessment) -> str:
    return "DX" if item.modality == "CR" else item.modality


def _compared(item: Assessment, prior: Assessment, days: int | None) -> Assessment:
    before = {finding.label: finding for finding in prior.findings}
    is_open = _is_open(item) or _is_open(prior)
    findings = tuple(
        replace(
            finding,
            change=_change(finding, before[finding.label], days, is_open=is_open),
        )
        if finding.label in before
        else finding
        for finding in item.findings
    )
    is_same = item.algorithm.digest == prior.algorithm.digest
    notes = item.notes if is_same else (*item.notes, OTHER_VERSION)
    return replace(item, findings=findings, notes=notes)


def _is_open(item: Assessment) -> bool:
    return item.advice in ("outside", "unsure")


def _change(
    now: Finding, before: Finding, days: int | None, *, is_open: bool
) -> Change:
    trend, rests_on = _trend(now, before, is_open=is_open)
    return Change(
        trend=trend,
        before=rests_on,
        prior_probability=before.probability,
        days=days,
    )


def _trend(
    now: Finding, before: Finding, *, is_open: bool
) -> tuple[Trend, Quantity | None]:
    if now.is_present and before.is_present:
        return _size_trend(now, before, is_open=is_open)
    if now.is_present == before.is_present:
        return "stable", None
    if is_open:
        return "uncertain", _preferred(before)
    if now.is_present:
        return "new", None
    return "gone", _preferred(before)


def _size_trend(
    now: Finding, before: Finding, *, is_open: bool
) -> tuple[Trend, Quantity | None]:
    if not now.quantities and not before.quantities:
        return ("uncertain" if is_open else "stable"), None
    for kind, unit in TOLERANCES:
        size, earlier = _size(now, kind, unit), _size(before, kind, unit)
        if size is not None and earlier is not None:
            rule = TOLERANCES[kind, unit]
            trend = "uncertain" if is_open else judge(size.value, earlier.value, rule)
            return trend, earlier
    return "uncertain", None


def judge(now: float, before: float, rule: Tolerance) -> Trend:
    """Larger, smaller or stable; uncertain where both are too small to compare."""
    if max(now, before) < rule.smallest or before <= 0:
        return "uncertain"
    share = now / before - 1
    if share >= rule.up - ROUNDING and now - before >= rule.least - ROUNDING:
        return "larger"
    return "smaller" if -share >= rule.down - ROUNDING else "stable"


def _size(finding: Finding, kind: str, unit: str) -> Quantity | None:
    wanted = (kind, unit)
    return next((q for q in finding.quantities if (q.kind, q.unit) == wanted), None)


def _preferred(finding: Finding) -> Quantity | None:
    """The size that a comparison would rest on."""
    sizes = (_size(finding, kind, unit) for kind, unit in TOLERANCES)
    return next((size for size in sizes if size is not None), None)
