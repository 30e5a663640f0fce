"""Which cases of a data set a part of the run looks at."""

from __future__ import annotations

from collections.abc import Sequence

from medlens.datasets import Manifest

LEARNED = ("train", "validation")
JUDGED = ("validation", "test")


def choose_cases(
    manifest: Manifest,
    splits: Sequence[str],
    wanted: Sequence[str],
    *,
    unreadable: frozenset[str] = frozenset(),
) -> list[int]:
    """Indices of the cases of some splits, in the order of the data set.

    Args:
        manifest: the data set.
        splits: split of each case.
        wanted: names of splits, such as `LEARNED` or `JUDGED`.
        unreadable: case keys to leave out, for they are known to fail.
    """
    return [
        i
        for i, (case, split) in enumerate(zip(manifest.cases, splits, strict=True))
        if split in wanted and case.key not in unreadable
    ]
