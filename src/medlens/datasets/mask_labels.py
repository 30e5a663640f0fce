"""What masks hold: one look at each → labels, their values, who has which."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from medlens.core import DataError, ReadError, reason_of
from medlens.datasets.drafts import count_of, list_some
from medlens.datasets.manifest import UNKNOWN, Case, Problem
from medlens.datasets.masks import count_values, read_mask

MAX_VALUES = 64
"""Distinct values in the masks of a data set."""

MAX_VOXELS = 5_000_000_000
"""Voxels of masks that are looked at; half a minute to two minutes of work."""

_LARGE = 32_000_000  # voxels; masks of this size are held one at a time
_BATCH = 64
_MAX_JSON = 16 * 2**20
_ALONE = threading.Lock()


@dataclass(frozen=True)
class MaskLabels:
    """What the masks of a data set say.

    Attributes:
        cases: those whose mask can be read, with targets.
        labels: names, the background first.
        values: value of each label.
        notes, problems: as in `Manifest`.
    """

    cases: tuple[Case, ...]
    labels: tuple[str, ...]
    values: tuple[int, ...]
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]


def label_by_masks(cases: Sequence[Case], root: Path) -> MaskLabels:
    """Look at the masks of all cases and number their labels.

    Where the masks are too many to look at them all, those of the others have
    UNKNOWN targets; a value that only they hold is told when they are opened.

    Args:
        cases: each with a mask.
        root: DATA; a `dataset.json` there names labels.

    Raises:
        DataError: no mask can be read, all are empty, or they hold more than
            64 values.
    """
    found = dict(_look_at_all(cases))
    problems = tuple(
        Problem(cases[at].key, what, "unreadable")
        for at, what in sorted(found.items())
        if isinstance(what, str)
    )
    counts = {at: what for at, what in found.items() if not isinstance(what, str)}
    if not counts:
        raise DataError(
            f"DATA: none of {count_of(len(cases), 'mask')} can be read; first: "
            f"{problems[0].case}: {problems[0].reason}"
        )
    values = sorted({value for tally in counts.values() for value in tally} - {0})
    _check_values(values, {cases[at].key: tally for at, tally in counts.items()})
    values = [0, *values]
    names, notes = _name_labels(values, root)
    kept = tuple(
        replace(case, target=_target(counts.get(at), values))
        for at, case in enumerate(cases)
        if not isinstance(found.get(at), str)
    )
    if len(found) < len(cases):
        notes.append(
            f"labels from {len(found):,} of {count_of(len(cases), 'mask')}: the others "
            "were not looked at, being too large in all"
        )
    shown = ", ".join(f"{v} {n}" for v, n in zip(values, names, strict=True))
    notes.append(f"values in the masks: {shown}")
    return MaskLabels(kept, tuple(names), tuple(values), tuple(notes), problems)


def _target(tally: dict[int, int] | None, values: Sequence[int]) -> tuple[int, ...]:
    if tally is None:
        return (1, *(UNKNOWN for _ in values[1:]))
    # The background counts as present: a case without it still teaches what it is.
    return (1, *(int(value in tally) for value in values[1:]))


def _look_at_all(cases: Sequence[Case]) -> Iterator[tuple[int, dict[int, int] | str]]:
    """Tally or reason of each case, until the voxels that may be read are spent.

    The order is drawn from the keys, so that where not all are looked at, the
    same ones are, whatever the order of the files.
    """
    order = sorted(range(len(cases)), key=lambda at: _draw(cases[at].key))
    kept: dict[tuple[Path | None, str], dict[int, int] | str] = {}
    spent = 0
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="masks") as pool:
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            # Slices of one series may share a mask: it is looked at once.
            new = {(cases[at].mask, cases[at].member): cases[at] for at in batch}
            new = {key: case for key, case in new.items() if key not in kept}
            kept.update(zip(new, pool.map(_look, new.values()), strict=True))
            for at in batch:
                what = kept[cases[at].mask, cases[at].member]
                spent += 0 if isinstance(what, str) else sum(what.values())
                yield at, what
                if spent > MAX_VOXELS:
                    return


def _draw(key: str) -> bytes:
    return hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8).digest()


def _look(case: Case) -> dict[int, int] | str:
    assert case.mask is not None
    try:
        with hold_alone(case.mask):
            mask = read_mask(case.mask, case=case.key, member=case.member)
            return count_values(mask, case.key)
    except Exception as error:  # one hostile file must not end the others
        return reason_of(error).removeprefix(f"{case.key}: ")


def hold_alone(path: Path) -> AbstractContextManager[object]:
    """A lock to hold while a large volume is open; none for small ones.

    Two volumes of half a gigabyte that two threads decode at once are what
    fills the memory, not the thousand small ones.
    """
    return _ALONE if path.is_file() and _is_large(path) else nullcontext()


def _is_large(path: Path) -> bool:
    from medlens.read.nifti import read_grid
    from medlens.read.source import open_source

    try:
        source = open_source(path)
    except ReadError:
        return False  # the reader says what is wrong, and names the case
    if source.kind != "nifti":
        return source.size > _LARGE
    try:
        _, depth, rows, columns = read_grid(source)
    except ReadError:
        return False
    return depth * rows * columns > _LARGE


def _check_values(values: list[int], tallies: dict[str, dict[int, int]]) -> None:
    if not values:
        raise DataError(
            f"DATA: all {count_of(len(tallies), 'mask')} are empty (nothing but 0); "
            "wanted a value above 0 where a label is"
        )
    if len(values) < MAX_VALUES:
        return
    worst = max(tallies, key=lambda key: len(tallies[key]))
    raise DataError(
        f"DATA: the masks hold {len(values) + 1:,} different values, that of '{worst}' "
        f"{len(tallies[worst]):,}; wanted one whole number a label, {MAX_VALUES} at "
        "most. Cut soft masks at a threshold, resample by nearest neighbour, and give "
        "all objects of one kind one number"
    )


def _name_labels(values: list[int], root: Path) -> tuple[list[str], list[str]]:
    named = read_label_names(root / "dataset.json")
    if named:
        named = {0: "background", **named}
        names = [named.get(value, f"label {value}") for value in values]
        if len({name.casefold() for name in names}) == len(names):
            never = sorted(set(named) - set(values))
            notes = ["label names from dataset.json"]
            if never:
                gone = list_some([named[value] for value in never])
                notes.append(f"in no mask, and left out: {gone}")
            return names, notes
    if values == [0, 255]:
        return ["background", "foreground"], []
    return ["background", *(f"label {value}" for value in values[1:])], []


def read_label_names(path: Path) -> dict[int, str]:
    """Value → name of a `dataset.json`; {} where there is none that fits.

    The Medical Segmentation Decathlon writes {"1": "name"}, nnU-Net {"name": 1}.
    """
    try:
        if path.stat().st_size > _MAX_JSON:
            return {}
        labels = json.loads(path.read_text(encoding="utf-8"))["labels"]
        pairs = list(labels.items())
        if all(isinstance(value, int) for _, value in pairs):
            pairs = [(value, name) for name, value in pairs]
        return {int(value): _clean(name) for value, name in pairs if _clean(name)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _clean(name: object) -> str:
    text = name.strip() if isinstance(name, str) else ""
    return text[:64] if text.isprintable() else ""
