"""A diagnosis as text that a radiologist reads: doubt first, then findings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from medlens.core.diagnosis import Assessment, Diagnosis, Finding
from medlens.core.terms import (
    Lang,
    body_part_name,
    is_normal,
    is_structure,
    modality_name,
)
from medlens.write.text_finding import (
    label_name,
    number,
    tell_change,
    tell_finding,
    tell_probability,
)
from medlens.write.words import printable, quoted, say, say_key, say_reason

DIGEST_SHOWN = 12  # characters, as bundles are named elsewhere
INDENT = "  "


def to_text(
    diagnosis: Diagnosis, *, lang: Lang = "en", with_notice: bool = True
) -> str:
    """The report of a study, a few lines for each bundle.

    In this order: what makes the answer doubtful; what was looked at; findings with
    size, place and probability; the prior study; what to do; what was left out and
    why; the algorithm. Chinese texts hold no English but names and, between quotation
    marks, sentences that have no translation.

    Args:
        diagnosis: of one study.
        lang: "en" or "zh".
        with_notice: end with the notice that this is research software.
    """
    lines = [_head(diagnosis.case, lang)]
    lines += _section("caution", caution_lines(diagnosis, lang), lang)
    lines += _section("examined", examined_lines(diagnosis, lang), lang)
    lines += _section("findings", _findings(diagnosis, lang), lang)
    if diagnosis.has_prior:
        lines += _section("comparison", comparison_lines(diagnosis, lang), lang)
    lines += _section("impression", _impressions(diagnosis, lang), lang)
    lines += _section("left_out", _left_out(diagnosis, lang), lang)
    lines += _section("algorithm", _algorithms(diagnosis, lang), lang)
    if with_notice:
        lines.append(say("notice", lang))
    return "\n".join(lines) + "\n"


def to_conclusion(diagnosis: Diagnosis, *, lang: Lang = "en") -> str:
    """The doubt and the impression alone, one line for each assessment."""
    lines = [*caution_lines(diagnosis, lang), *_impressions(diagnosis, lang)]
    return "\n".join(dict.fromkeys(lines))


def _head(case: str, lang: Lang) -> str:
    """Which case, and that no reader has seen this."""
    study = re.fullmatch(r"study (\d+)", case)  # as the service calls its studies
    if study is not None:
        said = say("study", lang, number=study[1])
    else:
        said = say("case", lang, case=printable(case))
    return said + say("colon", lang) + say("unverified", lang)


def _section(key: str, lines: Iterator[str], lang: Lang) -> list[str]:
    told = [INDENT + line for line in lines]
    return [say(key, lang), *told] if told else []


def named(diagnosis: Diagnosis, item: Assessment, text: str, lang: Lang) -> str:
    """A sentence with the algorithm before it where a study has several."""
    if len(diagnosis.assessments) == 1:
        return text
    return f"{printable(item.algorithm.name)}{say('colon', lang)}{text}"


def caution_lines(diagnosis: Diagnosis, lang: Lang) -> Iterator[str]:
    """What makes answers doubtful, one line for each that is."""
    for item in diagnosis.assessments:
        if item.advice in ("outside", "unsure"):
            parts = [say(f"advice_{item.advice}", lang)]
            parts += _doubts(item, lang)
            said = say("semicolon", lang).join(parts) + say("end", lang)
            yield named(diagnosis, item, said, lang)


def _doubts(item: Assessment, lang: Lang) -> list[str]:
    if item.advice == "unsure":
        return [_tell_set(item, lang)]
    return [_tell_gate(item, lang)]


def _tell_set(item: Assessment, lang: Lang) -> str:
    labels = item.prediction_set
    key = ("empty_set", "set_of_one", "set")[min(len(labels), 2)]
    if item.algorithm.kind == "multilabel" and labels:
        # No choice between labels: what is present need not be named again.
        present = {one.label for one in item.findings if one.is_present}
        key = "also" if present else "set"
        labels = tuple(label for label in labels if label not in present)
        key = key if labels else "none_else"
    held = say("list", lang).join(label_name(x, lang) for x in labels)
    said = say(key, lang, list=held)
    if item.coverage is None:
        return said
    share = say("coverage", lang, value=number(100 * item.coverage))
    return said + say("brackets", lang, inside=share)


def _tell_gate(item: Assessment, lang: Lang) -> str:
    gate = item.out_of_distribution
    if gate is None or gate.threshold == float("inf"):
        return say("no_gate", lang)
    score, limit = number(gate.score), number(gate.threshold)
    return say("gate", lang, score=score, threshold=limit)


def examined_lines(diagnosis: Diagnosis, lang: Lang) -> Iterator[str]:
    """What was looked at, and what is to be known of it."""
    if not diagnosis.assessments:
        yield say("not_examined", lang)
    for item in diagnosis.assessments:
        said = tell_images(item.modality, item.body_part, len(item.images), lang)
        if said:
            yield named(diagnosis, item, said, lang)
        for note in item.notes:
            said = say("note", lang, note=say_reason(note, lang))
            yield named(diagnosis, item, said, lang)


def tell_images(modality: str, body_part: str, images: int, lang: Lang) -> str:
    """Kind, part of the body and number of images; "" where nothing is known."""
    known = [
        modality_name(printable(modality), lang),
        _body_part(body_part, lang),
        _count(images, lang),
    ]
    said = say("comma", lang).join(part for part in known if part)
    return said + say("end", lang) if said else ""


def _body_part(name: str, lang: Lang) -> str:
    shown = printable(name)
    return body_part_name(shown, lang) or quoted(shown, lang)


def _count(images: int, lang: Lang) -> str:
    if not images:
        return ""
    return say("one_image" if images == 1 else "images", lang, count=images)


def _findings(diagnosis: Diagnosis, lang: Lang) -> Iterator[str]:
    for item in diagnosis.assessments:
        count = len(item.images)
        for finding in item.findings:
            if finding.is_present:
                said = tell_finding(finding, lang, images=count)
                yield named(diagnosis, item, said, lang)
        absent = [one for one in item.findings if not one.is_present]
        if absent:
            yield named(diagnosis, item, tell_absent(absent, lang), lang)
        if item.status == "assessed":
            yield named(diagnosis, item, _tell_certainty(item, lang), lang)


def tell_absent(absent: Sequence[Finding], lang: Lang) -> str:
    """Findings that were looked for and not found, in one line."""
    parts = []
    for finding in absent:
        inside = tell_probability(finding, lang)
        tail = say("brackets", lang, inside=inside) if inside else ""
        parts.append(label_name(finding.label, lang) + tail)
    listed = say("semicolon", lang).join(parts)
    is_graded = all(finding.threshold is not None for finding in absent)
    key = "below" if is_graded else "absent"
    return say(key, lang, list=listed) + say("end", lang)


def _tell_certainty(item: Assessment, lang: Lang) -> str:
    """The prediction set and the distance from the training images, in one line."""
    parts = [] if item.coverage is None else [_tell_set(item, lang)]
    said = say("semicolon", lang).join([*parts, _tell_gate(item, lang)])
    return said[:1].upper() + said[1:] + say("end", lang)


def comparison_lines(diagnosis: Diagnosis, lang: Lang) -> Iterator[str]:
    """What changed since the prior study."""
    changed = [
        (item, finding)
        for item in diagnosis.assessments
        for finding in item.findings
        if finding.change is not None
    ]
    if not changed:
        yield say("no_prior_answer", lang)
        return
    days = {f.change.days for _, f in changed if f.change is not None} - {None}
    known = days.pop() if len(days) == 1 else None
    yield _tell_prior(known, lang)
    for item, finding in changed:
        yield named(diagnosis, item, tell_change(finding, lang), lang)


def _tell_prior(days: int | None, lang: Lang) -> str:
    if days is None:
        return say("prior", lang)
    key = {0: "prior_same_day", 1: "prior_day"}.get(days, "prior_days")
    return say(key, lang, days=days)


def _impressions(diagnosis: Diagnosis, lang: Lang) -> Iterator[str]:
    for item in diagnosis.assessments:
        said = _tell_advice(item, lang) + say("end", lang)
        yield named(diagnosis, item, said, lang)
    if not diagnosis.assessments:
        yield say("not_examined", lang)


def _tell_advice(item: Assessment, lang: Lang) -> str:
    if item.advice == "not_assessable":
        reason = say_reason(item.reason, lang).rstrip(".")
        return say("advice_not_assessable", lang, reason=reason)
    if item.advice == "nothing_found":
        return tell_nothing(item, lang)
    if item.advice != "refer":
        return say(f"advice_{item.advice}", lang)
    found = [
        label_name(one.label, lang)
        for one in item.findings
        if one.is_present and not is_structure(one.label) and not is_normal(one.label)
    ]
    if not found:
        return say("advice_refer_plain", lang)
    listed = say("list", lang).join(found)
    return say("advice_refer", lang, list=listed[:1].upper() + listed[1:])


def tell_nothing(item: Assessment, lang: Lang) -> str:
    """That nothing was found, with what was looked for: no more is known to be
    absent."""
    is_drawn = item.algorithm.form == "segment"
    said = say("advice_nothing_drawn" if is_drawn else "advice_nothing_found", lang)
    names = [label_name(x.label, lang) for x in item.findings if not x.is_present]
    if not names:
        return said
    listed = say("looked_for", lang, list=say("list", lang).join(names))
    return said + say("semicolon", lang) + listed


def _left_out(diagnosis: Diagnosis, lang: Lang) -> Iterator[str]:
    for what, reason in diagnosis.left_out:
        key = say_key(what, lang)
        said = say_reason(reason.removeprefix(f"{what}: "), lang)
        yield f"{key}{say('colon', lang)}{said}"


def _algorithms(diagnosis: Diagnosis, lang: Lang) -> Iterator[str]:
    said = (_tell_algorithm(item, lang) for item in diagnosis.assessments)
    yield from dict.fromkeys(said)


def _tell_algorithm(item: Assessment, lang: Lang) -> str:
    one = item.algorithm
    key = "made_by" if one.digest else "made_by_plain"
    made = say(
        key,
        lang,
        name=printable(one.name),
        digest=printable(one.digest)[:DIGEST_SHOWN],
        version=printable(one.version),
    )
    what = [_kind(f"form_{one.form}", lang), _kind(f"kind_{one.kind}", lang)]
    said = say("comma", lang).join([made, *(word for word in what if word)])
    said += say("end", lang)
    if one.intended_use:
        use = quoted(printable(one.intended_use).rstrip("."), lang)
        gap = " " if lang == "en" else ""
        said += gap + say("intended_use", lang, use=use) + say("end", lang)
    return said


def _kind(key: str, lang: Lang) -> str:
    try:
        return say(key, lang)
    except KeyError:
        return ""
