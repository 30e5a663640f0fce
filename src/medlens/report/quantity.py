"""Metrics with their doubt: names, meanings, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from medlens.report.values import clean_number, clean_text


@dataclass(frozen=True)
class Measure:
    """How a metric is called and read.

    Attributes:
        name: as a reader knows it.
        meaning: what the figure says, in one plain clause.
        is_share: written as a percentage.
        falls: smaller is better.
    """

    name: str
    meaning: str
    is_share: bool = False
    falls: bool = False


MEASURES: dict[str, Measure] = {
    "auroc": Measure(
        "AUROC",
        "how often a random case with the label ranks above one without it; "
        "0.5 is chance",
    ),
    "average_precision": Measure(
        "Average precision",
        "area under the precision–recall curve; chance is the prevalence",
    ),
    "accuracy": Measure("Accuracy", "share of cases that are right", True),
    "balanced_accuracy": Measure(
        "Balanced accuracy", "accuracy with every label weighing the same", True
    ),
    "sensitivity": Measure(
        "Sensitivity", "share of cases with the label that are found", True
    ),
    "specificity": Measure(
        "Specificity", "share of cases without the label that are cleared", True
    ),
    "ppv": Measure(
        "PPV", "share of positive answers that are right, at this prevalence", True
    ),
    "npv": Measure(
        "NPV", "share of negative answers that are right, at this prevalence", True
    ),
    "f1": Measure("F1", "harmonic mean of sensitivity and PPV"),
    "mcc": Measure(
        "Matthews correlation", "agreement beyond chance; −1 to 1, 0 is chance"
    ),
    "exact_match": Measure(
        "Exact match", "share of cases with every label right", True
    ),
    "dice": Measure("Dice", "overlap of both masks, 1 is equal"),
    "brier": Measure(
        "Brier score", "mean squared error of the probabilities", falls=True
    ),
    "log_loss": Measure(
        "Log loss", "mean surprise of the probabilities, in nats", falls=True
    ),
    "ece": Measure(
        "Calibration error (ECE)",
        "mean gap between stated probability and observed share",
        falls=True,
    ),
}
"""Metrics of metrics.json that the report knows, in the order of its tables."""


@dataclass(frozen=True)
class Quantity:
    """A value with its 95 % interval, or the reason why there is none."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    method: str = ""
    reason: str = ""

    @property
    def has_interval(self) -> bool:
        """True when value, low and high are all known."""
        return None not in (self.value, self.low, self.high)


def to_quantity(raw: object) -> Quantity:
    """A metric of metrics.json: a mapping, a bare number, or nothing."""
    if not isinstance(raw, Mapping):
        return Quantity(value=clean_number(raw))
    low, high = clean_number(raw.get("low")), clean_number(raw.get("high"))
    if low is not None and high is not None and low > high:
        low = high = None  # a swapped interval says nothing
    return Quantity(
        clean_number(raw.get("value")),
        low,
        high,
        clean_text(raw.get("method")),
        clean_text(raw.get("reason")),
    )


def measure_of(name: str) -> Measure:
    """The known measure, or one made of the bare name."""
    known = MEASURES.get(name)
    return known or Measure(clean_text(name, limit=40).replace("_", " "), "")


def meaning_of(name: str) -> str:
    """What a metric says, and that smaller is better where it is.

    >>> meaning_of("brier")
    'mean squared error of the probabilities; lower is better'
    """
    measure = measure_of(name)
    return f"{measure.meaning}; lower is better" if measure.falls else measure.meaning


def name_in_prose(measure: Measure) -> str:
    """The name inside a sentence; people and abbreviations keep their capitals.

    >>> name_in_prose(measure_of("accuracy")), name_in_prose(measure_of("auroc"))
    ('accuracy', 'AUROC')
    """
    is_word = measure.name[1:2].islower()
    is_word &= not measure.name.startswith(("Brier", "Matthews"))
    return measure.name[:1].lower() + measure.name[1:] if is_word else measure.name


def chance_text(probability: float) -> str:
    """A probability as a percentage; rounding never makes it certain.

    >>> chance_text(0.9996), chance_text(0.471), chance_text(1.0)
    ('>99.9%', '47.1%', '100.0%')
    """
    return value_text(Quantity(probability), is_share=True)


def value_text(quantity: Quantity, *, is_share: bool = False) -> str:
    """ "0.992" or "96.1%"; an en dash for no value.

    >>> value_text(Quantity(0.5)), value_text(Quantity(0.5), is_share=True)
    ('0.500', '50.0%')
    """
    return _number(quantity.value, is_share=is_share) + ("%" if is_share else "") * (
        quantity.value is not None
    )


def interval_text(quantity: Quantity, *, is_share: bool = False) -> str:
    """ "0.985 to 0.997", or "" when the interval is unknown."""
    if quantity.low is None or quantity.high is None:
        return ""
    if quantity.low == quantity.high:
        return ""  # an exact figure, such as chance
    low = _number(quantity.low, is_share=is_share)
    high = _number(quantity.high, is_share=is_share)
    return f"{low} to {high}" + ("%" if is_share else "")


def both_text(quantity: Quantity, *, is_share: bool = False) -> str:
    """ "0.992 (0.985 to 0.997)"; the reason when there is no value."""
    if quantity.value is None:
        return f"– ({quantity.reason})" if quantity.reason else "–"
    interval = interval_text(quantity, is_share=is_share)
    value = value_text(quantity, is_share=is_share)
    return f"{value} ({interval})" if interval else value


def stacked_text(quantity: Quantity, *, is_share: bool = False) -> str:
    """Value and interval on two lines of a table cell, parted by a newline."""
    interval = interval_text(quantity, is_share=is_share)
    if quantity.value is None or not interval:
        return both_text(quantity, is_share=is_share).replace("– (", "–\n(")
    return f"{value_text(quantity, is_share=is_share)}\n{interval}"


def _number(value: float | None, *, is_share: bool) -> str:
    if value is None:
        return "–"
    text = f"{100 * value:.1f}" if is_share else f"{value:.3f}"
    # Rounding must not make a near-perfect figure perfect, nor a small one zero.
    if 0 < value < 1 and float(text) == (100 if is_share else 1):
        return ">99.9" if is_share else ">0.999"
    if value > 0 and float(text) == 0:
        return "<0.1" if is_share else "<0.001"
    # "-0.000" would read as a finding; a minus sign reads better than a hyphen.
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def signed_text(value: float | None) -> str:
    """A difference with its sign: "+0.041", "−0.003"."""
    text = "–" if value is None else f"{abs(value):.3f}"
    if value is None or float(text) == 0:
        return text
    return f"+{text}" if value > 0 else f"−{text}"


def p_text(p_value: float | None) -> str:
    """ "p < 0.001" or "p = 0.032"; "" when unknown."""
    if p_value is None:
        return ""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def of_hundred(value: float) -> str:
    """A share as a person counts it: "96 of 100", "more than 99 of 100".

    >>> of_hundred(0.962), of_hundred(0.999), of_hundred(1.0)
    ('96 of 100', 'more than 99 of 100', 'all')
    """
    if value >= 1.0:
        return "all"
    if value <= 0.0:
        return "none"
    if value > 0.995:
        return "more than 99 of 100"
    if value < 0.005:
        return "fewer than 1 of 100"
    return f"{100 * value:.0f} of 100"


def seconds_text(seconds: float) -> str:
    """A duration as a person says it.

    >>> seconds_text(0.42), seconds_text(8), seconds_text(75), seconds_text(3700)
    ('0.4 s', '8 s', '1 min 15 s', '1 h 1 min')
    """
    if seconds < 1:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
