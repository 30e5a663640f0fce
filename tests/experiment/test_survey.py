"""A recipe from a person, held against the data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medlens.core import UsageError
from medlens.datasets import Manifest, read_manifest
from medlens.experiment.survey import _follow
from medlens.recipe import Recipe, TaskSettings, TrainSettings
from tests.cli.command import medlens
from tests.datasets.forms_kit import touch
from tests.experiment.volumes import SEGMENT_2D, make_discs


@pytest.fixture(scope="module")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    folder = make_discs(tmp_path_factory.mktemp("discs"), cases=4)
    return read_manifest(folder, task="segment")


def recipe_of(manifest: Manifest, **task: Any) -> Recipe:
    settings = TaskSettings(form=manifest.form, **task)
    return Recipe(task=settings, train=TrainSettings(steps=10))


def test_what_a_recipe_leaves_out_is_that_of_the_data(discs: Manifest) -> None:
    followed = _follow(recipe_of(discs), discs)
    assert followed.task.mask_values == discs.mask_values == (0, 255)
    assert followed.task.labels == discs.labels
    assert _follow(followed, discs) == followed


def test_other_values_in_the_masks_are_refused(discs: Manifest) -> None:
    given = recipe_of(discs, mask_values=(0, 3), labels=discs.labels)
    wanted = (
        "recipe: task.mask_values are 0, 3; the masks of DATA hold 0, 255, in the "
        "order of the labels: correct it"
    )
    with pytest.raises(UsageError, match=wanted):
        _follow(given, discs)
    turned = replace(given, task=replace(given.task, mask_values=(255, 0)))
    with pytest.raises(UsageError, match=r"task\.mask_values are 255, 0"):
        _follow(turned, discs)


def test_another_positive_label_is_refused(tmp_path: Path) -> None:
    names = [f"{('no', 'yes')[i % 2]}/{i}.png" for i in range(4)]
    manifest = read_manifest(touch(tmp_path, names))
    given = recipe_of(manifest, labels=("no", "yes"), positive="no")
    wanted = "task.positive is 'no'; DATA reads 'yes' as positive: correct it"
    with pytest.raises(UsageError, match=wanted):
        _follow(given, manifest)
    right = replace(given, task=replace(given.task, positive="yes"))
    assert _follow(right, manifest) == right


def test_a_recipe_edited_after_the_plan_is_held_against_the_data_too(
    tmp_path: Path,
) -> None:
    data = make_discs(tmp_path / "discs", cases=16)
    (tmp_path / "given.toml").write_text(SEGMENT_2D)
    words = (data, "--recipe", tmp_path / "given.toml", "--out", tmp_path / "run")
    done = medlens("plan", *words)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "run" / "recipe.toml"
    planned = path.read_text(encoding="utf-8")
    assert "mask_values = [0, 255]" in planned
    path.write_text(planned.replace("[0, 255]", "[0, 1]"), encoding="utf-8")
    done = medlens("train", *words)
    assert done.returncode == 2
    assert "task.mask_values are 0, 1; the masks of DATA hold 0, 255" in done.stderr
