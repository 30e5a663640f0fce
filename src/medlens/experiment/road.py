"""The whole road: audit → split → plan → train → calibrate → evaluate → report."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from medlens.bundle import write_bundle
from medlens.core import DataError, ResourceError, UsageError
from medlens.datasets import (
    Manifest,
    check_trainable,
    describe_split,
    merge_groups,
    read_manifest,
    read_splits,
    split,
    write_splits,
)
from medlens.datasets import audit as audit_data
from medlens.evaluate import write_metrics, write_predictions
from medlens.experiment.facts import gather_facts
from medlens.experiment.folder import (
    RunFolder,
    locked,
    open_run_folder,
    read_json,
    write_json,
)
from medlens.experiment.judge import Judged, judge
from medlens.experiment.machine import (
    free_disk_mb,
    machine_facts,
    versions,
)
from medlens.experiment.narrator import Narrator
from medlens.experiment.request import Request
from medlens.experiment.teach import Learned, teach
from medlens.plan import make_plan
from medlens.recipe import Recipe, SplitSettings, load_recipe, write_recipe
from medlens.report import write_card, write_report

Stage = Literal["audit", "plan", "train", "run"]
INTENDED_USE = (
    "Research on images like those it was trained on. Not a medical device; "
    "no patient may be treated on its answer."
)


@dataclass
class _Walk:
    """What one walk carries from step to step."""

    request: Request
    folder: RunFolder
    narrator: Narrator
    started: float
    seconds: dict[str, float]

    def took(self, step: str, since: float) -> None:
        self.seconds[step] = round(time.monotonic() - since, 2)


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
    if request.task not in ("auto", "classify"):
        raise UsageError(
            f"--task {request.task}: this version classifies; wanted auto or classify"
        )
    given = load_recipe(request.recipe) if request.recipe else None
    manifest = read_manifest(
        request.data,
        labels=request.labels,
        label_column=request.label_column,
        patient_column=request.patient_column,
    )
    check_trainable(manifest)
    folder = open_run_folder(
        request.out, request=request.identity(), force=request.force
    )
    with locked(folder):
        steps = _Walk(request, folder, narrator, time.monotonic(), {})
        return _walk(steps, manifest, given, until)


def _walk(
    steps: _Walk, manifest: Manifest, given: Recipe | None, until: Stage
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
    groups, recipe = _prepare(steps, manifest, given, until)
    if until == "audit":
        return folder
    splits = read_splits(folder.file("splits.csv"), manifest)
    if recipe is None or until == "plan":
        return folder

    began = time.monotonic()
    _check_disk(folder, recipe, splits)
    learned = teach(
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
    judged = judge(
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


def _prepare(
    steps: _Walk, manifest: Manifest, given: Recipe | None, until: Stage
) -> tuple[list[int], Recipe | None]:
    """Audit, split and plan, or what an earlier walk left of them."""
    folder, narrator = steps.folder, steps.narrator
    done = read_json(folder.work / "groups.json")
    recipe_path = folder.file("recipe.toml")
    if done is not None and recipe_path.is_file() and until != "audit":
        groups = [int(group) for group in done["groups"]]
        return groups, load_recipe(recipe_path)

    for note in manifest.notes:
        narrator.say(note)
    narrator.step("Audit")
    began = time.monotonic()
    found = audit_data(manifest, progress=narrator.progress)
    audit_seconds = time.monotonic() - began
    write_json(folder.file("audit.json"), found.to_json())
    for sentence in found.sentences():
        narrator.say(sentence)
    steps.took("audit", began)
    if until == "audit":
        return list(found.groups), None

    narrator.step("Split and plan")
    began = time.monotonic()
    settings = given.split if given else SplitSettings(seed=steps.request.seed)
    groups = list(merge_groups(manifest, found.pairs()))
    splits = _left_out(split(manifest, groups, settings), manifest, found)
    write_splits(folder.file("splits.csv"), manifest, groups, splits)
    for sentence in describe_split(manifest, splits):
        narrator.say(sentence)
    if given is not None:
        recipe = _follow(given, manifest)
        choices: list[dict[str, str]] = []
        write_recipe(recipe, recipe_path)
        narrator.say("Following the given recipe.")
    else:
        from medlens.train import measure_speed

        facts = gather_facts(
            manifest,
            splits,
            found.fingerprint,
            request=steps.request,
            audit_seconds=audit_seconds,
            seconds_used=time.monotonic() - steps.started,
        )
        plan = make_plan(facts, lambda r: measure_speed(r, labels=len(manifest.labels)))
        recipe = plan.recipe
        choices = [
            {"rule": c.key, "choice": c.choice, "reason": c.reason}
            for c in plan.choices
        ]
        for choice in plan.choices:
            narrator.say(f"{choice.key}: {choice.choice} ({choice.reason})")
        write_recipe(recipe, recipe_path, reasons=plan.reasons())
    steps.took("plan", began)
    write_json(
        folder.work / "groups.json",
        {"groups": groups, "plan": choices, "seconds": steps.seconds},
    )
    return groups, recipe


def _left_out(splits: Sequence[str], manifest: Manifest, found: Any) -> tuple[str, ...]:
    """Unreadable cases belong to no split."""
    unread = {key for key, _ in found.unreadable}
    return tuple(
        "" if case.key in unread else name
        for case, name in zip(manifest.cases, splits, strict=True)
    )


def _follow(given: Recipe, manifest: Manifest) -> Recipe:
    """A recipe from a person, held against the data set."""
    if given.task.labels and given.task.labels != manifest.labels:
        raise UsageError(
            f"recipe: task.labels are {', '.join(given.task.labels)}; DATA has "
            f"{', '.join(manifest.labels)}: correct one of them"
        )
    if given.train.path != "frozen" and given.train.steps == 0:
        raise UsageError(
            "recipe: train.steps is 0; wanted the number of steps to train "
            "(`medlens plan` fills it in from the budget)"
        )
    task = replace(
        given.task,
        kind=manifest.kind,
        labels=manifest.labels,
        positive=manifest.positive,
    )
    return replace(given, task=task)


def _check_disk(folder: RunFolder, recipe: Recipe, splits: Sequence[str]) -> None:
    cases = sum(name in ("train", "validation") for name in splits)
    net = recipe.net
    size = net.channels * net.height * net.width * recipe.prep.cache_bits // 8
    needed = int(cases * size / 2**20) + 400  # checkpoint, graph, report
    free = free_disk_mb(folder.path)
    if free < needed:
        raise ResourceError(
            f"disk: {free} MB are free where the run folder lies; this run needs about "
            f"{needed} MB: free some space, choose another --out, or lower net.height "
            "and net.width in the recipe"
        )


def _write_bundle(folder: RunFolder, learned: Learned, splits: dict[str, Any]) -> str:
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
    )
    card = write_card(bundle, splits)
    return write_bundle(folder.file("bundle"), bundle, card=card, force=True)


def _bundle_name(folder: RunFolder) -> str:
    name = "".join(
        c if c.isascii() and (c.isalnum() or c in "._-") else "-"
        for c in folder.path.resolve().name
    ).strip("._-")
    return name[:64] or "medlens"


def _finish(
    steps: _Walk,
    recipe: Recipe,
    manifest: Manifest,
    learned: Learned,
    judged: Judged,
    digest: str,
) -> None:
    folder, narrator = steps.folder, steps.narrator
    narrator.step("Report")
    began = time.monotonic()
    write_predictions(folder.file("predictions.csv"), judged.table)
    task = {
        "kind": manifest.kind,
        "labels": list(manifest.labels),
        "positive": manifest.positive,
    }
    write_metrics(folder.file("metrics.json"), judged.splits, task)
    bundle_digest = _write_bundle(folder, learned, judged.splits)
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
    for name in ("cache.bin", "cache.json", "checkpoint.pt", "model.onnx"):
        (folder.work / name).unlink(missing_ok=True)
    for name in ("groups.json", "lock"):
        (folder.work / name).unlink(missing_ok=True)
    folder.work.rmdir()


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
    return " ".join(words)


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
