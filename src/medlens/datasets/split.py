"""Train, validation and test by whole groups; folds for cross-fitting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from medlens.core import DataError, UsageError
from medlens.datasets.deal import Pile, deal, missing_features, pile_groups
from medlens.datasets.drafts import count_of
from medlens.datasets.groups import merge_groups
from medlens.datasets.manifest import Case, Manifest
from medlens.recipe.settings import SplitSettings

TRAIN, VALIDATION, TEST, LEFT_OUT = "train", "validation", "test", ""
# A case that sits in two given splits stays where it matters most.
_RANK = {TEST: 2, VALIDATION: 1}


def split(
    manifest: Manifest, groups: Sequence[int], settings: SplitSettings
) -> tuple[str, ...]:
    """Deal cases to "train", "validation" and "test", never parting a group.

    A group is what `groups` says, joined with equal patients and with frames
    of one file. Labels (each label of a multi-label set) keep their
    proportions; a split has at most one largest group of cases more than its
    share, save for moves that bring a rare label into it. The same data and
    seed give the same splits in whatever order the cases stand.

    Splits that DATA gives are kept: its test and validation cases stay as they
    are, what it does not give is dealt from its training cases, and a training
    case in one group with a test or validation case (or a validation case with
    a test case) is left out, its split being "".

    Args:
        manifest: the data set.
        groups: group of each case, as `Audit.groups`.
        settings: shares and seed.

    Returns:
        "train", "validation", "test" or "" (left out) for each case.

    Raises:
        DataError: too few groups of a label for every split.
        UsageError: shares leave nothing to train on, or lengths differ.
    """
    _check(manifest, groups, settings)
    merged = merge_groups(manifest, groups=groups)
    given = _keep_given(manifest.cases, merged)
    pool = [at for at, name in enumerate(given) if name == TRAIN]
    wanted = _wanted_shares(given, settings)
    if not pool:
        raise DataError(
            "DATA gives every case to validation or test; nothing is left to train "
            "on. Give some rows the split 'train', or leave the column empty"
        )
    result = list(given)
    if len(wanted) > 1:
        pile = pile_groups(manifest, merged, pool, seed=settings.seed)
        _require_groups(pile, list(wanted))
        hands = deal(pile, list(wanted.values()))
        _require_labels(pile, hands, list(wanted))
        names = list(wanted)
        for members, hand in zip(pile.members, hands, strict=True):
            for at in members:
                result[at] = names[hand]
    return tuple(result)


def folds(
    manifest: Manifest,
    groups: Sequence[int],
    *,
    count: int,
    seed: int = 0,
    among: Sequence[int] | None = None,
) -> tuple[int, ...]:
    """Fold number of each case for cross-fitting; groups never part.

    Args:
        manifest: the data set.
        groups: group of each case.
        count: number of folds, 2 or more.
        seed: seed of the deal.
        among: positions of the cases that take part; None for all.

    Returns:
        0..count-1 for each case, -1 for cases that take no part.

    Raises:
        DataError: too few groups of a label for every fold.
    """
    if count < 2:
        raise UsageError(f"folds: count is {count}; wanted 2 or more")
    merged = merge_groups(manifest, groups=groups)
    chosen = range(len(manifest.cases)) if among is None else among
    pile = pile_groups(manifest, merged, chosen, seed=seed)
    names = [f"fold {number + 1}" for number in range(count)]
    _require_groups(pile, names)
    hands = deal(pile, [1.0 / count] * count)
    _require_labels(pile, hands, names)
    result = [-1] * len(manifest.cases)
    for members, hand in zip(pile.members, hands, strict=True):
        for at in members:
            result[at] = int(hand)
    return tuple(result)


def describe_split(manifest: Manifest, splits: Sequence[str]) -> tuple[str, ...]:
    """Lines in plain words: size and labels of each split, cases left out."""
    targets = manifest.targets()
    lines = []
    for name in (TRAIN, VALIDATION, TEST):
        held = np.array([part == name for part in splits], dtype=bool)
        patients = {
            case.patient
            for case, mine in zip(manifest.cases, held, strict=True)
            if mine and case.patient
        }
        labels = ", ".join(
            f"{label} {n:,}"
            for label, n in zip(
                manifest.labels, (targets[held] == 1).sum(axis=0), strict=True
            )
        )
        who = f" of {count_of(len(patients), 'patient')}" if patients else ""
        lines.append(f"{name}: {count_of(int(held.sum()), 'case')}{who} ({labels})")
    dropped = sum(part == LEFT_OUT for part in splits)
    if dropped:
        lines.append(
            f"left out: {count_of(dropped, 'case')} given to one split while a copy or "
            "the same patient is in a later one (a leak)"
        )
    return tuple(lines)


def _check(manifest: Manifest, groups: Sequence[int], settings: SplitSettings) -> None:
    if len(groups) != len(manifest.cases):
        raise UsageError(
            f"split: {len(groups):,} groups for {len(manifest.cases):,} cases; wanted "
            "one a case"
        )
    for name in (VALIDATION, TEST):
        share = getattr(settings, name)
        if not 0.0 <= share <= 0.5:
            raise UsageError(f"split.{name} is {share}; wanted 0 to 0.5")


def _keep_given(cases: Sequence[Case], groups: Sequence[int]) -> list[str]:
    """Split of each case as DATA gives it; leaking cases left out."""
    highest: dict[int, int] = {}
    for case, group in zip(cases, groups, strict=True):
        rank = _RANK.get(case.split, 0)
        highest[group] = max(rank, highest.get(group, 0))
    result = []
    for case, group in zip(cases, groups, strict=True):
        name = case.split or TRAIN
        leaks = _RANK.get(name, 0) < highest[group]
        result.append(LEFT_OUT if leaks else name)
    return result


def _wanted_shares(given: list[str], settings: SplitSettings) -> dict[str, float]:
    """Splits to deal the training pool to, and their shares of the pool.

    Shares are meant of all cases, so those of a pool beside given splits are
    larger; at least half of the pool stays for training.
    """
    counts = Counter(given)
    total = sum(n for name, n in counts.items() if name)
    pool = max(1, counts[TRAIN])
    wanted = {}
    for name, share in ((VALIDATION, settings.validation), (TEST, settings.test)):
        if not counts[name] and share > 0:
            wanted[name] = share * total / pool
    asked = sum(wanted.values())
    if asked > 0.5 and total > pool:
        wanted = {name: share / asked * 0.5 for name, share in wanted.items()}
        asked = 0.5
    if asked >= 1.0:
        raise UsageError(
            f"split: validation {settings.validation} and test {settings.test} leave "
            "nothing to train on; make them smaller"
        )
    return {TRAIN: 1.0 - asked, **wanted}


def _require_groups(pile: Pile, names: list[str]) -> None:
    if len(pile.members) < len(names):
        raise DataError(
            f"DATA: {count_of(len(pile.members), 'group')} of patients or copies for "
            f"{len(names)} splits ({', '.join(names)}); a group never parts. Add "
            "patients, or check the patient column"
        )


def _require_labels(pile: Pile, hands: np.ndarray, names: list[str]) -> None:
    for name, groups, lacking in missing_features(pile, hands, len(names)):
        where = " and ".join(names[hand] for hand in lacking)
        raise DataError(
            f"label '{name}' is in {count_of(groups, 'group')} of patients or copies, "
            f"so {where} would have none; wanted at least {len(names)} groups. Add "
            "cases of other patients, or leave this label out"
        )
