"""Cases that must stay together: one patient, one file, copies of one image."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from medlens.datasets.manifest import Case, Manifest


class _Forest:
    """Union-find over case numbers, with path halving."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def root(self, at: int) -> int:
        parent = self._parent
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    def join(self, one: int, other: int) -> None:
        one, other = self.root(one), self.root(other)
        # The smaller number stays root, so that a group is named by its first
        # case.
        self._parent[max(one, other)] = min(one, other)


def merge_groups(
    manifest: Manifest,
    pairs: Iterable[tuple[int, int]] = (),
    *,
    groups: Sequence[int] | None = None,
) -> list[int]:
    """Group number of each case; cases with one number never part.

    Cases are joined when they have the same patient, are frames of the same
    file, are named in a pair, or carry the same number in `groups`; joining
    carries on through shared members.

    Args:
        manifest: the cases.
        pairs: positions of two cases that belong together (near-duplicates).
        groups: one number a case from an earlier merge.

    Returns:
        Numbers 0, 1, …, in the order in which groups first appear.
    """
    cases = manifest.cases
    forest = _Forest(len(cases))
    first: dict[Hashable, int] = {}
    for at, case in enumerate(cases):
        for name in _bonds(case):
            forest.join(first.setdefault(name, at), at)
    if groups is not None:
        for at, group in enumerate(groups):
            forest.join(first.setdefault(("group", int(group)), at), at)
    for one, other in pairs:
        forest.join(int(one), int(other))
    number: dict[int, int] = {}
    return [number.setdefault(forest.root(at), len(number)) for at in range(len(cases))]


def _bonds(case: Case) -> list[Hashable]:
    bonds: list[Hashable] = []
    if case.patient:
        bonds.append(("patient", case.patient))
    # Frames and volumes of one file belong together; members of an .npz are
    # images of different patients.
    if case.member.startswith(("frame:", "volume:")):
        bonds.append(("file", str(case.path)))
    return bonds
