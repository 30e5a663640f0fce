"""Each rule of the plan on facts whose answer is plain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlens.plan import Facts
from medlens.plan.rules import (
    RADIOGRAPHS,
    SIZES,
    choose_augment,
    choose_balance,
    choose_calibration,
    choose_net,
    choose_prep,
    choose_size,
    choose_split,
)
from medlens.prep import AUGMENTS, build_augment, build_pipeline

FLIPS = {"horizontal_flip", "vertical_flip", "rot90"}


def facts(**changes: Any) -> Facts:
    known = Facts(
        kind="binary",
        labels=("normal", "ill"),
        positive="ill",
        train=1000,
        validation=200,
        test=300,
        label_counts=(500, 500),
        height=512,
        width=512,
    )
    return replace(known, **changes)


def names_of(steps: tuple[Any, ...]) -> list[str]:
    return [step.name for step in steps]


@pytest.mark.parametrize(
    ("height", "width", "side"),
    [
        (28, 28, 64),
        (40, 300, 64),
        (50, 50, 64),
        (84, 84, 96),  # 84 × 1.15 = 96.6
        (83, 83, 64),  # 83 × 1.15 = 95.5
        (128, 400, 128),
        (224, 224, 224),
        (200, 3000, 224),
        (4000, 3000, 224),
    ],
)
def test_input_suits_the_images(height: int, width: int, side: int) -> None:
    found, choice = choose_size(facts(height=height, width=width))
    assert found == side
    assert str(min(height, width)) in choice.reason


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_a_larger_image_never_gets_a_smaller_input(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert choose_size(facts(height=low))[0] <= choose_size(facts(height=high))[0]
    assert choose_size(facts(height=one, width=other))[0] in SIZES


@pytest.mark.parametrize(
    ("changes", "channels"),
    [
        ({}, 1),
        ({"modality": "DX"}, 1),
        ({"modality": "MR"}, 1),
        ({"is_colour": True}, 3),
        ({"modality": "CT"}, 3),
        ({"modality": "CT", "is_rescaled": True}, 3),
    ],
)
def test_channels_follow_colour_and_ct(changes: dict[str, Any], channels: int) -> None:
    settings, _ = choose_net(facts(**changes), 96)
    assert (settings.channels, settings.height, settings.width) == (channels, 96, 96)


def test_ct_in_hounsfield_units_gets_three_windows() -> None:
    prep, choices = choose_prep(facts(modality="CT", is_rescaled=True, bits=16), 224)
    assert names_of(prep.steps) == ["multi_window", "resize"]
    assert prep.steps[0].params == {"presets": ("brain", "subdural", "bone")}
    assert prep.cache_bits == 16
    assert "three CT windows" in choices[0].choice


@pytest.mark.parametrize(
    ("changes", "colour"),
    [({}, "to_grey"), ({"is_colour": True}, "to_rgb"), ({"modality": "CT"}, "to_rgb")],
)
def test_other_images_are_shown_as_their_file_asks(
    changes: dict[str, Any], colour: str
) -> None:
    prep, _ = choose_prep(facts(**changes), 64)
    assert names_of(prep.steps) == ["display", colour, "resize"]
    assert prep.cache_bits == 8


@pytest.mark.parametrize("modality", [*sorted(RADIOGRAPHS), "CT", "MR", "PT"])
@pytest.mark.parametrize("is_colour", [False, True])
def test_where_laterality_matters_nothing_is_flipped(
    modality: str, is_colour: bool
) -> None:
    augment, choice = choose_augment(facts(modality=modality, is_colour=is_colour))
    assert not FLIPS & set(names_of(augment.steps))
    assert choice.reason


def test_unknown_grey_images_are_not_flipped_either() -> None:
    augment, choice = choose_augment(facts(modality=""))
    assert not FLIPS & set(names_of(augment.steps))
    assert "nothing is flipped" in choice.reason


@pytest.mark.parametrize("modality", ["US", "SM"])
def test_where_orientation_means_nothing_images_are_flipped(modality: str) -> None:
    augment, _ = choose_augment(facts(modality=modality, is_colour=True))
    assert FLIPS & set(names_of(augment.steps))


@pytest.mark.parametrize(
    "modality", ["", "DX", "CT", "MR", "US", "SM", "ES", "nonsense"]
)
@pytest.mark.parametrize("is_colour", [False, True])
@pytest.mark.parametrize("is_rescaled", [False, True])
def test_every_planned_step_exists(
    modality: str, is_colour: bool, is_rescaled: bool
) -> None:
    known = facts(
        modality=modality, is_colour=is_colour, is_rescaled=is_rescaled, border=0.5
    )
    build_pipeline(choose_prep(known, 64)[0].steps)
    augment, _ = choose_augment(known)
    build_augment(augment.steps, seed=0)
    assert set(names_of(augment.steps)) <= set(AUGMENTS)


@pytest.mark.parametrize(
    ("modality", "border", "is_cropped"),
    [("MR", 0.3, True), ("MR", 0.05, False), ("DX", 0.3, False), ("", 0.1, True)],
)
def test_empty_border_is_cropped_but_not_on_radiographs(
    modality: str, border: float, is_cropped: bool
) -> None:
    prep, _ = choose_prep(facts(modality=modality, border=border), 64)
    assert ("crop_body" in names_of(prep.steps)) == is_cropped


@pytest.mark.parametrize(
    ("aspect", "mode"),
    [(1.0, "stretch"), (0.6, "stretch"), (1.67, "stretch"), (0.5, "fit"), (2.0, "fit")],
)
def test_far_from_square_is_not_stretched(aspect: float, mode: str) -> None:
    prep, _ = choose_prep(facts(aspect=aspect), 64)
    assert prep.steps[-1].params["mode"] == mode


@pytest.mark.parametrize(("bits", "depth"), [(1, 8), (8, 8), (10, 16), (16, 16)])
def test_depth_beyond_8_bits_is_kept(bits: int, depth: int) -> None:
    assert choose_prep(facts(bits=bits), 64)[0].cache_bits == depth


@pytest.mark.parametrize(
    ("train", "validation", "is_frozen", "folds", "reason"),
    [
        (100, 30, True, 5, "130 cases are too few to keep some for calibration"),
        (1000, 200, True, 5, "every case can be judged by a head that never saw it"),
        (1000, 200, False, 0, "200 validation cases are enough to calibrate on"),
    ],
)
def test_folds_go_with_frozen_features(
    train: int, validation: int, is_frozen: bool, folds: int, reason: str
) -> None:
    known = facts(train=train, validation=validation, seed=3)
    settings, choice = choose_split(known, is_frozen=is_frozen)
    assert (settings.folds, settings.seed) == (folds, 3)
    assert reason in choice.reason


@pytest.mark.parametrize(
    ("kind", "counts", "power", "words"),
    [
        ("binary", (500, 500), 0.0, "balanced"),
        ("binary", (550, 450), 0.0, "balanced"),
        ("binary", (800, 200), 0.5, "4.0 times the rarest"),
        ("multiclass", (10, 500, 490), 0.5, "50.0 times the rarest"),
        ("multiclass", (330, 340, 330), 0.0, "balanced"),
        # each label against its absence: half of the cases have it
        ("multilabel", (500, 480), 0.0, "balanced"),
        ("multilabel", (500, 100), 0.5, "9.0 times as frequent"),
        ("multilabel", (500, 900), 0.5, "9.0 times as frequent"),
        ("multilabel", (1000, 1000), 0.5, "1000.0 times as frequent"),
    ],
)
def test_rare_classes_weigh_more(
    kind: Any, counts: tuple[int, ...], power: float, words: str
) -> None:
    found, choice = choose_balance(facts(kind=kind, label_counts=counts))
    assert found == power
    assert words in choice.reason


def test_labels_without_cases_do_not_break_the_balance() -> None:
    assert choose_balance(facts(label_counts=(0, 0)))[0] == 0.0


def test_the_threshold_does_not_lean_on_prevalence() -> None:
    settings, choice = choose_calibration()
    assert settings.operating_point == "youden"
    assert "share of positives" in choice.reason


@pytest.mark.parametrize("modality", ["US", "OP", "SM"])
def test_nothing_is_turned_over_where_a_label_names_a_side(modality: str) -> None:
    told = facts(modality=modality, labels=("left_eye", "right_eye"))
    settings, choice = choose_augment(told)
    assert not FLIPS & set(names_of(settings.steps))
    assert "never mirrored" in choice.reason
    settings, _ = choose_augment(facts(modality=modality))
    assert FLIPS & set(names_of(settings.steps))
