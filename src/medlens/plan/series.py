"""Facts → recipe for series of slices and for whole volumes."""

from __future__ import annotations

from dataclasses import replace

from medlens.plan.facts import Choice, Facts
from medlens.plan.grid import FEWEST_SLICES, THICK, anisotropy, describe_ratio
from medlens.plan.length import choose_steps
from medlens.plan.result import Measure, Plan
from medlens.plan.rules import (
    UNCUT,
    UNCUT_SAID,
    choose_balance,
    choose_calibration,
    choose_prep,
    choose_size,
    names_a_side,
)
from medlens.plan.schedule import training_seconds
from medlens.plan.series_memory import fit_step
from medlens.plan.volumes import plan_volumes
from medlens.prep import AUGMENT_PRESETS
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

MOST_VOXELS = 2_000_000  # 128 cubed; of larger volumes slices are read in order
WANTED_STEPS = 1500
SEQUENCE_SIDE = 128  # px; slices are many, and each costs its square
SERIES_AT_ONCE = 4
SLICES_TOGETHER = 10  # neighbours in a step where slices have labels
SLICES_APART = 48  # spread over the series in a step where only series have
FOLDS = 5
EPOCHS, FEWEST_WANTED = 30, 100  # more learned the few patients by heart


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
        return plan_volumes(facts, measure, reason)
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
