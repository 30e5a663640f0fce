"""Lesions counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from medlens.core import UsageError
from medlens.metrics.masks import LesionCounts, match_lesions


def grid(*boxes: tuple[slice, ...], shape=(6, 20, 20)) -> np.ndarray:
    mask = np.zeros(shape, dtype=np.uint8)
    for box in boxes:
        mask[box] = 1
    return mask


S = slice
LEFT = (S(1, 3), S(2, 7), S(2, 7))  # 50 voxels
RIGHT = (S(1, 3), S(12, 17), S(12, 17))  # 50 voxels
SPECK = (S(5, 6), S(0, 1), S(19, 20))


def test_found_missed_and_made_up():
    reference, answer = grid(LEFT, RIGHT), grid(LEFT, SPECK)
    assert match_lesions(reference, answer) == LesionCounts(2, 1, 2, 1)
    assert match_lesions(answer, reference) == LesionCounts(2, 1, 2, 1)


@pytest.mark.parametrize(("rows", "found"), [(1, 0), (2, 1)])
def test_a_tenth_is_enough(rows, found):
    # Of the 50 voxels of LEFT 3 and 6 are answered, within a larger box.
    answer = grid((S(1, 1 + rows), S(2, 3), S(4, 7)))
    counts = match_lesions(grid(LEFT), answer)
    assert counts == LesionCounts(1, found, 1, 0)
    assert match_lesions(grid(LEFT), answer, min_overlap=0.05).found == 1


def test_exactly_the_share_counts():
    counts = match_lesions(grid(LEFT), grid((S(1, 2), S(2, 3), S(2, 7))))
    assert counts == LesionCounts(1, 1, 1, 0)


def test_one_answer_over_two_lesions():
    both = grid((S(1, 3), S(2, 17), S(2, 17)))
    assert match_lesions(grid(LEFT, RIGHT), both) == LesionCounts(2, 2, 1, 0)
    assert match_lesions(both, grid(LEFT, RIGHT)) == LesionCounts(1, 1, 2, 0)


def test_corners_touch():
    mask = np.zeros((2, 2, 2), dtype=bool)
    mask[0, 0, 0] = mask[1, 1, 1] = True
    assert match_lesions(mask, mask).lesions == 1
    plane = np.eye(3, dtype=bool)
    assert match_lesions(plane, plane).lesions == 1


def test_small_ones_may_be_left_out():
    reference, answer = grid(LEFT), grid(LEFT, SPECK)
    counts = match_lesions(
        reference, answer, spacing=(2.0, 1.0, 1.0), min_volume_mm3=2.5
    )
    assert counts == LesionCounts(1, 1, 1, 0)
    counts = match_lesions(
        reference, answer, spacing=(2.0, 1.0, 1.0), min_volume_mm3=2.0
    )
    assert counts == LesionCounts(1, 1, 2, 1)


def test_empty_masks():
    nothing, something = grid(), grid(LEFT, RIGHT)
    assert match_lesions(nothing, nothing) == LesionCounts(0, 0, 0, 0)
    assert match_lesions(something, nothing) == LesionCounts(2, 0, 0, 0)
    assert match_lesions(nothing, something) == LesionCounts(0, 0, 2, 2)


def test_many_specks():
    # More components than a plane has voxels: counted in larger pieces.
    mask = np.zeros((80, 9, 9), dtype=bool)
    mask[::2, ::2, ::2] = True
    counts = match_lesions(mask, mask)
    assert counts == LesionCounts(1000, 1000, 1000, 0)


@pytest.mark.parametrize("share", [0.0, 1.5, float("nan")])
def test_share_out_of_range(share):
    with pytest.raises(UsageError, match="wanted a share above 0, at most 1"):
        match_lesions(grid(), grid(), min_overlap=share)


def test_volume_out_of_range():
    with pytest.raises(UsageError, match="wanted a volume of 0 mm³ or more"):
        match_lesions(grid(), grid(), min_volume_mm3=-1)
