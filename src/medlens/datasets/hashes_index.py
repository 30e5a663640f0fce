"""Nearest descriptors: exact for small sets, a balanced k-means tree for large.

The tree has a fixed number of branches a node and at most `LEAF` descriptors a
leaf, and a question walks down with a beam of fixed width, so building and
asking both cost n log n. Nodes whose descriptors cannot be told apart (a set
of thousands of alike images) are cut into equal parts, so no leaf overflows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

EXACT = 4096
"""Up to so many descriptors, every question is held against all of them."""

LEAF = 256
_BRANCHES = 16
_BEAM = 16
_PER_LEAF = 32
"""Answers kept of each leaf that an image's questions reach."""

_WIDE = 32
"""Answers of the wide look: so many times log2 of the number of descriptors."""


@dataclass
class _Tree:
    """Nodes of the index; a node is either inner or a leaf.

    Attributes:
        centres: (_BRANCHES, D) per inner node; rows past the last child are 0.
        children: (_BRANCHES,) node numbers per inner node, -1 past the last.
        leaves: positions of the descriptors in a leaf, or None.
        is_leaf: (nodes,) the same, as an array.
    """

    centres: list[FloatArray] = field(default_factory=list)
    children: list[IntArray] = field(default_factory=list)
    leaves: list[IntArray | None] = field(default_factory=list)
    is_leaf: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))


@dataclass(frozen=True)
class Index:
    """Descriptors ready for questions.

    Attributes:
        descriptors: (n, D) unit vectors.
        tree: None where every question meets every descriptor.
        first_look: numbers of the questions that go down the tree.
        chunk: images that should ask at once.
    """

    descriptors: FloatArray
    tree: _Tree | None
    first_look: Sequence[int]
    chunk: int


def build_index(descriptors: FloatArray, first_look: Sequence[int]) -> Index:
    """An index over (n, D) unit vectors.

    Args:
        descriptors: of all images.
        first_look: numbers of the questions that go down the tree of a large
            index; what they find is then held against all questions.
    """
    if len(descriptors) <= EXACT:
        return Index(descriptors, None, first_look, 64)
    return Index(descriptors, _grow(descriptors), first_look, 512)


def order_by_likeness(descriptors: FloatArray) -> IntArray:
    """(n,) positions, alike descriptors beside each other.

    Images that ask together should be alike: their questions then walk down the
    same branches, and a chunk costs the same however many images there are.
    """
    if len(descriptors) <= EXACT:
        return np.arange(len(descriptors))
    leaves = [leaf for leaf in _grow(descriptors).leaves if leaf is not None]
    return np.concatenate(leaves)


def find_neighbours(
    index: Index, questions: FloatArray, start: int, *, keep: int, least: float
) -> tuple[IntArray, IntArray]:
    """Candidate pairs of some images, at most `keep` an asker.

    Args:
        index: of all images.
        questions: (m, Q, D) unit questions of the images from `start` on.
        start: position of the first asker.
        keep: answers an asker; all of them where there are fewer.
        least: smallest cosine of an answer and the best question for it.

    Returns:
        Positions of askers and answers, the best first for each asker; an
        image is no answer to itself.
    """
    if index.tree is None:
        return _ask_all(index.descriptors, questions, start, keep, least)
    return _ask_tree(index, index.tree, questions, start, keep, least)


def _ask_all(
    descriptors: FloatArray, questions: FloatArray, start: int, keep: int, least: float
) -> tuple[IntArray, IntArray]:
    images = len(questions)
    best = np.empty((images, len(descriptors)), np.float32)
    for at in range(images):
        (questions[at] @ descriptors.T).max(axis=0, out=best[at])
    best[np.arange(images), start + np.arange(images)] = -1
    keep = min(keep, len(descriptors))
    order = np.argpartition(-best, keep - 1, axis=1)[:, :keep]
    value = np.take_along_axis(best, order, axis=1)
    rank = np.argsort(-value, axis=1)
    order = np.take_along_axis(order, rank, axis=1)
    value = np.take_along_axis(value, rank, axis=1)
    row, column = np.nonzero(value >= least)
    return row + start, order[row, column]


def _grow(descriptors: FloatArray) -> _Tree:
    tree = _Tree()
    rng = np.random.default_rng(0)
    waiting: list[tuple[int, int, IntArray]] = [(-1, 0, np.arange(len(descriptors)))]
    while waiting:
        parent, place, members = waiting.pop()
        number = len(tree.leaves)
        if parent >= 0:
            tree.children[parent][place] = number
        is_leaf = len(members) <= LEAF
        tree.leaves.append(members if is_leaf else None)
        tree.children.append(np.full(_BRANCHES, -1, np.int64))
        tree.centres.append(np.zeros((_BRANCHES, descriptors.shape[1]), np.float32))
        if is_leaf:
            continue
        for place, part in enumerate(_part(descriptors, members, rng)):
            centre = descriptors[part].mean(axis=0)
            tree.centres[number][place] = centre / (np.linalg.norm(centre) + 1e-6)
            waiting.append((number, place, part))
    tree.is_leaf = np.array([leaf is not None for leaf in tree.leaves])
    return tree


def _part(
    descriptors: FloatArray, members: IntArray, rng: np.random.Generator
) -> list[IntArray]:
    """Members parted by spherical k-means; by order where that fails."""
    sample = descriptors[rng.permutation(members)[: _BRANCHES * 64]]
    centres = sample[:_BRANCHES].copy()
    for _ in range(6):
        home = (sample @ centres.T).argmax(axis=1)
        for branch in range(_BRANCHES):
            if np.any(home == branch):
                mean = sample[home == branch].mean(axis=0)
                centres[branch] = mean / (np.linalg.norm(mean) + 1e-6)
    home = (descriptors[members] @ centres.T).argmax(axis=1)
    parts = [members[home == branch] for branch in range(_BRANCHES)]
    parts = [part for part in parts if len(part)]
    # A cut that leaves most in one branch would make the tree deep and slow.
    if max(len(part) for part in parts) > 0.6 * len(members):
        return [part for part in np.array_split(members, _BRANCHES) if len(part)]
    return parts


def _ask_tree(
    index: Index,
    tree: _Tree,
    questions: FloatArray,
    start: int,
    keep: int,
    least: float,
) -> tuple[IntArray, IntArray]:
    """A wide look with few questions, then all questions to what it found."""
    size = questions.shape[2]
    few = np.ascontiguousarray(questions[:, index.first_look]).reshape(-1, size)
    askers, answers = [], []
    for at, wide in enumerate(_look_wide(tree, index.descriptors, few, len(questions))):
        cosine = (questions[at] @ index.descriptors[wide].T).max(axis=0)
        cosine[wide == start + at] = -1
        order = np.argsort(-cosine)[:keep]
        order = order[cosine[order] >= least]
        askers.append(np.full(len(order), start + at))
        answers.append(wide[order])
    return np.concatenate(askers), np.concatenate(answers)


def _look_wide(
    tree: _Tree, descriptors: FloatArray, few: FloatArray, images: int
) -> Iterator[IntArray]:
    """The best few hundred descriptors of each image, in no order."""
    per_image = len(few) // images
    owners, members, values = [], [], []
    for node, rows in _by_node(*_descend(tree, few)):
        inside = tree.leaves[node]
        assert inside is not None
        image = rows // per_image
        first = np.flatnonzero(np.r_[True, image[1:] != image[:-1]])
        cosine = np.maximum.reduceat(few[rows] @ descriptors[inside].T, first, axis=0)
        keep = min(_PER_LEAF, len(inside))
        top = np.argpartition(-cosine, keep - 1, axis=1)[:, :keep]
        owners.append(np.repeat(image[first], keep))
        members.append(inside[top].ravel())
        values.append(np.take_along_axis(cosine, top, axis=1).ravel())
    owner = np.concatenate(owners)
    # Leaves share no member, so an image meets no descriptor twice.
    order = np.argsort(owner, kind="stable")
    member, value = np.concatenate(members)[order], np.concatenate(values)[order]
    bounds = np.searchsorted(owner[order], np.arange(images + 1))
    wide = _WIDE * int(np.log2(len(descriptors)))
    for begin, end in pairwise(bounds):
        if end - begin <= wide:
            yield member[begin:end]
        else:
            best = np.argpartition(-value[begin:end], wide - 1)[:wide]
            yield member[begin:end][best]


def _descend(tree: _Tree, few: FloatArray) -> tuple[IntArray, IntArray]:
    """(leaf, question) rows: the leaves that each question's beam ends in."""
    node = np.full((len(few), 1), 0, np.int64)
    value = np.ones((len(few), 1), np.float32)
    while True:
        inner = (node >= 0) & ~tree.is_leaf[node]
        if not inner.any():
            break
        node, value = _step_down(tree, few, node, value, inner)
    question, place = np.nonzero(node >= 0)
    return node[question, place], question


def _step_down(
    tree: _Tree,
    few: FloatArray,
    node: IntArray,
    value: FloatArray,
    inner: NDArray[np.bool_],
) -> tuple[IntArray, FloatArray]:
    """Inner nodes of each beam give way to their children; the best stay."""
    below = np.full((*node.shape, _BRANCHES), -1, np.int64)
    worth = np.full((*node.shape, _BRANCHES), -2, np.float32)
    below[..., 0], worth[..., 0] = node, value  # a leaf stays as it is
    question, place = np.nonzero(inner)
    for parent, rows in _by_node(node[inner], np.arange(len(question))):
        who, where = question[rows], place[rows]
        below[who, where] = tree.children[parent]
        cosine = few[who] @ tree.centres[parent].T
        worth[who, where] = np.where(tree.children[parent] >= 0, cosine, -2)
    below, worth = below.reshape(len(few), -1), worth.reshape(len(few), -1)
    if below.shape[1] <= _BEAM:
        return below, worth
    best = np.argpartition(-worth, _BEAM - 1, axis=1)[:, :_BEAM]
    return np.take_along_axis(below, best, 1), np.take_along_axis(worth, best, 1)


def _by_node(node: IntArray, row: IntArray) -> Iterator[tuple[int, IntArray]]:
    """Rows of each node, in rising order."""
    if not len(node):
        return
    order = np.argsort(node, kind="stable")
    node, row = node[order], row[order]
    first = np.flatnonzero(np.r_[True, node[1:] != node[:-1]])
    for begin, end in pairwise([*first, len(node)]):
        yield int(node[begin]), row[begin:end]
