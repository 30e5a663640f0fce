"""CNN with and without a reader, on real slices and on planted lesions.

    python -m benchmarks.sequences glioma DATA [--reader lstm] [--epochs 30] [--crop]
    python -m benchmarks.sequences planted DATA [--reader lstm] [--epochs 12]

DATA is the folder that holds `mri_glioma_slices` and `mri_hippocampus`.

glioma: 16 patients with a label for each slice. 5 folds of patients; AUROC per slice
of the CNN alone (`net.reader` "none"), of the CNN + reader, and of the plain head
inside the latter, each also with neighbouring slices heard (weight fitted on the other
patients), with intervals by patient and the paired clustered test.

planted: real hippocampus volumes, half of them with one synthetic lesion of 2-3 mm;
a label per volume and nothing else. Taught end to end, 5 folds; AUROC per volume.

No setting is chosen on the answers that are printed. Results go to
benchmarks/results/sequences_NAME.json.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import medlens.nets  # noqa: F401  (before torch: how its threads wait)
from benchmarks.machine import keep
from benchmarks.planted import plant_lesions, read_hippocampus
from medlens.core import Geometry, Image
from medlens.datasets import Case, open_case, read_manifest
from medlens.metrics import (
    auroc_interval,
    fit_neighbours,
    hear_neighbours,
    patient_codes,
)
from medlens.prep import AUGMENT_PRESETS, build_pipeline
from medlens.recipe import (
    AugmentSettings,
    NetSettings,
    PrepSettings,
    Recipe,
    SplitSettings,
    Step,
    TaskSettings,
    TrainSettings,
)
from medlens.train.order import steps_per_epoch
from medlens.train.sequence_cache import build_sequence_cache
from medlens.train.sequence_choice import (
    OutOfFold,
    choose_reader,
    cross_fit_sequence,
)
from medlens.train.sequence_lesson import SequenceLesson, sequence_lesson

FloatArray = NDArray[np.float32]
FOLDS = 5
LABELS = ("no", "yes")


def make_recipe(args: argparse.Namespace, *, channels: int, colour: str) -> Recipe:
    """The recipe of one network; `args.depth` slices of `args.batch` series a step."""
    steps = (
        Step("display"),
        Step(colour),
        *([Step("crop_body")] if args.crop else []),
        Step("resize", {"height": args.size, "width": args.size, "mode": "stretch"}),
    )
    augment = (Step("horizontal_flip"), *AUGMENT_PRESETS["cross_section"])
    net = NetSettings(
        channels=channels,
        height=args.size,
        width=args.size,
        depth=args.depth,
        reader=args.reader,
        hidden=args.hidden,
    )
    train = TrainSettings(
        epochs=args.epochs,
        batch_size=args.batch,
        learning_rate=args.rate,
        mixup=args.mixup,
        balance=0.0,
        seed=args.seed,
        threads=args.threads,
    )
    task = TaskSettings("binary", LABELS, "yes", "sequence")
    return Recipe(
        task=task,
        split=SplitSettings(folds=FOLDS),
        prep=PrepSettings(steps),
        augment=AugmentSettings(augment),
        net=net,
        train=train,
    )


def glioma_lesson(data: Path, recipe: Recipe, folder: Path) -> SequenceLesson:
    """The 16 series; which of them count as validation does not matter here."""
    manifest = read_manifest(data / "mri_glioma_slices", unit="series")
    cases = manifest.cases
    cache = build_sequence_cache(
        folder,
        cases,
        lambda i: open_case(cases[i], uneven="keep"),
        build_pipeline(recipe.prep.steps),
        settings=recipe.prep,
        data_digest="glioma",
        threads=1,
    )
    names = sorted({case.patient for case in cases})
    return _lesson(cases, cache, [names.index(case.patient) for case in cases])


def planted_lesson(data: Path, recipe: Recipe, folder: Path) -> SequenceLesson:
    """All hippocampus volumes, each a patient of its own."""
    names, volumes = read_hippocampus(data)
    volumes, has = plant_lesions(volumes, seed=0)
    cases = [
        Case(name, Path(name), (1 - int(x), int(x)))
        for name, x in zip(names, has, strict=True)
    ]
    cache = build_sequence_cache(
        folder,
        cases,
        lambda i: Image(volumes[i][None], Geometry.uncalibrated(), stage="windowed"),
        build_pipeline(recipe.prep.steps),
        settings=recipe.prep,
        data_digest="planted",
        threads=1,
    )
    return _lesson(cases, cache, range(len(cases)))


def _lesson(cases: Any, cache: Any, groups: Any) -> SequenceLesson:
    splits = ["train"] * (len(cases) - 1) + ["validation"]
    return sequence_lesson(
        cases, cache, kind="binary", labels=LABELS, splits=splits, groups=groups
    )


def run(
    name: str, lesson: SequenceLesson, recipe: Recipe, folder: Path
) -> tuple[OutOfFold, dict[str, Any]]:
    """Out-of-fold answers and their figures."""
    series = round(len(lesson.series) * (1 - 1 / FOLDS))
    steps = recipe.train.epochs * steps_per_epoch(series, recipe.train.batch_size)
    recipe = replace(recipe, train=replace(recipe.train, steps=steps))
    started = time.perf_counter()

    def report(step: int, steps: int, ended: Any) -> None:
        if ended is not None and step == steps:
            print(
                f"  {name}: a fold done at {time.perf_counter() - started:.0f} s, "
                f"loss {ended.train_loss:.3f}, AUROC {ended.validation_score:.4f}",
                flush=True,
            )

    found = cross_fit_sequence(recipe, lesson, folder, digest=name, report=report)
    figures = {"seconds": round(time.perf_counter() - started)}
    if lesson.has_slice_labels:
        targets = np.concatenate([one.slices[:, 1] for one in lesson.series])
        sizes = [len(one.rows) for one in lesson.series]
        figures["slice"] = _auroc(lesson, targets, found.slice_logits, sizes)
        figures["plain_head"] = _auroc(lesson, targets, found.plain_logits, sizes)
        heard = hear_beside_by_others(lesson, found)
        figures["slice_heard"] = _auroc(lesson, targets, heard.slice_logits, sizes)
        figures["plain_heard"] = _auroc(lesson, targets, heard.plain_logits, sizes)
    else:
        targets = np.array([one.target[1] for one in lesson.series])
        logits = (found.series_logits,)
        figures["series"] = _auroc(lesson, targets, logits, [1] * len(targets))
    print(f"{name}: {figures}", flush=True)
    return found, figures


def hear_beside_by_others(lesson: SequenceLesson, found: OutOfFold) -> OutOfFold:
    """Each patient's slices hear their neighbours with the weight of all others.

    The run fits one weight on all out-of-fold answers and applies it to test
    patients; here the patients that are measured must not have a say in theirs.
    """
    groups = np.array([one.group for one in lesson.series])

    def heard(logits: Sequence[FloatArray]) -> tuple[FloatArray, ...]:
        result = []
        for one, group in zip(logits, groups, strict=True):
            others = np.flatnonzero(groups != group)
            weight = fit_neighbours(
                [logits[i] for i in others],
                [lesson.series[i].slices for i in others],
                kind=lesson.kind,
            )
            result.append(hear_neighbours(one, weight))
        return tuple(result)

    return replace(
        found,
        slice_logits=heard(found.slice_logits),
        plain_logits=heard(found.plain_logits),
    )


def _auroc(
    lesson: SequenceLesson, targets: Any, logits: Any, sizes: list[int]
) -> dict[str, Any]:
    scores = np.concatenate(logits)
    groups = np.repeat([one.group for one in lesson.series], sizes)
    codes = patient_codes([str(group) for group in groups])
    return auroc_interval(targets, scores[:, 1] - scores[:, 0], codes).to_json()


def main() -> None:
    """See the page's head."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=("glioma", "planted"))
    parser.add_argument("data", type=Path)
    parser.add_argument("--reader", default="lstm", choices=("lstm", "gru", "none"))
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--depth", type=int, default=0)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--mixup", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--crop", action="store_true", help="crop to the body first")
    parser.add_argument("--alone", action="store_true", help="only the named reader")
    args = parser.parse_args()
    glioma = args.task == "glioma"
    args.size = args.size or (128 if glioma else 64)
    args.depth = args.depth or (10 if glioma else 48)
    recipe = make_recipe(
        args, channels=3 if glioma else 1, colour="to_rgb" if glioma else "to_grey"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build = glioma_lesson if glioma else planted_lesson
        lesson = build(args.data, recipe, folder / "cache")
        read, figures = run(args.reader, lesson, recipe, folder / "read")
        results: dict[str, Any] = {"settings": vars(args), args.reader: figures}
        if args.alone and args.reader != "none" and glioma:
            heard = hear_beside_by_others(lesson, read)
            chosen, reasons = choose_reader(args.reader, lesson, heard)
            results |= {"chosen": chosen, "reasons": reasons}
            print(f"against its plain head: {chosen}; {reasons}", flush=True)
        if not args.alone and args.reader != "none":
            bare = replace(recipe, net=replace(recipe.net, reader="none"))
            plain, figures = run("none", lesson, bare, folder / "plain")
            if glioma:
                read = hear_beside_by_others(lesson, read)
                plain = hear_beside_by_others(lesson, plain)
            chosen, reasons = choose_reader(args.reader, lesson, read, plain)
            results |= {"none": figures, "chosen": chosen, "reasons": reasons}
            print(f"chosen: {chosen}; {reasons}", flush=True)
    results["settings"].pop("data")
    keep(f"sequences_{args.task}", results)


if __name__ == "__main__":
    main()
