"""Facts → recipe, by the rules, within the budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from medlens.core import ResourceError
from medlens.plan.facts import Choice, Facts
from medlens.plan.rules import (
    FOLDS,
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
from medlens.plan.schedule import Schedule, Speed, check_budget, fit_schedule
from medlens.recipe.settings import (
    BudgetSettings,
    Recipe,
    TaskSettings,
    TrainSettings,
)

Measure = Callable[[Recipe], Speed]
# Torch, its gradients and a batch of 224 px images; measured on Lite0.
TRAINING_MB = 1400
ENOUGH_EPOCHS = 5


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


def make_plan(facts: Facts, measure: Measure) -> Plan:
    """Choose everything that a run needs.

    Args:
        facts: data set and machine in numbers.
        measure: times a recipe on this machine.

    Raises:
        ResourceError: the memory or the time budget is too small for anything.
    """
    if facts.memory_mb < TRAINING_MB:
        raise ResourceError(
            f"memory: {facts.memory_mb} MB may be used; training needs about "
            f"{TRAINING_MB} MB: free some memory or raise the limit"
        )
    size, size_choice = choose_size(facts)
    split, split_choice = choose_split(facts)
    balance, balance_choice = choose_balance(facts)
    calibrate, calibrate_choice = choose_calibration(facts)
    augment, augment_choice = choose_augment(facts)
    is_small = facts.train + facts.validation < SMALL_DATA
    base = TrainSettings(
        balance=balance, seed=facts.seed, threads=max(1, facts.cores), patience=4
    )

    def recipe_for(side: int, train: TrainSettings) -> Recipe:
        net, _ = choose_net(facts, side)
        prep, _ = choose_prep(facts, side)
        return Recipe(
            task=TaskSettings(facts.kind, facts.labels, facts.positive),
            split=split,
            prep=prep,
            augment=augment,
            net=net,
            train=train,
            calibrate=calibrate,
            budget=BudgetSettings(facts.seconds, facts.memory_mb),
        )

    if is_small:
        speed = measure(recipe_for(size, replace(base, batch_size=8)))
        check_budget(facts, speed)
        schedule = _frozen(base, "too few cases to teach a whole network")
    else:
        size, schedule, speed = _largest_that_fits(facts, size, base, recipe_for, measure)
        if not schedule.fits:
            check_budget(facts, speed)
            schedule = _frozen(base, "the budget does not allow enough epochs")
            split = replace(split, folds=FOLDS)
    recipe = recipe_for(size, schedule.settings)
    _, net_choice = choose_net(facts, size)
    _, prep_choices = choose_prep(facts, size)
    first, first_choice = choose_size(facts)
    if first != size:
        first_choice = Choice(
            "net.height",
            f"{size} px",
            f"{first} px would suit the images but leaves under {ENOUGH_EPOCHS} epochs",
        )
    path = (
        Choice("train.path", "fine-tune all weights", "enough cases and time")
        if schedule.settings.path == "fine_tune"
        else Choice("train.path", "frozen features", schedule.choice.reason)
    )
    return Plan(
        replace(recipe, split=split),
        (
            first_choice if first != size else size_choice,
            net_choice,
            *prep_choices,
            augment_choice,
            split_choice,
            path,
            schedule.choice,
            balance_choice,
            calibrate_choice,
        ),
    )


def _largest_that_fits(
    facts: Facts,
    size: int,
    base: TrainSettings,
    recipe_for: Callable[[int, TrainSettings], Recipe],
    measure: Measure,
) -> tuple[int, Schedule, Speed]:
    """Largest input with enough epochs; time is measured once and scaled.

    Convolutions cost in proportion to the number of pixels.
    """
    probe = recipe_for(size, base)
    measured = measure(probe)
    found: tuple[int, Schedule, Speed] | None = None
    for side in sorted((s for s in SIZES if s <= size), reverse=True):
        share = (side / size) ** 2
        speed = Speed(measured.train * share, measured.forward * share)
        found = side, fit_schedule(facts, speed, base), speed
        if found[1].settings.epochs >= ENOUGH_EPOCHS and found[1].fits:
            return found
    assert found is not None  # `size` is one of SIZES
    return found


def _frozen(base: TrainSettings, reason: str) -> Schedule:
    settings = replace(base, path="frozen", epochs=1, steps=0, patience=0)
    choice = Choice("train.steps", "one pass for the features", reason)
    return Schedule(settings, 0.0, True, choice)
