"""What a case is, where the user leaves it open: an image, or a whole series."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from medlens.core import DataError
from medlens.datasets.drafts import Draft, Entry, count_of
from medlens.datasets.headers import Header
from medlens.datasets.manifest import UNKNOWN, Case, Manifest, Problem
from medlens.datasets.walk import Tree

LEAST_SLICES = 5
"""DICOM slices that make a volume; fewer are views (localisers, projections)."""

_FEWEST_NUMBERED = 2


@dataclass(frozen=True)
class Census:
    """What DATA holds, from names, tables and headers.

    Attributes:
        singles: pictures, NIfTI files of one slice, DICOM images alone.
        volumes: NIfTI volumes and DICOM series of 5 images and more.
        series: of these, the DICOM series.
        numbered: series of 2 pictures and more that a table numbers.
    """

    singles: int = 0
    volumes: int = 0
    series: int = 0
    numbered: int = 0

    @property
    def are_series(self) -> bool:
        """Whether most of DATA are series."""
        return self.volumes + self.numbered > self.singles

    def tell(self) -> str:
        """The choice and its reason in one sentence."""
        if self.numbered and self.are_series:
            return (
                f"a case is a series: the table numbers the slices of "
                f"{self.numbered:,} series"
            )
        found = f"{count_of(self.volumes, 'volume')} and {self.singles:,} single images"
        if self.are_series:
            return f"a case is a volume: DATA holds {found}"
        return f"a case is a single image: DATA holds {found}; most decide"


def count_units(draft: Draft, tree: Tree, headers: dict[str, Header]) -> Census:
    """Count what each file of a draft belongs to."""
    series: Counter[str] = Counter()
    singles = volumes = 0
    plain: list[Entry] = []
    for entry in draft.entries:
        header = headers.get(entry.file)
        if header is not None:
            series[header.ids["seriesinstanceuid"] or entry.file] += header.frames
        elif tree.is_nifti(entry.file):
            is_volume = _is_volume(entry, tree)
            volumes += is_volume
            singles += not is_volume
        else:
            plain.append(entry)
    stacks = sum(count >= LEAST_SLICES for count in series.values())
    singles += sum(count for count in series.values() if count < LEAST_SLICES)
    numbered, rest = _count_numbered(draft, plain)
    return Census(singles + rest, volumes + stacks, stacks, numbered)


def _is_volume(entry: Entry, tree: Tree) -> bool:
    from medlens.core import ReadError
    from medlens.read.nifti import read_grid
    from medlens.read.source import open_source

    try:
        source = open_source(tree.root / entry.file, entry.key)
        # A picture under a wrong name counts as one.
        return source.kind == "nifti" and read_grid(source)[:2] != (1, 1)
    except ReadError:
        return False


def _count_numbered(draft: Draft, plain: list[Entry]) -> tuple[int, int]:
    """Numbered series among pictures, and the pictures that are in none."""
    if not (draft.series_column and draft.slice_column):
        return 0, len(plain)
    slices = Counter(
        (entry.patient, entry.columns.get(draft.series_column, ""))
        for entry in plain
        if entry.columns.get(draft.series_column)
        and entry.columns.get(draft.slice_column)
    )
    numbered = [count for count in slices.values() if count >= _FEWEST_NUMBERED]
    return len(numbered), len(plain) - sum(numbered)


def gather(manifest: Manifest, draft: Draft) -> Manifest:
    """The same data set with one case a series; see `volumes.gather_series`."""
    from medlens.datasets.volumes import gather_series

    return gather_series(
        manifest, series_column=draft.series_column, slice_column=draft.slice_column
    )


def has_slice_labels(manifest: Manifest) -> bool:
    """Whether labels differ from slice to slice within any series."""
    return any(
        len({p.target for p in case.slices if any(v != UNKNOWN for v in p.target)}) > 1
        for case in manifest.cases
    )


def gather_if_series(
    manifest: Manifest, draft: Draft, census: Census
) -> tuple[Manifest | None, str]:
    """Series of a manifest of images; None with the reason where they are none.

    Headers promise what positions may not keep: frames of a cine have none, and
    slices of one series may be of different classes.
    """
    wanted = census.volumes + census.numbered
    try:
        found = gather(manifest, draft)
    except DataError as error:
        return None, _why_not(str(error))
    if 2 * len(found.cases) >= wanted:
        return found, ""
    added = found.problems[len(manifest.problems) :]
    return None, _why_not(" ".join(problem.reason for problem in added))


def _why_not(reasons: str) -> str:
    if "different classes" in reasons:
        return "a case is a single image: slices of one series have different classes"
    return "a case is a single image: most slices have no place in a volume"


def leave_out_series(manifest: Manifest) -> Manifest:
    """The same images without those that are slices of a volume.

    For data in which single images are the most: a volume's slices among them
    are of another kind.
    """
    from medlens.datasets.volumes import gather_series

    try:
        found = gather_series(manifest)
    except DataError:
        return manifest
    slices = {
        part.key: (case.key, len(case.slices))
        for case in found.cases
        if len(case.slices) >= LEAST_SLICES
        for part in case.slices
    }
    if not slices:
        return manifest
    kept: list[Case] = [case for case in manifest.cases if case.key not in slices]
    problems = [
        Problem(
            key,
            f"is one of {count} slices of the volume '{series}', while most of DATA "
            "are single images; take volumes with unit 'series'",
            "volume",
        )
        for key, (series, count) in slices.items()
    ]
    note = f"left out: {count_of(len(problems), 'slice')} of volumes"
    return replace(
        manifest,
        cases=tuple(kept),
        notes=(*manifest.notes, note),
        problems=(*manifest.problems, *problems),
    )
