"""Findings about series and masks, and their sentences."""

from __future__ import annotations

from collections.abc import Sequence

from medlens.datasets.drafts import count_of, list_some
from medlens.datasets.signals import Signal

_SHOWN = 3


def find_uneven(
    signals: Sequence[Signal], keys: Sequence[str]
) -> list[tuple[str, str]]:
    """(series, finding) for each thing that is wrong with its slices."""
    return [
        (key, finding)
        for signal, key in zip(signals, keys, strict=True)
        for finding in signal.findings
    ]


def find_empty_masks(signals: Sequence[Signal], keys: Sequence[str]) -> list[str]:
    """Cases whose mask holds nothing but background."""
    return [
        key
        for signal, key in zip(signals, keys, strict=True)
        if signal.voxels and not any(signal.voxels[1:])
    ]


def warn_of_series(uneven: Sequence[tuple[str, str]]) -> list[str]:
    """A sentence on series with missing, doubled or unevenly spaced slices."""
    if not uneven:
        return []
    series = list(dict.fromkeys(case for case, _ in uneven))
    return [
        f"{len(series):,} series "
        f"{'has' if len(series) == 1 else 'have'} missing, doubled or unevenly spaced "
        f"slices ({list_some(series, most=_SHOWN)}; the first: {uneven[0][1]}). Add "
        "the missing files; lengths and volumes in them need resampling."
    ]


def warn_of_masks(empty: Sequence[str], signals: Sequence[Signal]) -> list[str]:
    """A sentence on volumes without any label."""
    if not empty or not _are_volumes(signals):
        return []
    return [
        f"{count_of(len(empty), 'volume')} of {len(signals):,} have an empty mask "
        f"({list_some(list(empty), most=_SHOWN)}); make sure that they were read, and "
        "not just left blank."
    ]


def note_masks(empty: Sequence[str], signals: Sequence[Signal]) -> list[str]:
    """A note on pictures without any label, of which there may be many."""
    if not empty or _are_volumes(signals):
        return []
    return [f"{count_of(len(empty), 'image')} of {len(signals):,} have an empty mask."]


def _are_volumes(signals: Sequence[Signal]) -> bool:
    return 2 * sum(signal.depth > 1 for signal in signals) > len(signals)
