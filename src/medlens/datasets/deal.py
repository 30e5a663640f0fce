"""Deal groups of cases to splits: whole groups, every label in proportion."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlens.datasets.manifest import UNKNOWN, Manifest

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Pile:
    """Groups to be dealt, in an order that the order of cases does not change.

    Attributes:
        members: positions of the cases of each group.
        counts: (G, F) cases of each group by feature; the first feature counts
            every case, the others one label value each.
        names: F names of the features.
        required: how many of the first features every hand must have; the
            rest (absence of a label) is wished for only.
    """

    members: tuple[tuple[int, ...], ...]
    counts: IntArray
    names: tuple[str, ...]
    required: int


def pile_groups(
    manifest: Manifest, groups: Sequence[int], among: Sequence[int], *, seed: int
) -> Pile:
    """Groups of some cases, largest first, equals in a seeded order.

    Args:
        manifest: the data set.
        groups: group of every case.
        among: positions of the cases to deal.
        seed: decides the order among groups of one size.
    """
    held: dict[int, list[int]] = {}
    for at in among:
        held.setdefault(groups[at], []).append(at)
    features, names = _features(manifest)
    drawn = sorted(
        (-len(members), _draw(seed, min(manifest.cases[at].key for at in members)), n)
        for n, members in enumerate(held.values())
    )
    piles = [tuple(members) for members in held.values()]
    ordered = tuple(piles[n] for _, _, n in drawn)
    counts = np.array(
        [features[list(members)].sum(axis=0) for members in ordered], dtype=np.int64
    ).reshape(len(ordered), len(names))
    return Pile(ordered, counts, names, 1 + len(manifest.labels))


def _draw(seed: int, key: str) -> bytes:
    """A random number that belongs to a key, whatever else is in the data."""
    return hashlib.blake2b(f"{seed}\n{key}".encode(), digest_size=16).digest()


def _features(manifest: Manifest) -> tuple[IntArray, tuple[str, ...]]:
    """(n, F) 0/1 of what must be in proportion: the case, each label's values.

    For multi-label sets absence counts as well as presence: a label needs
    both to be measured.
    """
    targets = manifest.targets()
    parts = [np.ones((len(targets), 1), dtype=np.int64), _presence(manifest)]
    names = ["case", *manifest.labels]
    if manifest.kind == "multilabel":
        parts.append((targets != 1) & (targets != UNKNOWN))
        names += [f"{label} absent" for label in manifest.labels]
    return np.concatenate(parts, axis=1).astype(np.int64), tuple(names)


def _presence(manifest: Manifest) -> NDArray[np.bool_]:
    """(n, K) whether a case has a label; a sequence where one of its slices has."""
    if manifest.form != "sequence":
        return np.asarray(manifest.targets() == 1)
    rows = [
        np.any(np.array([part.target for part in case.slices]) == 1, axis=0)
        if case.slices
        else np.array(case.target) == 1
        for case in manifest.cases
    ]
    return np.array(rows).reshape(len(rows), len(manifest.labels))


def deal(pile: Pile, shares: Sequence[float]) -> IntArray:
    """Hand of each group, so that hands have the wanted shares of each label.

    Groups are dealt from the largest to the smallest, each to the hand where
    the squared distance from the wanted counts, relative to those counts,
    grows least; for single cases this is Webster's method of apportionment. A
    hand that is full by more than the largest group takes none, hence no hand
    ends more than one largest group above its share. Afterwards labels that a
    hand lacks are moved there, smallest groups first, where others can spare
    them.

    Args:
        pile: the groups.
        shares: wanted share of each hand; positive, sum 1.

    Returns:
        (G,) number of the hand of each group.
    """
    share = np.asarray(shares, dtype=np.float64)
    totals = pile.counts.sum(axis=0).astype(np.float64)
    wanted = share[:, None] * totals  # (S, F)
    weight = 1.0 / np.maximum(wanted, 1e-9)
    weight[:, totals == 0] = 0.0
    held = np.zeros_like(wanted)
    hands = np.zeros(len(pile.counts), dtype=np.int64)
    room = wanted[:, 0] + (pile.counts[:, 0].max() if len(pile.counts) else 0) + 1e-9
    for at, group in enumerate(pile.counts.astype(np.float64)):
        cost = ((2.0 * (held - wanted) + group) * weight) @ group
        cost[held[:, 0] + group[0] > room] = np.inf
        hands[at] = hand = int(np.argmin(cost))
        held[hand] += group
    return _mend(pile, hands, len(share))


def _mend(pile: Pile, hands: IntArray, number: int) -> IntArray:
    """Move groups so that every hand has every feature, where possible."""
    hands = hands.copy()
    has = pile.counts > 0
    for feature in np.argsort(has.sum(axis=0), kind="stable"):
        holders = np.flatnonzero(has[:, feature])
        if len(holders) < number:
            continue
        for hand in range(number):
            if not (hands[holders] == hand).any():
                _move_one(pile, hands, holders, int(feature), hand, number)
    return hands


def _move_one(
    pile: Pile,
    hands: IntArray,
    holders: IntArray,
    feature: int,
    hand: int,
    number: int,
) -> None:
    """Move the smallest group that its hand can spare, if there is one."""
    for group in sorted(holders, key=lambda g: (pile.counts[g, 0], -g)):
        giver = int(hands[group])
        mine = np.flatnonzero(hands == giver)
        left = pile.counts[mine].sum(axis=0) - pile.counts[group]
        gone = (left == 0) & (pile.counts[group] > 0)
        # The giver must not lose the only group of any feature that could
        # otherwise be in every hand.
        scarce = (pile.counts > 0).sum(axis=0) >= number
        if not (gone & scarce).any() and left[feature] > 0:
            hands[group] = hand
            return


def missing_features(
    pile: Pile, hands: IntArray, number: int
) -> list[tuple[str, int, list[int]]]:
    """Required features that a hand lacks: name, groups that have it, the hands."""
    missing = []
    has = pile.counts > 0
    for at, name in enumerate(pile.names[: pile.required]):
        if not has[:, at].any():
            continue
        lacking = [h for h in range(number) if not has[hands == h, at].any()]
        if lacking:
            missing.append((name, int(has[:, at].sum()), lacking))
    return missing
