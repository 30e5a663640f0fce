"""Changes of place, each against what its numbers say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import Array
from medlens.prep import augment_space as space

from .phantoms import disc


def affine(array: Array, matrix: list[list[float]], border: str = "black") -> Array:
    return space.apply_affine(array, matrix=np.array(matrix, float), border=border)


CASE = np.random.default_rng(0).random((2, 12, 17), dtype=np.float32)


def test_the_identity_changes_nothing() -> None:
    np.testing.assert_allclose(affine(CASE, [[1, 0, 0], [0, 1, 0]]), CASE, atol=1e-6)


def test_a_shift_by_hand() -> None:
    # output (x, y) reads input (x + 2, y - 1)
    found = affine(CASE, [[1, 0, 2], [0, 1, -1]])
    np.testing.assert_allclose(found[:, 1:, :-2], CASE[:, :-1, 2:], atol=1e-6)
    assert found[:, 0].max() == 0
    edge = affine(CASE, [[1, 0, 2], [0, 1, -1]], "edge")
    np.testing.assert_allclose(edge[:, 0, 0], CASE[:, 0, 2], atol=1e-6)


def test_a_quarter_turn_about_the_middle_is_rot90() -> None:
    square = CASE[:, :, :12]
    # x' = y, y' = 11 - x
    found = affine(square, [[0, -1, 11], [1, 0, 0]])
    np.testing.assert_allclose(found, np.rot90(square, 1, (1, 2)), atol=1e-5)


def draw(**limits: float) -> Array:
    rng = np.random.default_rng(draw.calls)  # type: ignore[attr-defined]
    draw.calls += 1  # type: ignore[attr-defined]
    return space.draw_affine(rng, (1, 60, 80), **limits)["matrix"]  # type: ignore[arg-type]


draw.calls = 0  # type: ignore[attr-defined]


def test_draws_stay_inside_their_limits() -> None:
    none = {"rotate": 0.0, "scale": 0.0, "translate": 0.0, "shear": 0.0}
    np.testing.assert_allclose(draw(**none), [[1, 0, 0], [0, 1, 0]], atol=1e-12)
    angles, factors, shifts = [], [], []
    for _ in range(300):
        turned = draw(**{**none, "rotate": 20.0})
        angles.append(np.degrees(np.arctan2(turned[1, 0], turned[0, 0])))
        scaled = draw(**{**none, "scale": 0.25})
        factors.append(1 / scaled[0, 0])
        moved = draw(**{**none, "translate": 0.1})
        shifts.append(moved[:, 2])
        # the middle of the image stays where it is without a shift
        centre = np.array([39.5, 29.5])
        np.testing.assert_allclose(turned[:, :2] @ centre + turned[:, 2], centre)
    assert 18 < max(np.abs(angles)) <= 20
    assert min(factors) >= 1 / 1.25
    assert 1.2 < max(factors) <= 1.25
    assert abs(np.mean(np.log(factors))) < 0.05
    assert np.abs(shifts).max(axis=0) == pytest.approx([8, 6], rel=0.05)


@given(st.integers(0, 3))
@settings(max_examples=4, deadline=None)
def test_quarter_turns_undo_each_other(turns: int) -> None:
    there = space.apply_rot90(CASE, turns=turns)
    np.testing.assert_array_equal(space.apply_rot90(there, turns=4 - turns), CASE)


def test_only_half_turns_where_not_square() -> None:
    rng = np.random.default_rng(0)
    drawn = {space.draw_rot90(rng, (1, 8, 9))["turns"] for _ in range(50)}
    assert drawn == {0, 2}
    square = {space.draw_rot90(rng, (1, 8, 8))["turns"] for _ in range(50)}
    assert square == {0, 1, 2, 3}


def test_flips_undo_themselves_and_turn_the_right_axis() -> None:
    h, v = space.apply_horizontal_flip, space.apply_vertical_flip
    np.testing.assert_array_equal(h(h(CASE)), CASE)
    np.testing.assert_array_equal(v(v(CASE)), CASE)
    np.testing.assert_array_equal(h(CASE)[:, :, 0], CASE[:, :, -1])
    np.testing.assert_array_equal(v(CASE)[:, 0], CASE[:, -1])


def test_elastic_without_shifts_is_the_identity() -> None:
    found = space.apply_elastic(CASE, shifts=np.zeros((2, 5, 5), np.float32))
    np.testing.assert_allclose(found, CASE, atol=1e-6)


def test_elastic_with_one_shift_is_a_translation() -> None:
    shifts = np.zeros((2, 5, 5), np.float32)
    shifts[0] = 3 / 17  # 3 of 17 columns
    found = space.apply_elastic(CASE, shifts=shifts)
    np.testing.assert_allclose(found[:, :, :-3], CASE[:, :, 3:], atol=1e-5)


def test_elastic_bends_but_does_not_move_on_average() -> None:
    case, moved = disc(96)[None], []
    y, x = np.mgrid[:96, :96]
    for seed in range(40):
        drawn = space.draw_elastic(np.random.default_rng(seed), case.shape, amount=0.03)
        found = space.apply_elastic(case, **drawn)[0] > 0.5
        moved.append([y[found].mean() - 47.5, x[found].mean() - 47.5])
    assert np.abs(np.mean(moved, axis=0)).max() < 1.0
    assert np.std(moved) > 0.1


def test_cutout_boxes_are_the_only_change() -> None:
    for seed in range(30):
        drawn = space.draw_cutout(
            np.random.default_rng(seed), CASE.shape, size=0.5, count=2
        )
        found = space.apply_cutout(CASE, **drawn)
        untouched = np.ones(CASE.shape[1:], bool)
        for top, left, bottom, right in drawn["boxes"]:
            assert 0 <= top < bottom <= 12
            assert 0 <= left < right <= 17
            assert bottom - top <= 6
            assert right - left <= 9
            untouched[top:bottom, left:right] = False
        np.testing.assert_array_equal(found[:, untouched], CASE[:, untouched])
        level = np.broadcast_to(
            CASE.mean(axis=(1, 2))[:, None], found[:, ~untouched].shape
        )
        np.testing.assert_allclose(found[:, ~untouched], level)
