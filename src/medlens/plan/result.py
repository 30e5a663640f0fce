"""What a plan is: a recipe, and why it is so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from medlens.plan.facts import Choice
from medlens.plan.schedule import Speed
from medlens.recipe.settings import Recipe

Measure = Callable[[Recipe], Speed]
"""Times a recipe on this machine."""


@dataclass(frozen=True)
class Plan:
    """A recipe and why it is so.

    Attributes:
        recipe: ready to be written and followed.
        choices: each decision with its reason, in the order it was made.
    """

    recipe: Recipe
    choices: tuple[Choice, ...]

    def reasons(self) -> dict[str, str]:
        """Recipe key → reasons, for the comments in recipe.toml."""
        found: dict[str, str] = {}
        for choice in self.choices:
            text = f"{choice.choice}: {choice.reason}"
            found[choice.key] = "; ".join(filter(None, [found.get(choice.key), text]))
        return found
