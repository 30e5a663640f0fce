"""Which cases a part of the run looks at."""

from __future__ import annotations

from pathlib import Path

from medlens.datasets import Case, Manifest
from medlens.experiment.choose import JUDGED, LEARNED, choose_cases

SPLITS = ("test", "train", "", "validation", "train", "test")


def test_cases_of_some_splits_in_the_order_of_the_data() -> None:
    cases = tuple(Case(name, Path(name)) for name in "abcdef")
    manifest = Manifest(Path(), cases, "binary", ("no", "yes"))
    assert choose_cases(manifest, SPLITS, LEARNED) == [1, 3, 4]
    assert choose_cases(manifest, SPLITS, JUDGED) == [0, 3, 5]
    known = frozenset("df")
    assert choose_cases(manifest, SPLITS, JUDGED, unreadable=known) == [0]
    assert choose_cases(manifest, SPLITS, ("train",), unreadable=known) == [1, 4]
