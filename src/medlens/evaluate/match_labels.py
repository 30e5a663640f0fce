"""Labels of another data set matched to those of a bundle, by name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from medlens.core import Array, DataError
from medlens.recipe import Kind

_SHOWN = 30


def match_labels(
    found: Sequence[str], wanted: Sequence[str], *, kind: Kind
) -> tuple[int, ...]:
    """For each label of the bundle its index in the data set, or -1.

    Case, spaces, underscores, hyphens and dots make no difference. The data set
    may lack labels of the bundle. Labels that the bundle does not know are
    passed over in multi-label data; where a case has exactly one label they are
    an error, because such a case has no right answer.

    Raises:
        DataError: nothing matches, two labels match one, or a label of the
            data set is unknown; the message lists both sides.
    """
    ours = _by_plain_name(wanted, side="the bundle")
    theirs = _by_plain_name(found, side="the data set")
    matched = [theirs.get(name, -1) for name in ours]
    unknown = [found[index] for name, index in theirs.items() if name not in ours]
    if all(index < 0 for index in matched) or (unknown and kind != "multilabel"):
        what = "no label matches" if not unknown else f"unknown: {_list(unknown)}"
        raise DataError(
            f"labels of the data set ({_list(found)}) do not fit those of the bundle "
            f"({_list(wanted)}); {what}. Rename them in the labels file, or leave "
            "those cases out"
        )
    return tuple(matched)


def match_targets(
    targets: Array, found: Sequence[str], wanted: Sequence[str], *, kind: Kind
) -> Array:
    """Targets of a data set in the order of a bundle's labels.

    Args:
        targets: (n, len(found)) of 1, 0 and -1.
        found, wanted: labels of data set and bundle; see `match_labels`.
        kind: of the bundle. A label that the data set lacks is absent in every
            case where cases have exactly one label, and not read (-1) in
            multi-label tasks.

    Returns:
        (n, len(wanted)) int8.

    Raises:
        DataError: the labels do not fit, or a case of the data set has several
            labels and the bundle gives exactly one.
    """
    matched = match_labels(found, wanted, kind=kind)
    targets = np.asarray(targets, dtype=np.int8)
    if targets.ndim != 2 or targets.shape[1] != len(found):
        raise DataError(
            f"targets of shape {targets.shape} for {len(found)} labels; wanted "
            "(cases, labels)"
        )
    several = (targets == 1).sum(axis=1) > 1
    if kind != "multilabel" and several.any():
        raise DataError(
            f"labels: {int(several.sum())} cases have several labels; the bundle "
            "gives exactly one. Leave those cases out"
        )
    missing = -1 if kind == "multilabel" else 0
    columns = [
        targets[:, index]
        if index >= 0
        else np.full(len(targets), missing, dtype=np.int8)
        for index in matched
    ]
    result = np.stack(columns, axis=1)
    if kind != "multilabel":
        # A case that nobody has read stays so in every column.
        result[(targets < 0).any(axis=1)] = -1
    return result


def plain_name(label: str) -> str:
    """The label without case, spaces, underscores, hyphens and dots."""
    return re.sub(r"[\s_\-.]+", "", unicodedata.normalize("NFKC", label).casefold())


def _by_plain_name(labels: Sequence[str], *, side: str) -> dict[str, int]:
    """Plain name → index."""
    named: dict[str, int] = {}
    for index, label in enumerate(labels):
        other = named.setdefault(plain_name(label), index)
        if other != index:
            raise DataError(
                f"labels of {side}: {labels[other]!r} and {label!r} differ in case or "
                "spaces only; rename one of them"
            )
    return named


def _list(labels: Sequence[str]) -> str:
    """The labels for a message, not endless."""
    words = ", ".join(label[:60] for label in labels[:_SHOWN])
    return words + (f", … ({len(labels)})" if len(labels) > _SHOWN else "")
