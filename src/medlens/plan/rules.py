"""The rules of the plan, each small, each with its reason in words.

Figures behind the rules were measured on two CPU cores with real images; they
are in docs/plan.md.
"""

from __future__ import annotations

import re

from medlens.plan.facts import Choice, Facts
from medlens.prep import AUGMENT_PRESETS, preset_of
from medlens.recipe.settings import (
    AugmentSettings,
    CalibrateSettings,
    NetSettings,
    PrepSettings,
    SplitSettings,
    Step,
)

SIZES = (64, 96, 128, 160, 192, 224)  # multiples of 32: the stride of the body
SMALL_DATA = 250  # training and validation cases under which features stay frozen
FOLDS = 5
EVEN = 1.5  # times as many cases; below it weights only add noise
RADIOGRAPHS = frozenset({"CR", "DX", "DR", "RG", "XR", "MG"})
TURNING = frozenset({"horizontal_flip", "vertical_flip", "rot90"})
CT_WINDOWS = ("brain", "subdural", "bone")


def choose_size(facts: Facts) -> tuple[int, Choice]:
    """Largest sensible side of the network input, before time is looked at."""
    short = min(facts.height, facts.width)
    if short <= 40:
        return 64, Choice(
            "net.height",
            "64 px",
            f"images of {short} px are enlarged to 64: pretrained features need room, "
            "and more enlargement only costs time",
        )
    side = max([s for s in SIZES if s <= short * 1.15] or [SIZES[0]])
    return side, Choice(
        "net.height",
        f"{side} px",
        f"median shorter side is {short} px; {side} is the largest input that "
        "shows more than it invents",
    )


def choose_net(facts: Facts, size: int) -> tuple[NetSettings, Choice]:
    """Network and its input."""
    channels = 3 if facts.is_colour or facts.modality == "CT" else 1
    words = {1: "one grey channel", 3: "three channels"}[channels]
    settings = NetSettings(
        name="efficientnet_lite0",
        pretrained="imagenet",
        channels=channels,
        height=size,
        width=size,
        dropout=0.2,
    )
    return settings, Choice(
        "net.name",
        f"EfficientNet-Lite0 with ImageNet weights, {words}",
        "learns more from few images than a network from scratch, "
        "and is quick on a CPU",
    )


def choose_prep(facts: Facts, size: int) -> tuple[PrepSettings, list[Choice]]:
    """Steps from source image to network input."""
    steps: list[Step] = []
    choices: list[Choice] = []
    if facts.modality == "CT" and facts.is_rescaled:
        steps.append(Step("multi_window", {"presets": CT_WINDOWS}))
        choices.append(
            Choice(
                "prep.steps",
                "three CT windows as channels: " + ", ".join(CT_WINDOWS),
                "one window hides what another shows",
            )
        )
    else:
        steps.append(Step("display", {}))
        if facts.is_colour:
            colour = ("to_rgb", "colour is kept", "many images really have colour")
        else:
            colour = ("to_grey", "grey", "fewer than 1 image in 20 carries colour")
        if facts.modality == "CT":
            colour = ("to_rgb", "three equal channels", "CT without HU values")
        steps.append(Step(colour[0], {}))
        choices.append(
            Choice(
                "prep.steps",
                f"shown as the file asks (VOI), then {colour[1]}",
                colour[2],
            )
        )
    if facts.border > 0.08 and facts.modality not in RADIOGRAPHS:
        steps.append(Step("crop_body", {}))
        choices.append(
            Choice(
                "prep.steps",
                "cropped to the body",
                f"{facts.border:.0%} of a typical image is empty border",
            )
        )
    mode = "stretch" if 0.6 <= facts.aspect <= 1.67 else "fit"
    reason = (
        "the shape of a file must not give its label away"
        if mode == "stretch"
        else "images are too far from square to be stretched"
    )
    steps.append(Step("resize", {"height": size, "width": size, "mode": mode}))
    choices.append(Choice("prep.steps", f"resized to {size} px, {mode}", reason))
    bits = 16 if facts.bits > 8 else 8
    return PrepSettings(steps=tuple(steps), cache_bits=bits), choices


_AUGMENT_REASONS = {
    "radiograph": "left and right matter: never flipped",
    "cross_section": "left and right matter: never flipped",
    "ultrasound": "the probe may be held either way",
    "photograph": "colour images without a fixed orientation",
    "microscopy": "slides have no up or down",
    "unknown": "kind of image unknown: nothing is flipped",
}


def choose_augment(facts: Facts) -> tuple[AugmentSettings, Choice]:
    """Random changes that are right for the kind of image."""
    name = preset_of(facts.modality, is_colour=facts.is_colour)
    reason = _AUGMENT_REASONS.get(name, "chosen by modality")
    steps = AUGMENT_PRESETS[name]
    upright = tuple(step for step in steps if step.name not in TURNING)
    if len(upright) < len(steps) and names_a_side(facts):
        steps, name = upright, f"{name} without flips and quarter turns"
        reason = "a label names a side: never mirrored"
    return AugmentSettings(steps), Choice("augment.steps", name, reason)


def choose_split(facts: Facts, *, is_frozen: bool) -> tuple[SplitSettings, Choice]:
    """Shares of the splits; folds where a linear head is all that is fitted."""
    known = facts.train + facts.validation
    if is_frozen and known >= SMALL_DATA:
        return SplitSettings(folds=FOLDS, seed=facts.seed), Choice(
            "split.folds",
            f"{FOLDS}-fold cross-fitting for calibration",
            "features stay fixed, so every case can be judged by a head that never "
            "saw it",
        )
    if is_frozen:
        return SplitSettings(folds=FOLDS, seed=facts.seed), Choice(
            "split.folds",
            f"{FOLDS}-fold cross-fitting for calibration",
            f"{known} cases are too few to keep some for calibration alone",
        )
    return SplitSettings(seed=facts.seed), Choice(
        "split.folds",
        "one validation split",
        f"{facts.validation} validation cases are enough to calibrate on",
    )


def choose_balance(facts: Facts) -> tuple[float, Choice]:
    """Power of the inverse class frequency in the loss."""
    counts = [c for c in facts.label_counts if c] or [1]
    if facts.kind == "multilabel":
        # Each label is a question of its own: cases with it against cases without.
        sides = [(c, max(1, facts.train - c)) for c in counts]
        ratio = max(max(pair) / min(pair) for pair in sides)
        found = f"one answer to a label is {ratio:.1f} times as frequent as the other"
    else:
        ratio = max(counts) / min(counts)
        found = f"the most frequent class is {ratio:.1f} times the rarest"
    if ratio < EVEN:
        return 0.0, Choice("train.balance", "cases alike", "classes are balanced")
    return 0.5, Choice("train.balance", "rarer classes weigh more (square root)", found)


def choose_precision(facts: Facts) -> Choice:
    """Kind of numbers that 3D networks and networks for masks are taught with.

    `has_bf16` decides; the weights themselves stay in fp32.
    """
    if facts.has_bf16:
        return Choice(
            "train.precision",
            "bf16 products, fp32 weights",
            "this processor multiplies bfloat16 natively: twice the steps in a time",
        )
    return Choice(
        "train.precision", "fp32", "this processor has no instructions for bfloat16"
    )


def choose_calibration() -> tuple[CalibrateSettings, Choice]:
    """How logits become probabilities and decisions."""
    return CalibrateSettings(), Choice(
        "calibrate.operating_point",
        "temperature scaling; threshold by Youden's index on validation",
        "does not lean on the share of positives, which differs between hospitals",
    )


# Percentiles close to 0 and 100 lie inside a small finding and cut it flat.
UNCUT = Step("percentile", {"low": 1.0, "high": 99.0, "headroom": 0.4})
UNCUT_SAID = "percentiles 1 and 99 of each volume become 0 and 0.6, room for the bright"
WORDS = re.compile(
    r"[\W_]+|(?<=[a-z])(?=[A-Z])"
)  # left_kidney, Left-Kidney, LeftKidney
SIDES = frozenset({"left", "right", "l", "r", "links", "rechts", "gauche", "droite"})


def names_a_side(facts: Facts) -> bool:
    """Whether a label tells left from right, so that nothing may be mirrored."""
    words = (word.lower() for label in facts.labels for word in WORDS.split(label))
    return not SIDES.isdisjoint(words)
