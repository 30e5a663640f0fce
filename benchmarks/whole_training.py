"""Training on CTs of 512×512×800 inside 2 GB: preparing, a few steps, validation.

    python -m benchmarks.whole_training [--slices 800] [--steps 6] [--keep]

Two volumes with masks are written as NIfTI. The recipe is what the plan makes of a
study of them for 2000 MB. In a process of its own, watched, the cache is built and the
network learns a few steps and is judged, as `medlens run` does it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import medlens.nets  # noqa: F401  (before torch: how its threads wait)
from benchmarks.machine import keep
from benchmarks.volumes import LABELS, SEED, SIDE
from benchmarks.whole import LIMIT_MB, plan_ct, watch

CASES = 2


def write_study(folder: Path, slices: int) -> None:
    """images/ and masks/: a body with a bone, two values of labels."""
    import nibabel

    rng = np.random.default_rng(SEED)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    mask = (x**2 / 1.4 + y**2 < 210**2).astype(np.uint8)
    mask += (x - 60) ** 2 + y**2 < 30**2
    values = np.array([-1000, 40, 740], np.int16)[mask]
    affine = np.diag([0.75, 0.75, 1.5, 1.0])
    for case in range(CASES):
        volume = np.empty((SIDE, SIDE, slices), np.int16, order="F")
        for d in range(slices):
            volume[:, :, d] = values + rng.normal(0, 15, values.shape)
        masks = np.broadcast_to(mask[..., None], volume.shape)
        for name, array in (("images", volume), ("masks", masks)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            file = nibabel.Nifti1Image(array, affine)
            file.header.set_xyzt_units("mm")
            nibabel.save(file, folder / name / f"p{case}.nii")


def teach(folder: Path, slices: int, steps: int) -> None:
    """In a process of its own: what `teach_masks` does up to the network."""
    from medlens.datasets import read_manifest
    from medlens.experiment.narrator import Silent
    from medlens.experiment.prepare_masks import prepare_masks
    from medlens.train import MaskCourse, MaskLesson, follow

    recipe = plan_ct(slices, memory_mb=int(LIMIT_MB))
    recipe = replace(recipe, train=replace(recipe.train, steps=steps))
    manifest = read_manifest(folder / "study", task="segment")
    rows = np.arange(CASES)
    cache = prepare_masks(
        recipe,
        manifest,
        manifest.cases,
        work=folder / "work",
        data_digest="benchmark",
        narrator=Silent(),
    )
    if cache.failed:
        raise SystemExit(str(cache.failed))
    lesson = MaskLesson(cache, LABELS, rows[:1], rows[1:], rows)
    course = MaskCourse(recipe, lesson)
    _, history = follow(
        course, recipe, folder / "work", digest="benchmark", report=lambda *_: None
    )
    net = recipe.net
    (folder / "taught.json").write_text(
        json.dumps(
            {
                "patch": [net.depth, net.height, net.width],
                "batch": recipe.train.batch_size,
                "steps": history[-1].step,
                "cache_mb": round(cache.path.stat().st_size / 1e6),
            }
        )
    )


def main() -> None:
    """Parse, measure, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=800)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--teach", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    if given.teach:
        teach(given.teach, given.slices, given.steps)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_study(folder / "study", given.slices)
        command = [
            *(sys.executable, "-m", "benchmarks.whole_training", "--teach", name),
            *("--slices", str(given.slices), "--steps", str(given.steps)),
        ]
        figures: dict[str, Any] = watch(command, folder / "log")
        if not figures["exit_code"]:
            figures |= json.loads((folder / "taught.json").read_text())
        print((folder / "log").read_text(), file=sys.stderr)
    print(json.dumps(figures, indent=1))
    if given.keep:
        keep("whole_training", figures)


if __name__ == "__main__":
    main()
