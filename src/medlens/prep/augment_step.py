"""What random changes of images and of volumes have in common.

Both are drawn before they are done, each with a probability `p` of its own, and a
recipe names them in `augment.steps`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from medlens.core import RecipeError
from medlens.prep.augment_space import Draw
from medlens.prep.parameters import Param, check_params, nearest, with_defaults
from medlens.recipe.settings import Step


class Known(Protocol):
    """What drawing asks of a row of `AUGMENTS` or `VOLUME_AUGMENTS`."""

    @property
    def draw(self) -> Callable[..., Draw]:
        """(rng, shape or frame, **parameters) → numbers of one change."""

    @property
    def params(self) -> Mapping[str, Param]:
        """Name → Param; `p`, the probability of the change, among them."""


def limit(text: str, high: float) -> Param:
    """A number from 0 up to `high`."""
    return Param("number", text, 0, high)


def with_chance(
    draw: Callable[..., Draw], params: Mapping[str, Param], *, p: float
) -> dict[str, Param]:
    """The parameters of a change: defaults from `draw`, and its probability `p`.

    Raises:
        TypeError: `params` and the signature do not name the same parameters.
    """
    chance = Param("number", "probability that it happens", 0, 1, default=p)
    return {**with_defaults(draw, params, own=()), "p": chance}


def check_steps(
    steps: Sequence[Step], known: Mapping[str, Known], *, seed: int, kind: str = ""
) -> tuple[Step, ...]:
    """The steps of a recipe's `augment.steps`, every parameter written out.

    Args:
        steps: as read from the recipe; may be empty.
        known: every change by name.
        seed: 0 or above.
        kind: what is changed where it is not a single image, such as
            "for volumes"; for messages.

    Raises:
        RecipeError: an unknown step or parameter, or a value out of range.
    """
    if seed < 0:
        raise RecipeError(f"recipe.toml: train.seed is {seed}; wanted 0 or above")
    checked = []
    for i, step in enumerate(steps):
        where = f"recipe.toml: augment.steps[{i}]"
        if step.name not in known:
            unknown = f"unknown {kind}".rstrip()
            raise RecipeError(
                f"{where}.name '{step.name:.40}' is {unknown}; "
                f"{nearest(step.name, known)}"
            )
        params = check_params(step.params, known[step.name].params, where=where)
        checked.append(replace(step, params=params))
    return tuple(checked)


def draw_steps(
    steps: Sequence[Step],
    known: Mapping[str, Known],
    rng: np.random.Generator,
    grid: object,
) -> list[tuple[str, Draw]]:
    """Names and numbers of the changes that happen to one case, in order.

    Args:
        steps: as from `check_steps`.
        known: every change by name.
        rng: of this case alone, so that no other case moves its numbers.
        grid: what `draw` asks for: shape of the image, or frame of the volume.
    """
    drawn = []
    for step in steps:
        params = dict(step.params)
        if rng.random() < params.pop("p"):
            drawn.append((step.name, known[step.name].draw(rng, grid, **params)))
    return drawn
