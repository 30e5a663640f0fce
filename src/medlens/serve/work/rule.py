"""One rule: which images a bundle is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from medlens.serve.work.facts import Facts
from medlens.serve.work.glob import is_match

Uneven = Literal["refuse", "resample", "keep"]
TEXTS = (
    "modality", "body_part", "series_description", "protocol_name", "manufacturer",
    "view_position", "laterality", "image_type", "orientation",
    "photometric_interpretation",
)  # fmt: skip
NUMBERS = ("slices", "slice_thickness_mm", "slice_gap_mm", "pixel_spacing_mm")
# Said with their values in reasons; the others are free text in which a name may
# stand, so that only the wish is said.
SHOWN = ("modality", "body_part", "view_position", "laterality", "orientation")


@dataclass(frozen=True)
class Range:
    """A closed interval; None is open.

    Attributes:
        min, max: ends.
    """

    min: float | None = None
    max: float | None = None

    def holds(self, value: float | None) -> bool:
        """False for a value that is not known."""
        if value is None:
            return False
        low = self.min is None or value >= self.min
        return low and (self.max is None or value <= self.max)

    def __str__(self) -> str:
        if self.min is None:
            return f"at most {self.max:g}"
        if self.max is None:
            return f"at least {self.min:g}"
        if self.min == self.max:
            return f"{self.min:g}"
        return f"{self.min:g} to {self.max:g}"


@dataclass(frozen=True)
class Rule:
    """A bundle and the conditions under which it runs; all must hold.

    Attributes:
        name: used in reasons.
        bundle: name of the bundle, or the first 8 or more digits of its digest.
        exclude: True where images that fit are left out, whatever other rules say.
        modality … photometric_interpretation: patterns, of which one must fit.
        slices … pixel_spacing_mm: closed ranges.
        has_contrast: None where it does not matter.
        captures: secondary captures are looked at, too.
        uneven: what to do with uneven slices, see `read.open_series`.
        destinations: names of peers that the results are sent to.
        priority: of the answer; higher ones come first.
    """

    name: str
    bundle: str = ""
    exclude: bool = False
    modality: tuple[str, ...] = ()
    body_part: tuple[str, ...] = ()
    series_description: tuple[str, ...] = ()
    protocol_name: tuple[str, ...] = ()
    manufacturer: tuple[str, ...] = ()
    view_position: tuple[str, ...] = ()
    laterality: tuple[str, ...] = ()
    image_type: tuple[str, ...] = ()
    orientation: tuple[str, ...] = ()
    photometric_interpretation: tuple[str, ...] = ()
    slices: Range | None = None
    slice_thickness_mm: Range | None = None
    slice_gap_mm: Range | None = None
    pixel_spacing_mm: Range | None = None
    has_contrast: bool | None = None
    captures: bool = False
    uneven: Uneven = "refuse"
    destinations: tuple[str, ...] = ()
    priority: int = 0


def misfit(rule: Rule, facts: Facts) -> str:
    """Which conditions do not hold, in words; "" where the rule fits."""
    found = [_text_misfit(name, rule, facts) for name in TEXTS]
    found += [_number_misfit(name, rule, facts) for name in NUMBERS]
    if rule.has_contrast is not None and rule.has_contrast != facts.has_contrast:
        found.append("contrast" if rule.has_contrast else "no contrast")
    if facts.is_capture and not (rule.captures or rule.exclude):
        found.append("no secondary capture")
    return " and ".join(text for text in found if text)


def conditions_of(rule: Rule) -> str:
    """All conditions of a rule, in words."""
    found = [
        f"{_word(name)} {_any_of(getattr(rule, name))}"
        for name in TEXTS
        if getattr(rule, name)
    ]
    found += [
        f"{_word(name)} {getattr(rule, name)}"
        for name in NUMBERS
        if getattr(rule, name) is not None
    ]
    if rule.has_contrast is not None:
        found.append("contrast" if rule.has_contrast else "no contrast")
    return ", ".join(found) or "any image"


def _text_misfit(name: str, rule: Rule, facts: Facts) -> str:
    patterns: tuple[str, ...] = getattr(rule, name)
    found = getattr(facts, name)
    values = found if isinstance(found, tuple) else (found,)
    if not patterns or any(
        value and is_match(pattern, value) for pattern in patterns for value in values
    ):
        return ""
    wish = f"{_word(name)} {_any_of(patterns)}"
    if name in SHOWN and not any(values):
        return f"{wish} (it is not given)"
    return wish


def _number_misfit(name: str, rule: Rule, facts: Facts) -> str:
    wanted: Range | None = getattr(rule, name)
    value: float | None = getattr(facts, name)
    if wanted is None or wanted.holds(value):
        return ""
    found = "it is not given" if value is None else f"there it is {value:g}"
    return f"{_word(name)} {wanted} ({found})"


def _word(name: str) -> str:
    if name == "slices":
        return "number of slices"
    return name.removesuffix("_mm").replace("_", " ") + (
        " in mm" if name.endswith("_mm") else ""
    )


def _any_of(patterns: tuple[str, ...]) -> str:
    *first, last = patterns
    return f"{', '.join(first)} or {last}" if first else last
