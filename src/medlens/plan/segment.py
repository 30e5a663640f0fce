"""Facts → recipe for a network that labels voxels.

The rules follow nnU-Net (Isensee et al. 2021) where they do not ask for a GPU; sizes
and times were measured on two CPU cores and stand in docs/plan.md.
"""

from __future__ import annotations

from dataclasses import replace

from medlens.plan.facts import Choice, Facts
from medlens.plan.grid import (
    FEWEST_SLICES,
    THICK,
    anisotropy,
    describe_ratio,
    spacing_of,
)
from medlens.plan.patch import (
    FLAT_SIDE,
    GRAIN_2D,
    patch_of,
    patch_words,
    plane_of,
    rounded,
)
from medlens.plan.result import Measure, Plan
from medlens.plan.rules import choose_precision, choose_split, names_a_side
from medlens.plan.segment_fit import choose_length, fit_memory, fit_time
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

VERY_THICK = 8.0  # slice distance over pixel size from which slices stand alone
GRAFTED = 0.5  # share of whole slices with what is labelled in another case
CHANNELS_APART = (Step("channel_tone", {}), Step("channel_gap", {}))
MIRRORED = Choice(
    "sliding.mirror",
    "each slice answered as it is and mirrored",
    "it was learned mirrored, and two looks are better than one",
)
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
    net, batch = fit_memory(facts, suited)
    augment, augment_choice = _augment(facts, net)
    is_mirrored = any(step.name == "horizontal_flip" for step in augment.steps)
    mirror = (2,) if is_mirrored else ()
    train = TrainSettings(
        path="scratch" if not net.pretrained else "fine_tune",
        batch_size=batch,
        learning_rate=2e-3 if not net.pretrained else 1e-3,
        warmup=0.1,
        balance=0.0,
        group_power=0.5,
        graft=GRAFTED if _sees_whole_slices(facts, net) else 0.0,
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
        sliding=SlidingSettings(mirror=mirror),
        export=ExportSettings(engines=("openvino",) if net.depth > 1 else ()),
        budget=BudgetSettings(facts.seconds, facts.memory_mb),
    )
    speed = measure(recipe)
    recipe, speed, smaller = fit_time(facts, recipe, speed)
    train, length = choose_length(facts, recipe, speed)
    choices = (
        _net_choice(facts, recipe.net, net, suited, reason),
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
        *([MIRRORED] if mirror else []),
    )
    return Plan(replace(recipe, train=train), choices)


def choose_segmenter(facts: Facts) -> tuple[NetSettings, str]:
    """Network, patch and spacing by slices and anisotropy, and why in words."""
    spacing, ratio = spacing_of(facts), anisotropy(facts)
    flat = facts.depth < FEWEST_SLICES or ratio >= THICK
    if not flat:
        patch = patch_of(facts)
        net = NetSettings(
            name="unet_half", pretrained="", dropout=0.0, depth=patch[0],
            height=patch[1], width=patch[2], spacing=spacing,
        )  # fmt: skip
        return net, (
            f"{facts.depth} slices lie {describe_ratio(ratio)} pixels, so neighbours "
            "in all three directions tell something"
        )
    context = 1 if facts.depth >= FEWEST_SLICES and ratio < VERY_THICK else 0
    height, width = (rounded(side, GRAIN_2D, FLAT_SIDE) for side in plane_of(facts))
    net = NetSettings(
        name="unet_lite0", pretrained="imagenet", dropout=0.0, height=height,
        width=width, spacing=spacing, context=context,
    )  # fmt: skip
    if facts.depth == 1:
        return net, "these are single images"
    if facts.depth < FEWEST_SLICES:
        return net, f"{facts.depth} slices are too few for a third dimension"
    return net, f"slices lie {describe_ratio(ratio)} pixels"


def _sees_whole_slices(facts: Facts, net: NetSettings) -> bool:
    """Parts of slices lie anywhere: what is in the middle of one is at no other's."""
    height, width = plane_of(facts)
    return net.depth == 1 and net.height >= height and net.width >= width


def _net_choice(
    facts: Facts,
    taken: NetSettings,
    net: NetSettings,
    suited: NetSettings,
    reason: str,
) -> Choice:
    """The network in words: as taken, as memory allows, and as would suit."""
    if net.depth > 1:
        said = f"3D U-Net, patches of {patch_words(taken)}"
    else:
        kind = "2.5D: each slice with its two neighbours as channels"
        said = (
            "U-Net on EfficientNet-Lite0 with ImageNet weights, "
            f"{kind if net.context else '2D'}, patches of {patch_words(taken)}"
        )
    if net != suited:
        reason += (
            f"; {patch_words(suited)} would suit them but need more than the "
            f"{facts.memory_mb} MB that may be used"
        )
    return Choice("net.name", said, reason)


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
    # with context a channel is also a slice, which has its sequence's tone
    if facts.is_colour and facts.is_cross_section and not net.context:
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
