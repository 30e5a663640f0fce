"""Facts → recipe for a 3D network that answers whole volumes."""

from __future__ import annotations

import math
from dataclasses import replace

from medlens.core import ResourceError
from medlens.plan.facts import Choice, Facts
from medlens.plan.grid import COARSEST, spacing_of
from medlens.plan.length import choose_steps
from medlens.plan.result import Measure, Plan
from medlens.plan.rules import (
    CT_WINDOWS,
    UNCUT,
    UNCUT_SAID,
    choose_balance,
    choose_calibration,
    choose_precision,
    choose_split,
    names_a_side,
)
from medlens.plan.schedule import training_seconds
from medlens.prep import VOLUME_AUGMENT_PRESETS
from medlens.recipe.settings import (
    AugmentSettings,
    BudgetSettings,
    ExportSettings,
    NetSettings,
    PrepSettings,
    Recipe,
    Step,
    TaskSettings,
    TrainSettings,
)

LARGEST_INPUT = 110_000  # voxels of a 3D network's input: 48 cubed
GRAIN = 8
BATCH = 8
VOXEL_MB = 3.8e-3  # resident memory that a voxel of a 3D input takes in training
BASE_MB = 900.0
WANTED_VOLUME_STEPS = 600  # planted lesions were learned by 200: docs/plan.md
# Blur melts small findings; what clips at white makes bright ones equal to tissue.
HIDING = frozenset(
    {"blur", "anisotropy", "low_resolution", "brightness", "contrast", "bias_field"}
)


def plan_volumes(facts: Facts, measure: Measure, reason: str) -> Plan:
    """Everything that a run on whole volumes needs; `reason` is why it is one.

    Raises:
        ResourceError: the memory or the time budget is too small for anything.
    """
    depth, height, width, shrink = _input(facts)
    prep, channels, prep_choice = _prep_volumes(facts, (depth, height, width), shrink)
    net = NetSettings(
        name="local3d", pretrained="", channels=channels, depth=depth,
        height=height, width=width, dropout=0.2,
        spacing=_coarser(facts, shrink),
    )  # fmt: skip
    balance, balance_choice = choose_balance(facts)
    calibrate, calibrate_choice = choose_calibration()
    augment, augment_choice = _augment_volumes(facts)
    batch = _fit_memory(facts, net)
    train = TrainSettings(
        path="scratch", batch_size=batch, learning_rate=3e-3, balance=balance,
        group_power=0.5, seed=facts.seed, threads=max(1, facts.cores),
        precision="bf16" if facts.has_bf16 else "fp32",
    )  # fmt: skip
    recipe = Recipe(
        task=TaskSettings(facts.kind, facts.labels, facts.positive, "volume"),
        split=choose_split(facts, is_frozen=False)[0],
        prep=prep,
        augment=augment,
        net=net,
        train=train,
        calibrate=calibrate,
        export=ExportSettings(engines=("openvino",)),
        budget=BudgetSettings(facts.seconds, facts.memory_mb),
    )
    speed = measure(recipe)
    per_epoch = max(1, facts.train // batch)
    train, length = choose_steps(
        facts,
        train,
        step_seconds=batch * speed.train + facts.validation * speed.forward / per_epoch,
        left=training_seconds(facts) - 4 * facts.test * speed.forward,
        wanted=WANTED_VOLUME_STEPS,
        what="volumes",
    )
    choices = (
        Choice("task.form", "3D CNN over whole volumes", reason),
        Choice(
            "net.name",
            f"3D CNN of local findings, input {depth}×{height}×{width} voxels",
            "each place is judged alone and the strongest speak: findings are small, "
            "and networks that see whole volumes learn few cases by heart",
        ),
        prep_choice,
        augment_choice,
        choose_split(facts, is_frozen=False)[1],
        length,
        choose_precision(facts),
        balance_choice,
        calibrate_choice,
    )
    return Plan(replace(recipe, train=train), choices)


def _augment_volumes(facts: Facts) -> tuple[AugmentSettings, Choice]:
    """Changes that leave small findings to be seen."""
    is_ct = facts.modality == "CT" and facts.is_rescaled
    preset = "volume_ct" if is_ct else "volume_mr"
    steps = tuple(
        step for step in VOLUME_AUGMENT_PRESETS[preset] if step.name not in HIDING
    )
    if names_a_side(facts):
        return AugmentSettings(steps), Choice(
            "augment.steps",
            f"{preset} without blur and clipping",
            "both hide small findings; a label names a side: never mirrored",
        )
    return AugmentSettings((Step("horizontal_flip"), *steps)), Choice(
        "augment.steps",
        f"{preset} without blur and clipping, mirrored as well",
        "both hide small findings; no label names a side",
    )


def _input(facts: Facts) -> tuple[int, int, int, float]:
    """Sides of the input, and how much coarser it is than the source."""
    sides = (facts.depth, facts.height, facts.width)
    voxels = math.prod(sides)
    shrink = max(1.0, (voxels / LARGEST_INPUT) ** (1 / 3))
    depth, height, width = (
        max(GRAIN * 2, math.ceil(side / shrink / GRAIN) * GRAIN) for side in sides
    )
    return depth, height, width, shrink


def _coarser(facts: Facts, shrink: float) -> tuple[float, ...]:
    spacing = spacing_of(facts)
    return tuple(min(round(mm * shrink, 4), COARSEST) for mm in spacing)


def _prep_volumes(
    facts: Facts, sides: tuple[int, int, int], shrink: float
) -> tuple[PrepSettings, int, Choice]:
    if facts.modality == "CT" and facts.is_rescaled:
        steps = [Step("multi_window", {"presets": CT_WINDOWS})]
        channels, said = 3, "three CT windows as channels: " + ", ".join(CT_WINDOWS)
    else:
        steps = [UNCUT, Step("to_grey", {})]
        channels, said = 1, UNCUT_SAID
    depth, height, width = sides
    if spacing := _coarser(facts, shrink):
        steps.append(Step("resample_volume", {"spacing": spacing}))
        said += "; resampled to " + "×".join(f"{s:.3g}" for s in spacing) + " mm"
    mode = "crop_pad" if spacing else "stretch"
    grid = {"depth": depth, "height": height, "width": width, "mode": mode}
    steps.append(Step("fit_volume", grid))
    return (
        PrepSettings(tuple(steps), 8),
        channels,
        Choice(
            "prep.steps",
            f"{said}; fitted to {depth}×{height}×{width}",
            "a lesion of one size must look the same in every volume"
            if spacing
            else "volumes carry no spacing",
        ),
    )


def needed_mb(net: NetSettings, batch: int) -> float:
    """Peak memory in MB of learning with `batch` volumes a step."""
    return BASE_MB + batch * net.depth * net.height * net.width * VOXEL_MB


def _fit_memory(facts: Facts, net: NetSettings) -> int:
    """Volumes a step that memory allows.

    Raises:
        ResourceError: not even two; with the figure that they need.
    """
    batch = BATCH
    while batch > 2 and needed_mb(net, batch) > facts.memory_mb:
        batch //= 2
    if needed_mb(net, batch) > facts.memory_mb:
        raise ResourceError(
            f"memory: {facts.memory_mb} MB may be used; training needs about "
            f"{needed_mb(net, batch):.0f} MB with volumes of "
            f"{net.depth}×{net.height}×{net.width}: free some memory or raise the limit"
        )
    return batch
