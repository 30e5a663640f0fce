"""The audit of a data set: one pass over all pixels, then analysis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medlens.core import Array, DataError
from medlens.datasets.audit_images import (
    find_constant,
    find_identical,
    find_inverted,
    number_scenes,
)
from medlens.datasets.audit_people import (
    count_patients_per_class,
    count_spellings,
    find_conflicts,
    find_leaks,
    list_patients,
)
from medlens.datasets.audit_result import Audit
from medlens.datasets.audit_volumes import (
    find_empty_masks,
    find_uneven,
    note_masks,
    warn_of_masks,
    warn_of_series,
)
from medlens.datasets.audit_words import (
    note_names,
    warn_of_classes,
    warn_of_copies,
    warn_of_files,
    warn_of_leaks,
    warn_of_mixture,
    warn_of_shortcuts,
)
from medlens.datasets.duplicates import find_copies, join_pairs
from medlens.datasets.duplicates_look import LOOK_SIDE, to_look
from medlens.datasets.duplicates_volumes import find_volume_copies
from medlens.datasets.fingerprint import fingerprint
from medlens.datasets.groups import merge_groups
from medlens.datasets.manifest import Case, Manifest
from medlens.datasets.shortcuts import Shortcut, find_shortcuts
from medlens.datasets.shortcuts_families import build_families, name_family
from medlens.datasets.signals import Signal, middle_plane
from medlens.datasets.signals_pass import measure_signals

__all__ = ["Audit", "audit"]

Progress = Callable[[int, int], None]
Pairs = list[tuple[int, int]]


def audit(manifest: Manifest, *, progress: Progress | None = None) -> Audit:
    """Look for leaks, copies, broken files and shortcuts.

    Works without labels, with several labels a case, and without patients.

    Args:
        manifest: the data set; splits that it gives are checked for leaks.
        progress: called with (cases looked at, cases in all).

    Returns:
        All findings. An unreadable case is listed and the rest goes on.

    Raises:
        DataError: there is no case, or none can be read.
    """
    outcomes = measure_signals(
        manifest.cases, mask_values=manifest.mask_values, progress=progress
    )
    cases = manifest.cases
    unreadable = [
        (case.key, outcome)
        for case, outcome in zip(cases, outcomes, strict=True)
        if isinstance(outcome, str)
    ]
    where = [at for at, outcome in enumerate(outcomes) if isinstance(outcome, Signal)]
    signals = [outcome for outcome in outcomes if isinstance(outcome, Signal)]
    del outcomes
    if not signals:
        raise DataError(_nothing(unreadable))
    return _analyse(manifest, signals, np.array(where, np.int64), unreadable)


def _nothing(unreadable: Sequence[tuple[str, str]]) -> str:
    if not unreadable:
        return "DATA holds no case; wanted at least one readable image"
    case, reason = unreadable[0]
    return (
        f"DATA: none of its {len(unreadable):,} images can be read; the first, {case}: "
        f"{reason}"
    )


def _analyse(
    manifest: Manifest,
    signals: list[Signal],
    where: NDArray[np.int64],
    unreadable: list[tuple[str, str]],
) -> Audit:
    cases = manifest.cases
    constant = find_constant(signals)
    thumbnails = _stack_thumbnails(signals)
    inverted = _turn_inverted(thumbnails, constant)
    identical = [_places(where, g) for g in find_identical(signals, constant)]
    look = _Looker(cases, where, frozenset(inverted))
    scenes = number_scenes(signals)
    volumes = {at: s.planes for at, s in enumerate(signals) if s.planes is not None}
    alike = _find_alike(thumbnails, constant, where, identical, look, scenes, volumes)
    patients = list_patients(manifest)
    named = [places for places in patients.values() if len(places) > 1]
    groups = merge_groups(
        manifest, _bind([*alike, *named, *_group_series(scenes[:, 0], where)])
    )
    # Neighbouring slices are alike, and a label may end between them.
    is_masked = manifest.form == "segment"
    conflicts = find_conflicts(manifest, identical, [] if is_masked else alike)
    leaks = [
        *find_leaks(manifest, named, "same patient"),
        *find_leaks(manifest, alike, "near-duplicate"),
    ]
    shortcuts, names = _find_shortcuts(manifest, signals, where, groups)
    keys = [cases[at].key for at in where]
    uneven = find_uneven(signals, keys)
    empty = find_empty_masks(signals, keys)
    counted = _count_classes(manifest, where)
    people = count_patients_per_class(manifest, patients)
    found = fingerprint(
        manifest, signals, patients=len(patients), groups=len(set(groups))
    )
    near = [[cases[at].key for at in group] for group in alike]
    copy_warnings, copy_notes = warn_of_copies(near, conflicts)
    return Audit(
        cases=len(cases),
        unreadable=unreadable,
        near_duplicates=near,
        exact_duplicates=[[cases[at].key for at in group] for group in identical],
        label_conflicts=conflicts,
        classes=counted,
        patients_per_class=people if patients else {},
        patients=len(patients),
        leaks=leaks,
        constant=[cases[at].key for at in _places(where, constant)],
        inverted=[cases[at].key for at in _places(where, inverted)],
        shortcuts=shortcuts,
        warnings=[
            *warn_of_leaks(leaks, count_spellings(manifest, patients)),
            *copy_warnings,
            *warn_of_files(len(unreadable), len(constant), len(inverted)),
            *warn_of_series(uneven),
            *warn_of_masks(empty, signals),
            *warn_of_shortcuts(shortcuts),
            *warn_of_classes(counted, people if patients else {}),
            *warn_of_mixture(found),
        ],
        groups=tuple(groups),
        fingerprint=found,
        uneven=uneven,
        empty_masks=empty,
        notes=[*copy_notes, *note_masks(empty, signals), *note_names(names)],
    )


@dataclass(frozen=True)
class _Looker:
    """Brings the image at a position back, for a second look.

    Attributes:
        cases: all cases.
        where: case number of each readable image.
        inverted: positions whose values run the other way.
    """

    cases: Sequence[Case]
    where: NDArray[np.int64]
    inverted: frozenset[int]

    def __call__(self, at: int) -> Array | None:
        from medlens.read import open_preview

        case = self.cases[self.where[at]]
        try:
            image = open_preview(
                case.path, member=case.member, case=case.key, size=LOOK_SIDE
            )
        except Exception:  # one hostile file must not end the audit
            return None
        plane = to_look(middle_plane(image))
        return 255 - plane if plane is not None and at in self.inverted else plane


def _stack_thumbnails(signals: list[Signal]) -> NDArray[np.uint8]:
    """(n, SIDE, SIDE) of all signals, which let go of their own.

    Thousands of images are looked at together: a second copy is 3 kB for each.
    """
    stack = np.empty((len(signals), *signals[0].thumbnail.shape), np.uint8)
    for at, signal in enumerate(signals):
        stack[at] = signal.thumbnail
        signals[at] = replace(signal, thumbnail=stack[at])
    return stack


def _turn_inverted(thumbnails: NDArray[np.uint8], constant: list[int]) -> list[int]:
    """Inverted images; their thumbnails are turned back, to find their copies."""
    usable = np.ones(len(thumbnails), bool)
    usable[constant] = False
    inverted = find_inverted(thumbnails, usable)
    thumbnails[inverted] = 255 - thumbnails[inverted]
    return inverted


def _find_alike(
    thumbnails: NDArray[np.uint8],
    constant: list[int],
    where: NDArray[np.int64],
    identical: list[list[int]],
    look: _Looker,
    scenes: NDArray[np.int64],
    volumes: dict[int, NDArray[np.uint8]],
) -> list[list[int]]:
    """Groups of cases that show the same, identical ones included."""
    flat = [at for at in range(len(thumbnails)) if at not in volumes]
    usable = np.setdiff1d(flat, constant).astype(np.int64)
    found = find_copies(
        thumbnails[usable] if len(usable) < len(thumbnails) else thumbnails,
        look=lambda at: look(int(usable[at])),
        scenes=scenes[usable],
    )
    pairs: Pairs = [
        (int(where[usable[i]]), int(where[usable[j]])) for i, j in found.pairs
    ]
    deep = np.setdiff1d(list(volumes), constant).astype(np.int64)
    if len(deep) > 1:
        stack = np.stack([volumes[int(at)] for at in deep])
        pairs += [
            (int(where[deep[i]]), int(where[deep[j]]))
            for i, j in find_volume_copies(stack)
        ]
    return join_pairs(int(where.max()) + 1, [*pairs, *_bind(identical)])


def _group_series(
    series: NDArray[np.int64], where: NDArray[np.int64]
) -> list[list[int]]:
    """Cases of each series: slices of one scan stay together."""
    return [where[series == one].tolist() for one in np.unique(series[series >= 0])]


def _bind(groups: Sequence[Sequence[int]]) -> Pairs:
    """Pairs that connect the members of each group."""
    return [(group[0], other) for group in groups for other in group[1:]]


def _places(where: NDArray[np.int64], positions: Sequence[int]) -> list[int]:
    """Case numbers of positions among the readable images."""
    return [int(where[at]) for at in positions]


def _count_classes(manifest: Manifest, where: NDArray[np.int64]) -> dict[str, int]:
    kept = replace(manifest, cases=tuple(manifest.cases[at] for at in where))
    counts = kept.label_counts()
    return {label: int(n) for label, n in zip(manifest.labels, counts, strict=True)}


def _find_shortcuts(
    manifest: Manifest,
    signals: Sequence[Signal],
    where: NDArray[np.int64],
    groups: Sequence[int],
) -> tuple[tuple[Shortcut, ...], Shortcut | None]:
    """What the files give away, and what their names do."""
    # Where each voxel is labelled, a border that tells whether a label occurs is
    # anatomy (no tumour at the crown), and no way round looking at the voxels.
    if not manifest.labels or manifest.form == "segment":
        return (), None
    targets = manifest.targets()[where]
    mine = [groups[at] for at in where]
    shortcuts = find_shortcuts(build_families(signals), targets, manifest.labels, mine)
    keys = [manifest.cases[at].key for at in where]
    names = find_shortcuts([name_family(keys)], targets, manifest.labels, mine)
    return shortcuts, names[0] if names else None
