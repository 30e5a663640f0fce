"""The whole plan on facts and a made-up machine: budget, ladder, messages."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from medlens.core import ResourceError
from medlens.plan import Choice, Facts, Plan, Speed, make_plan
from medlens.plan.memory import choose_batch, needed_mb
from medlens.plan.rules import SIZES
from medlens.plan.schedule import (
    EPOCHS,
    EVALUATION_FORWARDS,
    KEPT_BACK,
    READING_SHARE,
    REPORT_SECONDS,
    frozen_seconds,
)
from medlens.recipe import Recipe, recipe_from_tree, recipe_to_tree
from tests.plan.test_rules import facts


class Machine:
    """Times every recipe as a cost per pixel would have it."""

    def __init__(self, per_megapixel: float = 0.2) -> None:
        self.cost = per_megapixel
        self.asked: list[Recipe] = []

    def __call__(self, recipe: Recipe) -> Speed:
        self.asked.append(recipe)
        forward = self.cost * recipe.net.height * recipe.net.width / 1e6
        return Speed(train=3 * forward, forward=forward)


def plan_of(known: Facts, cost: float = 0.2) -> Plan:
    return make_plan(known, Machine(cost))


def test_enough_cases_and_time_teach_the_whole_network() -> None:
    recipe = plan_of(facts()).recipe
    assert recipe.train.path == "fine_tune"
    assert recipe.split.folds == 0
    assert (recipe.net.height, recipe.net.width) == (224, 224)
    assert recipe.train.steps == recipe.train.epochs * (1000 // 16)
    assert recipe.train.batch_size == 16


def test_small_data_means_frozen_features_and_folds() -> None:
    plan = plan_of(facts(train=150, validation=40, test=50))
    assert plan.recipe.train.path == "frozen"
    assert plan.recipe.train.steps == 0
    assert plan.recipe.split.folds == 5
    assert "too few cases" in plan.reasons()["train.path"]


def test_little_time_means_a_smaller_input_first() -> None:
    fast, slow = plan_of(facts()), plan_of(facts(), cost=2.5)
    assert slow.recipe.net.height < fast.recipe.net.height
    assert slow.recipe.train.path == "fine_tune"
    assert slow.recipe.train.epochs >= 5
    assert "224 px would suit the images" in slow.reasons()["net.height"]


def test_less_time_still_means_frozen_features_that_say_so() -> None:
    plan = plan_of(facts(), cost=40.0)
    assert plan.recipe.train.path == "frozen"
    assert plan.recipe.split.folds == 5
    assert "the budget does not allow enough epochs" in plan.reasons()["train.path"]
    assert "one validation split" not in plan.reasons()["split.folds"]


def test_speed_is_measured_once_and_with_the_batch_that_is_planned() -> None:
    machine = Machine(2.5)
    recipe = make_plan(facts(), machine).recipe
    (asked,) = machine.asked
    assert asked.train.batch_size == recipe.train.batch_size
    assert asked.net.height == 224


@pytest.mark.parametrize(
    ("train", "batch"), [(199, 8), (200, 16), (1499, 16), (1500, 32)]
)
def test_small_data_gets_small_batches(train: int, batch: int) -> None:
    assert choose_batch(facts(train=train), 224) == batch


many = st.builds(
    lambda train, validation, test, seconds, used, rate, size: facts(
        train=train,
        validation=validation,
        test=test,
        seconds=seconds,
        seconds_used=used * seconds,
        audit_rate=rate,
        height=size,
        width=size,
    ),
    st.integers(250, 30_000),
    st.integers(10, 5000),
    st.integers(0, 5000),
    st.floats(30, 20_000),
    st.floats(0, 0.5),
    st.floats(0, 0.05),
    st.sampled_from([28, 64, 100, 130, 512]),
)
costs = st.floats(0.01, 20)


def planned(known: Facts, cost: float) -> Plan | None:
    try:
        return plan_of(known, cost)
    except ResourceError:
        return None


@given(many, costs)
@settings(max_examples=200, deadline=None)
def test_no_plan_expects_more_than_the_budget(known: Facts, cost: float) -> None:
    plan = planned(known, cost)
    assume(plan is not None)
    assert plan is not None
    recipe = plan.recipe
    speed = Machine(cost)(recipe)
    learned = known.train + known.validation
    reading = READING_SHARE * known.audit_rate * (learned + 2 * known.test)
    if recipe.train.path == "frozen":
        work = frozen_seconds(known, speed)
    else:
        judged = min(known.validation, 2000) + min(known.train, 512)
        work = (
            recipe.train.steps * recipe.train.batch_size * speed.train
            + recipe.train.epochs * judged * speed.forward
            + EVALUATION_FORWARDS * known.test * speed.forward
        )
    expected = known.seconds_used + reading + work + REPORT_SECONDS
    assert expected <= known.seconds * (1 - KEPT_BACK) * (1 + 1e-9)


@given(many, costs, st.floats(1, 10))
@settings(max_examples=200, deadline=None)
def test_more_time_never_means_less(known: Facts, cost: float, factor: float) -> None:
    less, more = (
        planned(known, cost),
        planned(replace(known, seconds=known.seconds * factor), cost),
    )
    assume(less is not None)
    assert less is not None
    assert more is not None
    if less.recipe.train.path == more.recipe.train.path:
        assert more.recipe.net.height >= less.recipe.net.height
    else:
        assert (less.recipe.train.path, more.recipe.train.path) == (
            "frozen",
            "fine_tune",
        )
    if less.recipe.net.height == more.recipe.net.height:
        assert more.recipe.train.epochs >= less.recipe.train.epochs


@given(many, costs)
@settings(max_examples=50, deadline=None)
def test_epochs_come_from_a_coarse_ladder(known: Facts, cost: float) -> None:
    plan = planned(known, cost)
    assume(plan is not None)
    assert plan is not None
    if plan.recipe.train.path == "fine_tune":
        assert plan.recipe.train.epochs in EPOCHS
        assert plan.recipe.train.epochs >= 3
        assert (plan.recipe.train.mixup > 0) == (plan.recipe.train.epochs >= 8)
    assert plan.recipe.net.height in SIZES


def test_a_noisy_clock_mostly_gives_the_same_plan() -> None:
    steps = [
        plan_of(facts(), cost=1.0 * (1 + noise / 100)).recipe.train.steps
        for noise in range(-4, 5)
    ]
    assert len(set(steps)) <= 2


def asked_budget(error: ResourceError) -> float:
    found = re.search(r"pass --budget (\d+)m", str(error))
    assert found is not None
    return 60.0 * float(found[1])


@given(many, costs)
@settings(max_examples=200, deadline=None)
def test_a_budget_too_short_names_one_that_works(known: Facts, cost: float) -> None:
    known = replace(known, seconds=known.seconds / 20, seconds_used=known.seconds_used)
    try:
        plan_of(known, cost)
    except ResourceError as error:
        enough = asked_budget(error)
        assert enough > known.seconds
        assert plan_of(replace(known, seconds=enough), cost).recipe


def test_a_budget_too_short_says_where_the_time_went() -> None:
    known = facts(seconds=60.0, seconds_used=50.0)
    wanted = (
        r"^budget: 60 s are too short for 1200 training cases on this machine "
        r"\(50 s went into reading them\); wanted about .*: pass --budget \dm$"
    )
    with pytest.raises(ResourceError, match=wanted):
        plan_of(known)


def test_too_little_memory_is_said_before_anything_is_measured() -> None:
    machine = Machine()
    wanted = r"memory: 500 MB may be used; training needs about \d+ MB even at 64 px"
    with pytest.raises(ResourceError, match=wanted):
        make_plan(facts(memory_mb=500), machine)
    assert machine.asked == []


@given(st.integers(200, 6000), many)
@settings(max_examples=100, deadline=None)
def test_no_plan_needs_more_memory_than_there_is(memory_mb: int, known: Facts) -> None:
    machine = Machine(0.05)
    try:
        recipe = make_plan(replace(known, memory_mb=memory_mb), machine).recipe
    except ResourceError:
        return
    for planned_recipe in (recipe, machine.asked[0]):  # the probe must fit as well
        batch, side = planned_recipe.train.batch_size, planned_recipe.net.height
        assert needed_mb(batch, side) <= memory_mb


def test_the_figure_that_memory_is_short_of_is_enough() -> None:
    with pytest.raises(ResourceError, match="training needs about") as caught:
        make_plan(facts(memory_mb=100), Machine())
    found = re.search(r"about (\d+) MB", str(caught.value))
    assert found is not None
    assert plan_of(facts(memory_mb=int(found[1]) + 1)).recipe.net.height == 64


def test_little_memory_means_small_steps_then_small_images() -> None:
    many_cases = facts(train=5000)
    found = [
        plan_of(replace(many_cases, memory_mb=mb), 0.01).recipe
        for mb in (4096, 2500, 1700, 1300)
    ]
    assert [(r.train.batch_size, r.net.height) for r in found] == [
        (32, 224),
        (16, 224),
        (8, 224),
        (8, 160),
    ]
    reason = plan_of(facts(memory_mb=1300)).reasons()["net.height"]
    assert "224 px would suit the images but needs" in reason
    assert "1300 MB may be used" in reason


@pytest.mark.parametrize(
    ("batch", "side", "measured_mb"),
    [
        (8, 64, 483),
        (32, 64, 654),
        (32, 128, 1398),
        (8, 224, 1182),
        (16, 224, 1885),
        (32, 224, 3142),
    ],
)
def test_the_line_of_memory_lies_above_the_measurements(
    batch: int, side: int, measured_mb: int
) -> None:
    """Peaks of `measure_speed` alone; the rest of a run has 350 MB to itself."""
    assert measured_mb + 300 <= needed_mb(batch, side) <= measured_mb + 600


EVERY_WAY: list[dict[str, Any]] = [
    {},
    {"train": 100, "validation": 20},
    {"modality": "CT", "is_rescaled": True, "bits": 16},
    {"modality": "MR", "border": 0.4, "height": 600, "width": 200, "aspect": 0.33},
    {"is_colour": True, "kind": "multiclass", "labels": ("a", "b"), "positive": ""},
    {"kind": "multilabel", "labels": ("a",), "label_counts": (3,), "positive": ""},
    {"height": 28, "width": 28},
]


@pytest.mark.parametrize("changes", EVERY_WAY)
@pytest.mark.parametrize("cost", [0.2, 2.5, 40.0])
def test_choices_name_keys_of_the_recipe(changes: dict[str, Any], cost: float) -> None:
    plan = plan_of(facts(**changes), cost)
    for choice in plan.choices:
        section, name = choice.key.split(".")
        assert name in {f.name for f in fields(getattr(plan.recipe, section))}
        assert choice.choice
        assert choice.reason


@pytest.mark.parametrize("changes", EVERY_WAY)
def test_plans_are_recipes_that_can_be_read_back(changes: dict[str, Any]) -> None:
    recipe = plan_of(facts(**changes)).recipe
    assert recipe_from_tree(recipe_to_tree(recipe)) == recipe


def test_reasons_of_one_key_are_joined() -> None:
    plan = Plan(Recipe(), (Choice("a.b", "x", "y"), Choice("a.b", "z", "w")))
    assert plan.reasons() == {"a.b": "x: y; z: w"}


def test_seed_threads_and_budget_reach_the_recipe() -> None:
    recipe = plan_of(facts(seed=7, cores=3, seconds=900.0, memory_mb=2000)).recipe
    assert (recipe.train.seed, recipe.split.seed) == (7, 7)
    assert recipe.train.threads == 3
    assert (recipe.budget.seconds, recipe.budget.memory_mb) == (900.0, 2000)
