"""Time → a fixed number of steps, before training starts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from medlens.core import ResourceError
from medlens.plan.facts import Choice, Facts
from medlens.plan.memory import choose_batch
from medlens.recipe.settings import TrainSettings

EPOCHS = (2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 25, 32, 40)
WANTED_STEPS = 2000  # more taught nothing new on the data sets of docs/plan.md
MOST_EPOCHS, FEWEST_EPOCHS = 40, 3
MIXUP, MIXUP_EPOCHS = 0.3, 8  # docs/train.md; in a short schedule it only slows
KEPT_BACK = 0.15  # of the budget: shared machines are noisy, and it must hold
READING_SHARE = 0.5  # of the audit's time that is reading, at most; the rest compares
REPORT_SECONDS = 20.0  # export, engines, calibration, baselines, report
EVALUATION_FORWARDS = 3.0  # of each test case: evaluation, figures, checks
FROZEN_SLACK, HEAD_SECONDS = 1.3, 5.0  # reading the cache; fitting the heads
BUDGET_MARGIN = 1.1  # the next run on a shared machine may be slower than this one
CALIBRATION_CASES = 4096  # training cases whose norms and embeddings are looked at
JUDGED_CASES, NORM_CASES = 2000, 512  # after each epoch


@dataclass(frozen=True)
class Speed:
    """Seconds an image on this machine, measured by `train.measure_speed`."""

    train: float
    forward: float

    def scaled(self, side: int, other: int) -> Speed:
        """The same network at another input: time goes with the pixels."""
        share = (other / side) ** 2
        return Speed(self.train * share, self.forward * share)


@dataclass(frozen=True)
class Schedule:
    """What fits into the budget.

    Attributes:
        settings: length and batch filled in.
        seconds: expected wall-clock of training.
        fits: True when at least the fewest useful epochs fit.
        choice: for the printed plan.
    """

    settings: TrainSettings
    seconds: float
    fits: bool
    choice: Choice


def training_seconds(facts: Facts) -> float:
    """What is left for learning once everything else has had its share."""
    cases = facts.train + facts.validation + facts.test
    reading = READING_SHARE * facts.audit_rate * (cases + facts.test)
    left = facts.seconds * (1 - KEPT_BACK) - facts.seconds_used
    return left - reading - REPORT_SECONDS


def fit_schedule(
    facts: Facts, speed: Speed, base: TrainSettings, *, side: int
) -> Schedule:
    """As many epochs of `side` px as fit and help, from a coarse ladder.

    The ladder makes the result of a noisy clock the same number most times;
    once it is in the recipe, the clock has no say.
    """
    batch = choose_batch(facts, side)
    steps_per_epoch = max(1, facts.train // batch)
    judged = min(facts.validation, JUDGED_CASES) + min(facts.train, NORM_CASES)
    epoch_seconds = steps_per_epoch * batch * speed.train + judged * speed.forward
    once = min(facts.train, CALIBRATION_CASES) + facts.validation
    forwards = EVALUATION_FORWARDS * facts.test + once
    left = training_seconds(facts) - speed.forward * forwards
    affordable = left / max(epoch_seconds, 1e-9)
    wanted = min(MOST_EPOCHS, max(8, -(-WANTED_STEPS // steps_per_epoch)))
    epochs = max([e for e in EPOCHS if e <= min(affordable, wanted)] or [EPOCHS[0]])
    settings = replace(
        base,
        epochs=epochs,
        steps=epochs * steps_per_epoch,
        batch_size=batch,
        mixup=MIXUP if epochs >= MIXUP_EPOCHS else 0.0,
        learning_rate=1e-3 * (batch / 32) ** 0.5,
    )
    bound = "that is enough" if affordable >= wanted else "that is what fits the budget"
    return Schedule(
        settings=settings,
        seconds=epochs * epoch_seconds,
        fits=affordable >= FEWEST_EPOCHS,
        choice=Choice(
            "train.steps",
            f"{settings.steps} steps of {batch} ({epochs} epochs, "
            f"about {_words(epochs * epoch_seconds)})",
            f"{speed.train * 1000:.1f} ms an image; {bound}",
        ),
    )


def frozen_fits(facts: Facts, speed: Speed) -> bool:
    """True when one pass for frozen features fits into the budget."""
    return training_seconds(facts) >= frozen_seconds(facts, speed)


def frozen_seconds(facts: Facts, speed: Speed) -> float:
    """One pass over what is learned from, the heads, and the evaluation."""
    cases = facts.train + facts.validation
    evaluation = EVALUATION_FORWARDS * facts.test * speed.forward
    return cases * speed.forward * FROZEN_SLACK + HEAD_SECONDS + evaluation


def check_budget(facts: Facts, speed: Speed) -> None:
    """Refuse a budget in which not even frozen features fit.

    Raises:
        ResourceError: with the budget that would do.
    """
    if frozen_fits(facts, speed):
        return
    lacking = frozen_seconds(facts, speed) - training_seconds(facts)
    needed = (facts.seconds + lacking / (1 - KEPT_BACK)) * BUDGET_MARGIN
    cases = facts.train + facts.validation
    raise ResourceError(
        f"budget: {_words(facts.seconds)} are too short for {cases} training cases on "
        f"this machine ({_words(facts.seconds_used)} went into reading them); "
        f"wanted about {_words(needed)}: pass --budget {math.ceil(needed / 60)}m"
    )


def _words(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min"
