"""The index: exact for few, a balanced tree for many, bounded for alike ones."""

from __future__ import annotations

import numpy as np
import pytest

from medlens.datasets import hashes_index
from medlens.datasets.hashes_index import (
    LEAF,
    Index,
    build_index,
    find_neighbours,
    order_by_likeness,
)


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(
        np.float32
    )


def scatter(count: int, seed: int = 0) -> np.ndarray:
    """Unit vectors around some centres, as images of some kinds are."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((40, 16))
    return unit(centres[rng.integers(0, 40, count)] + rng.standard_normal((count, 16)))


@pytest.fixture
def tree(monkeypatch: pytest.MonkeyPatch) -> Index:
    """A tree over 6,000 vectors."""
    monkeypatch.setattr(hashes_index, "EXACT", 500)
    return build_index(scatter(6000), [0])


def test_exact_answers_are_those_of_a_plain_search() -> None:
    vectors = scatter(300)
    index = build_index(vectors, [0])
    asker, answer = find_neighbours(index, vectors[:50, None], 0, keep=7, least=-1.0)
    cosine = vectors[:50] @ vectors.T
    cosine[np.arange(50), np.arange(50)] = -2
    wanted = np.argsort(-cosine, axis=1)[:, :7]
    assert np.array_equal(answer.reshape(50, 7), wanted)
    assert np.array_equal(asker, np.repeat(np.arange(50), 7))


def test_answers_below_the_least_cosine_are_left_out() -> None:
    vectors = unit(np.eye(8))
    asker, _ = find_neighbours(
        build_index(vectors, [0]), vectors[:, None], 0, keep=5, least=0.1
    )
    assert not len(asker)


def test_leaves_share_out_all_vectors_and_none_overflows(tree: Index) -> None:
    assert tree.tree is not None
    leaves = [leaf for leaf in tree.tree.leaves if leaf is not None]
    assert max(map(len, leaves)) <= LEAF
    assert sorted(np.concatenate(leaves)) == list(range(6000))


def test_alike_vectors_are_put_beside_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vectors = scatter(6000)
    assert np.array_equal(order_by_likeness(vectors[:100]), np.arange(100))
    monkeypatch.setattr(hashes_index, "EXACT", 500)
    order = order_by_likeness(vectors)
    assert sorted(order) == list(range(6000))
    beside = np.sum(vectors[order[1:]] * vectors[order[:-1]], axis=1).mean()
    assert beside > np.sum(vectors[1:] * vectors[:-1], axis=1).mean() + 0.2


def test_tree_finds_planted_neighbours_and_never_the_asker(tree: Index) -> None:
    rng = np.random.default_rng(1)
    noise = unit(rng.standard_normal((500, 16)))
    questions = unit(tree.descriptors[1000:1500] + 0.3 * noise)
    # Asked by strangers: the planted neighbour of asker i is 1000 + i.
    asker, answer = find_neighbours(tree, questions[:, None], 0, keep=8, least=0.3)
    named = {(int(i), int(j)) for i, j in zip(asker, answer, strict=True)}
    assert np.mean([(i, 1000 + i) in named for i in range(500)]) > 0.97
    assert np.bincount(asker).max() <= 8
    own, others = find_neighbours(
        tree, tree.descriptors[:500, None], 0, keep=8, least=0.3
    )
    assert not np.any(own == others)


def test_identical_vectors_are_parted_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashes_index, "EXACT", 500)
    vectors = np.repeat(unit(np.ones((1, 16))), 20_000, axis=0)
    index = build_index(vectors, [0])
    assert index.tree is not None
    assert max(len(leaf) for leaf in index.tree.leaves if leaf is not None) <= LEAF
    asker, _ = find_neighbours(index, vectors[:512, None], 0, keep=24, least=0.4)
    assert np.bincount(asker).max() <= 24
