"""Data sets: reading every form of DATA, audit, splits, fingerprint, samples."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medlens.datasets.audit import Audit, audit
    from medlens.datasets.checks import check_trainable, match_labels
    from medlens.datasets.fingerprint import fingerprint
    from medlens.datasets.forms import read_manifest
    from medlens.datasets.groups import merge_groups
    from medlens.datasets.manifest import UNKNOWN, Case, CaseSlice, Manifest, Problem
    from medlens.datasets.masks import open_mask
    from medlens.datasets.samples import get_dataset, list_datasets
    from medlens.datasets.shapes import make_shapes
    from medlens.datasets.split import describe_split, folds, split
    from medlens.datasets.split_file import read_splits, write_splits
    from medlens.datasets.volumes import open_case, series_of, size_of_case

_HOMES = {
    "UNKNOWN": "manifest",
    "Audit": "audit",
    "Case": "manifest",
    "CaseSlice": "manifest",
    "Manifest": "manifest",
    "Problem": "manifest",
    "audit": "audit",
    "check_trainable": "checks",
    "describe_split": "split",
    "fingerprint": "fingerprint",
    "folds": "split",
    "get_dataset": "samples",
    "list_datasets": "samples",
    "make_shapes": "shapes",
    "match_labels": "checks",
    "merge_groups": "groups",
    "open_case": "volumes",
    "open_mask": "masks",
    "read_manifest": "forms",
    "read_splits": "split_file",
    "series_of": "volumes",
    "size_of_case": "volumes",
    "split": "split",
    "write_splits": "split_file",
}

__all__ = [
    "UNKNOWN",
    "Audit",
    "Case",
    "CaseSlice",
    "Manifest",
    "Problem",
    "audit",
    "check_trainable",
    "describe_split",
    "fingerprint",
    "folds",
    "get_dataset",
    "list_datasets",
    "make_shapes",
    "match_labels",
    "merge_groups",
    "open_case",
    "open_mask",
    "read_manifest",
    "read_splits",
    "series_of",
    "size_of_case",
    "split",
    "write_splits",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))


class _Room(ModuleType):
    """A package whose `split`, `audit` and `fingerprint` are the functions.

    Importing a file of the same name would otherwise put the module in the
    function's place, depending on which was asked for first.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, ModuleType) and name in _HOMES):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Room
