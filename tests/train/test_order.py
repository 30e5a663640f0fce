"""Which cases a step sees."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from medlens.train.order import batch_of_step, share_of_epoch, steps_per_epoch

sizes = st.tuples(st.integers(1, 200), st.integers(2, 40), st.integers(0, 2**31 - 1))


@given(sizes, st.integers(0, 5))
def test_no_case_comes_twice_in_a_pass(size: tuple[int, int, int], epoch: int) -> None:
    cases, batch_size, seed = size
    per_epoch = steps_per_epoch(cases, batch_size)
    seen: list[int] = []
    for step in range(epoch * per_epoch, (epoch + 1) * per_epoch):
        found, chosen = batch_of_step(
            step, cases=cases, batch_size=batch_size, seed=seed
        )
        assert found == epoch
        assert len(chosen) == min(batch_size, cases)
        seen += chosen.tolist()
    assert len(set(seen)) == len(seen)
    assert set(seen) <= set(range(cases))
    assert len(seen) > cases - batch_size


@given(sizes, st.integers(0, 1000))
def test_a_step_is_a_function_of_seed_and_number(
    size: tuple[int, int, int], step: int
) -> None:
    cases, batch_size, seed = size
    one, two = (
        batch_of_step(step, cases=cases, batch_size=batch_size, seed=seed)
        for _ in range(2)
    )
    assert one[0] == two[0]
    assert np.array_equal(one[1], two[1])


def test_every_case_is_seen_over_the_passes() -> None:
    """10 cases in batches of 4: two are left out of each pass, never the same ones."""
    seen: set[int] = set()
    for step in range(20):
        seen |= set(batch_of_step(step, cases=10, batch_size=4, seed=0)[1].tolist())
    assert seen == set(range(10))


def test_seeds_and_passes_differ() -> None:
    def order(step: int, seed: int) -> list[int]:
        found = batch_of_step(step, cases=100, batch_size=50, seed=seed)[1]
        return [int(i) for i in found]

    assert order(0, 0) != order(0, 1)
    assert order(0, 0) != order(2, 0)


def test_the_last_step_of_a_pass_is_known() -> None:
    found = [share_of_epoch(step, cases=10, batch_size=4) for step in range(5)]
    assert found == [(0, False), (0, True), (1, False), (1, True), (2, False)]
    assert share_of_epoch(3, cases=2, batch_size=8) == (3, True)
