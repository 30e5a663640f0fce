"""Images with masks → a manifest in which every voxel is labelled."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from medlens.datasets.drafts import Draft, count_of
from medlens.datasets.finish import (
    count_problems,
    require_entries,
    settle_patients,
    to_case,
)
from medlens.datasets.headers import Header, apply_headers
from medlens.datasets.manifest import Manifest
from medlens.datasets.mask_labels import label_by_masks
from medlens.datasets.units import gather
from medlens.datasets.walk import Tree


def read_segments(
    draft: Draft,
    tree: Tree,
    headers: dict[str, Header] | None,
    *,
    wants_series: bool,
) -> Manifest:
    """A manifest of form "segment"; every mask is looked at once.

    Args:
        draft: entries with masks.
        tree, headers: files of DATA, and DICOM headers if they are known.
        wants_series: slices are gathered; else only those that share a mask.

    Raises:
        DataError: nothing is left, or the masks make no labels; see
            `mask_labels.label_by_masks`.
    """
    apply_headers(draft, tree, headers, takes_volumes=True)
    require_entries(draft)
    settle_patients(draft)
    cases = [to_case(entry, draft.root) for entry in draft.entries]
    found = label_by_masks(cases, draft.root)
    problems = (*draft.problems, *found.problems)
    manifest = Manifest(
        draft.root,
        found.cases,
        "multiclass",
        found.labels,
        notes=(*draft.notes, *found.notes, *count_problems(problems)),
        problems=problems,
        form="segment",
        mask_values=found.values,
    )
    shared = _count_shared(manifest)
    if not wants_series and not shared:
        return manifest
    gathered = gather(manifest, draft)
    why = f"a case is a volume: {count_of(shared, 'mask')} of several files each"
    note = why if shared else "a case is a series, with a mask for each slice"
    return replace(gathered, notes=(*gathered.notes, note))


def _count_shared(manifest: Manifest) -> int:
    """Masks that belong to several files (slices of a volume), where most do."""
    files: dict[Path | None, set[Path]] = defaultdict(set)
    for case in manifest.cases:
        files[case.mask].add(case.path)
    shared = sum(len(paths) > 1 for paths in files.values())
    return shared if 2 * shared > len(files) else 0
