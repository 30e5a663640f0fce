"""The whole road: audit → split → plan → train → calibrate → evaluate → report."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from medlens.bundle import Bundle, write_bundle
from medlens.core import DataError, ResourceError, UsageError
from medlens.datasets import Manifest, check_trainable, read_manifest, read_splits
from medlens.evaluate import (
    write_mask_predictions,
    write_metrics,
    write_predictions,
)
from medlens.experiment.choose import LEARNED
from medlens.experiment.folder import (
    RunFolder,
    locked,
    open_run_folder,
    read_json,
)
from medlens.experiment.identity import command_line, data_digest
from medlens.experiment.judge import Judged, judge
from medlens.experiment.judge_masks import JudgedMasks, judge_masks
from medlens.experiment.judge_series import judge_series
from medlens.experiment.kept_masks import ANSWERS
from medlens.experiment.learned import Learned
from medlens.experiment.machine import (
    free_disk_mb,
    give_back_memory,
    machine_facts,
    versions,
)
from medlens.experiment.narrator import Narrator
from medlens.experiment.request import Request
from medlens.experiment.shapes import shape_cases, shape_masks
from medlens.experiment.survey import Stage, Walk, survey
from medlens.experiment.teach import teach
from medlens.recipe import Recipe, load_recipe
from medlens.report import write_card, write_report

TASKS = ("auto", "classify", "segment")
MINUTE = 60.0
DEFAULT_BUDGET = {  # seconds; volumes hold a hundred times the pixels of an image
    "image": 10 * MINUTE,
    "sequence": 45 * MINUTE,
    "volume": 45 * MINUTE,
    "segment": 45 * MINUTE,
}
CACHES = ("cache.bin", "cache.json", "masks.bin", "masks.json", "masks.npy")
INTENDED_USE = (
    "Research on images like those it was trained on. Not a medical device; "
    "no patient may be treated on its answer."
)


def walk(request: Request, narrator: Narrator, *, until: Stage = "run") -> RunFolder:
    """Go the road as far as asked; an interrupted walk goes on where it was.

    Args:
        request: what the user asked for.
        narrator: hears what is found.
        until: the last step to do.

    Returns:
        The run folder with its files.

    Raises:
        UsageError, DataError, ExistsError: before anything is written.
        ReadError and the like: never; such cases are listed.
        ResourceError, TrainError: what to do is in the message; what was done
            so far stays, and the same command goes on from there.
    """
    if request.task not in TASKS:
        raise UsageError(
            f"--task {request.task}: this version classifies and labels voxels; wanted "
            f"one of {', '.join(TASKS)}"
        )
    given = load_recipe(request.recipe) if request.recipe else None
    manifest = read_manifest(
        request.data,
        labels=request.labels,
        label_column=request.label_column,
        patient_column=request.patient_column,
        task=request.task,
    )
    check_trainable(manifest)
    folder = open_run_folder(
        request.out, request=request.identity(), force=request.force
    )
    request = replace(request, budget=request.budget or DEFAULT_BUDGET[manifest.form])
    with locked(folder):
        steps = Walk(request, folder, narrator, time.monotonic(), {})
        return _walk(steps, manifest, given, until)


def _walk(
    steps: Walk, manifest: Manifest, given: Recipe | None, until: Stage
) -> RunFolder:
    folder, narrator = steps.folder, steps.narrator
    if folder.is_resumed:
        narrator.say("Going on with the interrupted run in this folder.")
    digest = data_digest(manifest)
    state = folder.read_state()
    if folder.is_resumed and state.get("data_digest") not in (None, digest):
        raise DataError(
            "DATA has changed since this run began; put it back, choose another "
            "--out, or pass --force to start afresh"
        )
    folder.write_state({**state, "data_digest": digest})
    groups, recipe = survey(steps, manifest, given, until)
    give_back_memory()
    if until == "audit":
        return folder
    splits = read_splits(folder.file("splits.csv"), manifest)
    if recipe is None or until == "plan":
        return folder

    began = time.monotonic()
    _check_disk(folder, recipe, splits)
    learned = _teacher(recipe)(
        recipe,
        manifest,
        splits,
        groups,
        work=folder.work,
        history_path=folder.file("history.csv"),
        data_digest=digest,
        narrator=narrator,
    )
    steps.took("train", began)
    if until == "train":
        _write_bundle(folder, learned, {})
        return folder
    began = time.monotonic()
    judged = _judge(recipe, folder)(
        learned.bundle,
        recipe,
        manifest,
        splits,
        groups,
        unreadable=frozenset(key for key, _ in learned.failed),
        narrator=narrator,
    )
    steps.took("evaluate", began)
    _finish(steps, recipe, manifest, learned, judged, digest)
    return folder


def _teacher(recipe: Recipe) -> Callable[..., Learned]:
    """What learns a recipe's form; torch and all are imported with it."""
    if recipe.task.form == "segment":
        from medlens.experiment.teach_masks import teach_masks

        return teach_masks
    if recipe.task.form == "sequence":
        from medlens.experiment.teach_series import teach_series

        return teach_series
    return teach


def _judge(recipe: Recipe, folder: RunFolder) -> Callable[..., Judged | JudgedMasks]:
    if recipe.task.form == "segment":
        return partial(judge_masks, work=folder.work)
    return judge_series if recipe.task.form == "sequence" else judge


def _check_disk(folder: RunFolder, recipe: Recipe, splits: Sequence[str]) -> None:
    cases = sum(name in LEARNED for name in splits)
    size, smaller = _prepared_bytes(folder, recipe)
    needed = int(cases * size / 2**20) + 400  # checkpoint, graph, report
    free = free_disk_mb(folder.path)
    if free < needed:
        raise ResourceError(
            f"disk: {free} MB are free where the run folder lies; this run needs about "
            f"{needed} MB: free some space, choose another --out, or {smaller}"
        )


def _prepared_bytes(folder: RunFolder, recipe: Recipe) -> tuple[float, str]:
    """Of a typical case in the cache, and what would make it smaller."""
    net, width = recipe.net, recipe.prep.cache_bits // 8
    found = (read_json(folder.file("audit.json")) or {}).get("fingerprint", {})
    if recipe.task.form != "segment":
        # a step may show a part of a series; the cache keeps every slice
        is_read = recipe.task.form == "sequence"
        depth = max(net.depth, found.get("depth", 1)) if is_read else net.depth
        voxels = depth * net.height * net.width
        smaller = "lower net.height and net.width in the recipe"
        return net.channels * voxels * width, smaller
    sides = [found.get(name, 1) for name in ("depth", "height", "width")]
    spacing = found.get("spacings") or ()
    if len(spacing) == len(net.spacing) == 3 and net.depth > 1:
        sides = [n * a / b for n, a, b in zip(sides, spacing, net.spacing, strict=True)]
    # values, and a byte for the label of each voxel
    return math.prod(sides) * (net.channels * width + 1), "coarsen the spacing"


def _write_bundle(
    folder: RunFolder,
    learned: Learned,
    splits: dict[str, Any],
    curves: dict[str, Any] | None = None,
) -> str:
    summary = {
        name: {
            "n_cases": entry["n_cases"],
            "n_patients": entry["n_patients"],
            "unit": entry["unit"],
            "metrics": entry["metrics"],
        }
        for name, entry in splits.items()
    }
    bundle = replace(
        learned.bundle,
        name=_bundle_name(folder),
        intended_use=INTENDED_USE,
        metrics=summary,
        curves=curves or {},
        training={**learned.bundle.training, "modality": _modality(folder)},
    )
    card = write_card(bundle, splits)
    return write_bundle(folder.file("bundle"), bundle, card=card, force=True)


def _curves_of(bundle: Bundle, judged: Judged | JudgedMasks) -> dict[str, Any]:
    """Of the test split; {} where there is none: validation curves would flatter."""
    entry = judged.splits.get("test")
    if entry is None:
        return {}
    if isinstance(judged, JudgedMasks):
        return shape_masks(bundle, entry, judged.table, "test")
    return shape_cases(bundle, entry, judged.table, judged.series, "test")


def _modality(folder: RunFolder) -> str:
    """What most training images say they are; a service offers the bundle no other."""
    found = (read_json(folder.file("audit.json")) or {}).get("fingerprint", {})
    return str(found.get("modality") or "")


def _bundle_name(folder: RunFolder) -> str:
    name = "".join(
        c if c.isascii() and (c.isalnum() or c in "._-") else "-"
        for c in folder.path.resolve().name
    ).strip("._-")
    return name[:64] or "medlens"


def _finish(
    steps: Walk,
    recipe: Recipe,
    manifest: Manifest,
    learned: Learned,
    judged: Judged | JudgedMasks,
    digest: str,
) -> None:
    folder, narrator = steps.folder, steps.narrator
    narrator.step("Report")
    began = time.monotonic()
    if isinstance(judged, JudgedMasks):
        write_mask_predictions(folder.file("predictions.csv"), judged.table)
    else:
        write_predictions(folder.file("predictions.csv"), judged.table)
        if judged.series is not None:
            write_predictions(folder.file("predictions_series.csv"), judged.series)
    task = {
        "form": recipe.task.form,
        "kind": manifest.kind,
        "labels": list(manifest.labels),
        "positive": manifest.positive,
    }
    write_metrics(folder.file("metrics.json"), judged.splits, task)
    curves = _curves_of(learned.bundle, judged)
    bundle_digest = _write_bundle(folder, learned, judged.splits, curves)
    kept = read_json(folder.work / "groups.json") or {}
    steps.seconds = {**kept.get("seconds", {}), **steps.seconds}
    state = {
        **folder.read_state(),
        "schema": "medlens/run/1",
        "versions": versions(),
        "seed": recipe.train.seed,
        "data": {"digest": digest, "name": manifest.root.name},
        "machine": machine_facts(),
        "seconds": steps.seconds,
        "plan": kept.get("plan", []),
        "command": command_line(steps.request),
        "budget_seconds": steps.request.budget,
        "bundle_digest": bundle_digest,
        "failed": [
            {"case": key, "reason": reason}
            for key, reason in [
                *learned.failed,
                *((item.case, item.reason) for item in judged.failed),
            ]
        ],
    }
    folder.write_state(state)
    write_report(folder.path, examples=judged.examples)
    steps.took("report", began)
    steps.seconds["whole"] = round(sum(steps.seconds.values()), 2)
    folder.write_state({**state, "seconds": steps.seconds, "status": "done"})
    _tidy(folder)


def _tidy(folder: RunFolder) -> None:
    """Cache and checkpoint have done their work; audit, bundle and tables stay."""
    for name in (*CACHES, "checkpoint.pt", "model.onnx"):
        (folder.work / name).unlink(missing_ok=True)
    shutil.rmtree(folder.work / ANSWERS, ignore_errors=True)
    for fold in folder.work.glob("fold-*"):
        shutil.rmtree(fold, ignore_errors=True)
    for name in ("groups.json", "lock"):
        (folder.work / name).unlink(missing_ok=True)
    folder.work.rmdir()
