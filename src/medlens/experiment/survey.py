"""The first half of the road: audit → split → plan."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from medlens.core import UsageError
from medlens.datasets import (
    Manifest,
    describe_split,
    merge_groups,
    split,
    write_splits,
)
from medlens.datasets import audit as audit_data
from medlens.experiment.facts import gather_facts
from medlens.experiment.folder import RunFolder, read_json, write_json
from medlens.experiment.machine import memory_mb
from medlens.experiment.narrator import Narrator
from medlens.experiment.request import Request
from medlens.plan import check_step, make_plan
from medlens.recipe import Recipe, SplitSettings, load_recipe, write_recipe

Stage = Literal["audit", "plan", "train", "run"]


@dataclass
class Walk:
    """What one walk carries from step to step."""

    request: Request
    folder: RunFolder
    narrator: Narrator
    started: float
    seconds: dict[str, float]

    def took(self, step: str, since: float) -> None:
        self.seconds[step] = round(time.monotonic() - since, 2)


def survey(
    steps: Walk, manifest: Manifest, given: Recipe | None, until: Stage
) -> tuple[list[int], Recipe | None]:
    """Audit, split and plan, or what an earlier walk left of them.

    Returns:
        The group of each case, and the recipe; None where the walk ends before.
    """
    folder, narrator = steps.folder, steps.narrator
    done = read_json(folder.work / "groups.json")
    recipe_path = folder.file("recipe.toml")
    if done is not None and recipe_path.is_file() and until != "audit":
        groups = [int(group) for group in done["groups"]]
        # a person may have edited it since it was written
        return groups, _follow(load_recipe(recipe_path), manifest)

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
    _check_words(given, manifest)
    if given.train.path != "frozen" and given.train.steps == 0:
        raise UsageError(
            "recipe: train.steps is 0; wanted the number of steps to train "
            "(`medlens plan` fills it in from the budget)"
        )
    form = given.task.form
    if form != manifest.form and {form, manifest.form} != {"sequence", "volume"}:
        raise UsageError(
            f"recipe: task.form is {form!r}; DATA has the form {manifest.form!r}: "
            "correct it, or pass another --task"
        )
    task = replace(
        given.task,
        kind=manifest.kind,
        labels=manifest.labels,
        positive=manifest.positive,
        mask_values=manifest.mask_values,
    )
    recipe = replace(given, task=task)
    check_step(recipe, memory_mb())
    return recipe


def _check_words(given: Recipe, manifest: Manifest) -> None:
    """Refuse what a recipe says of DATA and DATA does not.

    Raises:
        UsageError: the positive label or the values in the masks differ.
    """
    positive, values = given.task.positive, given.task.mask_values
    if positive and positive != manifest.positive:
        found = repr(manifest.positive) if manifest.positive else "none"
        raise UsageError(
            f"recipe: task.positive is {positive!r}; DATA reads {found} as positive: "
            "correct it, or leave the line out"
        )
    if values and values != manifest.mask_values:
        found = ", ".join(map(str, manifest.mask_values)) or "none"
        raise UsageError(
            f"recipe: task.mask_values are {', '.join(map(str, values))}; the masks of "
            f"DATA hold {found}, in the order of the labels: correct it, or leave the "
            "line out"
        )
