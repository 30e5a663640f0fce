"""Facts → recipe for series of slices and for whole volumes."""

from __future__ import annotations

import math
from dataclasses import replace

from medlens.core import ResourceError
from medlens.plan.facts import Choice, Facts
from medlens.plan.grid import COARSEST, anisotropy, describe_ratio, spacing_of
from medlens.plan.length import choose_steps
from medlens.plan.result import Measure, Plan
from medlens.plan.rules import (
    CT_WINDOWS,
    choose_balance,
    choose_calibration,
    choose_precision,
    choose_prep,
    choose_size,
    choose_split,
    names_a_side,
)
from medlens.plan.schedule import training_seconds
from medlens.plan.series_memory import fit_step
from medlens.prep import AUGMENT_PRESETS, VOLUME_AUGMENT_PRESETS
from medlens.recipe.settings import (
    AugmentSettings,
    BudgetSettings,
    ExportSettings,
    NetSettings,
    PrepSettings,
    Recipe,
    SplitSettings,
    Step,
    TaskSettings,
    TrainSettings,
)

THICK = 3.0  # slice distance over pixel size from which neighbours tell little
FEWEST_SLICES = 8
MOST_VOXELS = 2_000_000  # 128 cubed; of larger volumes slices are read in order
LARGEST_INPUT = 110_000  # voxels of a 3D network's input: 48 cubed
GRAIN = 8
BATCH = 8
VOXEL_MB = 3.8e-3  # resident memory that a voxel of a 3D input takes in training
BASE_MB = 900.0
WANTED_STEPS = 1500
WANTED_VOLUME_STEPS = 600  # planted lesions were learned by 200: docs/plan.md
SEQUENCE_SIDE = 128  # px; slices are many, and each costs its square
SERIES_AT_ONCE = 4
SLICES_TOGETHER = 10  # neighbours in a step where slices have labels
SLICES_APART = 48  # spread over the series in a step where only series have
FOLDS = 5
EPOCHS, FEWEST_WANTED = 30, 100  # more learned the few patients by heart
# Blur melts small findings; what clips at white makes bright ones equal to tissue.
HIDING = frozenset(
    {"blur", "anisotropy", "low_resolution", "brightness", "contrast", "bias_field"}
)
# Percentiles close to 0 and 100 lie inside a small finding and cut it flat.
UNCUT = Step("percentile", {"low": 1.0, "high": 99.0, "headroom": 0.4})
UNCUT_SAID = "percentiles 1 and 99 of each volume become 0 and 0.6, room for the bright"


def plan_series(facts: Facts, measure: Measure) -> Plan:
    """3D network or network over slices in order, and everything that it needs.

    Args:
        facts: data set and machine in numbers.
        measure: times a recipe on this machine, in seconds a volume (3D) or a
            slice (in order).

    Raises:
        ResourceError: the memory or the time budget is too small for anything.
    """
    reads_volumes, reason = _reads_volumes(facts)
    if reads_volumes:
        return _plan_volumes(facts, measure, reason)
    return _plan_sequences(facts, measure, reason)


def _reads_volumes(facts: Facts) -> tuple[bool, str]:
    ratio = anisotropy(facts)
    voxels = facts.depth * facts.height * facts.width
    if facts.form == "sequence" or facts.slices_labelled:
        return False, "slices have labels of their own and follow each other"
    if facts.depth < FEWEST_SLICES:
        return False, f"{facts.depth} slices are too few for a third dimension"
    if ratio >= THICK:
        return False, f"slices lie {describe_ratio(ratio)} pixels"
    if voxels > MOST_VOXELS:
        return False, (
            f"{voxels / 1e6:.1f} million voxels in a volume are too many for a 3D "
            "network on this machine without losing small findings"
        )
    return True, (
        f"voxels are near-isotropic ({ratio:.1f}:1) and volumes small "
        f"({facts.depth}×{facts.height}×{facts.width})"
    )


def _plan_volumes(facts: Facts, measure: Measure, reason: str) -> Plan:
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


def _fit_memory(facts: Facts, net: NetSettings) -> int:
    """Volumes a step that memory allows.

    Raises:
        ResourceError: not even two; with the figure that they need.
    """
    each = net.depth * net.height * net.width * VOXEL_MB
    batch = BATCH
    while batch > 2 and BASE_MB + batch * each > facts.memory_mb:
        batch //= 2
    if BASE_MB + batch * each > facts.memory_mb:
        raise ResourceError(
            f"memory: {facts.memory_mb} MB may be used; training needs about "
            f"{BASE_MB + batch * each:.0f} MB with volumes of "
            f"{net.depth}×{net.height}×{net.width}: free some memory or raise the limit"
        )
    return batch


def _plan_sequences(facts: Facts, measure: Measure, reason: str) -> Plan:
    by_slice = facts.slices_labelled or facts.form == "sequence"
    suited, size_choice = choose_size(facts)
    side = min(suited, SEQUENCE_SIDE)
    if side < suited:
        size_choice = Choice(
            "net.height",
            f"{side} px",
            f"{suited} px would suit the slices, which are many",
        )
    channels = 3 if facts.is_colour or facts.modality == "CT" else 1
    together = SLICES_TOGETHER if by_slice else SLICES_APART
    net = NetSettings(
        name="efficientnet_lite0" if by_slice else "local2d",
        pretrained="imagenet" if by_slice else "",
        channels=channels,
        depth=min(together, max(2, facts.depth)),
        height=side,
        width=side,
        dropout=0.2,
        reader="lstm",
        hidden=128,
    )
    net, batch, memory_choice = fit_step(facts, net, SERIES_AT_ONCE)
    if net.height < side:
        size_choice = Choice("net.height", f"{net.height} px", "memory is short")
    prep, prep_choices = _prep_slices(facts, net.height, by_slice=by_slice)
    augment, augment_choice = _augment_slices(facts)
    balance, balance_choice = choose_balance(facts)
    calibrate, calibrate_choice = choose_calibration()
    train = TrainSettings(
        path="fine_tune",
        batch_size=batch,
        learning_rate=1e-3,
        balance=balance,
        group_power=0.5,
        seed=facts.seed,
        threads=max(1, facts.cores),
    )
    recipe = Recipe(
        task=TaskSettings(facts.kind, facts.labels, facts.positive, "sequence"),
        split=SplitSettings(folds=FOLDS, seed=facts.seed),
        prep=prep,
        augment=augment,
        net=net,
        train=train,
        calibrate=calibrate,
        export=ExportSettings(engines=()),
        budget=BudgetSettings(facts.seconds, facts.memory_mb),
    )
    train, length = _sequence_length(facts, recipe, measure)
    choices = (
        Choice("task.form", "CNN over slices, read in order", reason),
        size_choice,
        *([memory_choice] if memory_choice else []),
        Choice(
            "net.name",
            (
                "EfficientNet-Lite0 with ImageNet weights"
                if by_slice
                else "a CNN of local findings"
            )
            + " on each slice, then a bidirectional "
            "LSTM",
            "the LSTM stays only if it is better than the CNN alone on held-out "
            "training patients"
            if by_slice
            else "only whole series are labelled: a small finding must stand out in "
            "its slice, and attention weighs the slices",
        ),
        *prep_choices,
        augment_choice,
        Choice(
            "split.folds",
            f"{FOLDS}-fold cross-fitting for reader and calibration",
            "every series is judged by a network that never saw its patient",
        ),
        length,
        balance_choice,
        calibrate_choice,
    )
    return Plan(replace(recipe, train=train), choices)


def _prep_slices(
    facts: Facts, side: int, *, by_slice: bool
) -> tuple[PrepSettings, list[Choice]]:
    """As for single images, but never cropped.

    Slices near the ends of a series are small; cropped to the body they would look
    as large as those of its middle, and the reader would not know where it is.
    Where nothing tells which slice counts, small findings must not be cut flat.
    """
    prep, choices = choose_prep(facts, side)
    steps = tuple(step for step in prep.steps if step.name != "crop_body")
    kept = [choice for choice in choices if "cropped" not in choice.choice]
    is_grey = Step("to_grey", {}) in steps
    if by_slice or not is_grey:
        return replace(prep, steps=steps), kept
    steps = tuple(UNCUT if step.name == "display" else step for step in steps)
    told = Choice(
        "prep.steps", f"{UNCUT_SAID}; grey", "a bright finding keeps its edge"
    )
    return replace(prep, steps=steps), [told, *kept[1:]]


def _augment_slices(facts: Facts) -> tuple[AugmentSettings, Choice]:
    """Slices of CT and MR, mirrored too where no label names a side."""
    steps = AUGMENT_PRESETS["cross_section"]
    if names_a_side(facts):
        return AugmentSettings(steps), Choice(
            "augment.steps", "cross_section", "a label names a side: never mirrored"
        )
    return AugmentSettings((Step("horizontal_flip"), *steps)), Choice(
        "augment.steps",
        "cross_section, mirrored as well",
        "no label names a side",
    )


def _sequence_length(
    facts: Facts, recipe: Recipe, measure: Measure
) -> tuple[TrainSettings, Choice]:
    """Steps of each of the networks: one a fold, and the one that is shipped."""
    # timed on single slices, for a step costs as much as the slices it shows
    shown = recipe.train.batch_size * recipe.net.depth
    timed = replace(recipe.train, batch_size=min(16, shown))
    speed = measure(replace(recipe, train=timed))
    slices = max(1, facts.depth)
    asked = (2 * facts.test + 3 * (facts.validation + facts.train)) * slices
    left = training_seconds(facts) - asked * speed.forward
    per_epoch = max(1, facts.train // recipe.train.batch_size)
    return choose_steps(
        facts,
        recipe.train,
        step_seconds=shown * speed.train
        + facts.validation * slices * speed.forward / per_epoch,
        left=left,
        networks=FOLDS + 1,
        wanted=min(WANTED_STEPS, max(FEWEST_WANTED, EPOCHS * per_epoch)),
        what="series",
    )
