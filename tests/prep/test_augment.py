"""Random changes: repeatable, independent of order, and inside their limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import RecipeError
from medlens.prep import AUGMENT_PRESETS, AUGMENTS, build_augment
from medlens.prep.presets import preset_of
from medlens.recipe.settings import Step

from .phantoms import colours, disc

ALL = [Step(name, {"p": 1.0}) for name in AUGMENTS]
CASE = disc(48)[None]


@pytest.mark.parametrize("name", AUGMENT_PRESETS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_preset_gives_valid_images(name: str, channels: int) -> None:
    augment = build_augment(AUGMENT_PRESETS[name], seed=3)
    case = colours(40)[:channels, 0]
    before = case.copy()
    for index in range(20):
        found = augment(case, epoch=1, index=index)
        assert found.shape == case.shape
        assert found.dtype == np.float32
        assert found.flags.c_contiguous
        assert 0 <= found.min() <= found.max() <= 1
    np.testing.assert_array_equal(case, before)


@given(st.integers(0, 2**40), st.integers(0, 10**6), st.integers(0, 10**9))
@settings(max_examples=25, deadline=None)
def test_seed_epoch_and_index_alone_decide(seed: int, epoch: int, index: int) -> None:
    first, second = build_augment(ALL, seed=seed), build_augment(ALL, seed=seed)
    second(CASE, epoch=0, index=0)  # what went before must not matter
    a = first(CASE, epoch=epoch, index=index)
    b = second(CASE, epoch=epoch, index=index)
    np.testing.assert_array_equal(a, b)


def test_other_seeds_epochs_and_cases_differ() -> None:
    augment = build_augment(ALL, seed=0)
    base = augment(CASE, epoch=0, index=0)
    assert np.abs(augment(CASE, epoch=0, index=1) - base).max() > 0
    assert np.abs(augment(CASE, epoch=1, index=0) - base).max() > 0
    other = build_augment(ALL, seed=1)
    assert np.abs(other(CASE, epoch=0, index=0) - base).max() > 0


def test_a_batch_is_its_cases_one_by_one() -> None:
    augment = build_augment(ALL, seed=5)
    cases = np.stack([CASE, CASE * 0.5, 1 - CASE])
    batch = augment.batch(cases, epoch=2, indices=[7, 11, 13])
    for b, index in enumerate([7, 11, 13]):
        np.testing.assert_array_equal(batch[b], augment(cases[b], epoch=2, index=index))


def test_drawing_and_doing_are_apart() -> None:
    augment = build_augment(ALL, seed=9)
    drawn = augment.draw((1, 48, 48), epoch=4, index=2)
    assert [name for name, _ in drawn] == list(AUGMENTS)
    np.testing.assert_array_equal(
        augment.apply(CASE, drawn), augment(CASE, epoch=4, index=2)
    )


@pytest.mark.parametrize("name", AUGMENTS)
def test_each_step_changes_something_and_never_its_input(name: str) -> None:
    case = colours(32)[:, 0]
    before = case.copy()
    augment = build_augment([Step(name, {"p": 1.0})], seed=0)
    changed = [
        np.abs(augment(case, epoch=0, index=i) - case).max() > 1e-4 for i in range(8)
    ]
    assert any(changed)
    np.testing.assert_array_equal(case, before)


def test_probability_is_kept() -> None:
    augment = build_augment([Step("horizontal_flip", {"p": 0.3})], seed=0)
    drawn = [bool(augment.draw((1, 8, 8), epoch=0, index=i)) for i in range(2000)]
    # binomial: 0.3 ± 4 standard errors
    assert abs(np.mean(drawn) - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 2000)
    never = build_augment([Step("noise", {"p": 0.0})], seed=0)
    np.testing.assert_array_equal(never(CASE, epoch=0, index=0), CASE)


def test_no_steps_change_nothing_but_give_a_copy() -> None:
    found = build_augment([], seed=0)(CASE, epoch=0, index=0)
    np.testing.assert_array_equal(found, CASE)
    assert not np.shares_memory(found, CASE)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (
            [Step("afine")],
            r"augment\.steps\[0\]\.name 'afine' is unknown; nearest: affine",
        ),
        (
            [Step("noise"), Step("blur", {"sgma": 1.0})],
            r"augment\.steps\[1\]\.sgma is unknown; nearest: sigma",
        ),
        ([Step("noise", {"p": 2})], r"p is 2; wanted a number in 0\.\.1"),
    ],
)
def test_wrong_recipes_fail_when_built(steps: list[Step], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        build_augment(steps, seed=0)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"train\.seed is -1; wanted 0 or above"):
        build_augment([], seed=-1)


@pytest.mark.parametrize("name", ["radiograph", "cross_section", "unknown"])
def test_no_mirror_where_laterality_matters(name: str) -> None:
    flips = {"horizontal_flip", "vertical_flip", "rot90"}
    assert not flips & {step.name for step in AUGMENT_PRESETS[name]}


def test_kinds_of_image_by_modality() -> None:
    kinds = {m: preset_of(m) for m in ("DX", "MG", "CT", "MR", "US", "ES", "SM", "ZZ")}
    assert list(kinds.values()) == [
        "radiograph",
        "radiograph",
        "cross_section",
        "cross_section",
        "ultrasound",
        "photograph",
        "microscopy",
        "unknown",
    ]
    assert preset_of("", is_colour=True) == "photograph"
    assert preset_of("") == "unknown"
    assert {preset_of(m) for m in kinds} <= set(AUGMENT_PRESETS)
