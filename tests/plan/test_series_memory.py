"""What a step over series may hold, and what is said where it may not."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from medlens.core import ResourceError
from medlens.plan import Facts, check_step
from medlens.plan.series_memory import FEWEST_SLICES, fit_step, step_mb
from medlens.recipe import NetSettings, Recipe, TaskSettings, TrainSettings
from tests.plan.test_volumes import plan_of, study

SLICES = study(slices_labelled=True, depth=40, height=256, width=256)
WHOLE = study(depth=40, height=256, width=256, spacing=(5.0, 1, 1))


# python -m benchmarks.series_memory: network, side, slices and series a step, MB
@pytest.mark.parametrize(
    ("name", "side", "slices", "series", "measured"),
    [
        ("efficientnet_lite0", 64, 10, 4, 954),
        ("efficientnet_lite0", 128, 5, 2, 1155),
        ("efficientnet_lite0", 128, 10, 4, 2215),
        ("local2d", 64, 48, 4, 1367),
        ("local2d", 96, 48, 4, 2725),
        ("local2d", 128, 12, 2, 1251),
        ("local2d", 128, 48, 2, 2370),
        ("local2d", 128, 48, 4, 4096),
    ],
)
def test_the_line_lies_closely_above_what_was_measured(
    name: str, side: int, slices: int, series: int, measured: float
) -> None:
    net = NetSettings(name=name, depth=slices, height=side, width=side)
    assert measured <= step_mb(net, series) <= 1.4 * measured


@pytest.mark.parametrize(
    ("memory", "wanted"),
    [  # series, slices and side of a step
        (8000, (4, 10, 128)),
        (2000, (2, 10, 128)),
        (1550, (2, 8, 128)),
        (1300, (2, 8, 96)),
        (1100, (2, 8, 64)),
    ],
)
def test_series_give_way_before_slices_and_pixels(
    memory: int, wanted: tuple[int, int, int]
) -> None:
    plan = plan_of(replace(SLICES, memory_mb=memory))
    net, batch = plan.recipe.net, plan.recipe.train.batch_size
    assert (batch, net.depth, net.height) == wanted
    assert step_mb(net, batch) <= memory
    resize = {s.name: s.params for s in plan.recipe.prep.steps}["resize"]
    assert resize["height"] == net.height == net.width
    told = [c for c in plan.choices if c.key == "train.batch_size"]
    assert len(told) == (wanted != (4, 10, 128))
    assert all(f"{memory} MB may be used" in c.reason for c in told)


def test_two_gigabytes_are_enough_where_only_series_are_labelled() -> None:
    plan = plan_of(replace(WHOLE, memory_mb=2048))
    net, batch = plan.recipe.net, plan.recipe.train.batch_size
    assert (net.name, batch, net.depth, net.height) == ("local2d", 2, 20, 128)


@pytest.mark.parametrize("known", [SLICES, WHOLE])
def test_too_little_is_refused_with_what_is_enough(known: Facts) -> None:
    small = replace(known, memory_mb=500)
    with pytest.raises(ResourceError, match=r"500 MB may be used; training needs") as e:
        plan_of(small)
    found = re.search(r"about (\d+) MB even with 2 series of 8 slices", str(e.value))
    assert found
    assert plan_of(replace(small, memory_mb=int(found[1]) + 1)).recipe


def test_short_series_stay_whole() -> None:
    net = NetSettings(depth=3, height=64, width=64)
    fitted, batch, choice = fit_step(replace(SLICES, memory_mb=1000), net, 4)
    assert (fitted, batch) == (net, 2)
    assert choice is not None
    assert net.depth < FEWEST_SLICES


def test_a_recipe_of_a_person_is_held_against_the_memory() -> None:
    recipe = Recipe(
        task=TaskSettings(form="sequence"),
        net=NetSettings(depth=48, height=224, width=224),
        train=TrainSettings(batch_size=8),
    )
    needed = 900 + 8 * 48 * 224**2 * 2.3e-3
    wanted = (
        f"recipe: 8 series of 48 slices of 224×224 px a step need about {needed:.0f} "
        "MB; 4096 MB may be used: lower train.batch_size, net.depth, or net.height"
    )
    with pytest.raises(ResourceError, match=wanted):
        check_step(recipe, 4096)
    check_step(recipe, int(needed) + 1)
    check_step(replace(recipe, task=TaskSettings(form="image")), 4096)
    # without gradients a few slices at a time go through the network
    check_step(replace(recipe, train=replace(recipe.train, path="frozen")), 4096)
