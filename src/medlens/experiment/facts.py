"""Fingerprint, splits and machine → what the plan's rules look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medlens.datasets import Manifest
from medlens.datasets.fingerprint import Fingerprint
from medlens.experiment.machine import memory_mb, multiplies_bf16, usable_cores
from medlens.experiment.request import Request
from medlens.plan import Facts

SLICED = frozenset({"CT", "MR", "PT", "NM"})


def gather_facts(
    manifest: Manifest,
    splits: Sequence[str],
    fingerprint: Fingerprint,
    *,
    request: Request,
    audit_seconds: float,
    seconds_used: float,
) -> Facts:
    """Everything the rules need, in one place.

    Args:
        manifest: the data set.
        splits: of each case.
        fingerprint: what the audit saw.
        request: budget and seed.
        audit_seconds: wall-clock of the audit, which read every image once.
        seconds_used: wall-clock of the run so far.
    """
    names = np.array(splits)
    targets = manifest.targets()
    return Facts(
        kind=manifest.kind,
        labels=manifest.labels,
        positive=manifest.positive,
        train=int((names == "train").sum()),
        validation=int((names == "validation").sum()),
        test=int((names == "test").sum()),
        label_counts=tuple(
            (targets[names == "train"] == 1).sum(axis=0).astype(int).tolist()
        ),
        modality=fingerprint.modality,
        is_colour=fingerprint.is_colour,
        bits=fingerprint.bits,
        # windows in HU mean nothing on the one MR among CT
        is_rescaled=fingerprint.is_rescaled and set(fingerprint.modalities) == {"CT"},
        height=fingerprint.height,
        width=fingerprint.width,
        aspect=fingerprint.aspect,
        border=fingerprint.border,
        form=manifest.form,
        is_cross_section=_is_cross_section(manifest, fingerprint),
        depth=fingerprint.depth,
        spacing=fingerprint.spacings,
        mask_values=manifest.mask_values,
        slices_labelled=fingerprint.slices_labelled,
        seconds=request.budget,
        seconds_used=seconds_used,
        audit_rate=audit_seconds / max(1, len(manifest.cases)),
        memory_mb=memory_mb(),
        cores=usable_cores(),
        has_bf16=multiplies_bf16(),
        seed=request.seed,
    )


def _is_cross_section(manifest: Manifest, fingerprint: Fingerprint) -> bool:
    """Whether images are slices through a body, by form, headers or columns."""
    if manifest.form in ("sequence", "volume") or fingerprint.depth > 1:
        return True
    if fingerprint.modality:
        return fingerprint.modality in SLICED
    numbered = [{"series", "slice"} <= set(case.columns) for case in manifest.cases]
    return all(numbered)
