"""Rules for masks and for volumes: which network, which patch, which refusal."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import ResourceError
from medlens.nets import build_segmenter, plan_topology
from medlens.plan import Facts, Plan, Speed, make_plan
from medlens.plan.length import MOST_EPOCHS, STEPS, choose_steps
from medlens.plan.patch import MOST_VOXELS
from medlens.plan.segment_fit import WANTED_STEPS, needed_mb
from medlens.plan.series_memory import step_mb
from medlens.prep import build_augment, build_pipeline, build_volume_augment
from medlens.recipe import (
    Recipe,
    TrainSettings,
    load_recipe,
    recipe_from_tree,
    recipe_to_tree,
    write_recipe,
)
from medlens.recipe.limits import check_limits


def facts(**changes: Any) -> Facts:
    """Brain MR with masks: 120 near-isotropic volumes."""
    known: dict[str, Any] = {
        "kind": "multiclass",
        "labels": ("background", "front", "back"),
        "positive": "",
        "train": 80,
        "validation": 15,
        "test": 25,
        "label_counts": (80, 80, 80),
        "modality": "MR",
        "bits": 12,
        "height": 50,
        "width": 35,
        "depth": 36,
        "spacing": (1.0, 1.0, 1.0),
        "mask_values": (0, 1, 2),
        "form": "segment",
        "seconds": 2700.0,
    }
    return Facts(**{**known, **changes})


def study(**changes: Any) -> Facts:
    """Labelled volumes without masks."""
    known = {
        "kind": "binary",
        "labels": ("no", "yes"),
        "positive": "yes",
        "label_counts": (40, 40),
        "mask_values": (),
        "form": "volume",
    }
    return facts(**{**known, **changes})


def plan_of(known: Facts, train: float = 0.05, forward: float = 0.02) -> Plan:
    return make_plan(known, lambda _: Speed(train=train, forward=forward))


def steps_of(recipe: Recipe) -> dict[str, dict[str, Any]]:
    return {step.name: dict(step.params) for step in recipe.prep.steps}


@pytest.mark.parametrize(
    ("changes", "name", "depth", "context", "why"),
    [
        ({}, "unet_half", 40, 0, "36 slices lie as close as pixels, so neighbours"),
        ({"spacing": (2.9, 1, 1)}, "unet_half", 40, 0, "2.9 times as far apart as"),
        ({"spacing": (3.0, 1, 1)}, "unet_lite0", 1, 1, "slices lie 3.0 times as far"),
        ({"spacing": (7.9, 1, 1)}, "unet_lite0", 1, 1, "slices lie 7.9 times as far"),
        ({"spacing": (8.0, 1, 1)}, "unet_lite0", 1, 0, "slices lie 8.0 times as far"),
        ({"spacing": (3.0, 2, 1)}, "unet_lite0", 1, 1, "slices lie 3.0 times as far"),
        ({"spacing": ()}, "unet_half", 40, 0, "36 slices lie as close as pixels"),
        ({"depth": 8}, "unet_half", 8, 0, "8 slices lie as close as pixels"),
        ({"depth": 7}, "unet_lite0", 1, 0, "7 slices are too few for a third"),
        ({"depth": 1, "spacing": ()}, "unet_lite0", 1, 0, "these are single images"),
    ],
)
def test_slices_and_their_distance_choose_the_network_for_masks(
    changes: dict[str, Any], name: str, depth: int, context: int, why: str
) -> None:
    plan = plan_of(facts(**changes))
    net = plan.recipe.net
    assert (net.name, net.depth, net.context) == (name, depth, context)
    assert net.pretrained == ("imagenet" if name == "unet_lite0" else "")
    said = plan.reasons()["net.name"]
    assert why in said
    assert ("2.5D" in said) == bool(context)
    assert ("3D U-Net" in said) == (depth > 1)


@pytest.mark.parametrize(
    ("changes", "form", "why"),
    [
        (
            {},
            "volume",
            "voxels are near-isotropic (1.0:1) and volumes small (36×50×35)",
        ),
        ({"spacing": (3.1, 1, 1)}, "sequence", "slices lie 3.1 times as far apart"),
        ({"depth": 7}, "sequence", "7 slices are too few for a third dimension"),
        ({"height": 512, "width": 512}, "sequence", "9.4 million voxels in a volume"),
        ({"slices_labelled": True}, "sequence", "slices have labels of their own"),
        ({"form": "sequence"}, "sequence", "slices have labels of their own"),
    ],
)
def test_volumes_are_read_whole_or_slice_by_slice(
    changes: dict[str, Any], form: str, why: str
) -> None:
    plan = plan_of(study(**changes), train=0.003, forward=0.001)
    assert plan.recipe.task.form == form
    assert why in plan.reasons()["task.form"]
    by_slice = "labels of their own" in why
    expected = "local3d" if form == "volume" else "local2d"
    assert plan.recipe.net.name == ("efficientnet_lite0" if by_slice else expected)


@pytest.mark.parametrize("known", [facts(), study()])
def test_hounsfield_units_are_windowed_and_other_values_are_scaled(
    known: Facts,
) -> None:
    ct = plan_of(replace(known, modality="CT", is_rescaled=True)).recipe
    assert len(steps_of(ct)["multi_window"]["presets"]) == 3
    assert ct.net.channels == 3
    assert "percentile" not in steps_of(ct)
    for other in (known, replace(known, modality="CT", is_rescaled=False)):
        recipe = plan_of(other).recipe
        # small bright findings must not be cut off where whole volumes are answered
        share = {"low": 0.5, "high": 99.5}
        roomy = {"low": 1.0, "high": 99.0, "headroom": 0.4}
        wanted = share if known.form == "segment" else roomy
        assert steps_of(recipe)["percentile"] == wanted
        assert recipe.net.channels == 1
    assert ct.augment != plan_of(known).recipe.augment  # gamma of MR, not of CT


def test_voxels_get_the_spacing_of_the_data() -> None:
    spacing = (1.5, 0.8, 0.8)
    recipe = plan_of(facts(spacing=spacing)).recipe
    assert tuple(steps_of(recipe)["resample_volume"]["spacing"]) == spacing
    assert recipe.net.spacing == spacing
    assert "resample_volume" not in steps_of(plan_of(facts(spacing=())).recipe)
    flat = facts(depth=1, spacing=spacing)
    assert "resample_volume" not in steps_of(plan_of(flat).recipe)
    assert "of each image become" in plan_of(flat).reasons()["prep.steps"]


def test_large_volumes_are_seen_coarser_by_a_3d_network() -> None:
    """64³ voxels of 1 mm become 48³ or a little more: 64/48 mm each."""
    recipe = plan_of(study(depth=64, height=64, width=64)).recipe
    sides = (recipe.net.depth, recipe.net.height, recipe.net.width)
    assert sides == (48, 48, 48)
    (mm, *_) = steps_of(recipe)["resample_volume"]["spacing"]
    assert mm == pytest.approx((64**3 / 110_000) ** (1 / 3), abs=1e-4)
    assert 64 / mm <= 48  # the whole volume fits


@pytest.mark.parametrize("known", [facts(), study()])
def test_bfloat16_only_where_the_processor_has_it(known: Facts) -> None:
    assert plan_of(known).recipe.train.precision == "fp32"
    plan = plan_of(replace(known, has_bf16=True))
    assert plan.recipe.train.precision == "bf16"
    assert "bf16" in plan.reasons()["train.precision"]


def test_a_patch_that_memory_shrinks_is_the_one_that_is_told() -> None:
    known = facts(depth=96, height=96, width=96, memory_mb=2000)
    plan, large = plan_of(known), plan_of(replace(known, memory_mb=16_000))
    net = plan.recipe.net
    assert needed_mb(net, 2) <= 2000 < needed_mb(large.recipe.net, 2)
    said = plan.reasons()["net.name"]
    assert f"patches of {net.depth}×{net.height}×{net.width} voxels" in said
    assert "would suit them but need more than the 2000 MB" in said
    assert "would suit" not in large.reasons()["net.name"]


def test_flat_patches_give_way_to_memory_last() -> None:
    known = facts(depth=1, height=256, width=256, spacing=())
    batches = []
    for memory in (4096, 1400, 1150, 1000):
        recipe = plan_of(replace(known, memory_mb=memory)).recipe
        batches.append((recipe.train.batch_size, recipe.net.height))
    assert batches[:3] == [(8, 256), (4, 256), (2, 256)]
    assert batches[3][0] == 2
    assert batches[3][1] < 256


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (facts(), r"even with patches of 8×16×16 voxels: free some memory"),
        (facts(depth=1, spacing=()), r"even with patches of 32×32 pixels: free"),
        (study(), r"with volumes of 40×56×40: free some memory or raise the limit"),
    ],
)
def test_too_little_memory_is_refused_with_what_is_enough(
    known: Facts, words: str
) -> None:
    def never(_: Recipe) -> Speed:
        raise AssertionError("measured without memory")

    with pytest.raises(ResourceError, match=words) as caught:
        make_plan(replace(known, memory_mb=300), never)
    found = re.search(r"needs about (\d+) MB", str(caught.value))
    assert found is not None
    assert plan_of(replace(known, memory_mb=int(found[1]) + 1)).recipe


@pytest.mark.parametrize(
    "known", [facts(), study(), study(slices_labelled=True), facts(depth=1, spacing=())]
)
def test_a_budget_too_short_names_one_that_works(known: Facts) -> None:
    wanted = r"budget: 30 s are too short to learn .*: pass --budget \d+m$"
    with pytest.raises(ResourceError, match=wanted) as caught:
        plan_of(replace(known, seconds=30.0), train=0.2)
    found = re.search(r"--budget (\d+)m", str(caught.value))
    assert found is not None
    enough = replace(known, seconds=60.0 * int(found[1]))
    assert plan_of(enough, train=0.2).recipe.train.steps >= 60


def test_steps_come_from_the_ladder_and_stop_where_enough() -> None:
    few = plan_of(facts(), train=2.0).recipe.train.steps
    many = plan_of(facts(), train=0.001).recipe.train.steps
    assert few < many == WANTED_STEPS
    assert few in STEPS
    train = TrainSettings(batch_size=2)
    settings_, choice = choose_steps(
        facts(train=100), train, step_seconds=2.0, left=450.0, wanted=3000, what="x"
    )
    assert (settings_.steps, settings_.epochs) == (200, 4)  # 225 s would be the limit
    assert choice.choice == "200 steps of 2 x (about 7 min)"
    assert choice.reason == "2.00 s a step; that is what fits the budget"


def test_a_handful_of_cases_does_not_make_too_many_epochs() -> None:
    recipe = plan_of(facts(train=1, depth=1, spacing=()), train=1e-4).recipe
    assert recipe.train.epochs == MOST_EPOCHS
    check_limits(recipe)


spacings = st.one_of(
    st.just(()), st.tuples(*[st.floats(0.005, 120, allow_nan=False)] * 3)
)
sides = st.integers(1, 700)
labels = st.integers(2, 4).map(lambda n: tuple(f"label {k}" for k in range(n)))


@st.composite
def any_facts(draw: Any, form: str) -> Facts:
    names = draw(labels)
    return facts(
        kind="multiclass",
        labels=names,
        label_counts=tuple(draw(st.integers(0, 50)) for _ in names),
        mask_values=tuple(range(len(names))) if form == "segment" else (),
        form=form,
        train=draw(st.integers(1, 3000)),
        validation=draw(st.integers(1, 300)),
        test=draw(st.integers(0, 300)),
        modality=draw(st.sampled_from(["", "CT", "MR", "US"])),
        is_rescaled=draw(st.booleans()),
        is_colour=draw(st.booleans()),
        bits=draw(st.sampled_from([8, 12, 16])),
        height=draw(sides),
        width=draw(sides),
        depth=draw(st.integers(1, 400)),
        spacing=draw(spacings),
        slices_labelled=draw(st.booleans()),
        memory_mb=draw(st.integers(900, 9000)),
        has_bf16=draw(st.booleans()),
        seconds=draw(st.floats(60, 20_000)),
    )


def planned(known: Facts, cost: float) -> Plan | None:
    try:
        return plan_of(known, train=3 * cost, forward=cost)
    except ResourceError:
        return None


SENTENCE = re.compile(r"^[\w0-9(].*[\w)%]$")
STRAY = re.compile(r"None|nan\b|inf\b|\{|\}|\(\)|  |\bTODO|, ,|^\W|:\s*$|\.\.")


def hold_words(plan: Plan) -> None:
    for choice in plan.choices:
        for text in (choice.choice, choice.reason):
            assert SENTENCE.match(text), text
            assert not STRAY.search(text), text


@given(
    st.sampled_from(["segment", "volume", "sequence"]).flatmap(any_facts),
    st.floats(1e-3, 3),
)
@settings(max_examples=250, deadline=None)
def test_every_plan_is_valid_and_in_words(known: Facts, cost: float) -> None:
    plan = planned(known, cost)
    if plan is None:
        return
    recipe = plan.recipe
    check_limits(recipe)
    assert recipe_from_tree(recipe_to_tree(recipe)) == recipe
    build_pipeline(recipe.prep.steps)
    form = recipe.task.form
    if form == "sequence":
        build_augment(recipe.augment.steps, seed=0)
        assert step_mb(recipe.net, recipe.train.batch_size) <= known.memory_mb
    else:
        build_volume_augment(recipe.augment.steps, seed=0, spacing=(1.0, 1.0, 1.0))
    hold_words(plan)
    keys = {choice.key for choice in plan.choices}
    assert {"net.name", "prep.steps", "augment.steps", "train.steps"} <= keys
    patch = (recipe.net.depth, recipe.net.height, recipe.net.width)
    if form == "segment" and patch[0] > 1:
        assert plan_topology(patch, recipe.net.spacing or (1, 1, 1)).patch == patch
        assert math.prod(patch) <= MOST_VOXELS
        assert needed_mb(recipe.net, recipe.train.batch_size) <= known.memory_mb
    elif form == "segment":
        assert patch[1] % 32 == patch[2] % 32 == 0


@given(any_facts("segment"))
@settings(max_examples=8, deadline=None)
def test_the_network_for_masks_can_be_built(known: Facts) -> None:
    plan = planned(replace(known, seconds=20_000.0), 1e-3)
    if plan is not None:
        net = replace(plan.recipe.net, pretrained="")
        built = build_segmenter(net, labels=len(known.labels), seed=0)
        assert built.channels == net.channels * (2 * net.context + 1)


def test_a_plan_is_written_with_its_reasons_and_read_again(tmp_path: Path) -> None:
    plan = plan_of(facts(spacing=(1.5, 0.8, 0.8)))
    path = tmp_path / "recipe.toml"
    write_recipe(plan.recipe, path, reasons=plan.reasons())
    assert load_recipe(path) == plan.recipe
    assert "neighbours in all three directions" in path.read_text(encoding="utf-8")


def slices_with_masks(**changes: Any) -> Facts:
    """Single MR slices, three sequences as channels, one label."""
    known = {
        "labels": ("background", "foreground"),
        "label_counts": (80, 40),
        "mask_values": (0, 255),
        "depth": 1,
        "height": 256,
        "width": 256,
        "spacing": (),
        "is_colour": True,
        "is_cross_section": True,
    }
    return facts(**{**known, **changes})


def test_channels_of_slices_are_changed_apart_and_labels_grafted() -> None:
    recipe = plan_of(slices_with_masks()).recipe
    names = [step.name for step in recipe.augment.steps]
    assert {"channel_tone", "channel_gap", "horizontal_flip"} < set(names)
    assert recipe.sliding.mirror == (2,)
    assert recipe.train.graft == 0.5
    grey = plan_of(slices_with_masks(is_colour=False)).recipe
    assert "channel_tone" not in [step.name for step in grey.augment.steps]
    assert plan_of(facts()).recipe.train.graft == 0.0  # volumes are not aligned
    # nor are parts of slices
    parts = plan_of(slices_with_masks(height=512, width=512)).recipe
    assert (parts.net.depth, parts.net.height, parts.train.graft) == (1, 256, 0.0)
    # with neighbours as channels, a channel is no scan of its own
    thick = plan_of(slices_with_masks(depth=20, spacing=(4.0, 1.0, 1.0))).recipe
    assert thick.net.context == 1
    assert "channel_gap" not in [step.name for step in thick.augment.steps]


def test_words_that_only_look_like_sides_leave_mirroring() -> None:
    for label in ("cleft", "bright spot", "L1", "oedema"):
        recipe = plan_of(slices_with_masks(labels=("background", label))).recipe
        assert "horizontal_flip" in [step.name for step in recipe.augment.steps]


@pytest.mark.parametrize(
    "labels",
    [
        ("background", "left kidney"),
        ("background", "left_kidney"),
        ("background", "Kidney-Left"),
        ("background", "kidney (R)"),
        ("background", "LeftKidney"),
        ("background", "label 1", "label 2"),
    ],
)
def test_slices_are_mirrored_only_where_one_label_names_no_side(
    labels: tuple[str, ...],
) -> None:
    known = slices_with_masks(labels=labels, label_counts=(80,) * len(labels))
    recipe = plan_of(known).recipe
    assert "horizontal_flip" not in [step.name for step in recipe.augment.steps]
    assert recipe.sliding.mirror == ()


def test_small_images_are_made_smaller_where_too_few_steps_would_fit() -> None:
    # 2700 s, 15 % kept back; a step of 8 patches costs 8 times as much as a patch
    quick = plan_of(slices_with_masks(), train=0.1)
    assert (quick.recipe.net.height, quick.recipe.net.width) == (256, 256)
    assert "resize" not in steps_of(quick.recipe)
    # 0.2 s a patch: about 1,400 steps fit; at 224 px a quarter more
    slow = plan_of(slices_with_masks(), train=0.2)
    assert slow.recipe.net.height == 224
    assert steps_of(slow.recipe)["resize"]["width"] == 224
    assert re.search(
        r"only about 1[34]\d\d steps would fit", slow.reasons()["net.height"]
    )
    assert slow.recipe.train.steps == 1500
    assert "patches of 224×224" in {c.key: c.choice for c in slow.choices}["net.name"]
    slowest = plan_of(slices_with_masks(), train=1.0)
    assert slowest.recipe.net.height == 160  # and no smaller
    # answering the test cases takes all the time: no steps, never fewer than none
    asked = slices_with_masks(test=12_000)
    none = plan_of(asked, train=0.01, forward=0.025)
    assert "only about 0 steps would fit" in none.reasons()["net.height"]
    # larger images are seen in patches: their size is their own
    large = plan_of(slices_with_masks(height=600, width=500), train=0.2)
    assert "resize" not in steps_of(large.recipe)
