"""Tables where voxels are labelled: figures per label, sizes, splits."""

from __future__ import annotations

from collections.abc import Sequence

from medlens.report.figure import Row, Table
from medlens.report.mask_quantity import (
    MASK_MEASURES,
    agreement_of,
    known_mask_metrics,
    mask_stacked,
    mask_text,
    name_of,
    size_text,
    size_unit,
    size_word,
)
from medlens.report.quantity import Quantity, stacked_text
from medlens.report.subject import Subject, metric
from medlens.report.values import (
    Json,
    as_mapping,
    clean_count,
    clean_text,
    count_of,
)

ROWS = 60
_LABEL_FIGURES = (
    "dice",
    "dice_present",
    "surface_dice",
    "hd95",
    "hd95_px",
    "volume_error",
    "volume_bias",
)
_PART_FIGURES = (
    "presence_sensitivity",
    "presence_specificity",
    "lesion_sensitivity",
    "false_positives_per_case",
)


def mask_metric_table(subject: Subject) -> Table | None:
    """Means over labels of the leading split, beside those of the others."""
    names = told_figures(
        known_mask_metrics(*subject.splits.values()), *subject.splits.values()
    )
    if not names:
        return None
    others = [name for name in subject.splits if name != subject.split][:3]
    heads = ("Figure", "Value", *(clean_text(name, limit=30) for name in others))
    rows = tuple(
        (
            f"{name_of(subject, name)}\n{MASK_MEASURES[name].meaning}",
            mask_stacked(subject, name, subject.leading),
            *(
                mask_text(subject, name, metric(subject.splits[other], name))
                for other in others
            ),
        )
        for name in names
    )
    where = "all cases" if subject.split == "all" else f"the {subject.split} split"
    size = f" ({subject.n_cases} {subject.noun})" if subject.n_cases else ""
    mean = "Means over labels. " if len(subject.labels) > 1 else ""
    return Table(
        clean_text(f"Figures on {where}{size}, with 95% intervals"),
        tuple(head.capitalize() for head in heads),
        rows,
        note=f"{mean}Intervals are by bootstrap of {subject.unit}s, or by Wilson, "
        f"clustered by {subject.unit}, for shares of parts and cases. {_UNDEFINED}",
    )


_UNDEFINED = (
    "Where neither mask has a label, the case is in no Dice; where one of both lacks "
    "it, Dice is 0 and the distance counts as the image's diagonal."
)


def mask_label_table(subject: Subject) -> Table | None:
    """A row for each label: overlap, borders and sizes, and how many cases have it."""
    return _per_label(
        subject,
        _LABEL_FIGURES,
        title="Overlap, borders and sizes per label, with 95% intervals",
        note="“With it” counts the cases whose reference has the label.",
    )


def part_table(subject: Subject) -> Table | None:
    """A row for each label: parts and cases found, missed and made up."""
    return _per_label(
        subject,
        _PART_FIGURES,
        title="Parts and cases found, with 95% intervals",
        note="A part is a connected piece of the mask. It is found when the answer "
        "covers a tenth of it; a piece of the answer is made up when less than a tenth "
        "of it lies in the reference.",
        counts=(("n_lesions", "Parts"), ("n_false_lesions", "Made up")),
    )


def _per_label(
    subject: Subject,
    figures: tuple[str, ...],
    *,
    title: str,
    note: str,
    counts: tuple[tuple[str, str], ...] = (),
) -> Table | None:
    per_label = as_mapping(subject.leading.get("per_label"))
    labels = [label for label in subject.labels if as_mapping(per_label.get(label))]
    holders = [as_mapping(per_label[label]) for label in labels[:ROWS]]
    known = known_mask_metrics(*holders)
    names = told_figures([name for name in figures if name in known], *holders)
    if not names:
        return None
    given = [(key, head) for key, head in counts if any(key in h for h in holders)]
    rows = tuple(
        (
            clean_text(label, limit=60),
            _with_it(holder),
            *(_count(holder.get(key)) for key, _ in given),
            *(mask_stacked(subject, name, holder) for name in names),
        )
        for label, holder in zip(labels, holders, strict=False)
    )
    heads = ("Label", "With it", *(head for _, head in given))
    return Table(
        title, (*heads, *(name_of(subject, name) for name in names)), rows, note=note
    )


def told_figures(names: Sequence[str], *holders: Json) -> list[str]:
    """The figures that say something: any value, and no second Dice that is equal."""
    told = [n for n in names if any(metric(h, n).value is not None for h in holders)]
    if all(_is_same(holder) for holder in holders):
        return [name for name in told if name != "dice_present"]
    return told


def _is_same(holder: Json) -> bool:
    """Whether every case has the label, so that both Dice are one."""
    return metric(holder, "dice").value == metric(holder, "dice_present").value


def _with_it(holder: Json) -> str:
    present, cases = (clean_count(holder.get(key)) for key in ("n_present", "n_cases"))
    return "–" if present is None or cases is None else f"{present} of {cases}"


def _count(value: object) -> str:
    count = clean_count(value)
    return "–" if count is None else f"{count:,}"


def agreement_table(subject: Subject) -> Table | None:
    """Sizes: bias, limits of agreement and correlation of every label."""
    unit, word = size_unit(subject), size_word(subject)
    rows: list[Row] = []
    for label in subject.labels[:ROWS]:
        found = agreement_of(subject, label)
        if found["bias"].value is None:
            continue
        sizes = (_sized(found[name], unit) for name in ("bias", "lower", "upper"))
        rows.append(
            (
                clean_text(label, limit=60),
                *sizes,
                stacked_text(found["correlation"]),
            )
        )
    if not rows:
        return None
    return Table(
        f"How well the {word} agrees with the reference, with 95% intervals",
        ("Label", "Bias", "Lower limit", "Upper limit", "Correlation"),
        tuple(rows),
        note="Answer minus reference. Nineteen of twenty new cases are expected "
        "between the limits (bias ± 1.96 standard deviations; Bland and Altman 1986). "
        "A high correlation alone does not mean agreement.",
    )


def _sized(quantity: Quantity, unit: str) -> str:
    value = size_text(quantity.value, unit, sign=True)
    if quantity.low is None or quantity.high is None:
        return value
    low, high = (
        size_text(end, unit, sign=True) for end in (quantity.low, quantity.high)
    )
    return f"{value}\n{low.removesuffix(f' {unit}')} to {high}"


def undefined_words(subject: Subject) -> tuple[str, ...]:
    """Which figures have no value in how many cases, label by label."""
    per_label = as_mapping(subject.leading.get("per_label"))
    said = []
    for label in subject.labels[:ROWS]:
        held = as_mapping(as_mapping(per_label.get(label)).get("undefined"))
        empty, single = (clean_count(held.get(key)) for key in ("dice", "hd95"))
        name = clean_text(label, limit=60)
        if empty:
            said.append(
                f"“{name}”: {count_of(empty, 'case')} without it in either mask, left "
                "out of every mean."
            )
        if single:
            said.append(
                f"“{name}”: {count_of(single, 'case')} with it in one mask only; Dice "
                "0, the distance counts as the diagonal."
            )
    return tuple(said[:20])
