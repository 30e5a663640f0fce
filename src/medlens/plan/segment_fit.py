"""Memory and time → patch, batch and steps of a network for masks."""

from __future__ import annotations

import math
from dataclasses import replace

from medlens.core import ResourceError
from medlens.plan.facts import Choice, Facts
from medlens.plan.length import choose_steps
from medlens.plan.patch import (
    FLAT_SIDE,
    GRAIN_2D,
    LEAST_2D,
    LEAST_3D,
    Sides,
    halvable,
    patch_words,
    plane_of,
    shorter,
)
from medlens.plan.schedule import Speed, training_seconds
from medlens.recipe.settings import NetSettings, Recipe, Step, TrainSettings

BATCH_3D, BATCH_2D = 2, 8
VOXEL_MB = 2.2e-3  # resident memory a voxel of a 3D patch takes in training
PIXEL_MB = 1.6e-3  # the same of a 2D patch on Lite0
BASE_MB = 900.0
LEAST = 160  # pixels that images are made smaller to where time is short
ENOUGH_STEPS = 1500  # of 2D patches; fewer are not given for full size
WANTED_STEPS = 2000  # more taught nothing new: docs/plan.md
EVALUATION_PASSES = 8.0  # forward passes of overlapping patches over each test case


def fit_memory(facts: Facts, net: NetSettings) -> tuple[NetSettings, int]:
    """A patch and a batch that memory allows.

    Raises:
        ResourceError: not even the smallest; with the figure that it needs.
    """
    flat = net.depth == 1
    batch, least = (BATCH_2D, LEAST_2D) if flat else (BATCH_3D, LEAST_3D)
    sides: Sides = (net.depth, net.height, net.width)
    while needed_mb(net, batch) > facts.memory_mb:
        if batch > 2:
            batch //= 2
            continue
        less = shorter(sides, least)
        if less == sides:
            raise ResourceError(
                f"memory: {facts.memory_mb} MB may be used; training needs about "
                f"{math.ceil(needed_mb(net, batch))} MB even with patches of "
                f"{patch_words(net)}: free some memory or raise the limit"
            )
        sides = less
        d, h, w = sides if flat else halvable(sides, net.spacing)
        net = replace(net, depth=d, height=h, width=w)
    return net, batch


def needed_mb(net: NetSettings, batch: int) -> float:
    """Peak memory in MB of learning with `batch` patches a step."""
    each = PIXEL_MB if net.depth == 1 else VOXEL_MB
    return BASE_MB + batch * net.depth * net.height * net.width * each


def fit_time(
    facts: Facts, recipe: Recipe, speed: Speed
) -> tuple[Recipe, Speed, tuple[Choice, ...]]:
    """Small single images made smaller, where too few steps would fit at full size.

    On 250 slices 800 steps taught far more than 300, at one size; 224 px for 160
    changed little: docs/plan.md.
    """
    net = recipe.net
    if facts.depth > 1 or max(plane_of(facts)) > FLAT_SIDE:
        return recipe, speed, ()
    seconds, left = _times(facts, recipe, speed)
    full = max(0.0, left / max(seconds, 1e-9))
    sides = net.height, net.width
    while left / max(seconds, 1e-9) < ENOUGH_STEPS and min(sides) - GRAIN_2D >= LEAST:
        sides = sides[0] - GRAIN_2D, sides[1] - GRAIN_2D
        share = sides[0] * sides[1] / (net.height * net.width)
        smaller = Speed(speed.train * share, speed.forward * share)
        seconds, left = _times(facts, recipe, smaller)
    if sides == (net.height, net.width):
        return recipe, speed, ()
    height, width = sides
    resize = Step("resize", {"height": height, "width": width, "mode": "stretch"})
    prep = replace(recipe.prep, steps=(*recipe.prep.steps, resize))
    said = Choice(
        "net.height",
        f"{height}×{width} pixels",
        f"at {patch_words(net)} only about {full:.0f} steps would fit, and few steps "
        "cost more than fine detail",
    )
    net = replace(net, height=height, width=width)
    return replace(recipe, prep=prep, net=net), smaller, (said,)


def _times(facts: Facts, recipe: Recipe, speed: Speed) -> tuple[float, float]:
    """Seconds a step, judging included; and seconds left for all steps."""
    net = recipe.net
    volume = max(1, facts.depth) * math.prod(_shown(facts, recipe))
    patches = max(1.0, volume / (net.depth * net.height * net.width))
    looks = 2 ** len(recipe.sliding.mirror)
    evaluation = EVALUATION_PASSES * looks * patches * speed.forward
    judged = min(facts.validation, 48) * min(patches, 8) * speed.forward / 50
    return (
        recipe.train.batch_size * speed.train + judged,
        training_seconds(facts) - evaluation * (facts.test + facts.validation),
    )


def _shown(facts: Facts, recipe: Recipe) -> tuple[int, int]:
    """Sides of a slice as the network sees it."""
    for step in recipe.prep.steps:
        if step.name == "resize":
            return int(step.params["height"]), int(step.params["width"])
    return plane_of(facts)


def choose_length(
    facts: Facts, recipe: Recipe, speed: Speed
) -> tuple[TrainSettings, Choice]:
    """Steps that fit once validation and evaluation have had their share."""
    step_seconds, left = _times(facts, recipe, speed)
    return choose_steps(
        facts,
        recipe.train,
        step_seconds=step_seconds,
        left=left,
        wanted=WANTED_STEPS,
        what="patches",
    )
