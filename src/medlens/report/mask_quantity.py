"""Figures of masks as the page names and writes them."""

from __future__ import annotations

from dataclasses import dataclass

from medlens.report.quantity import Quantity, interval_text, to_quantity, value_text
from medlens.report.subject import Subject, metric
from medlens.report.values import Json, as_mapping, clean_number, clean_text

_UNITS = {"ml": "ml", "mm²": "mm²", "px": "pixels"}


@dataclass(frozen=True)
class MaskMeasure:
    """How a figure of masks is called and written.

    Attributes:
        name: as a reader knows it.
        meaning: what it says, in one plain clause.
        way: "number" (0..1), "share" (percent), "signed" (percent with sign),
            "length" or "size" (with the unit of the split), "count".
    """

    name: str
    meaning: str
    way: str = "number"


MASK_MEASURES: dict[str, MaskMeasure] = {
    "dice": MaskMeasure(
        "Dice",
        "overlap of both masks, 1 is equal; small structures score lower for the "
        "same error at their border",
    ),
    "dice_present": MaskMeasure(
        "Dice where present", "overlap in the cases whose reference has the label"
    ),
    "surface_dice": MaskMeasure(
        "Surface Dice", "share of both borders that lies within the tolerance"
    ),
    "hd95": MaskMeasure(
        "HD95",
        "the border is off by no more than this along 95% of it; lower is better",
        "length",
    ),
    "hd95_px": MaskMeasure(
        "HD95",
        "the border is off by no more than this along 95% of it; lower is better",
        "length",
    ),
    "volume_error": MaskMeasure(
        "Size error",
        "how far the size is off, as a share of the reference's; lower is better",
        "share",
    ),
    "volume_bias": MaskMeasure(
        "Size bias", "the same with its sign: above 0 is too large", "signed"
    ),
    "lesion_sensitivity": MaskMeasure(
        "Parts found",
        "share of the reference's connected parts of which a tenth or more is covered",
        "share",
    ),
    "false_positives_per_case": MaskMeasure(
        "Parts made up",
        "connected parts of the answer that are not in the reference, per case",
        "count",
    ),
    "presence_sensitivity": MaskMeasure(
        "Cases found", "of the cases with the label, share with any answer", "share"
    ),
    "presence_specificity": MaskMeasure(
        "Cases cleared", "of the cases without it, share with no answer", "share"
    ),
}
"""Figures that the page shows, in the order of its tables."""


def mask_text(subject: Subject, name: str, quantity: Quantity) -> str:
    """The value as text: "0.88", "4.1%", "1.23 mm"; an en dash for none."""
    return _written(subject, name, quantity.value)


def mask_interval(subject: Subject, name: str, quantity: Quantity) -> str:
    """ "0.87 to 0.89"; "" when the interval is unknown."""
    way = MASK_MEASURES[name].way
    if way in ("number", "share"):
        return interval_text(quantity, is_share=way == "share")
    if quantity.low is None or quantity.high is None:
        return ""
    low, high = (_written(subject, name, e) for e in (quantity.low, quantity.high))
    # The unit once is enough: "1.06 to 4.10 mm".
    return f"{low.split(' ')[0]} to {high}" if way == "length" else f"{low} to {high}"


def mask_stacked(subject: Subject, name: str, holder: object) -> str:
    """Value and interval of a holder's metric on two lines of a table cell."""
    quantity = metric(holder, name)
    if quantity.value is None:
        return f"–\n{quantity.reason}" if quantity.reason else "–"
    interval = mask_interval(subject, name, quantity)
    value = mask_text(subject, name, quantity)
    return f"{value}\n{interval}" if interval else value


def mask_both(subject: Subject, name: str, quantity: Quantity) -> str:
    """ "0.88; 95% interval 0.87 to 0.89", for prose."""
    value = mask_text(subject, name, quantity)
    interval = mask_interval(subject, name, quantity)
    return f"{value}; 95% interval {interval}" if interval else value


def known_mask_metrics(*holders: Json) -> tuple[str, ...]:
    """Names of figures that any holder has a value or a reason for, in order."""
    given = {name for holder in holders for name in as_mapping(holder.get("metrics"))}
    return tuple(name for name in MASK_MEASURES if name in given)


def length_unit(subject: Subject) -> str:
    """ "mm", or "pixels" where the images carry no spacing."""
    return "pixels" if subject.leading.get("length_unit") == "px" else "mm"


def size_unit(subject: Subject) -> str:
    """ "ml", "mm²" or "pixels"."""
    return _UNITS.get(clean_text(subject.leading.get("size_unit"), limit=8), "ml")


def size_word(subject: Subject) -> str:
    """What a size is: "volume" or "area"."""
    return "volume" if size_unit(subject) == "ml" else "area"


def size_text(value: float | None, unit: str, *, sign: bool = False) -> str:
    """A size with its unit, in digits that fit it: "3.28 ml", "+0.031 ml"."""
    if value is None:
        return "–"
    steps = ((0.1, 3), (10, 2), (100, 1))
    digits = next((d for limit, d in steps if abs(value) < limit), 0)
    text = f"{value:+,.{digits}f}" if sign else f"{value:,.{digits}f}"
    return f"{text.replace('-', '−')} {unit}"


def tolerance_text(subject: Subject) -> str:
    """ "1 mm"; "" where it is not stated."""
    value = clean_number(subject.leading.get("tolerance"))
    return "" if value is None else f"{value:.3g} {length_unit(subject)}"


def name_of(subject: Subject, name: str) -> str:
    """A figure's name, with the tolerance that a surface Dice means nothing without."""
    measure = MASK_MEASURES[name]
    if name == "surface_dice" and tolerance_text(subject):
        return f"{measure.name} at {tolerance_text(subject)}"
    if name.startswith("volume_"):
        return measure.name.replace("Size", size_word(subject).capitalize())
    return measure.name


def agreement_of(subject: Subject, label: str) -> dict[str, Quantity]:
    """Bias, limits and correlation of a label's sizes."""
    per_label = as_mapping(subject.leading.get("per_label"))
    held = as_mapping(as_mapping(per_label.get(label)).get("agreement"))
    names = ("bias", "lower", "upper", "correlation")
    return {name: to_quantity(held.get(name)) for name in names}


def _written(subject: Subject, name: str, value: float | None) -> str:
    way = MASK_MEASURES[name].way
    if value is None:
        return "–"
    if way in ("number", "share"):
        return value_text(Quantity(value), is_share=way == "share")
    if way == "signed":
        text = f"{100 * value:+.1f}%"
        return text.replace("-", "−") if float(text[:-1]) else "0.0%"
    if way == "length":
        return f"{value:.2f} {length_unit(subject)}"
    return f"{value:.2f}"
