"""Cases dealt to folds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlens.core import TrainError
from medlens.train.folds import deal_folds


@given(
    st.lists(st.integers(0, 30), min_size=2, max_size=80).filter(
        lambda groups: len(set(groups)) > 1
    ),
    st.integers(2, 8),
    st.integers(0, 2**31 - 1),
)
def test_groups_stay_whole_and_folds_hold_equally_many(
    groups: list[int], folds: int, seed: int
) -> None:
    fold = deal_folds(np.array(groups), folds, seed)
    pairs = set(zip(groups, fold.tolist(), strict=True))
    assert len(pairs) == len(set(groups))  # one fold for each group
    sizes = np.bincount([f for _, f in pairs])
    assert len(sizes) == min(folds, len(set(groups)))
    assert sizes.max() - sizes.min() <= 1


def test_the_seed_alone_decides() -> None:
    groups = np.arange(40)
    one = deal_folds(groups, 4, 1)
    assert np.array_equal(one, deal_folds(groups, 4, 1))
    assert not np.array_equal(one, deal_folds(groups, 4, 2))


def test_one_group_cannot_be_dealt() -> None:
    with pytest.raises(TrainError, match="wanted at least 2 groups"):
        deal_folds(np.zeros(5, dtype=np.int64), 2, 0)
