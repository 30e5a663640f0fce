"""Facts → recipe for a network that labels voxels.

The rules follow nnU-Net (Isensee et al. 2021) where they do not ask for a GPU; sizes
and times were measured on two CPU cores and stand in docs/plan.md.
"""

from __future__ import annotations

import math
from dataclasses import replace

from medlens.core import ResourceError
from medlens.nets import plan_topology
from medlens.plan.facts import Choice, Facts
from medlens.plan.grid import anisotropy, describe_ratio, spacing_of
from medlens.plan.length import choose_steps
from medlens.plan.result import Measure, Plan
from medlens.plan.rules import choose_precision, choose_split, names_a_side
from medlens.plan.schedule import Speed, training_seconds
from medlens.prep import VOLUME_AUGMENT_PRESETS
from medlens.recipe.settings import (
    AugmentSettings,
    BudgetSettings,
    CalibrateSettings,
    ExportSettings,
    NetSettings,
    PrepSettings,
    Recipe,
    SlidingSettings,
    Step,
    TaskSettings,
    TrainSettings,
)

THICK, VERY_THICK = 3.0, 8.0  # slice distance over pixel size: 2.5D, 2D from there
FEWEST_SLICES = 8  # fewer have no third dimension to convolve along
MOST_VOXELS = 600_000  # of a 3D patch: a step of two takes about a second
FLAT_SIDE = 256  # largest side of a 2D patch
LEAST = 160  # pixels that images are made smaller to where time is short
ENOUGH_STEPS = 1500  # of 2D patches; fewer are not given for full size
GRAIN_3D, GRAIN_2D = 8, 32  # patch sides are multiples of it
LEAST_3D, LEAST_2D = (8, 16, 16), (1, 32, 32)
BATCH_3D, BATCH_2D = 2, 8
VOXEL_MB = 2.2e-3  # resident memory a voxel of a 3D patch takes in training
PIXEL_MB = 1.6e-3  # the same of a 2D patch on Lite0
BASE_MB = 900.0
GRAFTED = 0.5  # share of 2D patches with what is labelled in another case
CHANNELS_APART = (Step("channel_tone", {}), Step("channel_gap", {}))
WANTED_STEPS = 2000  # more taught nothing new: docs/plan.md
EVALUATION_PASSES = 8.0  # forward passes of overlapping patches over each test case
Sides = tuple[int, int, int]
CT_WINDOWS = ("lung", "soft_tissue", "bone")


def plan_segment(facts: Facts, measure: Measure) -> Plan:
    """Choose everything that a run on masks needs.

    Args:
        facts: data set and machine in numbers.
        measure: times a recipe on this machine, in seconds a patch.

    Raises:
        ResourceError: the memory or the time budget is too small for anything.
    """
    net, reason = choose_segmenter(facts)
    prep, channels, prep_choice = _prep(facts)
    net = replace(net, channels=channels)
    suited = net
    net, batch = _fit_memory(facts, suited)
    augment, augment_choice = _augment(facts, net)
    train = TrainSettings(
        path="scratch" if not net.pretrained else "fine_tune",
        batch_size=batch,
        learning_rate=2e-3 if not net.pretrained else 1e-3,
        warmup=0.1,
        balance=0.0,
        group_power=0.5,
        graft=GRAFTED if net.depth == 1 else 0.0,
        precision="bf16" if facts.has_bf16 else "fp32",
        seed=facts.seed,
        threads=max(1, facts.cores),
    )
    recipe = Recipe(
        task=TaskSettings(
            facts.kind, facts.labels, "", "segment", mask_values=facts.mask_values
        ),
        split=choose_split(facts, is_frozen=False)[0],
        prep=prep,
        augment=augment,
        net=net,
        train=train,
        calibrate=CalibrateSettings(method="none"),
        sliding=SlidingSettings(mirror=()),
        export=ExportSettings(engines=("openvino",) if net.depth > 1 else ()),
        budget=BudgetSettings(facts.seconds, facts.memory_mb),
    )
    speed = measure(recipe)
    recipe, speed, smaller = _fit_time(facts, recipe, speed)
    train, length = _length(facts, recipe, speed)
    choices = (
        _net_choice(facts, net, suited, reason),
        prep_choice,
        *smaller,
        augment_choice,
        length,
        choose_precision(facts),
        Choice(
            "sliding.overlap",
            "half a patch, Gaussian weights",
            "voxels at the border of a patch are answered worst",
        ),
    )
    return Plan(replace(recipe, train=train), choices)


def choose_segmenter(facts: Facts) -> tuple[NetSettings, str]:
    """Network, patch and spacing by slices and anisotropy, and why in words."""
    spacing, ratio = spacing_of(facts), anisotropy(facts)
    flat = facts.depth < FEWEST_SLICES or ratio >= THICK
    if not flat:
        patch = _patch(facts)
        net = NetSettings(
            name="unet_half", pretrained="", dropout=0.0, depth=patch[0],
            height=patch[1], width=patch[2], spacing=spacing,
        )  # fmt: skip
        return net, (
            f"{facts.depth} slices lie {describe_ratio(ratio)} pixels, so neighbours "
            "in all three directions tell something"
        )
    context = 1 if facts.depth >= FEWEST_SLICES and ratio < VERY_THICK else 0
    height, width = (_rounded(side, GRAIN_2D, FLAT_SIDE) for side in _plane(facts))
    net = NetSettings(
        name="unet_lite0", pretrained="imagenet", dropout=0.0, height=height,
        width=width, spacing=spacing, context=context,
    )  # fmt: skip
    if facts.depth == 1:
        return net, "these are single images"
    if facts.depth < FEWEST_SLICES:
        return net, f"{facts.depth} slices are too few for a third dimension"
    return net, f"slices lie {describe_ratio(ratio)} pixels"


def _net_choice(
    facts: Facts, net: NetSettings, suited: NetSettings, reason: str
) -> Choice:
    if net.depth > 1:
        said = f"3D U-Net, patches of {_patch_words(net)}"
    else:
        kind = "2.5D: each slice with its two neighbours as channels"
        said = (
            "U-Net on EfficientNet-Lite0 with ImageNet weights, "
            f"{kind if net.context else '2D'}, patches of {_patch_words(net)}"
        )
    if net != suited:
        reason += (
            f"; {_patch_words(suited)} would suit them but need more than the "
            f"{facts.memory_mb} MB that may be used"
        )
    return Choice("net.name", said, reason)


def _patch_words(net: NetSettings) -> str:
    if net.depth == 1:
        return f"{net.height}×{net.width} pixels"
    return f"{net.depth}×{net.height}×{net.width} voxels"


def _plane(facts: Facts) -> tuple[int, int]:
    return facts.height, facts.width


def _rounded(side: int, grain: int, most: int) -> int:
    return max(grain, min(-(-side // grain) * grain, most))


def _patch(facts: Facts) -> tuple[int, int, int]:
    """The median volume, its longest side cut until the patch is small enough."""
    depth, height, width = (
        max(least, _rounded(side, GRAIN_3D, 512))
        for side, least in zip((facts.depth, *_plane(facts)), LEAST_3D, strict=True)
    )
    sides: Sides = (depth, height, width)
    patch = _halvable(sides, spacing_of(facts))
    while math.prod(patch) > MOST_VOXELS:
        sides = _shorter(sides, LEAST_3D)
        patch = _halvable(sides, spacing_of(facts))
    return patch


def _halvable(sides: Sides, spacing: tuple[float, ...]) -> Sides:
    """Rounded up until every halving of the network comes out even."""
    while True:
        topology = plan_topology(sides, spacing or (1.0, 1.0, 1.0))
        d, h, w = topology.patch
        if (d, h, w) == sides:
            return sides
        sides = d, h, w


def _shorter(sides: Sides, least: Sides) -> Sides:
    """The longest side that may still be cut, a step shorter; the same if none."""
    grain = GRAIN_2D if least == LEAST_2D else GRAIN_3D
    spare = [
        side if side - grain >= low else 0
        for side, low in zip(sides, least, strict=True)
    ]
    if not any(spare):
        return sides
    longest = spare.index(max(spare))
    cut = [side - grain * (i == longest) for i, side in enumerate(sides)]
    return cut[0], cut[1], cut[2]


def _prep(facts: Facts) -> tuple[PrepSettings, int, Choice]:
    """Grey values, then the planned spacing."""
    spacing = spacing_of(facts)
    bits = 16 if facts.bits > 8 else 8
    if facts.modality == "CT" and facts.is_rescaled:
        first = Step("multi_window", {"presets": CT_WINDOWS})
        channels, said = 3, "CT windows as channels: " + ", ".join(CT_WINDOWS)
        why, bits = "Hounsfield units mean the same everywhere", 8
    elif facts.is_colour and facts.is_cross_section:
        first, channels = Step("rank", {}), 3
        said = "ranks of each of three channels"
        why, bits = "grey values of MR have no unit, and fat outshines the brain", 8
    elif facts.is_colour:
        first, channels = Step("display", {}), 3
        said, why = "as stored, three channels", "images have colour"
    else:
        first = Step("percentile", {"low": 0.5, "high": 99.5})
        unit = "volume" if facts.depth > 1 else "image"
        channels, said = 1, f"percentiles 0.5 and 99.5 of each {unit} become 0 and 1"
        why, bits = "grey values have no unit, and a few are far out", min(bits, 8)
    steps = [first]
    if facts.is_colour:
        steps.append(Step("to_rgb", {}))
    elif channels == 1:
        steps.append(Step("to_grey", {}))
    if spacing and facts.depth > 1:
        steps.append(Step("resample_volume", {"spacing": spacing}))
        mm = "×".join(f"{s:.3g}" for s in spacing)
        said += f"; resampled to {mm} mm"
        why += "; the spacing is the median of the data"
    return PrepSettings(tuple(steps), bits), channels, Choice("prep.steps", said, why)


def _augment(facts: Facts, net: NetSettings) -> tuple[AugmentSettings, Choice]:
    """Changes that the mask follows."""
    if net.depth > 1:
        is_ct = facts.modality == "CT" and facts.is_rescaled
        name = "volume_ct" if is_ct else "volume_mr"
        return AugmentSettings(VOLUME_AUGMENT_PRESETS[name]), Choice(
            "augment.steps",
            name,
            "place changes together with the mask; nothing is mirrored, since left and "
            "right matter",
        )
    steps, said = VOLUME_AUGMENT_PRESETS["slice_segment"], "slice_segment"
    why = "place changes together with the mask"
    if facts.is_colour and facts.is_cross_section:
        steps = (*steps, *CHANNELS_APART)
        said += ", channels toned on their own and replaced by one another"
        why += "; channels are scans of their own, and one may be missing"
    if len(facts.labels) == 2 and not names_a_side(facts):
        steps = (Step("horizontal_flip", {}), *steps)
        said += ", mirrored"
        why += "; the one label names no side"
    else:
        why += "; nothing is mirrored, since labels may be about left and right"
    return AugmentSettings(steps), Choice("augment.steps", said, why)


def _fit_memory(facts: Facts, net: NetSettings) -> tuple[NetSettings, int]:
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
        shorter = _shorter(sides, least)
        if shorter == sides:
            raise ResourceError(
                f"memory: {facts.memory_mb} MB may be used; training needs about "
                f"{math.ceil(needed_mb(net, batch))} MB even with patches of "
                f"{_patch_words(net)}: free some memory or raise the limit"
            )
        sides = shorter
        d, h, w = sides if flat else _halvable(sides, net.spacing)
        net = replace(net, depth=d, height=h, width=w)
    return net, batch


def needed_mb(net: NetSettings, batch: int) -> float:
    """Peak memory in MB of learning with `batch` patches a step."""
    each = PIXEL_MB if net.depth == 1 else VOXEL_MB
    return BASE_MB + batch * net.depth * net.height * net.width * each


def _fit_time(
    facts: Facts, recipe: Recipe, speed: Speed
) -> tuple[Recipe, Speed, tuple[Choice, ...]]:
    """Small single images made smaller, where too few steps would fit at full size.

    A lesson of 250 slices of 160 px learned more in the time of 256 px: docs/plan.md.
    """
    net = recipe.net
    if facts.depth > 1 or max(_plane(facts)) > FLAT_SIDE:
        return recipe, speed, ()
    seconds, left = _times(facts, recipe, speed)
    full = left / max(seconds, 1e-9)
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
        f"at {_patch_words(net)} only about {full:.0f} steps would fit, and few steps "
        "cost more than fine detail",
    )
    net = replace(net, height=height, width=width)
    return replace(recipe, prep=prep, net=net), smaller, (said,)


def _times(facts: Facts, recipe: Recipe, speed: Speed) -> tuple[float, float]:
    """Seconds a step, judging included; and seconds left for all steps."""
    net = recipe.net
    volume = max(1, facts.depth) * math.prod(_shown(facts, recipe))
    patches = max(1.0, volume / (net.depth * net.height * net.width))
    evaluation = EVALUATION_PASSES * patches * speed.forward
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
    return _plane(facts)


def _length(facts: Facts, recipe: Recipe, speed: Speed) -> tuple[TrainSettings, Choice]:
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
