"""Grey-level matrices against hand-worked cases and slow, plain counting."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.features import matrices

EXAMPLE = np.array([[1, 1, 2], [1, 3, 2], [0, 3, 3]], dtype=np.int64)
"""Used by hand below; 0 lies outside the region."""


def as_table(matrix: matrices.SizeMatrix) -> dict[tuple[int, int], int]:
    cells = zip(matrix.grey, matrix.size, matrix.count, strict=True)
    return {(int(grey), int(size)): int(count) for grey, size, count in cells}


@st.composite
def regions(draw):
    ndim = draw(st.integers(2, 3))
    shape = tuple(draw(st.integers(1, 5)) for _ in range(ndim))
    seed = draw(st.integers(0, 10_000))
    levels = np.random.default_rng(seed).integers(0, 4, size=shape)
    levels.flat[0] = max(1, levels.flat[0])
    return levels.astype(np.int64)


def walk(levels, step):
    """(voxel, its neighbour or None), voxel by voxel."""
    for index in np.ndindex(levels.shape):
        other = tuple(a + b for a, b in zip(index, step, strict=True))
        inside = all(0 <= a < n for a, n in zip(other, levels.shape, strict=True))
        yield index, other if inside else None


@pytest.mark.parametrize(("ndim", "number"), [(1, 1), (2, 4), (3, 13)])
def test_directions_are_half_of_the_neighbours(ndim, number):
    steps = matrices.directions(ndim)
    opposite = [tuple(-part for part in step) for step in steps]
    assert len(steps) == number
    assert len(set(steps) | set(opposite)) == 3**ndim - 1


def test_pairs_by_hand():
    expected = np.zeros((3, 3))
    pairs = ["11", "12", "13", "32", "33"]  # to the right
    pairs += ["11", "13", "33", "22", "23"]  # down
    pairs += ["13", "12", "13", "33"]  # down and right
    pairs += ["11", "23", "23"]  # down and left
    for first, second in pairs:
        expected[int(first) - 1, int(second) - 1] += 1
        expected[int(second) - 1, int(first) - 1] += 1
    np.testing.assert_array_equal(matrices.count_pairs(EXAMPLE), expected)


def test_zones_by_hand():
    zones, grey = matrices.label_zones(EXAMPLE)
    assert as_table(matrices.count_zones(zones, grey)) == {
        (1, 3): 1,
        (2, 2): 1,
        (3, 3): 1,
    }
    # Only the middle pixel is more than one step from the edge of the region, yet
    # its zone has other pixels at the edge.
    assert as_table(matrices.count_zone_distances(zones, grey)) == {
        (1, 1): 1,
        (2, 1): 1,
        (3, 1): 1,
    }


def test_distance_of_an_inner_zone():
    levels = np.ones((5, 7), dtype=np.int64)
    levels[2, 2:5] = 2
    zones, grey = matrices.label_zones(levels)
    table = as_table(matrices.count_zone_distances(zones, grey))
    assert table == {(1, 1): 1, (2, 3): 1}


def test_dependences_by_hand():
    levels = np.array([[1, 1, 2], [1, 2, 2]], dtype=np.int64)
    table = as_table(matrices.count_dependences(levels))
    assert table == {(1, 3): 3, (2, 3): 3}


def test_tone_differences_by_hand():
    # Each pixel against the mean of its other three.
    levels = np.array([[1, 2], [3, 4]], dtype=np.int64)
    counts, sums = matrices.count_tone_differences(levels)
    assert counts.tolist() == [1, 1, 1, 1]
    np.testing.assert_allclose(sums, [2, 2 / 3, 2 / 3, 2])


def test_isolated_voxel_has_no_tone_difference():
    levels = np.array([[1, 0, 0], [0, 0, 2]], dtype=np.int64)
    counts, _ = matrices.count_tone_differences(levels)
    assert counts.sum() == 0


def test_memory_order_does_not_matter():
    levels = np.random.default_rng(3).integers(0, 5, size=(4, 6, 5))
    turned = np.asfortranarray(levels)
    assert as_table(matrices.count_runs(levels)) == as_table(
        matrices.count_runs(turned)
    )


@given(regions())
@settings(max_examples=60, deadline=None)
def test_pairs_equal_plain_counting(levels):
    side = levels.max()
    expected = np.zeros((side, side))
    for step in product((-1, 0, 1), repeat=levels.ndim):
        if not any(step):
            continue
        for here, there in walk(levels, step):
            if there is not None and levels[here] and levels[there]:
                expected[levels[here] - 1, levels[there] - 1] += 1
    if not expected.any():
        first = levels[levels > 0][0] - 1
        expected[first, first] = 1
    np.testing.assert_array_equal(matrices.count_pairs(levels), expected)


@given(regions())
@settings(max_examples=60, deadline=None)
def test_runs_equal_plain_counting(levels):
    expected: dict[tuple[int, int], int] = {}
    for step in matrices.directions(levels.ndim):
        back = tuple(-part for part in step)
        for here, before in walk(levels, back):
            grey = int(levels[here])
            if grey == 0 or (before is not None and levels[before] == grey):
                continue
            length, place = 0, here
            while (
                all(0 <= a < n for a, n in zip(place, levels.shape, strict=True))
                and levels[place] == grey
            ):
                length += 1
                place = tuple(a + b for a, b in zip(place, step, strict=True))
            expected[grey, length] = expected.get((grey, length), 0) + 1
    matrix = matrices.count_runs(levels)
    assert as_table(matrix) == expected
    assert (matrix.count * matrix.size).sum() == matrix.n_voxels


@given(regions())
@settings(max_examples=40, deadline=None)
def test_zones_and_dependences_cover_every_voxel(levels):
    inside = int((levels > 0).sum())
    zones, grey = matrices.label_zones(levels)
    sizes = matrices.count_zones(zones, grey)
    assert (sizes.count * sizes.size).sum() == inside
    assert matrices.count_dependences(levels).count.sum() == inside


@given(regions())
@settings(max_examples=40, deadline=None)
def test_dependences_equal_plain_counting(levels):
    expected: dict[tuple[int, int], int] = {}
    same = np.ones(levels.shape, dtype=int)
    for step in product((-1, 0, 1), repeat=levels.ndim):
        for here, there in walk(levels, step):
            if any(step) and there is not None:
                same[here] += levels[here] == levels[there]
    for here in np.argwhere(levels > 0):
        key = int(levels[tuple(here)]), int(same[tuple(here)])
        expected[key] = expected.get(key, 0) + 1
    assert as_table(matrices.count_dependences(levels)) == expected
