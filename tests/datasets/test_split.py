"""Laws of the split: no group parts, shares hold, order does not matter."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from forms_kit import made_manifest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import DataError, UsageError
from medlens.datasets.deal import deal, pile_groups
from medlens.datasets.forms import read_manifest
from medlens.datasets.groups import merge_groups
from medlens.datasets.manifest import Manifest
from medlens.datasets.split import describe_split, folds, split
from medlens.recipe.settings import SplitSettings

DEFAULT = SplitSettings()


@st.composite
def grouped(draw: st.DrawFn) -> tuple[Manifest, list[int]]:
    """Cases of 3 labels with patients and copy groups, each label well spread."""
    labels = 3
    sizes = draw(st.lists(st.integers(1, 6), min_size=24, max_size=60))
    cases, groups = [], []
    for patient, size in enumerate(sizes):
        for at in range(size):
            hot = (patient + draw(st.integers(0, 1)) * at) % labels
            target = tuple(int(k == hot) for k in range(labels))
            name = f"p{patient}" if patient % 3 else ""
            cases.append((f"{patient}-{at}.png", target, name, ""))
            groups.append(patient)
    return made_manifest(cases, ("a", "b", "c"), "multiclass"), groups


@settings(max_examples=40, deadline=None)
@given(grouped(), st.integers(0, 5))
def test_laws_of_the_split(made: tuple[Manifest, list[int]], seed: int) -> None:
    manifest, groups = made
    chosen = SplitSettings(seed=seed)
    result = split(manifest, groups, chosen)
    assert set(result) == {"train", "validation", "test"}
    where = defaultdict(set)
    for case, group, name in zip(manifest.cases, groups, result, strict=True):
        where[("group", group)].add(name)
        if case.patient:
            where[("patient", case.patient)].add(name)
    assert all(len(names) == 1 for names in where.values())
    # No split above its share by more than the largest group, hence none
    # below it by more than two; every label in every split.
    n, largest = len(result), max(Counter(groups).values())
    held = Counter(result)
    for name, share in (("train", 0.65), ("validation", 0.15), ("test", 0.2)):
        assert -2 * largest <= held[name] - share * n <= largest
    targets = manifest.targets()
    for name in held:
        mine = np.array([part == name for part in result])
        assert targets[mine].any(axis=0).all()


@settings(max_examples=25, deadline=None)
@given(grouped(), st.randoms(use_true_random=False))
def test_order_of_cases_and_numbers_of_groups_do_not_matter(
    made: tuple[Manifest, list[int]], rng: random.Random
) -> None:
    manifest, groups = made
    order = list(range(len(groups)))
    rng.shuffle(order)
    turned = made_manifest(
        [
            (c.key, c.target, c.patient, c.split)
            for c in (manifest.cases[at] for at in order)
        ],
        manifest.labels,
        manifest.kind,
    )
    renamed = [1000 - groups[at] for at in order]
    before = split(manifest, groups, DEFAULT)
    after = split(turned, renamed, DEFAULT)
    assert {c.key: s for c, s in zip(turned.cases, after, strict=True)} == {
        c.key: s for c, s in zip(manifest.cases, before, strict=True)
    }


def balanced(n: int = 300, *, yes: int = 90) -> Manifest:
    return made_manifest(
        [(f"{at:04d}", (int(at >= yes), int(at < yes)), "", "") for at in range(n)]
    )


def test_same_seed_same_split_other_seed_another() -> None:
    manifest = balanced()
    groups = range(300)
    one = split(manifest, groups, SplitSettings(seed=3))
    assert one == split(manifest, groups, SplitSettings(seed=3))
    assert one != split(manifest, groups, SplitSettings(seed=4))


def test_single_cases_are_dealt_to_the_last_one() -> None:
    manifest = balanced()
    result = split(manifest, range(300), DEFAULT)
    counts = Counter(
        (name, case.target[1])
        for name, case in zip(result, manifest.cases, strict=True)
    )
    # 65, 15 and 20 % of 90 and 210: 58.5, 13.5, 18; 136.5, 31.5, 42.
    assert counts["test", 1] == 18
    assert counts["test", 0] == 42
    assert {counts["train", 1], counts["train", 0]} <= {58, 59, 136, 137}


def test_multilabel_keeps_rare_labels_everywhere() -> None:
    rng = np.random.default_rng(0)
    targets = (rng.random((400, 4)) < [0.5, 0.2, 0.05, 0.02]).astype(int)
    targets[:3, 3] = 1
    manifest = made_manifest(
        [(f"{at}", tuple(map(int, row)), "", "") for at, row in enumerate(targets)],
        ("a", "b", "c", "d"),
        "multilabel",
    )
    result = np.array(split(manifest, range(400), DEFAULT))
    total = targets.sum(axis=0)
    for name, share in (("train", 0.65), ("validation", 0.15), ("test", 0.2)):
        held = targets[result == name].sum(axis=0)
        assert (held >= 1).all()
        assert (np.abs(held - share * total) <= np.maximum(2.0, 0.15 * total)).all()


def test_a_label_of_three_groups_is_brought_into_every_split() -> None:
    cases = [(f"{at}", (1, 0), f"p{at}", "") for at in range(60)]
    cases += [(f"y{at}", (0, 1), f"q{at}", "") for at in range(3)]
    manifest = made_manifest(cases)
    result = split(manifest, range(63), DEFAULT)
    assert set(result[60:]) == {"train", "validation", "test"}


def test_a_label_of_two_groups_is_refused() -> None:
    cases = [(f"{at}", (1, 0), f"p{at}", "") for at in range(60)]
    cases += [(f"y{at}", (0, 1), f"q{at % 2}", "") for at in range(12)]
    with pytest.raises(DataError, match="label 'yes' is in 2 groups of patients or co"):
        split(made_manifest(cases), range(72), DEFAULT)


def test_too_few_groups_and_wrong_use() -> None:
    manifest = balanced(20, yes=10)
    with pytest.raises(DataError, match="2 groups of patients or copies for 3 splits"):
        split(manifest, [at % 2 for at in range(20)], DEFAULT)
    with pytest.raises(UsageError, match="19 groups for 20 cases; wanted one a case"):
        split(manifest, range(19), DEFAULT)
    with pytest.raises(UsageError, match=r"split.test is 0.6; wanted 0 to 0.5"):
        split(manifest, range(20), SplitSettings(test=0.6))
    with pytest.raises(UsageError, match="leave nothing to train on; make them smalle"):
        split(manifest, range(20), SplitSettings(test=0.5, validation=0.5))


def test_a_share_of_nothing_makes_no_split() -> None:
    result = split(balanced(), range(300), SplitSettings(validation=0.0))
    assert set(result) == {"train", "test"}


def with_splits(*splits: tuple[str, int]) -> Manifest:
    cases = []
    for name, count in splits:
        for at in range(count):
            hot = (int(at % 2 == 0), int(at % 2 == 1))
            cases.append((f"{name or 'none'}{at:03d}", hot, "", name))
    return made_manifest(cases)


def test_given_splits_are_kept() -> None:
    manifest = with_splits(("train", 20), ("validation", 6), ("test", 9))
    result = split(manifest, range(35), DEFAULT)
    assert result == tuple(case.split for case in manifest.cases)


@pytest.mark.parametrize("pool", ["train", ""])
def test_what_is_not_given_comes_from_training(pool: str) -> None:
    manifest = with_splits((pool, 80), ("test", 20))
    result = split(manifest, range(100), DEFAULT)
    counts = Counter(result)
    assert all(
        s == "test"
        for c, s in zip(manifest.cases, result, strict=True)
        if c.split == "test"
    )
    assert counts["test"] == 20
    assert counts["validation"] == 15
    manifest = with_splits((pool, 80), ("validation", 20))
    assert Counter(split(manifest, range(100), DEFAULT))["test"] == 20


def test_a_large_given_test_leaves_half_of_the_pool_to_train() -> None:
    manifest = with_splits(("train", 20), ("test", 200))
    counts = Counter(split(manifest, range(220), DEFAULT))
    assert counts["train"] == counts["validation"] == 10


def test_leaks_across_given_splits_are_left_out_of_the_earlier_one() -> None:
    manifest = with_splits(("train", 20), ("validation", 6), ("test", 9))
    groups = list(range(35))
    groups[0] = groups[30]  # a training case and a test case
    groups[1] = groups[21]  # a training case and a validation case
    groups[22] = groups[31]  # a validation case and a test case
    result = split(manifest, groups, DEFAULT)
    assert [result[at] for at in (0, 1, 22)] == ["", "", ""]
    assert [result[at] for at in (30, 21, 31)] == ["test", "validation", "test"]
    assert Counter(result) == {"train": 18, "validation": 5, "test": 9, "": 3}
    assert (
        "left out: 3 cases given to one split" in describe_split(manifest, result)[-1]
    )


def test_nothing_to_train_on() -> None:
    with pytest.raises(DataError, match="gives every case to validation or test; noth"):
        split(with_splits(("test", 9)), range(9), DEFAULT)


def test_describe_split_counts() -> None:
    cases = [(f"{at}", (1, 0), f"p{at // 2}", "") for at in range(4)]
    cases += [("y", (0, 1), "p9", "")]
    lines = describe_split(made_manifest(cases), ("train",) * 4 + ("test",))
    assert lines == (
        "train: 4 cases of 2 patients (no 4, yes 0)",
        "validation: 0 cases (no 0, yes 0)",
        "test: 1 case of 1 patient (no 0, yes 1)",
    )


@settings(max_examples=25, deadline=None)
@given(grouped(), st.integers(2, 5))
def test_folds_part_no_group_and_are_even(
    made: tuple[Manifest, list[int]], count: int
) -> None:
    manifest, groups = made
    among = [at for at, group in enumerate(groups) if group % 8]
    result = folds(manifest, groups, count=count, among=among)
    chosen = set(among)
    assert all((number >= 0) == (at in chosen) for at, number in enumerate(result))
    merged = merge_groups(manifest, groups=groups)
    where = defaultdict(set)
    for at in among:
        where[merged[at]].add(result[at])
    assert all(len(numbers) == 1 for numbers in where.values())
    largest = max(Counter(groups).values())
    sizes = Counter(result[at] for at in among)
    assert max(sizes.values()) - len(among) / count <= largest
    assert len(sizes) == count


def test_folds_of_one_or_of_too_few() -> None:
    manifest = balanced(20, yes=3)
    with pytest.raises(UsageError, match="folds: count is 1; wanted 2 or more"):
        folds(manifest, range(20), count=1)
    with pytest.raises(
        DataError, match=r"label 'yes' is in 3 groups.*at least 5 groups"
    ):
        folds(manifest, range(20), count=5)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=25),
    st.lists(st.integers(0, 12), min_size=30, max_size=30),
)
def test_merged_groups_are_the_connected_parts(
    pairs: list[tuple[int, int]], patients: list[int]
) -> None:
    manifest = made_manifest(
        [(f"{at}", (1, 0), f"p{p}" if p else "", "") for at, p in enumerate(patients)]
    )
    merged = merge_groups(manifest, pairs)
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges = [*pairs]
    edges += [
        (a, b)
        for a in range(30)
        for b in range(a)
        if patients[a] and patients[a] == patients[b]
    ]
    rows, columns = np.array([*edges, (0, 0)]).T
    graph = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(30, 30))
    _, parts = connected_components(graph, directed=False)
    same = np.equal.outer(np.array(merged), np.array(merged))
    assert (same == np.equal.outer(parts, parts)).all()
    firsts = list(dict.fromkeys(merged))
    assert firsts == sorted(firsts)


def test_the_deal_is_never_overfull_by_more_than_the_largest_group() -> None:
    rng = np.random.default_rng(7)
    for _ in range(50):
        sizes = rng.integers(1, 40, size=rng.integers(3, 30))
        groups = np.repeat(np.arange(len(sizes)), sizes).tolist()
        manifest = made_manifest(
            [(f"{at}", (1, 0), "", "") for at in range(len(groups))], ("x", "y")
        )
        pile = pile_groups(manifest, groups, range(len(groups)), seed=0)
        shares = np.array([0.65, 0.15, 0.2])
        hands = deal(pile, shares)
        held = np.bincount(hands, weights=pile.counts[:, 0], minlength=3)
        assert held.sum() == len(groups)
        assert (held <= shares * len(groups) + sizes.max() + 1e-6).all()


def test_real_sets_split_by_patient(shared_data: Path) -> None:
    for name in ("xray_pneumonia", "mri_glioma_slices", "ct_head_haemorrhage"):
        manifest = read_manifest(shared_data / name)
        result = split(manifest, range(len(manifest.cases)), DEFAULT)
        where = defaultdict(set)
        for case, part in zip(manifest.cases, result, strict=True):
            where[case.patient or case.key].add(part)
        assert all(len(parts) == 1 for parts in where.values())
        prevalence = manifest.targets()[:, 1].mean()
        for part in ("train", "validation", "test"):
            mine = [p == part for p in result]
            assert abs(manifest.targets()[mine][:, 1].mean() - prevalence) < 0.08
