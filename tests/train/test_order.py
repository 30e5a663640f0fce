"""Which cases a step sees."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from medlens.train import order
from medlens.train.order import (
    case_weights,
    picks_of_step,
    steps_per_epoch,
)

sizes = st.tuples(st.integers(1, 200), st.integers(2, 40), st.integers(0, 2**31 - 1))


@given(sizes, st.integers(0, 5))
def test_no_case_comes_twice_in_a_pass(size: tuple[int, int, int], epoch: int) -> None:
    cases, batch_size, seed = size
    per_epoch = steps_per_epoch(cases, batch_size)
    seen: list[int] = []
    for step in range(epoch * per_epoch, (epoch + 1) * per_epoch):
        picks = picks_of_step(step, cases=cases, batch_size=batch_size, seed=seed)
        assert picks.epoch == epoch
        assert len(picks.cases) == min(batch_size, cases)
        assert np.array_equal(picks.draws, picks.cases)
        seen += picks.cases.tolist()
    assert len(set(seen)) == len(seen)
    assert set(seen) <= set(range(cases))
    assert len(seen) > cases - batch_size


@given(sizes, st.integers(0, 1000))
def test_a_step_is_a_function_of_seed_and_number(
    size: tuple[int, int, int], step: int
) -> None:
    cases, batch_size, seed = size
    one, two = (
        picks_of_step(step, cases=cases, batch_size=batch_size, seed=seed)
        for _ in range(2)
    )
    assert one.epoch == two.epoch
    assert np.array_equal(one.cases, two.cases)


@given(sizes, st.booleans(), st.lists(st.integers(0, 60), min_size=2, max_size=30))
def test_the_order_of_asking_changes_no_answer(
    size: tuple[int, int, int], is_weighted: bool, asked: list[int]
) -> None:
    """Held against answers of which none has another before it."""
    cases, batch_size, seed = size
    weights = np.random.default_rng(seed).random(cases) + 0.01 if is_weighted else None

    def ask(step: int) -> tuple[int, list[int], list[int]]:
        picks = picks_of_step(
            step, cases=cases, batch_size=batch_size, seed=seed, weights=weights
        )
        answer = picks.epoch, picks.cases.tolist(), picks.draws.tolist()
        picks.cases[:], picks.draws[:] = -1, -1  # what a caller does stays his own
        return answer

    alone = {}
    for step in set(asked):
        order._pass.cache_clear()
        alone[step] = ask(step)
    for step in asked:
        assert ask(step) == alone[step]


def test_weights_that_change_in_place_are_seen() -> None:
    """All the weight on case 1, then on case 2: every draw is of that case."""
    weights = np.array([0.0, 3.0, 0.0])
    for case in (1, 2):
        weights[:] = 0
        weights[case] = 3
        picks = picks_of_step(0, cases=3, batch_size=3, seed=0, weights=weights)
        assert picks.cases.tolist() == [case] * 3


def test_every_case_is_seen_over_the_passes() -> None:
    """10 cases in batches of 4: two are left out of each pass, never the same ones."""
    seen: set[int] = set()
    for step in range(20):
        seen |= set(picks_of_step(step, cases=10, batch_size=4, seed=0).cases.tolist())
    assert seen == set(range(10))


def test_seeds_and_passes_differ() -> None:
    def cases_of(step: int, seed: int) -> list[int]:
        found = picks_of_step(step, cases=100, batch_size=50, seed=seed).cases
        return [int(i) for i in found]

    assert cases_of(0, 0) != cases_of(0, 1)
    assert cases_of(0, 0) != cases_of(2, 0)


def test_heavy_cases_come_as_often_as_their_weight_says() -> None:
    """Weights 2.5, 0.5, 0.5, 0.5: ten passes hold them 25, 5, 5 and 5 times."""
    weights = np.array([2.5, 0.5, 0.5, 0.5])
    counts = np.zeros(4)
    for epoch in range(400):
        picks = picks_of_step(epoch, cases=4, batch_size=4, seed=0, weights=weights)
        found = np.bincount(picks.cases, minlength=4)
        assert (np.abs(found - weights) < 1).all()
        assert len(set(picks.draws.tolist())) == 4
        assert np.array_equal(picks.draws % 4, picks.cases)
        counts += found
    assert np.allclose(counts / 400, weights, atol=0.1)


@given(st.integers(1, 60), st.integers(0, 2**31 - 1))
def test_a_weighted_pass_is_as_long_as_a_plain_one(cases: int, seed: int) -> None:
    weights = np.random.default_rng(seed).random(cases) + 0.01
    weights /= weights.mean()
    picks = picks_of_step(3, cases=cases, batch_size=cases, seed=seed, weights=weights)
    assert len(picks.cases) == cases
    assert set(picks.cases.tolist()) <= set(range(cases))


def test_groups_weigh_by_the_root_of_their_size_within_their_label() -> None:
    """Label 0: groups of 4 and 1 case, shares 2 : 1 of 5 draws. Label 1: alike."""
    targets = np.eye(2, dtype=np.int8)[[0, 0, 0, 0, 0, 1, 1]]
    groups = np.array([7, 7, 7, 7, 8, 9, 10])
    weights = case_weights(groups, targets, power=0.5)
    assert weights is not None
    assert np.allclose(weights, [5 / 6] * 4 + [5 / 3] + [1.0, 1.0])
    assert np.allclose(weights @ targets, [5, 2])


def test_nothing_is_weighed_where_all_come_alike() -> None:
    targets = np.eye(2, dtype=np.int8)[[0, 1, 0]]
    assert case_weights(np.array([0, 1, 2]), targets, power=0.5) is None
    assert case_weights(np.array([0, 0, 1]), targets, power=1.0) is None
