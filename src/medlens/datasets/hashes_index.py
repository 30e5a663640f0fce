"""Nearest descriptors: exact for small sets, a balanced k-means tree for large.

The tree has a fixed number of branches a node and at most `LEAF` descriptors a
leaf, and a question walks down with a beam of fixed width, so building and
asking both cost n log n. Nodes whose descriptors cannot be told apart (a set
of thousands of alike images) are cut into equal parts, so no leaf overflows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

EXACT = 8192
"""Up to so many descriptors, every question is held against all of them."""

LEAF = 256
_BRANCHES = 16
_BEAM = 8
_PER_LEAF = 32
"""Answers kept of each leaf that an image's questions reach."""

_WIDE = 16
"""Answers of the wide look: so many times log2 of the number of descriptors."""


@dataclass
class _Tree:
    """Nodes of the index; a node is either inner or a leaf.

    Attributes:
        centres: (_BRANCHES, D) per inner node; rows past the last child are 0.
        children: (_BRANCHES,) node numbers per inner node, -1 past the last.
        leaves: positions of the descriptors in a leaf, or None.
    """

    centres: list[FloatArray] = field(default_factory=list)
    children: list[IntArray] = field(default_factory=list)
    leaves: list[IntArray | None] = field(default_factory=list)


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
    row, column = np.nonzero(value >= least)
    asker, answer, cosine = row + start, order[row, column], value[row, column]
    return _best_first(asker, answer, cosine, keep)


def _best_first(
    asker: IntArray, answer: IntArray, cosine: FloatArray, keep: int
) -> tuple[IntArray, IntArray]:
    """One row a pair, ordered by asker and falling cosine, `keep` an asker."""
    order = np.lexsort((-cosine, answer, asker))
    asker, answer, cosine = asker[order], answer[order], cosine[order]
    first = np.ones(len(asker), bool)
    first[1:] = (asker[1:] != asker[:-1]) | (answer[1:] != answer[:-1])
    asker, answer, cosine = asker[first], answer[first], cosine[first]
    order = np.lexsort((-cosine, asker))
    asker, answer = asker[order], answer[order]
    _, starts, counts = np.unique(asker, return_index=True, return_counts=True)
    rank = np.arange(len(asker)) - np.repeat(starts, counts)
    return asker[rank < keep], answer[rank < keep]


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
    images, _, size = questions.shape
    descriptors = index.descriptors
    few = np.ascontiguousarray(questions[:, index.first_look]).reshape(-1, size)
    asker, answer = _look_wide(tree, descriptors, few, images)
    cosine = np.empty(len(asker), np.float32)
    bounds = np.searchsorted(asker, np.arange(images + 1))
    for at in range(images):
        mine = slice(bounds[at], bounds[at + 1])
        cosine[mine] = (questions[at] @ descriptors[answer[mine]].T).max(axis=0)
    good = (cosine >= least) & (answer != asker + start)
    return _best_first(asker[good] + start, answer[good], cosine[good], keep)


def _look_wide(
    tree: _Tree, descriptors: FloatArray, few: FloatArray, images: int
) -> tuple[IntArray, IntArray]:
    """(image, descriptor) rows ordered by image: the best few hundred of each."""
    per_image = len(few) // images
    asking, leaf = _descend(tree, few)
    found = []
    for node, rows in _by_node(leaf, asking):
        members = tree.leaves[node]
        assert members is not None
        image = rows // per_image
        first = np.flatnonzero(np.r_[True, image[1:] != image[:-1]])
        cosine = np.maximum.reduceat(few[rows] @ descriptors[members].T, first, axis=0)
        keep = min(_PER_LEAF, len(members))
        top = np.argpartition(-cosine, keep - 1, axis=1)[:, :keep]
        value = np.take_along_axis(cosine, top, axis=1)
        found.append(
            (np.repeat(image[first], keep), members[top].ravel(), value.ravel())
        )
    asker, answer, value = (np.concatenate(part) for part in zip(*found, strict=True))
    wide = _WIDE * max(1, int(np.log2(len(descriptors))))
    return _best_first(asker, answer, value, wide)


def _descend(tree: _Tree, flat: FloatArray) -> tuple[IntArray, IntArray]:
    """(question, leaf) rows: the leaves that each question's beam ends in."""
    asking = np.arange(len(flat))
    node = np.zeros(len(flat), np.int64)
    value = np.ones(len(flat), np.float32)
    is_leaf = np.array([leaf is not None for leaf in tree.leaves])
    children = np.stack(tree.children)
    while not is_leaf[node].all():
        done = is_leaf[node]
        rows, nodes, values = [asking[done]], [node[done]], [value[done]]
        for inner, askers in _by_node(node[~done], asking[~done]):
            real = children[inner] >= 0
            cosine = flat[askers] @ tree.centres[inner][real].T
            rows.append(np.repeat(askers, real.sum()))
            nodes.append(np.tile(children[inner][real], len(askers)))
            values.append(cosine.ravel())
        asking, node, value = _narrow(
            np.concatenate(rows), np.concatenate(nodes), np.concatenate(values)
        )
    return asking, node


def _narrow(
    asking: IntArray, node: IntArray, value: FloatArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """The best `_BEAM` nodes of each question."""
    order = np.lexsort((-value, asking))
    asking, node, value = asking[order], node[order], value[order]
    first = np.flatnonzero(np.r_[True, asking[1:] != asking[:-1]])
    rank = np.arange(len(asking)) - np.repeat(first, np.diff(np.r_[first, len(asking)]))
    keep = rank < _BEAM
    return asking[keep], node[keep], value[keep]


def _by_node(node: IntArray, asking: IntArray) -> Iterator[tuple[int, IntArray]]:
    """Askers of each node."""
    order = np.argsort(node, kind="stable")
    node, asking = node[order], asking[order]
    if not len(node):
        return
    first = np.flatnonzero(np.r_[True, node[1:] != node[:-1]])
    for begin, end in zip(first, [*first[1:], len(node)], strict=True):
        yield int(node[begin]), asking[begin:end]
