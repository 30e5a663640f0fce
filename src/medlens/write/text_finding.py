"""One finding in words: how sure, how large, where, and since when."""

from __future__ import annotations

import math
from collections.abc import Sequence

from medlens.core.diagnosis import Finding, Place, Quantity
from medlens.core.terms import Lang, name_of, side_name, side_of, term_of
from medlens.write.words import printable, quoted, say, say_key, say_rule

FIGURES = 4  # significant figures of a size, at least
BARE = frozenset(("yes", "true", "positive", "pos", "y"))
MOST_DIGITS = 6  # behind the point of a percentage


def label_name(label: str, lang: Lang) -> str:
    """A label's name; free text as it stands, quoted in Chinese.

    Numbers and words such as "yes" say nothing alone, and are called labels.

    >>> label_name("kidney_left", "en"), label_name("1", "en")
    ('left kidney', 'label “1”')
    """
    if term_of(label) is None:
        shown = printable(label)
        is_bare = not any(c.isalpha() for c in label) or label.casefold() in BARE
        return say("label", lang, label=shown) if is_bare else quoted(shown, lang)
    return name_of(label, lang)


def number(value: float) -> str:
    """At least four significant figures, no exponent, no trailing zeros.

    >>> number(12.340), number(0.0123456), number(123456.0)
    ('12.34', '0.01235', '123456')
    """
    if not value or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, FIGURES - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(probability: float, beside: float | None = None) -> str:
    """A share in percent, with one digit; with more where that tells two apart.

    No probability is certain, and none is shown as 0 or 100.

    >>> percent(0.931), percent(0.9999), percent(0.4999, beside=0.5)
    ('93.1', '>99.9', '49.99')
    """
    for is_near, shown in ((_is_none, "<0.1"), (_is_all, ">99.9")):
        if is_near(probability):
            is_apart = beside is None or beside == probability or not is_near(beside)
            return shown if is_apart else _digits(probability, 4)
    for digits in range(1, MOST_DIGITS):
        shown = _digits(probability, digits)
        if beside is None or probability == beside or shown != _digits(beside, digits):
            return shown
    return _digits(probability, MOST_DIGITS)


def _is_none(share: float) -> bool:
    return share < 0.0005


def _is_all(share: float) -> bool:
    return share >= 0.9995


def tell_probability(finding: Finding, lang: Lang) -> str:
    """Probability with its operating point; "" for masks."""
    if finding.probability is None:
        return ""
    threshold = finding.threshold
    said = say("probability", lang, value=percent(finding.probability, threshold))
    if threshold is None:
        return said
    value = percent(threshold, finding.probability)
    if not finding.operating_point:
        point = say("operating_point", lang, value=value)
    else:
        rule = say_rule(finding.operating_point, lang)
        point = say("rule", lang, value=value, rule=rule)
    return said + say("comma", lang) + point


def tell_finding(finding: Finding, lang: Lang, *, images: int) -> str:
    """A finding that is present, in one line.

    Args:
        finding: as it stands in its assessment.
        lang: "en" or "zh".
        images: how many the assessment has.
    """
    name = label_name(finding.label, lang)
    name = name[:1].upper() + name[1:]
    is_drawn = finding.probability is None
    head = say("measured" if is_drawn else "present", lang, name=name)
    parts = [
        tell_probability(finding, lang),
        *(_tell_size(q, lang) for q in finding.quantities),
        _tell_parts(finding.parts, lang),
        _tell_side(finding, lang),
        _tell_slices(finding, lang),
        *_tell_place(finding.place, lang, images=images),
    ]
    told = [part for part in parts if part]
    if not told:
        return head + say("end", lang)
    joint = say("colon" if is_drawn else "comma", lang)
    return head + joint + say("semicolon", lang).join(told) + say("end", lang)


def tell_change(finding: Finding, lang: Lang) -> str:
    """A finding against the prior study, in one line; "" where nothing is known."""
    change = finding.change
    if change is None:
        return ""
    trend: str = change.trend
    if trend == "stable" and change.before is None:
        trend = "stable_present" if finding.is_present else "stable_absent"
    name = label_name(finding.label, lang)
    said = say("trend", lang, name=name[:1].upper() + name[1:], trend=say(trend, lang))
    parts = []
    if change.before is not None:
        size = _tell_size(change.before, lang)
        parts.append(say("before", lang, kind=size))
    if change.prior_probability is not None:
        value = percent(change.prior_probability, finding.probability)
        parts.append(say("probability_before", lang, value=value))
    inside = say("semicolon", lang).join(parts)
    tail = say("brackets", lang, inside=inside) if inside else ""
    return said + tail + say("end", lang)


def ranges(indices: Sequence[int]) -> str:
    """Slices counted from 1, neighbours joined.

    >>> ranges([0, 1, 2, 5])
    '1–3, 6'
    """
    groups: list[list[int]] = []
    for index in sorted(set(indices)):
        if groups and index == groups[-1][1] + 1:
            groups[-1][1] = index
        else:
            groups.append([index, index])
    told = (f"{a + 1}" if a == b else f"{a + 1}–{b + 1}" for a, b in groups)
    return ", ".join(told)


def _digits(share: float, digits: int) -> str:
    return f"{100 * share:.{digits}f}"


def _tell_size(size: Quantity, lang: Lang) -> str:
    keys = {"mm": "mm", "ml": "ml", "mm2": "mm2", "{pixels}": "pixels"}
    key = keys.get(size.unit, "other_unit")
    if key == "pixels" and size.kind == "volume":
        key = "voxels"
    value = say(key, lang, value=number(size.value), unit=printable(size.unit))
    return say(size.kind, lang, size=value)


def _tell_parts(parts: int | None, lang: Lang) -> str:
    if parts is None:
        return ""
    return say("one_part" if parts == 1 else "parts", lang, count=parts)


def _tell_side(finding: Finding, lang: Lang) -> str:
    """The side, unless the finding's name says it already."""
    side = finding.place.laterality
    if not side or (side == side_of(finding.label) and term_of(finding.label)):
        return ""
    return say("side", lang, side=side_name(side, lang))


def _tell_slices(finding: Finding, lang: Lang) -> str:
    if not finding.slices:
        return ""
    key = "on_slice" if len(finding.slices) == 1 else "on_slices"
    shown = ranges(finding.slices)
    return say(key, lang, slices=shown if lang == "en" else shown.replace(", ", "、"))


def _tell_key(case: str, lang: Lang) -> str:
    key = say_key(case, lang)
    is_told = case.startswith("series ")  # "image series 2/image 6" would be twice
    return key if is_told else say("image_key", lang, key=key)


def _tell_place(place: Place, lang: Lang, *, images: int) -> list[str]:
    told = []
    if place.slice_index is not None:
        at = place.slice_index + 1
        key = "best_of" if images > 1 else "best_slice"
        told.append(say(key, lang, number=at, count=images))
    if place.image is not None:
        if images > 1:
            told.append(_tell_key(place.image.case, lang))
        if place.image.frame is not None:
            told.append(say("frame", lang, number=place.image.frame))
    if place.box is not None:
        left, top, right, bottom = (number(x) for x in place.box)
        told.append(say("box", lang, left=left, top=top, right=right, bottom=bottom))
    if place.centre_mm is not None:
        x, y, z = (number(value) for value in place.centre_mm)
        told.append(say("centre", lang, x=x, y=y, z=z))
    return told
