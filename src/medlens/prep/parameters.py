"""What a recipe may write for a step, and the checks of what it wrote."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from medlens.core import RecipeError

Kind = Literal["number", "integer", "flag", "word", "words", "numbers"]
LONGEST_LIST = 4096


@dataclass(frozen=True)
class Param:
    """One parameter of a step.

    Attributes:
        kind: number, integer, flag (true or false), word, or a list of words
            or numbers.
        text: what it does, one line.
        low, high: limits of numbers, both allowed.
        choices: allowed words.
        odd: True where an integer must be odd.
        count: how many numbers a list must have; 0 is any number of them.
        default: filled in from the function's signature.
    """

    kind: Kind
    text: str
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    odd: bool = False
    count: int = 0
    default: Any = None

    @property
    def wanted(self) -> str:
        """What a value must be, in words."""
        if self.kind == "flag":
            return "true or false"
        if self.choices:
            one = "one of " if self.kind == "word" else "a list of "
            return one + ", ".join(f'"{word}"' for word in self.choices)
        noun = {
            "integer": "an odd integer" if self.odd else "an integer",
            "number": "a number",
            "numbers": f"a list of {self.count or ''} numbers".replace("  ", " "),
        }.get(self.kind, "text")
        if math.isinf(self.low) and math.isinf(self.high):
            return noun
        if math.isinf(self.high):
            return f"{noun}, {self.low:g} or above"
        return f"{noun} in {self.low:g}..{self.high:g}"

    def accepts(self, value: Any) -> bool:
        """Whether a value read from a recipe may stand here."""
        if self.kind == "flag":
            return isinstance(value, bool)
        if self.kind == "word":
            return isinstance(value, str) and value in self.choices
        if self.kind in ("words", "numbers"):
            if not isinstance(value, list | tuple) or not value:
                return False
            if self.count and len(value) != self.count:
                return False
            one = self._accepts_number if self.kind == "numbers" else self._is_choice
            return len(value) <= LONGEST_LIST and all(map(one, value))
        if self.kind == "integer":
            whole = isinstance(value, int) and self._accepts_number(value)
            return whole and not (self.odd and value % 2 == 0)
        return self._accepts_number(value)

    def _accepts_number(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return math.isfinite(value) and self.low <= value <= self.high

    def _is_choice(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.choices


def with_defaults(
    function: Callable[..., Any], params: Mapping[str, Param], *, own: Iterable[str]
) -> dict[str, Param]:
    """The parameter table with each default taken from the signature.

    Args:
        function: where the defaults stand.
        params: name → Param, in the order of the documents.
        own: keyword parameters of the function that no recipe may set.

    Raises:
        TypeError: table and signature do not name the same parameters.
    """
    signature = inspect.signature(function).parameters
    keywords = {
        name: p.default for name, p in signature.items() if p.kind is p.KEYWORD_ONLY
    }
    found = set(keywords) - set(own)
    if found != set(params):
        raise TypeError(
            f"{function.__name__}: signature has {sorted(found)}, the table of steps "
            f"has {sorted(params)}"
        )
    return {name: replace(p, default=keywords[name]) for name, p in params.items()}


def check_params(
    given: Mapping[str, Any], table: Mapping[str, Param], *, where: str
) -> dict[str, Any]:
    """All parameters of a step: what the recipe gives, else the defaults.

    Args:
        given: as read from the recipe.
        table: of the step.
        where: the step's place, such as "recipe.toml: prep.steps[2]".

    Raises:
        RecipeError: an unknown parameter, or a value that is not wanted.
    """
    for name, value in given.items():
        if name not in table:
            raise RecipeError(f"{where}.{name} is unknown; {nearest(name, table)}")
        if not table[name].accepts(value):
            raise RecipeError(
                f"{where}.{name} is {value!r:.60}; wanted {table[name].wanted}"
            )
    missing = [
        name
        for name, p in table.items()
        if p.default is inspect.Parameter.empty and name not in given
    ]
    if missing:
        wanted = table[missing[0]].wanted
        raise RecipeError(f"{where}.{missing[0]} is missing; wanted {wanted}")
    return {name: given.get(name, p.default) for name, p in table.items()}


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name."""
    names: Sequence[str] = list(known)
    found = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if found:
        return f"nearest: {found[0]}"
    return f"known: {', '.join(names)}" if names else "this step takes no parameters"
