"""What a run was asked and on which data, without a folder of this machine."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path

from medlens.datasets import Manifest
from medlens.experiment.request import Request


def command_line(request: Request) -> str:
    """The command that repeats this run; DATA by its last name only."""
    words = ["medlens", "run", request.data.name]
    if request.labels:
        words += ["--labels", request.labels.name]
    if request.label_column:
        words += ["--label-column", request.label_column]
    if request.patient_column:
        words += ["--patient-column", request.patient_column]
    words += ["--budget", f"{request.budget:g}s", "--seed", str(request.seed)]
    if request.recipe:
        words += ["--recipe", request.recipe.name]
    return shlex.join(words)


def data_digest(manifest: Manifest) -> str:
    """SHA-256 over case keys, file sizes, targets, patients and given splits.

    Sizes instead of contents, so that a resumed run of 30,000 files need not
    read them all first.
    """
    whole = hashlib.sha256()
    sizes: dict[Path, int] = {}
    for case in manifest.cases:
        if case.path not in sizes:
            try:
                sizes[case.path] = case.path.stat().st_size
            except OSError:
                sizes[case.path] = -1
        line = (case.key, sizes[case.path], case.target, case.patient, case.split)
        whole.update(repr(line).encode())
    whole.update(repr((manifest.kind, manifest.labels)).encode())
    return whole.hexdigest()
