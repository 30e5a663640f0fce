"""Facts → recipe, by the rules, within the budget."""

from __future__ import annotations

from dataclasses import replace

from medlens.plan.facts import Choice, Facts
from medlens.plan.memory import choose_batch, limit_size
from medlens.plan.result import Measure, Plan
from medlens.plan.rules import (
    SIZES,
    SMALL_DATA,
    choose_augment,
    choose_balance,
    choose_calibration,
    choose_net,
    choose_prep,
    choose_size,
    choose_split,
)
from medlens.plan.schedule import (
    Schedule,
    Speed,
    check_budget,
    fit_schedule,
    frozen_fits,
)
from medlens.plan.segment import plan_segment
from medlens.plan.series import plan_series
from medlens.recipe.settings import (
    BudgetSettings,
    Recipe,
    TaskSettings,
    TrainSettings,
)

ENOUGH_EPOCHS = 8  # with mixup fewer are not enough
GROUP_POWER = 0.5  # docs/train.md: what it was worth
PATIENCE = 6  # noise on few validation patients must not end a good schedule


def make_plan(facts: Facts, measure: Measure) -> Plan:
    """Choose everything that a run needs, by the form of its data.

    Args:
        facts: data set and machine in numbers.
        measure: times a recipe on this machine.

    Raises:
        ResourceError: the memory or the time budget is too small for anything.
    """
    if facts.form == "segment":
        return plan_segment(facts, measure)
    if facts.form in ("sequence", "volume"):
        return plan_series(facts, measure)
    return plan_images(facts, measure)


def plan_images(facts: Facts, measure: Measure) -> Plan:
    """Choose everything that a run on single images needs.

    Args:
        facts: data set and machine in numbers.
        measure: times a recipe on this machine.

    Raises:
        ResourceError: the memory or the time budget is too small for anything.
    """
    suited, size_choice = choose_size(facts)
    sides = [side for side in reversed(SIZES) if side <= suited]
    sides, size_choice = limit_size(facts, sides, size_choice)
    balance, balance_choice = choose_balance(facts)
    calibrate, calibrate_choice = choose_calibration()
    augment, augment_choice = choose_augment(facts)

    def recipe_for(side: int, train: TrainSettings) -> Recipe:
        return Recipe(
            task=TaskSettings(facts.kind, facts.labels, facts.positive),
            split=choose_split(facts, is_frozen=train.path == "frozen")[0],
            prep=choose_prep(facts, side)[0],
            augment=augment,
            net=choose_net(facts, side)[0],
            train=train,
            calibrate=calibrate,
            budget=BudgetSettings(facts.seconds, facts.memory_mb),
        )

    base = TrainSettings(
        batch_size=choose_batch(facts, sides[0]),
        balance=balance,
        group_power=GROUP_POWER,
        patience=PATIENCE,
        seed=facts.seed,
        threads=max(1, facts.cores),
    )
    measured = measure(recipe_for(sides[0], base))
    size, schedule = _choose_length(facts, sides, base, measured)
    if size != sides[0]:
        size_choice = Choice(
            "net.height",
            f"{size} px",
            f"{sides[0]} px would suit the images but takes more time than there is",
        )
    is_frozen = schedule.settings.path == "frozen"
    choices = (
        size_choice,
        choose_net(facts, size)[1],
        *choose_prep(facts, size)[1],
        augment_choice,
        choose_split(facts, is_frozen=is_frozen)[1],
        _path_choice(schedule),
        schedule.choice,
        balance_choice,
        calibrate_choice,
    )
    return Plan(recipe_for(size, schedule.settings), choices)


def _choose_length(
    facts: Facts, sides: list[int], base: TrainSettings, measured: Speed
) -> tuple[int, Schedule]:
    """Largest input with enough epochs; without such, frozen features.

    Time is measured once, at the first of `sides`, and scaled: convolutions cost
    in proportion to the number of pixels.
    """
    if facts.train + facts.validation < SMALL_DATA:
        reason = "too few cases to teach a whole network"
        return _largest_frozen(facts, sides, measured), _frozen(base, reason)
    tried: list[tuple[int, Schedule]] = []
    for side in sides:
        speed = measured.scaled(sides[0], side)
        schedule = fit_schedule(facts, speed, base, side=side)
        if schedule.fits and schedule.settings.epochs >= ENOUGH_EPOCHS:
            return side, schedule
        tried.append((side, schedule))
    side, schedule = tried[-1]
    if schedule.fits:
        return side, schedule
    reason = "the budget does not allow enough epochs"
    return _largest_frozen(facts, sides, measured), _frozen(base, reason)


def _largest_frozen(facts: Facts, sides: list[int], measured: Speed) -> int:
    """Largest input whose features can be computed in time.

    Raises:
        ResourceError: not even the smallest can.
    """
    for side in sides:
        if frozen_fits(facts, measured.scaled(sides[0], side)):
            return side
    check_budget(facts, measured.scaled(sides[0], sides[-1]))
    return sides[-1]


def _frozen(base: TrainSettings, reason: str) -> Schedule:
    settings = replace(base, path="frozen", epochs=1, steps=0, patience=0)
    choice = Choice("train.steps", "one pass for the features", reason)
    return Schedule(settings, 0.0, True, choice)


def _path_choice(schedule: Schedule) -> Choice:
    if schedule.settings.path == "fine_tune":
        return Choice("train.path", "fine-tune all weights", "enough cases and time")
    return Choice("train.path", "frozen features", schedule.choice.reason)
