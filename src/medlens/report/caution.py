"""What to mind before relying on the figures, drawn from the whole run."""

from __future__ import annotations

from collections.abc import Iterator

from medlens.report.load import RunFolder
from medlens.report.mask_caution import find_mask_notices
from medlens.report.notice import Notice
from medlens.report.quantity import both_text, measure_of, to_quantity, value_text
from medlens.report.subject import Subject, metric
from medlens.report.values import (
    Json,
    as_list,
    as_mapping,
    clean_count,
    clean_number,
    clean_text,
    count_of,
)

NOTICES = 30
"""Warnings of the audit that are listed; the rest is counted."""


def find_notices(folder: RunFolder, subject: Subject) -> tuple[Notice, ...]:
    """Everything that weakens the answer, the gravest first."""
    if subject.is_masks:
        found = [
            *_conflicts(folder.audit),
            *find_mask_notices(folder.masks, subject),
            *_strange(subject),
            *_gaps(subject),
            *_identities(folder.audit),
        ]
        return tuple(sorted(found, key=lambda notice: notice.weight != "mind"))
    found = [
        *_shortcuts(folder.audit),
        *_conflicts(folder.audit),
        *_suspects(subject),
        *_calibration(subject),
        *_strange(subject),
        *_shift(subject),
        *_gaps(subject),
        *_identities(folder.audit),
    ]
    return tuple(sorted(found, key=lambda notice: notice.weight != "mind"))


def _shortcuts(audit: Json) -> Iterator[Notice]:
    for item in as_list(audit.get("shortcuts"))[:10]:
        shortcut = as_mapping(item)
        quantity = to_quantity(
            {
                "value": shortcut.get("auroc"),
                "low": shortcut.get("low"),
                "high": shortcut.get("high"),
            }
        )
        if quantity.value is None:
            continue
        what = clean_text(shortcut.get("what"))
        meaning = clean_text(shortcut.get("meaning"))
        is_sure = quantity.low is not None and quantity.low > 0.6
        yield Notice(
            "mind" if is_sure else "note",
            f"Shortcut: {what} alone predicts the label with AUROC "
            f"{both_text(quantity)}. {meaning}".strip(),
            clean_text(shortcut.get("advice")),
        )


def _conflicts(audit: Json) -> Iterator[Notice]:
    conflicts = as_list(audit.get("label_conflicts"))
    if conflicts:
        yield Notice(
            "mind",
            f"{count_of(len(conflicts), 'label conflict')}: (nearly) the same image "
            "carries different labels.",
            "Settle them with a reader; until then some errors are the labels' own.",
        )


def _suspects(subject: Subject) -> Iterator[Notice]:
    found = as_mapping(subject.leading.get("label_suspects"))
    cases, entries = clean_count(found.get("n_cases")), as_list(found.get("listed"))
    if not cases or not entries:
        return
    first = as_mapping(entries[0])
    yield Notice(
        "mind",
        f"{count_of(cases, 'case')} may carry a wrong label: the model is as sure of "
        "another one as it is of typical cases that carry it. Read first "
        f"{clean_text(first.get('case'), limit=80)}, labelled "
        f"“{clean_text(first.get('reference'), limit=60)}”.",
        "Let a reader look at those listed under Results; the figures count them as "
        "they are labelled.",
    )


def _calibration(subject: Subject) -> Iterator[Notice]:
    error = subject.quantity("ece")
    sure = error.low if error.low is not None else error.value
    if sure is not None and sure > 0.05:
        yield Notice(
            "mind",
            f"The stated probabilities are off by {both_text(error)} on average "
            "(calibration error above 0.05).",
            "Trust the ranking more than the percentages, or calibrate again on "
            "cases like those it will see.",
        )


def _strange(subject: Subject) -> Iterator[Notice]:
    unlike = as_mapping(subject.leading.get("out_of_distribution"))
    share, count = to_quantity(unlike.get("share")), clean_count(unlike.get("flagged"))
    if share.value is not None and share.value > 0.05:
        yield Notice(
            "mind",
            f"{count_of(count or 0, 'case')} "
            f"({value_text(share, is_share=True)}) look unlike the training images; "
            "about 1% would be expected.",
            "Look at them before reading the figures: another scanner, body part or "
            "file preparation is the usual cause.",
        )


def _shift(subject: Subject) -> Iterator[Notice]:
    shift = as_mapping(subject.leading.get("prior_shift"))
    before, now = shift.get("validation_prevalence"), shift.get("estimated_prevalence")
    held = as_mapping(before), as_mapping(now)
    pairs = [(label, held[0].get(label), held[1].get(label)) for label in subject.focus]
    if not held[0]:
        pairs = [(subject.positive, before, now)]
    for label, then, today in pairs:
        first, second = clean_number(then), clean_number(today)
        if first is None or second is None or abs(first - second) <= 0.1:
            continue
        name = f"“{clean_text(label, limit=40)}”" if label else "The label"
        yield Notice(
            "mind",
            f"{name} seems to be {'rarer' if second < first else 'commoner'} here "
            f"(estimated {100 * second:.0f}%) than where thresholds were set "
            f"({100 * first:.0f}%).",
            "PPV and NPV move with it; see the estimate under “Can the probabilities "
            "be trusted?”.",
        )


def _gaps(subject: Subject) -> Iterator[Notice]:
    """Subgroups whose interval lies wholly below the whole split's value."""
    for name in ("dice", "auroc", "sensitivity"):
        whole = subject.quantity(name)
        if whole.value is None:
            continue
        share = measure_of(name).is_share
        for item in as_list(subject.leading.get("subgroups"))[:200]:
            group = as_mapping(item)
            part = metric(group, name)
            if part.high is None or part.high >= whole.value:
                continue
            column = clean_text(group.get("column"), limit=40)
            value = clean_text(group.get("value"), limit=40)
            yield Notice(
                "mind",
                f"Subgroup {column} = {value}: {measure_of(name).name} is "
                f"{both_text(part, is_share=share)}, below the whole split's "
                f"{value_text(whole, is_share=share)}.",
                "Several subgroups were looked at, so one may stand out by chance; "
                "look at its errors before using the model there.",
            )


def _identities(audit: Json) -> Iterator[Notice]:
    cases, patients = (
        clean_count(audit.get("cases")),
        clean_count(audit.get("patients")),
    )
    form = (audit.get("fingerprint") or {}).get("form", "image")
    # a series or a volume is all that a patient need have
    is_alone = patients == cases and form in ("image", "segment")
    if cases and patients is not None and (patients == 0 or is_alone):
        yield Notice(
            "note",
            "The data name no patients with several images, so each image, with its "
            "near-duplicates, counts as one patient.",
            "If patients do have several images, pass --patient-column: the figures "
            "are too good otherwise.",
        )
