"""Time → steps, where a step's cost does not follow from the side of an image."""

from __future__ import annotations

import math
from dataclasses import replace

from medlens.core import ResourceError
from medlens.plan.facts import Choice, Facts
from medlens.recipe.settings import TrainSettings

STEPS = (60, 80, 100, 150, 200, 300, 400, 600, 800, 1000, 1250, 1500, 2000, 2500, 3000)
FEWEST_STEPS = 60
MOST_EPOCHS = 10_000  # that a recipe takes; of a handful of cases
MARGIN = 1.3  # the next run on a shared machine may be slower than this one


def choose_steps(
    facts: Facts,
    train: TrainSettings,
    *,
    step_seconds: float,
    left: float,
    wanted: int,
    what: str,
    networks: int = 1,
) -> tuple[TrainSettings, Choice]:
    """As many steps as fit and help, from a coarse ladder.

    Args:
        facts: for the budget and the cases of an epoch.
        train: batch size filled in.
        step_seconds: wall-clock of a step, judging included.
        left: seconds that learning may take, of all networks together.
        wanted: steps that are enough.
        what: a batch holds ("patches").
        networks: that are taught one after the other, each with all the steps.

    Returns:
        The settings with epochs and steps, and the choice in words.

    Raises:
        ResourceError: the budget is too short for the fewest; with what would do.
    """
    affordable = left / max(networks * step_seconds, 1e-9)
    several = f" of {networks} networks" if networks > 1 else ""
    steps = max([n for n in STEPS if n <= min(affordable, wanted)] or [0])
    if steps < FEWEST_STEPS:
        lacking = FEWEST_STEPS * networks * step_seconds - left
        minutes = math.ceil((facts.seconds + lacking * MARGIN) / 60)
        raise ResourceError(
            f"budget: {facts.seconds:.0f} s are too short to learn on this machine "
            f"({step_seconds:.2f} s a step, at least {FEWEST_STEPS} steps"
            f"{several}); wanted about {minutes} min: pass --budget {minutes}m"
        )
    passes = round(steps * train.batch_size / max(1, facts.train))
    epochs = min(max(1, passes), MOST_EPOCHS)
    bound = "that is enough" if affordable >= wanted else "that is what fits the budget"
    return replace(train, epochs=epochs, steps=steps), Choice(
        "train.steps",
        f"{steps} steps of {train.batch_size} {what}{several and ', each' + several} "
        f"(about {networks * steps * step_seconds / 60:.0f} min)",
        f"{step_seconds:.2f} s a step; {bound}",
    )
