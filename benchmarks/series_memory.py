"""Memory of learning from series: largest resident memory of a process that does.

    python -m benchmarks.series_memory

Made series, a few real steps with their judging, one setting a process. The line of
`medlens.plan.series_memory` must lie on or above every figure.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from medlens.core import Geometry, Image, Provenance
from medlens.datasets import Case, CaseSlice
from medlens.recipe import NetSettings, PrepSettings, Recipe, Step, TaskSettings
from medlens.recipe.settings import AugmentSettings, TrainSettings

# network, channels, side in px, slices of a series, slices of a step, series a step
SETTINGS = (
    ("efficientnet_lite0", 1, 64, 10, 10, 4),
    ("efficientnet_lite0", 1, 128, 10, 5, 2),
    ("efficientnet_lite0", 1, 128, 10, 10, 4),
    ("efficientnet_lite0", 3, 128, 10, 10, 4),
    ("efficientnet_lite0", 1, 128, 64, 10, 4),
    ("local2d", 1, 64, 48, 48, 4),
    ("local2d", 1, 128, 48, 12, 2),
    ("local2d", 1, 128, 48, 48, 2),
    ("local2d", 1, 128, 48, 48, 4),
    ("local2d", 3, 96, 48, 48, 4),
)


def learn(
    folder: Path, name: str, channels: int, side: int, slices: int, shown: int, at: int
) -> None:
    """Three steps on eight made series."""
    from medlens.train import build_course, build_sequence_cache, follow
    from medlens.train.sequence_lesson import sequence_lesson

    by_slice = name != "local2d"
    rng = np.random.default_rng(0)
    shape = (channels, slices, side, side)
    image = Image(
        rng.random(shape, dtype=np.float32),
        Geometry.uncalibrated(),
        provenance=Provenance("made"),
    )
    cases = []
    for i in range(8):
        said = [i % 2 if d or not by_slice else 0 for d in range(slices)]
        parts = tuple(
            CaseSlice(f"{i}/{d}", Path("none"), target=(1 - t, t), number=float(d))
            for d, t in enumerate(said)
        )
        cases.append(Case(f"{i}", Path("none"), (1 - i % 2, i % 2), slices=parts))
    cache = build_sequence_cache(
        folder, cases, lambda _: image, lambda one: one, settings=PrepSettings(),
        data_digest="made", threads=1,
    )  # fmt: skip
    lesson = sequence_lesson(
        cases, cache, kind="binary", labels=("no", "yes"),
        splits=["train"] * 6 + ["validation"] * 2, groups=range(8),
    )  # fmt: skip
    recipe = Recipe(
        task=TaskSettings("binary", ("no", "yes"), "yes", "sequence"),
        augment=AugmentSettings((Step("horizontal_flip"),)),
        net=NetSettings(
            name=name, pretrained="imagenet" if by_slice else "", channels=channels,
            height=side, width=side, depth=shown,
        ),
        train=TrainSettings(steps=3, batch_size=at, mixup=0.3),
    )  # fmt: skip
    follow(build_course(recipe, lesson), recipe, folder, digest="made")


def main() -> None:
    """Print a line for each setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", type=int)
    chosen = parser.parse_args().one
    if chosen is not None:
        with tempfile.TemporaryDirectory() as folder:
            name, *numbers = SETTINGS[chosen]
            learn(Path(folder), name, *numbers)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000  # kB
        print(f"{peak:.0f}")
        return
    for i, (name, channels, side, slices, shown, at) in enumerate(SETTINGS):
        words = [sys.executable, "-m", "benchmarks.series_memory", "--one", str(i)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        peak = float(done.stdout.split()[-1])
        pixels = shown * at * side**2
        print(
            f"{name:<18} {channels}x{side} px, {slices} slices, a step {at}x{shown}: "
            f"{peak:.0f} MB, {(peak - 600) / pixels * 1000:.2f} kB a pixel above 600",
            flush=True,
        )


if __name__ == "__main__":
    main()
