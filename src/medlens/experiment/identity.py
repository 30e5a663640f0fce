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
    if request.task != "auto":
        words += ["--task", request.task]
    words += ["--budget", f"{request.budget:g}s", "--seed", str(request.seed)]
    if request.recipe:
        words += ["--recipe", request.recipe.name]
    return shlex.join(words)


def data_digest(manifest: Manifest) -> str:
    """SHA-256 over case keys, file sizes, targets, patients and given splits.

    Of series those of each slice count, and of masks their sizes.

    Sizes instead of contents, so that a resumed run of 30,000 files need not
    read them all first.
    """
    whole = hashlib.sha256()
    sizes: dict[Path, int] = {}

    def size(path: Path | None) -> int:
        if path is None:
            return -1
        if path not in sizes:
            try:
                sizes[path] = path.stat().st_size
            except OSError:
                sizes[path] = -1
        return sizes[path]

    for case in manifest.cases:
        line = (case.key, size(case.path), case.target, case.patient, case.split)
        whole.update(repr(line).encode())
        if case.mask is not None:
            whole.update(repr(size(case.mask)).encode())
        for part in case.slices:
            row = (part.key, size(part.path), part.target, size(part.mask))
            whole.update(repr(row).encode())
    task: tuple[object, ...] = (manifest.kind, manifest.labels)
    if manifest.form != "image":
        task = (*task, manifest.form, manifest.mask_values)
    whole.update(repr(task).encode())
    return whole.hexdigest()
