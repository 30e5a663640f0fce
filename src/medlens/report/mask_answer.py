"""The answer first, where voxels are labelled: how well outlines agree."""

from __future__ import annotations

import numpy as np

from medlens.evaluate import MaskTable
from medlens.report.answer import Answer, Key, headline_labels, tested_on
from medlens.report.charts import draw_interval
from medlens.report.mask_quantity import (
    MASK_MEASURES,
    agreement_of,
    mask_both,
    mask_interval,
    mask_text,
    name_of,
    size_text,
    size_unit,
    size_word,
)
from medlens.report.quantity import Quantity
from medlens.report.subject import Subject, metric
from medlens.report.values import as_mapping, clean_count, clean_text

_KEYS = (
    "dice",
    "dice_present",
    "surface_dice",
    "hd95",
    "hd95_px",
    "volume_error",
    "lesion_sensitivity",
)
FEW = 100
"""Patients below which every figure is called rough."""


def write_mask_answer(
    subject: Subject, table: MaskTable | None, *, data_name: str
) -> Answer:
    """The first screen; says plainly when nothing was measured."""
    where = f" in {clean_text(data_name, limit=60)}" if data_name else ""
    headline = f"Outlining {headline_labels(subject, last='and')}{where}"
    dice = subject.quantity("dice")
    if dice.value is None:
        reason = f" ({dice.reason})" if dice.reason else ""
        return Answer(
            headline,
            f"No Dice could be computed{reason}, so nothing can be said about what "
            "the model can do.",
            ("This page shows what the folder holds so far.",),
            (),
        )
    sentences = (
        _how_sure(subject),
        _weakest(subject),
        _single_cases(subject, table),
        _sizes(subject),
        _missed(subject),
    )
    return Answer(
        headline,
        _verdict(subject, dice),
        tuple(sentence for sentence in sentences if sentence),
        _keys(subject),
    )


def _verdict(subject: Subject, dice: Quantity) -> str:
    count = len(subject.labels)
    doubt = [f"95% interval {interval}"] if (interval := _ends(subject, dice)) else []
    doubt += [f"mean of {count} labels"] if count > 1 else []
    more = f" ({'; '.join(doubt)})" if doubt else ""
    return (
        f"{tested_on(subject)}, the model's outlines overlap those of the reference "
        f"with a Dice of {mask_text(subject, 'dice', dice)}{more}."
    )


def _ends(subject: Subject, dice: Quantity) -> str:
    return mask_interval(subject, "dice", dice)


def _how_sure(subject: Subject) -> str:
    units = subject.n_patients or subject.n_cases
    if units is None or units >= FEW:
        return (
            "The interval covers chance in drawing these cases, not another hospital, "
            "scanner or reader of the reference."
        )
    whom = subject.units if subject.n_patients else f"{units} cases"
    return (
        f"Read every figure as rough: {whom} are few, and another set of this size, or "
        "another reader of the reference, could give quite different ones."
    )


def _weakest(subject: Subject) -> str:
    """The label with the lowest Dice, where there are several."""
    per_label = as_mapping(subject.leading.get("per_label"))
    found = [(metric(per_label.get(lb), "dice"), lb) for lb in subject.labels]
    known = [(q.value, lb, q) for q, lb in found if q.value is not None]
    if len(known) < 2:
        return ""
    _, label, quantity = min(known, key=lambda item: item[0])
    return (
        f"The weakest label is “{clean_text(label, limit=40)}” (Dice "
        f"{mask_both(subject, 'dice', quantity)})."
    )


def _single_cases(subject: Subject, table: MaskTable | None) -> str:
    """What a single case may be like, which a mean hides."""
    scores = leading_dice(subject, table)
    if len(scores) < 5:
        return ""
    low, middle = np.quantile(scores, [0.1, 0.5])
    return (
        f"Single cases differ: half lie above a Dice of {middle:.2f}, one in ten below "
        f"{low:.2f}, and the worst has {scores.min():.2f}."
    )


def _sizes(subject: Subject) -> str:
    """Limits of agreement: what one new case has to reckon with."""
    if len(subject.labels) != 1:
        return ""
    found = agreement_of(subject, subject.labels[0])
    lower, upper = found["lower"].value, found["upper"].value
    if lower is None or upper is None:
        return ""
    unit, word = size_unit(subject), size_word(subject)
    bias = found["bias"]
    share = subject.quantity("volume_bias")
    relative = f", {mask_both(subject, 'volume_bias', share)}" if share.value else ""
    return (
        f"The {word} is off by {size_text(bias.value, unit, sign=True)} on average"
        f"{relative}; for a single new case reckon with {size_text(lower, unit)} to "
        f"{size_text(upper, unit, sign=True)} (95% limits of agreement)."
    )


def _missed(subject: Subject) -> str:
    """Labels that the model left out altogether."""
    per_label = as_mapping(subject.leading.get("per_label"))
    said = []
    for label in subject.labels:
        held = as_mapping(per_label.get(label))
        share = metric(held, "presence_sensitivity").value
        present = clean_count(held.get("n_present"))
        if share is None or not present or share >= 1:
            continue
        missed = round((1 - share) * present)
        name = clean_text(label, limit=40)
        said.append(f"“{name}” in {missed} of the {present} cases that have it")
    if not said:
        return ""
    return f"Nothing at all was drawn for {'; '.join(said[:6])}."


def _keys(subject: Subject) -> tuple[Key, ...]:
    """Key figures; Dice where present only where that is another figure."""
    keys = []
    for name in _KEYS:
        quantity = subject.quantity(name)
        if quantity.value is None:
            continue
        if name == "dice_present" and quantity.value == subject.quantity("dice").value:
            continue
        low, high = 0.0, 1.0
        if MASK_MEASURES[name].way == "length":
            high = _round_up(quantity.high or quantity.value)
        elif name == "volume_error":
            high = _round_up(max(quantity.high or quantity.value, 0.1))
        keys.append(
            Key(
                name_of(subject, name),
                mask_text(subject, name, quantity),
                mask_interval(subject, name, quantity),
                MASK_MEASURES[name].meaning,
                draw_interval(quantity, low=low, high=high),
            )
        )
    return tuple(keys)


def leading_dice(subject: Subject, table: MaskTable | None) -> np.ndarray:
    """(n,) mean Dice over labels of the leading split's cases that have one."""
    part = leading_masks(subject, table)
    if part is None:
        return np.zeros(0)
    from medlens.evaluate.mask_split import mean_dice

    scores = mean_dice(part)
    return np.asarray(scores[np.isfinite(scores)])


def leading_masks(subject: Subject, table: MaskTable | None) -> MaskTable | None:
    """The rows of the leading split, or None where there are none."""
    if table is None or table.labels != subject.labels:
        return None
    inside = np.isin(np.array(table.splits), (subject.split, ""))
    return table.select(inside) if inside.any() else None


def _round_up(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    if not value > 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(power * unit for unit in (1, 2, 5, 10) if power * unit >= value))
