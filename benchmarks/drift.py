"""How often the watch for drift cries wolf, and how often it finds real shifts.

python -m benchmarks.drift DATA [--months 400] [--trials 24]

DATA is the folder of the development data. Answers are made from real chest
radiographs: a logistic regression on thumbnails of one half of the children, applied to
the other half, with the outlier gate and the statistics of the input that a bundle
keeps. Every month is judged by the very function of the service (`looks.judge`).

No change: reference and month are drawn from one pool without putting back, all four
looks of a month, 2.5 to 10 answers a day. Shifts: brightness and contrast of the stored
pixels, another mix of the labels, radiographs of adults from another hospital.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.machine import keep
from medlens.metrics import fit_outlier_gate, image_statistics
from medlens.metrics.intervals import wilson
from medlens.serve.monitor.looks import LEVELS, REFERENCE, Due, judge
from medlens.serve.monitor.samples import Answer

SIDE, THUMB = 160, 24
Change = Callable[[np.ndarray], np.ndarray]
CHANGES: dict[str, Change] = {
    "none": lambda x: x,
    "brighter by 5 %": lambda x: np.clip(x * 1.05, 0, 1),
    "contrast down by 10 %": lambda x: np.clip(0.5 + 0.9 * (x - 0.5), 0, 1),
}


def read_images(folder: Path, column: str) -> tuple[list[np.ndarray], list[str]]:
    """Grey images in 0..1 with the words of a column."""
    images, words = [], []
    with (folder / "labels.csv").open() as file:
        for row in csv.DictReader(file):
            grey = cv2.imread(str(folder / row["image"]), cv2.IMREAD_GRAYSCALE)
            if grey is not None:
                images.append(cv2.resize(grey, (SIDE, SIDE)).astype(np.float32) / 255)
                words.append(row[column])
    return images, words


def thumbs(images: list[np.ndarray]) -> np.ndarray:
    """(n, 576) pixels for the classifier."""
    return np.stack([cv2.resize(x, (THUMB, THUMB)).ravel() for x in images])


class Model:
    """A classifier with a gate, taught on one half of the images."""

    def __init__(self, images: list[np.ndarray], positive: np.ndarray) -> None:
        half = len(images) // 2
        self.answer = make_pipeline(StandardScaler(), LogisticRegression(C=0.01))
        small = thumbs(images)
        self.answer.fit(small[:half], positive[:half])
        self.axes = PCA(24).fit(small[:half])
        told = np.stack([image_statistics(x[None]) for x in images])
        inner = self.axes.transform(small)
        self.gate = fit_outlier_gate(
            inner[:half],
            told[:half],
            validation_embeddings=inner[half:],
            validation_statistics=told[half:],
        )

    def answers(self, images: list[np.ndarray]) -> list[Answer]:
        """What would be kept of each."""
        small = thumbs(images)
        chances = self.answer.predict_proba(small)[:, 1]
        told = np.stack([image_statistics(x[None]) for x in images])
        strange = self.gate.score(self.axes.transform(small), told)
        flags = self.gate.flags(strange)
        return [
            Answer(
                patient=(str(i),),
                at=float(i),
                month="2026-06",
                is_positive=bool(chances[i] > 0.5),
                is_outside=bool(flags[i]),
                ood_score=float(strange[i]),
                probabilities={"pneumonia": float(chances[i])},
                statistics=tuple(map(float, told[i])),
            )
            for i in range(len(images))
        ]


def look(number: int, trial: int) -> Due:
    """A look whose seed depends on the trial alone."""
    return Due(f"{trial:064d}", "A", "2026-06", number, 0.0, 0.0)


def false_alarms(pool: list[Answer], months: int) -> dict[str, Any]:
    """Share of months without any change that give an alarm, by answers of a month."""
    found = {}
    generator = np.random.default_rng(1)
    for size in (80, 160, 260):
        hits = 0
        for trial in range(months):
            drawn = [pool[i] for i in generator.permutation(len(pool))]
            reference, month = drawn[:REFERENCE], drawn[REFERENCE : REFERENCE + size]
            hits += any(
                judge(look(n, trial), reference, month[: size * n // 4])[0] == "drift"
                for n in range(1, len(LEVELS) + 1)
            )
        low, high = wilson(hits, months)
        found[str(size)] = {"months": months, "alarms": hits, "low": low, "high": high}
        sys.stdout.write(f"no change, {size} answers: {hits} of {months}\n")
    return found


def power(
    pool: list[Answer], shifted: list[Answer], trials: int, *, seed: int
) -> dict[str, float]:
    """Share of months that give an alarm at the last look, by size.

    Changed copies of the images in the reference are not drawn.
    """
    found = {}
    generator = np.random.default_rng(seed)
    for size in (50, 100, 200):
        hits = 0
        for trial in range(trials):
            order = generator.permutation(len(pool))
            kept = {pool[i].patient for i in order[:REFERENCE]}
            rest = [a for a in shifted if a.patient not in kept]
            picked = generator.permutation(len(rest))[:size]
            month = [rest[i] for i in picked]
            reference = [pool[i] for i in order[:REFERENCE]]
            hits += judge(look(4, trial), reference, month)[0] == "drift"
        found[str(size)] = round(hits / trials, 3)
    return found


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--months", type=int, default=400)
    parser.add_argument("--trials", type=int, default=24)
    arguments = parser.parse_args()
    images, words = read_images(arguments.data / "xray_pneumonia", "label")
    order = np.random.default_rng(0).permutation(len(images))
    images, words = [images[i] for i in order], [words[i] for i in order]
    model = Model(images, np.array([word == "pneumonia" for word in words]))
    held, labels = images[len(images) // 2 :], words[len(words) // 2 :]
    pool = model.answers(held)
    if arguments.months:
        keep("drift_alarms", {"no_change": false_alarms(pool, arguments.months)})
    if arguments.trials:
        keep("drift_power", measure_power(pool, labels, model, held, arguments))


def measure_power(
    pool: list[Answer],
    labels: list[str],
    model: Model,
    held: list[np.ndarray],
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    """Share of months with a shift that give an alarm, by shift and size."""
    shifts = {
        name: model.answers([change(x) for x in held])
        for name, change in CHANGES.items()
        if name != "none"
    }
    for name, share in (("half as many with pneumonia", 2), ("a fifth as many", 5)):
        ill = [a for a, w in zip(pool, labels, strict=True) if w == "pneumonia"]
        well = [a for a, w in zip(pool, labels, strict=True) if w != "pneumonia"]
        shifts[name] = well + ill[: max(1, len(ill) // share)]
    adults, _ = read_images(arguments.data / "xray_opacity_boxes", "view")
    others = [replace(a, patient=(f"b{a.at}",)) for a in model.answers(adults)]
    shifts["adults of another hospital"] = others
    tenth = len(pool) // 9
    shifts["one in ten from there"] = pool + others[:tenth]
    found: dict[str, Any] = {"trials": arguments.trials}
    for seed, (name, shifted) in enumerate(shifts.items()):
        found[name] = power(pool, shifted, arguments.trials, seed=seed)
        sys.stdout.write(f"{name}: {found[name]}\n")
        sys.stdout.flush()
    return found


if __name__ == "__main__":
    main()
